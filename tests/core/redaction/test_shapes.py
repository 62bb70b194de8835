"""Shapes are found at any place, in time proportional to the text."""

import base64
import random
from collections.abc import Callable

import pytest

from gws_replay.core.redaction import shapes
from tests.support.builders import growth
from tests.support.redactors import redactor


def found(text: str) -> list[str]:
    """The parts of a text with a known shape."""
    parts = [*shapes.secrets_in(text), *shapes.personal_in(text, shapes.numbers_in(text), ip_addresses=True)]
    return [text[start:stop] for start, stop, _ in sorted(parts)]


@pytest.mark.parametrize(
    "number",
    [
        *(
            "+49 (30) 5550-2044",
            "+49\u00a030\u202f5550\u20092044",
            "+4930\u201055502044",
            "+1.230.555.0123",
            "(231) 555-0199",
        ),
        *("5555-5555-5555-4444", "3782 822463 10005", "4111\u00a01111\u00a01111\u00a01111"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "call {}, please", "({})", "tel:{}", "a{{{}}}", "room22 {}"])
def test_numbers_are_found_with_any_spaces(number: str, around: str) -> None:
    """Of telephones and cards."""
    assert number.lstrip("(") in " ".join(found(around.format(number)))


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-30 22:31:03,456", "8.5.101.04", "v1.2.3.4.5", "10-20-30-40", "+1 and +2", "4111111111111112"),
        *("the password is required", "basic knowledge", "bearer of news", "a@b", "user@host", "x = y", "12:30:45"),
        *("api/v2/me/calls/01RCC3N118B1V0SL8O7GK2LAES00000R", "src/components/AgentDesktop/useUserData2Hook.test.ts"),
        *("getElementsByClassNameAndTagName2Async", "0123456789abcdef0123456789abcdef01234567", "1.2.3", "::"),
    ],
)
def test_what_has_no_shape_stays(text: str) -> None:
    """Times, versions, paths, names of functions, hexadecimal ids."""
    assert [] == found(text)


@pytest.mark.parametrize("address", ["10.20.30.40", "192.168.0.1", "fe80::1ff:fe23:4567:890a", "2001:db8::1"])
def test_ip_addresses_are_found_if_that_is_wanted(address: str) -> None:
    """By a user's own rule."""
    assert [address] == found(f"from {address}, yes")
    text = f'{{"ip": "{address}"}}'.encode()
    assert address.encode() not in redactor(personal=["shape:ip-address"]).body(text)
    assert text == redactor().body(text)


@pytest.mark.parametrize("length", [32, 33, 64, 100, 203, 204, 500, 5_000, 200_000])
@pytest.mark.parametrize("signs", ["+/", "-_"])
def test_random_text_of_any_length_is_found(length: int, signs: str) -> None:
    """With slashes too; all but the few that look like something else."""
    chance = random.Random(length)
    missed = 0
    for _ in range(30 if length < 1000 else 3):
        text = base64.b64encode(chance.randbytes(length), signs.encode()).decode()[:length]
        missed += [text] != [each.rstrip("=") for each in found(f'"{text}"')]
    assert missed <= 4


def test_lines_of_random_text_are_one() -> None:
    """As base64 is broken into lines."""
    lines = base64.encodebytes(random.Random(3).randbytes(3000)).decode()
    assert [lines.strip()] == [each.strip() for each in found(lines)]


TEXTS: dict[str, Callable[[int], str]] = {
    "base64": lambda size: base64.b64encode(random.Random(1).randbytes(size)).decode(),
    "words": lambda size: "bonum et verum " * (size // 14),
    "tags": lambda size: '<p class="a b" id=c><a href="/x?y=1&amp;z=2">word</a></p>\n' * (size // 60),
    "times": lambda size: "2026-11-30 22:31:03,456 INFO [a.b] took 1234567 ms\n" * (size // 50),
    "digits": lambda size: "7" * size,
    "pluses": lambda size: "+1" * (size // 2),
    "at signs": lambda size: "a@" * (size // 2),
    "dots": lambda size: "a." * (size // 2) + "@b.de",
    "colons": lambda size: "password:" * (size // 9),
    "equals": lambda size: "token=" * (size // 6),
    "dashes": lambda size: "-----BEGIN " * (size // 11),
    "addresses": lambda size: "://a:" * (size // 5) + "@",
    "tokens": lambda size: "eyJ" * (size // 3),
    "escapes": lambda size: "\\u0041" * (size // 6),
    "percent": lambda size: "%41" * (size // 3),
    "entities": lambda size: "&amp;" * (size // 5),
    "braces": lambda size: '{"' * (size // 2),
    "quotes": lambda size: '"\\"' * (size // 3),
    "brackets": lambda size: "[" * size,
    "open tags": lambda size: "<a " * (size // 3),
    "parts": lambda size: "--B\r\ncontent-x: y\r\n\r\nz\r\n" * (size // 24),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_time_grows_with_the_text(name: str) -> None:
    """Linearly, for any content."""
    make = TEXTS[name]
    texts = {size: make(size).encode() for size in (40_000, 160_000)}

    def work(size: int) -> bytes:
        one = redactor()
        one.body(b'{"FirstName": "Bonum Verum", "password": "geheim-77", "phone": "+49 30 777777"}')
        return one.body(texts[size])

    assert growth(work, 40_000) < 9


def test_a_token_is_found_before_another_one() -> None:
    """Of another service, too."""
    tokens = ["AKIA" + "ABCDEFGHIJKLMNOP", "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"]
    assert tokens == found(" ".join(tokens))
    assert tokens[::-1] == found(" ".join(tokens[::-1]))
