"""JSON text with nothing lost, checked against a tokenizer of the test's own."""

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gws_replay.core import lossless_json
from gws_replay.core.json_compare import compare_userdata, same
from gws_replay.core.lossless_json import Repeated
from tests.support.builders import JSON, growth, spelled
from tests.support.json_texts import NUMBERS, TEXTS, pairs, tokens


@given(TEXTS)
@settings(max_examples=120)
def test_laying_out_keeps_every_token(text: str) -> None:
    """No duplicate key, number spelling or escape is lost, and the text stays JSON."""
    laid_out = lossless_json.indented(text)
    assert tokens(text) == tokens(laid_out)
    assert pairs(text) == pairs(laid_out)


@given(TEXTS)
def test_laying_out_twice_is_laying_out_once(text: str) -> None:
    """A cassette that is loaded and saved does not drift."""
    once = lossless_json.indented(text)
    assert once == lossless_json.indented(once)


def test_layout_puts_every_member_on_a_line() -> None:
    """Two spaces a level; empty containers stay on one line."""
    laid_out = lossless_json.indented('{"a":[1.50,{}],"a" : [ ],"b":{"c":"x,y"}}')
    expected = '{\n  "a": [\n    1.50,\n    {}\n  ],\n  "a": [],\n  "b": {\n    "c": "x,y"\n  }\n}'
    assert expected == laid_out


@given(TEXTS)
@settings(max_examples=120)
def test_children_make_up_their_parent(text: str) -> None:
    """Put together again, the children of a container are the container."""
    children = list(lossless_json.children(text))
    if text.strip()[0] == "[":
        assert all(key is None for key, _ in children)
        assert pairs(text) == pairs("[" + ",".join(child for _, child in children) + "]")
    elif text.strip()[0] == "{":
        assert pairs(text) == pairs("{" + ",".join(f"{json.dumps(key)}:{child}" for key, child in children) + "}")
    else:
        assert [] == children


def test_children_are_as_they_were_written() -> None:
    """Spelling and inner whitespace are kept, and keys are decoded."""
    text = ' { "a\\u0062" : [ 1.50, 2 ] , "c":1E5,"c" : "}" } '
    assert [("ab", "[ 1.50, 2 ]"), ("c", "1E5"), ("c", '"}"')] == list(lossless_json.children(text))


@given(TEXTS)
def test_loads_agrees_with_json(text: str) -> None:
    """Where no key is repeated the value is the one that json reads; negative zero is zero."""

    def plain(value: Any) -> Any:
        if isinstance(value, Repeated):
            return plain(value.values[-1])
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list) else value

    expected = json.loads(text, parse_float=lambda spelling: float(spelling) + 0.0)
    assert spelled(expected) == spelled(plain(lossless_json.loads(text)))


def test_repeated_keys_are_kept_in_their_order() -> None:
    """Every value of a key is there, at the place of its first; other keys are as usual."""
    parsed = lossless_json.loads('{"a":1,"b":2,"a":[3],"a":null}')
    assert {"a": Repeated((1, [3], None)), "b": 2} == parsed
    assert ["a", "b"] == list(parsed)


def test_one_repeated_key_does_not_make_parsing_quadratic() -> None:
    """A 10 MB body with one repeated key must be read as quickly as one without."""
    texts = {n: "{" + ",".join(f'"key{i}":0' for i in range(n)) + ',"key0":1}' for n in (500, 2000)}
    assert growth(lambda n: lossless_json.loads(texts[n]), 500) < 9


@given(JSON, JSON)
@settings(max_examples=120)
@example([1], [True])
@example({"a": 1, "b": 2}, {"b": 2, "a": 1})
def test_canonical_is_equal_exactly_when_values_are(one: Any, other: Any) -> None:
    """Types count, key order does not."""
    assert (spelled(one) == spelled(other)) == (lossless_json.canonical(one) == lossless_json.canonical(other))
    assert lossless_json.canonical(one) == lossless_json.canonical(json.loads(json.dumps(one)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", '"1"'),
        ("1", "true"),
        ("[1]", "[true]"),
        ("0", "false"),
        ("null", "{}"),
        (str(2**53), str(2**53 + 1)),
        ('{"a":null}', "{}"),
        ('{"a":1,"a":2}', '{"a":[1,2]}'),
        ('{"a":1,"a":2}', '{"a":2,"a":1}'),
        ('{"a":1,"a":1}', '{"a":1}'),
        ('{"a":1,"a":2}', '{"a":{"repeated key":[1,2]}}'),
        ('"\\ud800"', '"\\ud801"'),
    ],
)
def test_canonical_tells_apart(one: str, other: str) -> None:
    """Values that are not the same never have the same spelling."""
    assert lossless_json.canonical(lossless_json.loads(one)) != lossless_json.canonical(lossless_json.loads(other))


@pytest.mark.parametrize(("one", "other"), [("1.50", "1.5"), ("1E5", "100000.0"), ("-0", "0"), ("-0.0", "0.0")])
def test_canonical_and_same_agree_on_spellings_of_a_number(one: str, other: str) -> None:
    """What matches a request is equal when it is compared."""
    mine, theirs = lossless_json.loads(one), lossless_json.loads(other)
    assert same(mine, theirs)
    assert lossless_json.canonical(mine) == lossless_json.canonical(theirs)


DEEP = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEP + "]" * DEEP,
        "[" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        "",
        " ",
        '{"a":1',
        '{"a":}',
        '["a"',
        '"a',
        "[1,]",
        "{'a':1}",
        "01",
        "tru",
        '["a\nb"]',
        "{} {}",
        "\ufeff{}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_not_json_is_refused(text: str) -> None:
    """Torn, over-deep and almost-JSON text is a ValueError, never a value and never another error."""
    with pytest.raises(ValueError, match=r"."):
        lossless_json.loads(text)
    assert lossless_json.loads_or_none(text) is None


@pytest.mark.parametrize("text", ["1", '"a"', "null", "true", b"\xff{}", b"\x1f\x8b\x08", b"a=1&b=2"])
def test_only_containers_count_as_json_bodies(text: str | bytes) -> None:
    """A scalar, a form or bytes that are not UTF-8 stay as they are."""
    assert lossless_json.loads_or_none(text) is None


def test_body_may_be_text_or_bytes() -> None:
    """Both give the same value."""
    assert {"ä": 1} == lossless_json.loads_or_none('{"ä":1}') == lossless_json.loads_or_none('{"ä":1}'.encode())


def test_dumps_shows_repeated_keys_and_letters() -> None:
    """Messages show what stood there, readable."""
    assert '{"ä": {"repeated key": [1, 2]}}' == lossless_json.dumps(lossless_json.loads('{"ä":1,"ä":2}'))


def test_other_objects_are_no_json_values() -> None:
    """A value that JSON does not have is an error of the caller."""
    with pytest.raises(TypeError, match="object is not a JSON value"):
        lossless_json.canonical({"a": object()})


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("3e500", "30e499", True),
        ("3e500", "3e501", False),
        ("-3e500", "3e500", False),
        ("98765432109876543210.125", "98765432109876543210.1250", True),
        ("98765432109876543210.125", "98765432109876543210.25", False),
        ("2.00000000000000000003", "2.0", False),
        ("0.3", "0.299999999999999988897769753748", False),
        ("5e-400", "0.0", False),
        ("-0.0", "0e9", True),
        ("2.50", "2.5", True),
        ("200", "2e2", False),
        ("200.0", "2e2", True),
        ("200", "200.0", False),
        ("7" * 5000, "7" * 5000, True),
        ("7" * 5000, "7" * 4999 + "8", False),
        ("1" * 30, "1" * 30 + ".0", False),
        ("1e" + "9" * 5000, "1e" + "9" * 5000, True),
        ("NaN", "NaN", True),
        ("Infinity", "-Infinity", False),
        ("Infinity", "1e999", False),
    ],
)
def test_numbers_are_compared_as_decimals(one: str, other: str, equal: bool) -> None:
    """Of any length; an integer is another number than one with a fraction or an exponent."""
    mine, theirs = (lossless_json.loads(f'{{"a":[{each}]}}') for each in (one, other))
    assert equal == same(mine, theirs)
    assert equal == (lossless_json.canonical(mine) == lossless_json.canonical(theirs))
    assert equal == (not compare_userdata(mine, theirs))


@given(st.integers(1, 10**30), st.integers(-340, 340), st.booleans())
def test_number_keeps_every_digit(digits: int, exponent: int, negative: bool) -> None:
    """It equals itself in another spelling, and not the number beside it."""
    sign = "-" if negative else ""
    read = lossless_json.loads(f"{sign}{digits}e{exponent}")
    assert same(read, lossless_json.loads(f"{sign}{digits}0e{exponent - 1}"))
    assert not same(read, lossless_json.loads(f"{sign}{digits + 1}e{exponent}"))


def test_exact_numbers_are_shown_as_they_were_written() -> None:
    """To people as numbers; to programs, which cannot hold them, as strings."""
    read = lossless_json.loads('{"a":3e500,"b":NaN,"c":0.30000000000000000001,"d":"\\u00001\\u0000x"}')
    shown = '{"a": 3e500, "b": NaN, "c": 0.30000000000000000001, "d": "\\u00001\\u0000x"}'
    assert shown == lossless_json.dumps(read)
    assert {**json.loads(shown), "a": "3e500", "b": "NaN", "c": "0.30000000000000000001"} == json.loads(
        lossless_json.dumps_ascii(read)
    )


def test_callers_own_numbers_are_compared_with_recorded_ones() -> None:
    """A Decimal, and the float NaN, which Python holds for unequal to itself."""
    assert same(Decimal("3e500"), lossless_json.loads("3e500"))
    assert same(Decimal("0.25"), 0.25)
    assert not same(Decimal("0.1"), lossless_json.loads("0.1000000000000000055"))
    assert same(math.nan, lossless_json.loads("NaN"))
    assert not same(math.inf, lossless_json.loads("1e999"))


BODY = '{"Name":"Zo\u00eb"}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BODY.encode(), None),
        (BODY.encode(), "application/json; charset=UTF-8"),
        (BODY.encode("utf-8-sig"), None),
        (BODY.encode("utf-8-sig"), "application/json;charset=iso-8859-1"),
        (BODY.encode("utf-16"), "application/json"),
        (BODY.encode("utf-32-be"), None),
        (BODY.encode("latin-1"), 'application/json; Charset="ISO-8859-1"'),
        (BODY.encode("cp1252"), "text/plain; charset=windows-1252"),
        (BODY.encode(), "application/json; charset=no-such"),
        (b" \r\n" + BODY.encode(), None),
    ],
)
def test_body_is_read_as_clients_read_it(body: bytes, content_type: str | None) -> None:
    """With a byte order mark, or in the encoding that the Content-Type names."""
    assert {"Name": "Zo\u00eb"} == lossless_json.parse_body(body, content_type)


@pytest.mark.parametrize("body", [b"", b"text", b'"text"', b"1", b'{"a":"\xff"}', b"\xef\xbb\xbf", b"<html>"])
def test_body_that_holds_no_json_object_is_none(body: bytes) -> None:
    """Whatever it is instead."""
    assert lossless_json.parse_body(body) is None


@given(TEXTS)
def test_one_line_keeps_every_token(text: str) -> None:
    """Nothing but the white space between tokens goes; laid out again it is what it was."""
    line = lossless_json.compact(text)
    assert tokens(text) == tokens(line)
    assert "".join(tokens(text)) == line
    assert lossless_json.indented(text) == lossless_json.indented(line)


OBJECTS = TEXTS.filter(lambda text: text.lstrip()[0] == "{")


@given(OBJECTS, OBJECTS)
@settings(max_examples=60)
def test_merging_is_the_union_of_members(text: str, newer: str) -> None:
    """A key of both has the newer value, and once, though it was repeated; the others keep their order and spelling."""
    old, new = list(lossless_json.children(text)), dict(lossless_json.children(newer))
    merged = lossless_json.merged(text, newer)
    assert json.loads(text) | json.loads(newer) == json.loads(merged)
    found = list(lossless_json.children(merged))
    assert {key: [value] for key, value in new.items()} == {
        key: [value for name, value in found if name == key] for key in new
    }
    for key in {key for key, _ in old} - set(new):
        assert [value for name, value in old if name == key] == [value for name, value in found if name == key]
    assert list(dict.fromkeys([*(key for key, _ in old), *new])) == list(dict.fromkeys(key for key, _ in found))


def test_merging_keeps_spellings() -> None:
    """Of members that stay and of those that come; repeated keys stay where nothing is newer."""
    old = '{"a" : 1.50, "b": [1,  2], "c": 1, "c": 2, "d": 1, "d": 2}'
    assert '{"a":1E5,"b":[1,  2],"c":1,"c":2,"d":null,"e":-0}' == lossless_json.merged(
        old, '{"d": null, "e": -0, "a": 1E5}'
    )


@given(st.dictionaries(st.text(max_size=3), st.sampled_from(["1.50", "{}", '"\\ud800"']), max_size=4))
@example({"\ud800": "1", "ä": "2", '"': "3"})
def test_members_are_assembled_to_an_object(members: dict[str, str]) -> None:
    """Whatever the keys are, it can be encoded; letters stay readable."""
    text = lossless_json.assembled(list(members.items()))
    assert list(members.items()) == list(lossless_json.children(text))
    text.encode()
    assert '{"ä":1}' == lossless_json.assembled([("ä", "1")])


@given(st.lists(NUMBERS, min_size=1, max_size=3))
def test_items_are_assembled_to_an_array(items: list[str]) -> None:
    """As they were written."""
    assert f"[{','.join(items)}]" == lossless_json.assembled([(None, item) for item in items])
    assert "{}" == lossless_json.assembled([])


def test_key_is_held_once() -> None:
    """Messages of one kind share the texts of their keys: they are a third of what a large recording holds."""
    one, other = (next(iter(lossless_json.loads(f'{{"a key": {number}}}'))) for number in (1, 2))
    assert one is other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, 2.50, null]}', True),
        ('{"a": NaN}', True),
        ('{"a": ' + "9" * 5000 + "}", True),
        ('{"a": 1,}', False),
        ('{"a": "b}', False),
        ("[" * 100_000, False),
        ("", False),
    ],
)
def test_what_is_json_is_what_can_be_parsed(text: str, expected: bool) -> None:
    """A number of great length, too."""
    assert expected == lossless_json.is_json(text)


@pytest.mark.parametrize(
    "text",
    [
        r'{"a": "b  \" , c", "d":  [1, 2]}',
        '{"a b" : " : ,  ",\n "c": [ ] , "": "" }',
        "[\n  1 ,\t2\r\n]",
        '"a  b"',
        " 5 ",
    ],
)
def test_compact_takes_white_space_away_outside_strings_only(text: str) -> None:
    """With and without escapes."""
    found = lossless_json.compact(text)
    assert json.loads(text) == json.loads(found)
    assert json.dumps(json.loads(text), separators=(",", ":")) == found
