"""JSON text with nothing lost: duplicate keys, key order, and numbers of any length.

Python's own parser keeps the last of two equal keys and rounds numbers to what a float can hold. Recorded bodies are
therefore laid out as text, token by token, and parsed only to be compared. This module knows nothing of GWS.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import isfinite, nan
from sys import intern
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
# Finds where a value ends, far faster than token by token.
_DECODER = json.JSONDecoder()
# One token of JSON text; what is between two is white space.
LEXEME = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
# Strings, and what stands between them as far as no white space does.
_WITHOUT_SPACE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]+')


# Numbers of at most this many characters and without an exponent have no more digits than every float keeps.
_SURELY_EXACT = 16
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]+)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class ExactNumber:
    """A number that neither a float nor an int holds, as it was written; `NaN` and `Infinity` are such numbers too.

    Two are equal when they are the same decimal: `1e400` and `10e399`, but not `1e401`. One without fraction and
    exponent is an integer, and equals no other number.
    """

    text: str

    @property
    def is_integer(self) -> bool:
        """Whether it was written as an integer."""
        return self.text.removeprefix("-").isdigit()

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What two equal numbers have in common."""
        return (self.is_integer, *(_decimal(self.text) if self.text[-1].isdigit() else (self.text,)))

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, ExactNumber) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Repeated:
    """The values of a key that stands more than once in one JSON object, in their order."""

    values: tuple[Any, ...]


def loads(text: str) -> Any:
    """Parse JSON text; a key that stands twice has a `Repeated` as its value, a number of great length is exact.

    `NaN` and `Infinity`, which many clients write and read, are numbers. Raises ValueError for text that is not JSON,
    or is nested too deeply.
    """
    try:
        try:
            return _LOSSLESS.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:
            return _LONG_INTEGERS.decode(text)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def loads_or_none(text: str | bytes) -> Any:
    """Parse a JSON object or array; None for anything else."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            return None
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return loads(text)
    except ValueError:
        return None


def is_json(text: str) -> bool:
    """Tell whether a text is JSON, in less time than it takes to parse it."""
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _is_lossless_json(text)
    return True


def _is_lossless_json(text: str) -> bool:
    """Tell the same of a text that Python's own parser refuses: it may hold a number of great length."""
    try:
        loads(text)
    except ValueError:
        return False
    return True


def parse_body(body: bytes, content_type: str | None = None) -> Any:
    """Parse the JSON object or array in a body as clients do; None for anything else.

    A byte order mark is skipped; the encoding is that of the mark or of the Content-Type's charset, else the UTF that
    the first bytes show.
    """
    if body[:1] in (b"{", b"["):  # nearly always, and most of these are UTF-8
        charset = _CHARSET.search(content_type) if content_type else None
        if not charset or charset[1].lower() in ("utf-8", "utf8"):
            parsed = loads_or_none(body)
            if parsed is not None:
                return parsed
    for encoding in _encodings(body, content_type):
        try:
            text = body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        parsed = loads_or_none(text.removeprefix("\ufeff"))
        if parsed is not None:
            return parsed
    return None


def _encodings(body: bytes, content_type: str | None) -> Iterator[str]:
    found = json.detect_encoding(body)
    charset = _CHARSET.search(content_type) if content_type else None
    if charset and not body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        yield charset[1]
    yield found


def indented(text: str) -> str:
    """Lay JSON text out on lines of its own, two spaces a level, every token as it was written.

    The text must be JSON: `loads` accepts it.
    """
    out: list[str] = []
    depth = 0
    previous = ""
    for lexeme in LEXEME.findall(text):
        if lexeme in "]}":
            depth -= 1
            out.append(lexeme if previous in ("[", "{") else f"\n{'  ' * depth}{lexeme}")
        else:
            if previous in ("[", "{", ","):
                out.append(f"\n{'  ' * depth}")
            out.append(": " if lexeme == ":" else lexeme)
            depth += lexeme in "[{"
        previous = lexeme
    return "".join(out)


def compact(text: str) -> str:
    """Lay JSON text out on one line without white space, every token as it was written. The text must be JSON."""
    if "\\" in text:  # before a quote, maybe
        return "".join(_WITHOUT_SPACE.findall(text))
    parts = text.split('"')
    parts[::2] = ["".join(part.split()) for part in parts[::2]]
    return '"'.join(parts)


def spaced(text: str) -> str:
    """Lay JSON text out on one line with a space after each comma and colon. The text must be JSON."""
    return "".join(f"{lexeme} " if lexeme in (",", ":") else lexeme for lexeme in LEXEME.findall(text))


def canonical(value: Any) -> str:
    """Spell a parsed value so that two spellings are equal exactly when the values are.

    Key order does not count; `1`, `1.0`, `"1"` and `true` differ; a repeated key differs from a list. Numbers are
    equal as decimals.
    """
    return _CANONICAL.encode(value)


def dumps(value: Any) -> str:
    """Write a parsed value as JSON text for people, a repeated key as `{"repeated key": [...]}`."""
    text = json.dumps(value, ensure_ascii=False, default=_spell_marked)
    return _MARKED.sub(r"\1", text) if _MARK in text else text


def dumps_ascii(value: Any) -> str:
    """Write a value as one line of ASCII JSON for programs; a number that they cannot hold becomes a string."""
    try:
        return json.dumps(value, allow_nan=False, default=_spell_for_programs)
    except ValueError:
        return json.dumps(_finite(value), default=_spell_for_programs)


def children(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield the direct children of a JSON object (key, text) or array (None, text), as they were written.

    The text must be JSON. A scalar has no children.
    """
    at = _after_space(text, 0)
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        return
    at = _after_space(text, at + 1)
    while text[at] not in "]}":
        key = None
        if is_object:
            key, end = _DECODER.raw_decode(text, at)
            at = _after_space(text, _after_space(text, end) + 1)  # after the colon
        _, end = _DECODER.raw_decode(text, at)
        yield key, text[at:end]
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def merged(text: str, newer: str) -> str:
    """Return a JSON object with the members of a newer one: same keys replaced, others added, every token kept."""
    over = dict(children(newer))
    members: dict[str | None, list[str]] = {}
    for key, value in children(text):
        members.setdefault(key, []).append(value)
    members.update({key: [value] for key, value in over.items()})
    return assembled([(key, value) for key, values in members.items() for value in values])


def assembled(members: Sequence[tuple[str | None, str]]) -> str:
    """Write a JSON object of members (key, text), or an array of items (None, text)."""
    inside = ",".join(text if key is None else f"{_quoted(key)}:{text}" for key, text in members)
    return f"[{inside}]" if members and members[0][0] is None else f"{{{inside}}}"


def _quoted(key: str) -> str:
    # Half a surrogate pair cannot be encoded but as an escape.
    return json.dumps(key, ensure_ascii=any("\ud800" <= letter <= "\udfff" for letter in key))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Messages of one kind have the same keys: held once, they take a third of the memory less.
    parsed = {intern(key): value for key, value in pairs}
    if len(parsed) != len(pairs):
        values: dict[str, list[Any]] = {}
        for key, value in pairs:
            values.setdefault(key, []).append(value)
        parsed.update({key: Repeated(tuple(each)) for key, each in values.items() if len(each) > 1})
    return parsed


def _number(spelling: str) -> float | ExactNumber:
    number = float(spelling)
    is_sure = len(spelling) <= _SURELY_EXACT and "e" not in spelling and "E" not in spelling
    if not is_sure and (not isfinite(number) or _decimal(repr(number)) != _decimal(spelling)):
        return ExactNumber(spelling)
    return number + 0.0  # makes -0.0 what it equals


def _integer(spelling: str) -> int | ExactNumber:
    try:
        return int(spelling)
    except ValueError:
        return ExactNumber(spelling)


def number_of(value: Any) -> Any:
    """Return a number of a caller's own (a Decimal, the float NaN) as `loads` gives it; anything else as it is."""
    if isinstance(value, Decimal):
        return _number(str(value)) if value.is_finite() else ExactNumber(str(value))
    return ExactNumber(_NOT_FINITE[str(value)]) if isinstance(value, float) and not isfinite(value) else value


def _decimal(spelling: str) -> tuple[bool, str, object]:
    """Return the sign, the digits and the exponent of a decimal, the same for each spelling of it."""
    mantissa, _, exponent = spelling.lower().partition("e")
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return False, "", 0
    try:
        power: object = int(exponent or 0) - len(fraction) + len(digits) - len(significant)
    except ValueError:  # an exponent of thousands of digits
        power = (exponent, len(fraction) - len(digits) + len(significant))
    return spelling.startswith("-"), significant, power


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _spell_apart(value: Any) -> Any:
    """Spell a repeated key, or an exact number, as no other value is: no parsed value holds the float NaN."""
    if isinstance(value, Repeated):
        return [nan, *value.values]
    if isinstance(value, ExactNumber):
        return [nan, nan, *map(str, value.key)]
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _spell_marked(value: Any) -> Any:
    return f"\0{value}\0" if isinstance(value, ExactNumber | Decimal) else _spell_for_programs(value)


def _spell_for_programs(value: Any) -> Any:
    if isinstance(value, Repeated):
        return {"repeated key": value.values}
    if isinstance(value, ExactNumber | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


# How an exact number is written before its quotes are taken off.
_MARK = '"\\u0000'
_MARKED = re.compile(r'"\\u0000(-?(?:\d[\d.eE+-]*|NaN|Infinity))\\u0000"')
# Made once: `json.loads` and `json.dumps` would make new ones for each call.
_LOSSLESS = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=ExactNumber)
# Slower: a function for each integer, since Python converts only so many digits.
_LONG_INTEGERS = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_integer, parse_constant=ExactNumber
)
# What was parsed holds no circle.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_spell_apart, check_circular=False)
