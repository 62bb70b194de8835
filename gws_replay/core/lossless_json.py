"""JSON text with nothing lost: duplicate keys, key order and the spelling of numbers stay as they were.

Python's own parser keeps the last of two equal keys and forgets that `1.50` was not `1.5`. Recorded bodies are
therefore re-laid as text, token by lexeme, and parsed only to be compared. This module knows nothing of GWS.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from sys import intern
from typing import Any, NoReturn

_SPACE = re.compile(r"[ \t\n\r]*")
# Finds where a value ends, far faster than token by token.
_DECODER = json.JSONDecoder()
# One token of JSON text; what is between two is white space.
LEXEME = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


@dataclass(frozen=True, slots=True)
class Repeated:
    """The values of a key that stands more than once in one JSON object, in their order."""

    values: tuple[Any, ...]


def loads(text: str) -> Any:
    """Parse JSON text; a key that stands twice has a `Repeated` as its value.

    Raises ValueError for text that is not JSON (RFC 8259), `NaN` and over-deep nesting included.
    """
    try:
        return _LOSSLESS.decode(text)
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
    return "".join(LEXEME.findall(text))


def canonical(value: Any) -> str:
    """Spell a parsed value so that two spellings are equal exactly when the values are.

    Key order does not count; `1`, `1.0`, `"1"` and `true` differ; a repeated key differs from a list.
    """
    return _CANONICAL.encode(value)


def dumps(value: Any) -> str:
    """Write a parsed value as JSON text for people, a repeated key as `{"repeated key": [...]}`."""
    return json.dumps(value, ensure_ascii=False, default=_spell_repeated)


def dumps_ascii(value: Any) -> str:
    """Write a value as one line of ASCII JSON for programs; a number too great for them becomes a string."""
    try:
        return json.dumps(value, allow_nan=False, default=_spell_repeated)
    except ValueError:
        return json.dumps(_finite(value), default=_spell_repeated)


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


def _number(spelling: str) -> float:
    return float(spelling) + 0.0  # makes -0.0 what it equals


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _spell_apart(value: Any) -> Any:
    """Spell a repeated key as no JSON text can be: `loads` refuses NaN."""
    if isinstance(value, Repeated):
        return [nan, *value.values]
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _spell_repeated(value: Any) -> Any:
    if isinstance(value, Repeated):
        return {"repeated key": value.values}
    raise TypeError(f"{type(value).__name__} is not a JSON value")


# Made once: `json.loads` and `json.dumps` would make new ones for each call.
_LOSSLESS = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse)
# What was parsed holds no circle.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_spell_apart, check_circular=False)
