"""Where two JSON values differ, by path, from the top of a message downwards.

Objects are walked here, key by key, since nearly all of a message is the same; what differs is compared by
`json_compare`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from gws_replay.core.json_compare import compare_userdata, same


class Nothing(Enum):
    """The value on a side that has none; null is a value."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


@dataclass(frozen=True, slots=True)
class Place:
    """One difference: the path, its kind, and the values."""

    path: tuple[str | int, ...]
    kind: Literal["added", "removed", "value", "type"]
    before: Any
    after: Any


def differences(before: Any, after: Any) -> Iterator[Place]:
    """Yield where two messages differ; a value that is not an object stands under `data`."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        before, after = {"data": before}, {"data": after}
    rest: list[tuple[tuple[str | int, ...], dict[str, Any], dict[str, Any]]] = [((), before, after)]
    while rest:
        path, one, other = rest.pop()
        changed: list[str] = []
        for key, mine in one.items():
            theirs = other.get(key, NOTHING)
            # Nearly every value is a text as before: that must cost next to nothing.
            if mine is theirs or (type(mine) is str and mine == theirs):
                continue
            if isinstance(mine, dict) and isinstance(theirs, dict):
                rest.append(((*path, key), mine, theirs))
            elif not same(mine, theirs):
                changed.append(key)
        changed.extend(key for key in other if key not in one)
        if not changed:
            continue
        mine, theirs = ({key: each[key] for key in changed if key in each} for each in (one, other))
        for change in compare_userdata(mine, theirs).entries:
            kind = "value" if change.kind == "changed" else change.kind
            yield Place(
                (*path, *change.path),
                kind,
                NOTHING if kind == "added" else change.before,
                NOTHING if kind == "removed" else change.after,
            )
