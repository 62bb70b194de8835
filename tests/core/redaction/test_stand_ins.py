"""Stand-ins: equal for equal values, different for different ones, of the same shape, and impossible to reverse."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.redaction import shapes
from gws_replay.core.redaction.stand_ins import StandIns
from tests.support.redactors import KEY

# RFC 2606 and 6761: no address there belongs to a person.
RESERVED_DOMAIN = re.compile(r"(?i)(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$")
NAMES = st.text(alphabet="aAbBzZ019 .-_@ßÜéж王٣\U0001f600", min_size=1, max_size=8)
VALUES = NAMES | st.text(max_size=12) | st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.(com|de)", fullmatch=True)


def shape(text: str) -> list[tuple[bool, bool, bool]]:
    """What kind of character stands at each place."""
    return [(each.isupper(), each.islower(), each.isalnum()) for each in text]


@settings(max_examples=60)
@given(st.lists(VALUES, max_size=30))
def test_equal_values_have_one_stand_in_and_different_ones_have_two(values: list[str]) -> None:
    """Whatever the order and the number of the values."""
    stand_ins = StandIns(KEY)
    found = {value: stand_ins.of(value) for value in values}
    assert found == {value: stand_ins.of(value) for value in values}
    changed = {value: replaced for value, replaced in found.items() if replaced in stand_ins.given}
    assert len(changed) == len(set(changed.values()))


@settings(max_examples=60)
@given(NAMES)
def test_length_and_kinds_of_characters_stay(value: str) -> None:
    """Capitals, small letters, digits and signs, each at its place; e-mail addresses have a rule of their own."""
    replaced = StandIns(KEY).of(value)
    if not re.fullmatch(shapes.EMAIL.pattern, value):
        assert shape(value) == shape(replaced)


@settings(max_examples=60)
@given(VALUES)
def test_known_stand_in_is_not_replaced(value: str) -> None:
    """A recording that is redacted again does not change."""
    replaced = StandIns(KEY).of(value)
    assert replaced == StandIns(b"another", [replaced]).of(replaced)


def test_all_values_of_a_small_shape_get_different_stand_ins() -> None:
    """Ten digits, ten stand-ins; two-digit numbers keep a digit that is not zero in front."""
    stand_ins = StandIns(KEY)
    assert set(string.digits) == {stand_ins.of(digit) for digit in string.digits}
    numbers = {str(number) for number in range(10, 100)}
    assert numbers == {StandIns(KEY).of(n) for n in numbers} | numbers
    two = StandIns(KEY)
    assert 90 == len({two.of(number) for number in numbers})


@pytest.mark.parametrize("value", ["vitaliy.onv@genesyslab.de", "a.b+c@corp.com", "jo@mail.x.org"])
def test_stand_in_of_an_address_is_in_a_reserved_domain(value: str) -> None:
    """It is an address of the same length."""
    replaced = StandIns(KEY).of(value)
    assert len(value) == len(replaced)
    assert re.fullmatch(shapes.EMAIL.pattern, replaced)
    assert RESERVED_DOMAIN.search(replaced.rpartition("@")[2])


@pytest.mark.parametrize("value", ["4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"])
def test_a_card_number_keeps_its_check_digit(value: str) -> None:
    """And its network."""
    replaced = StandIns(KEY).of(value)
    assert (value[0], True, False) == (replaced[0], shapes.luhn(replaced), replaced == value)


@pytest.mark.parametrize("value", ["+49 (30) 123-4567", "-12", "10.50", "1e5", "7", "2015-09-02T15:39:22.000+0300"])
def test_signs_and_exponents_stay(value: str) -> None:
    """A phone number can be dialled, a number is one of JSON, a time keeps its form."""
    replaced = StandIns(KEY).of(value)
    assert re.sub(r"\d", "0", value.replace("e5", "")) == re.sub(r"\d", "0", replaced.replace("e5", ""))
    assert value.endswith("e5") == replaced.endswith("e5")


@pytest.mark.parametrize(
    "value",
    [
        *("10.1.2.3", "192.168.100.254", "::1", "fe80::1ff:fe23:4567:890a", "::ffff:192.168.100.1", "2001:db8::42"),
        *("2001:0DB8:0000:0000:0000:8A2E:0370:7334", "FE80::0370", "255.255.255.255"),
    ],
)
def test_stand_in_of_an_ip_address_is_an_ip_address(value: str) -> None:
    """Of the same version, length and spelling: whoever reads it as one can."""
    for number in range(20):
        given = StandIns(str(number).encode()).of(value)
        assert shapes.is_ip_address(given)
        assert (len(value), "." in value, ":" in value) == (len(given), "." in given, ":" in given)
        assert value != given
        assert given == (given.upper() if value.isupper() else given.lower())


def test_the_key_decides() -> None:
    """The same key gives the same stand-ins in another recording, another key gives others."""
    assert StandIns(KEY).of("Vitaliy Onv") == StandIns(KEY).of("Vitaliy Onv")
    assert StandIns(KEY).of("Vitaliy Onv") != StandIns(b"another").of("Vitaliy Onv")


def test_a_long_value_keeps_its_length_only() -> None:
    """A megabyte of text takes less than a second, and none of it is left."""
    value = "Secret 1, ü. " * 100_000
    replaced = StandIns(KEY).of(value)
    assert shape(value) == shape(replaced)
    assert "Secret" not in replaced


def test_half_a_surrogate_pair_has_a_letter_for_a_stand_in() -> None:
    """JSON can spell it, and the cassette's header could not hold it."""
    replaced = StandIns(KEY).of("\ud83dAnna\udc00")
    assert (6, True) == (len(replaced), replaced.isascii())
