"""What differs between two userData objects: the comparison of the oracle, and the only file that imports DeepDiff.

Types are exact: 1, 1.0, "1" and true differ, null is not "absent", a repeated key is a difference. Numbers are compared
as decimals of any length; another spelling (1.50, 1.5) does not differ. The order of keys never counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from gws_replay.core import lossless_json
from gws_replay.core.lossless_json import ExactNumber, Repeated

Kind = Literal["added", "removed", "changed", "type"]
Path = tuple[str | int, ...]

_SHOWN = 120
_LEAD = 30  # how much is shown before a difference
_MISSING = object()
_PLAIN = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One difference: the path inside userData, its kind, and the values (None on the side that has none).

    Two are equal if their values have the same types as well: a change to 1 differs from one to true.
    """

    path: Path
    kind: Kind
    before: Any
    after: Any

    @property
    def key(self) -> str:
        """The userData key that the path begins with."""
        return str(self.path[0])

    @property
    def name(self) -> str:
        """The path as people read it."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)[1:]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Change):
            return NotImplemented
        values = (self.before, self.after), (other.before, other.after)
        return (self.path, self.kind) == (other.path, other.kind) and same(*values)

    def __hash__(self) -> int:
        return hash((self.path, self.kind))

    def __str__(self) -> str:
        name = printable(self.name)
        if self.kind == "added":
            return f"{name}: added {show(self.after)}"
        if self.kind == "removed":
            return f"{name}: removed, was {show(self.before)}"
        types = f" ({type_name(self.before)} to {type_name(self.after)})" if self.kind == "type" else ""
        return f"{name}: {' -> '.join(show_both(self.before, self.after))}{types}"


@dataclass(frozen=True, slots=True, repr=False)
class Changes:
    """Everything that differs between two userData objects, in the order of the keys; false when nothing does."""

    entries: tuple[Change, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The userData keys that differ in any way."""
        return frozenset(change.key for change in self.entries)

    @property
    def added(self) -> dict[str, Any]:
        """The keys that only the later object has, with their values."""
        return {c.key: c.after for c in self.entries if c.kind == "added" and len(c.path) == 1}

    @property
    def removed(self) -> dict[str, Any]:
        """The keys that only the earlier object has, with their values."""
        return {c.key: c.before for c in self.entries if c.kind == "removed" and len(c.path) == 1}

    @property
    def changed(self) -> frozenset[str]:
        """The keys that both objects have, with other values or types."""
        return self.keys - self.added.keys() - self.removed.keys()

    def without(self, keys: Iterable[str]) -> "Changes":
        """Return the changes of all other keys."""
        left_out = frozenset(keys)
        return Changes(tuple(change for change in self.entries if change.key not in left_out))

    def as_json(self) -> list[dict[str, Any]]:
        """Return the changes as JSON values: path, kind, and before / after where there is one."""
        return [
            {
                "path": list(change.path),
                "kind": change.kind,
                **({} if change.kind == "added" else {"before": change.before}),
                **({} if change.kind == "removed" else {"after": change.after}),
            }
            for change in self.entries
        ]

    def __repr__(self) -> str:
        return f"<Changes: {'; '.join(map(str, self.entries)) or 'none'}>"

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries)) or "no change"


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal in value and type, whatever the order of keys."""
    rest = [(one, other)]  # a stack of our own: recorded values may be nested deeper than Python recurses
    while rest:
        one, other = rest.pop()
        if type(one) is type(other) and type(one) in _PLAIN:
            if one != other:
                return False
            continue
        if isinstance(one, Repeated) and isinstance(other, Repeated):
            one, other = one.values, other.values
        if isinstance(one, dict | Mapping) and isinstance(other, dict | Mapping):
            if one.keys() != other.keys() or not _texts_are_same(one, other, rest):
                return False
        elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
            if len(one) != len(other):
                return False
            rest.extend(zip(one, other, strict=True))
        elif not _same_plain(one, other):
            return False
    return True


def _same_plain(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        one, other = lossless_json.number_of(one), lossless_json.number_of(other)
    return type(one) is type(other) and bool(one == other)


def _texts_are_same(one: Mapping[str, Any], other: Mapping[str, Any], rest: list[tuple[Any, Any]]) -> bool:
    """Compare the texts of two objects with the same keys, and put the other values aside: nearly all are texts."""
    for key, value in one.items():
        beside = other[key]
        if type(value) is str is type(beside):
            if value != beside:
                return False
        elif value is not beside:
            rest.append((value, beside))
    return True


def compare_userdata(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Return everything that differs between two userData objects."""
    entries: list[Change] = []
    for key, old in before.items():
        new = after.get(key, _MISSING)
        # Nearly every key is as it was, and plain: that must cost next to nothing.
        if new is old or (type(new) is type(old) and type(old) in _PLAIN and new == old):
            continue
        if new is _MISSING:
            entries.append(Change((key,), "removed", old, None))
        elif not same(old, new):
            entries.extend(_inside(key, old, new))
    entries.extend(Change((key,), "added", None, after[key]) for key in after if key not in before)
    return Changes(tuple(entries))


def show(value: Any) -> str:
    """Spell a value for a message as JSON, cut in the middle when it is long, control characters escaped."""
    text = printable(lossless_json.dumps(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 40]}...{text[-30:]} ({len(text)} characters)"


def show_both(one: Any, other: Any) -> tuple[str, str]:
    """Spell two values for a message as JSON, long ones cut around where they begin to differ."""
    texts = [printable(lossless_json.dumps(value)) for value in (one, other)]
    if max(map(len, texts)) <= _SHOWN:
        return texts[0], texts[1]
    alike = next((place for place, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    start = max(0, alike - _LEAD)
    return _cut(texts[0], start), _cut(texts[1], start)


def _cut(text: str, start: int) -> str:
    end = start + _SHOWN - 40
    if start == 0 and len(text) <= _SHOWN:
        return text
    return f"{'...' * (start > 0)}{text[start:end]}{'...' * (end < len(text))} ({len(text)} characters)"


def printable(text: str) -> str:
    """Escape control characters, so that nothing recorded can steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def type_name(value: Any) -> str:
    """Name the JSON type of a value, integers and other numbers apart."""
    names = {
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        type(None): "null",
        Repeated: "repeated key",
    }
    if isinstance(value, ExactNumber | Decimal):
        return "integer" if isinstance(value, ExactNumber) and value.is_integer else "number"
    return names.get(type(value), "object" if isinstance(value, Mapping) else "array")


def _inside(key: str, before: Any, after: Any) -> list[Change]:
    if type_name(before) != type_name(after):
        return [Change((key,), "type", before, after)]
    whole = Change((key,), "changed", before, after)
    if not isinstance(before, Mapping | list | tuple):
        return [whole]
    # Imported here: 80 ms that only differing containers need.
    from deepdiff import DeepDiff  # noqa: PLC0415

    try:
        tree = DeepDiff(
            before,
            after,
            view="tree",
            threshold_to_diff_deeper=0,
            ignore_private_variables=False,
            zip_ordered_iterables=True,
        )
        nested = [_nested(key, level) for levels in tree.values() for level in levels]
    except RecursionError:
        return [whole]
    found = {change.path: change for change in nested}
    # `same` saw a difference; should DeepDiff take the values for equal ([true] and [1], once), it is not lost.
    return [found[path] for path in sorted(found, key=lambda path: [str(step) for step in path])] or [whole]


def _nested(key: str, level: Any) -> Change:
    above = level
    while above := above.up:
        if isinstance(above.t1, Repeated | ExactNumber):  # what is inside of it is one value
            level = above
    path: Path = (key, *level.path(output_format="list"))
    report = level.report_type
    if report in ("dictionary_item_added", "iterable_item_added"):
        return Change(path, "added", None, level.t2)
    if report in ("dictionary_item_removed", "iterable_item_removed"):
        return Change(path, "removed", level.t1, None)
    kind: Kind = "changed" if type_name(level.t1) == type_name(level.t2) else "type"
    return Change(path, kind, level.t1, level.t2)
