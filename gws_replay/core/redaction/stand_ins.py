"""Stand-ins for personal values: the same type and shape, the same for the same value, another for another value.

A stand-in keeps the length, and of each character whether it is a capital, a small letter, another letter, a digit or
a sign; an e-mail address goes to a domain that is reserved (RFC 2606), a card number keeps its check digit. An address
in capitals has the same stand-in in capitals, a telephone number with other spaces the same digits. What is chosen
depends on a key that nobody else knows, so that a stand-in cannot be guessed back.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from gws_replay.core.redaction.shapes import CARD, EMAIL, PHONE, is_ip_address, luhn

# What is longer keeps only its shape beyond this.
_CHOSEN = 256
# How often another stand-in is tried: first one that is nothing that was seen, then one that is not used.
_PICKY, _TRIES = 32, 500
_SAME_DIGITS = 9  # two telephone numbers that end in the same digits are one
_SCHEME = re.compile(r"(?i)(?:https?|tel|sips?|mailto):(?://)?")
_NUMBER = re.compile(r"(-?)([0-9])([0-9]*(?:\.[0-9]+)?)((?:[eE][+-]?[0-9]+)?)")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?=[^.]*:)[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?")
_PART = re.compile(r"\d+(?=\.|\Z)|[0-9A-Fa-f]+")
_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_BEYOND = str.maketrans({**dict.fromkeys(_LOWER, "x"), **dict.fromkeys(_UPPER, "X"), **dict.fromkeys(_DIGITS, "0")})


class StandIns:
    """The stand-ins of one recording. `settled` are stand-ins that were made before, by somebody else."""

    def __init__(self, key: bytes, settled: Iterable[str] = ()) -> None:
        self.settled = frozenset(settled)
        self.of_value: dict[str, str] = {}
        self.given: list[str] = []
        self._used = set(self.settled)
        self._key = key

    def of(self, value: str) -> str:
        """Return the stand-in of a value; what holds no letter and no digit, and a stand-in, is itself."""
        if value in self.settled:
            return value
        chosen = self.of_value.get(value)
        if chosen is None:
            if not any(map(str.isalnum, value)):
                return value
            chosen = self.of_value[value] = self._new(value)
            self.given.append(chosen)
            self._used.add(chosen)
        return chosen

    def adopt(self, value: str, stand_in: str) -> None:
        """Let a stand-in that somebody else made stand for a value."""
        self.of_value[value] = stand_in
        if stand_in not in self._used:
            self._used.add(stand_in)
            self.given.append(stand_in)

    def has_given(self, text: str) -> bool:
        """Tell whether a text is a stand-in, and no value that has one."""
        return text in self._used and text not in self.of_value

    def _new(self, value: str) -> str:
        make, spelling = _maker(value)
        seed = hmac.digest(self._key, spelling.encode("utf-8", "surrogatepass"), "sha256")
        found = value
        for attempt in range(2 * _TRIES):
            stream = hashlib.shake_256(seed + attempt.to_bytes(2, "big")).digest(2 * min(len(value), _CHOSEN) + 8)
            found = make(value, stream)
            if attempt >= _TRIES:  # so many are used that none of the shape is left
                found += "".join(_LOWER[byte % 26] for byte in stream[:6])
            if found not in self._used and (attempt >= _PICKY or (found != value and found not in self.of_value)):
                break
        return found


def _maker(value: str) -> tuple[Callable[[str, bytes], str], str]:
    """Return what makes the stand-in of a value, and what it depends on: less than the value if spellings differ."""
    if EMAIL.fullmatch(value):
        return _email, value.lower()
    if CARD.fullmatch(value) and luhn(value):
        return _card, value
    if PHONE.fullmatch(value):
        return _phone, "".join(filter(str.isdecimal, value))[-_SAME_DIGITS:]
    if _ADDRESS.fullmatch(value) and is_ip_address(value):
        return _address, value
    return (_number if _NUMBER.fullmatch(value) else _alike), value


def _email(value: str, stream: bytes) -> str:
    small = value.lower()
    given = _small_email(small, stream)
    if small == value or len(given) != len(value) or len(small) != len(value):
        return given
    if value.isupper():
        return given.upper()
    local = value.rpartition("@")[0]
    return (
        "".join(new.upper() if old.isupper() else new for old, new in zip(local, given, strict=False))
        + given[len(local) :]
    )


def _small_email(value: str, stream: bytes) -> str:
    local, _, domain = value.rpartition("@")
    ending = ".example" if len(domain) > 8 else ".test"
    if len(domain) <= len(ending):
        if len(value) < len(ending) + 3:
            return _alike(value, stream)  # a@b.de: there is no room
        local, domain = value[: len(value) - len(ending) - 2], "x" * (len(ending) + 1)
    label = _alike("x" * (len(domain) - len(ending)), stream[len(local) :])
    return f"{_alike(local, stream)}@{label}{ending}"


def _phone(value: str, stream: bytes) -> str:
    """Choose the digits from the last to the first: so they are the same with another prefix."""
    digits = iter(stream)
    return "".join(_DIGITS[next(digits) % 10] if each.isdecimal() else each for each in reversed(value))[::-1]


def _card(value: str, stream: bytes) -> str:
    given = value[0] + _alike(value[1:], stream)
    return next(each for digit in _DIGITS if luhn(each := given[:-1] + digit))


def _address(value: str, stream: bytes) -> str:
    """Choose an IP address with parts of the same lengths: a decimal part is 255 at most, zeros stay."""
    is_v4 = "." in value
    chosen, at = "", 0
    for found in _PART.finditer(value):
        is_decimal = is_v4 and ":" not in value[found.start() :]
        part = _part_of_address(found[0], stream[found.start() :], is_decimal=is_decimal, is_upper=value.isupper())
        chosen += value[at : found.start()] + part
        at = found.end()
    return chosen + value[at:]


def _part_of_address(part: str, stream: bytes, *, is_decimal: bool, is_upper: bool) -> str:
    if is_decimal:
        first, last = (0, 9) if len(part) == 1 else (10, 99) if len(part) == 2 else (100, 255)
        return str(first + int.from_bytes(stream[:4], "big") % (last - first + 1))
    letters = "123456789" + ("ABCDEF" if is_upper else "abcdef")
    return "".join(each if each == "0" else letters[byte % 15] for each, byte in zip(part, stream, strict=False))


def _number(value: str, stream: bytes) -> str:
    """Keep it a number of JSON: no zero comes to its beginning, and the exponent stays."""
    sign, first, rest, exponent = _NUMBER.fullmatch(value).groups()  # type: ignore[union-attr]
    if not rest[:1].isdigit():
        first = _DIGITS[stream[0] % 10]
    elif first != "0":
        first = _DIGITS[1 + stream[0] % 9]
    return f"{sign}{first}{_alike(rest, stream[1:])}{exponent}"


def _alike(value: str, stream: bytes) -> str:
    scheme = found[0] if (found := _SCHEME.match(value)) else ""
    rest = value[len(scheme) :]
    chosen = "".join(
        letters[byte % len(letters)] if (letters := _alphabet(char)) else char
        for char, byte in zip(rest[:_CHOSEN], stream, strict=False)
    )
    return scheme + chosen + _beyond(rest[_CHOSEN:])


def _beyond(rest: str) -> str:
    if rest.isascii():
        return rest.translate(_BEYOND)
    return "".join(letters[0] if (letters := _alphabet(char)) else char for char in rest)


@lru_cache(maxsize=4096)
def _alphabet(char: str) -> str:
    """Return the characters that may stand for one: of its kind, and of its neighbourhood if it is not ASCII."""
    if "\ud800" <= char <= "\udfff":  # half of a pair, which no file can hold
        return _LOWER
    for ascii_ in (_LOWER, _UPPER, _DIGITS):
        if char in ascii_:
            return ascii_
    if not char.isalnum():
        return ""
    block = range(ord(char) & ~0xFF, (ord(char) | 0xFF) + 1)
    kind = (char.isupper(), char.islower(), char.isdecimal(), char.isalpha())
    near = (chr(code) for code in block if code > 0x7F)
    return "".join(each for each in near if (each.isupper(), each.islower(), each.isdecimal(), each.isalpha()) == kind)
