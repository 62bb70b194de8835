"""Where two JSON values differ, by path: the comparison of the oracle, from the top of a message downwards.

Objects are walked here, key by key, since nearly all of a message is alike; what differs is compared by `change`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from gws_replay.core.change import compare_userdata, same


class Nothing(Enum):
    """The value on a side that has none; null is another thing."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


@dataclass(frozen=True, slots=True)
class Place:
    """One difference: the path, its kind, and the values."""

    path: tuple[str | int, ...]
    kind: Literal["added", "removed", "value", "type"]
    before: Any
    after: Any


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Place]:
    """Yield where two objects differ."""
    rest: list[tuple[tuple[str | int, ...], dict[str, Any], dict[str, Any]]] = [((), before, after)]
    while rest:
        path, one, other = rest.pop()
        plain_one, plain_other = {}, {}
        for key in one.keys() | other.keys():
            mine, theirs = one.get(key, NOTHING), other.get(key, NOTHING)
            if isinstance(mine, dict) and isinstance(theirs, dict):
                rest.append(((*path, key), mine, theirs))
            elif not same(mine, theirs):
                if mine is not NOTHING:
                    plain_one[key] = mine
                if theirs is not NOTHING:
                    plain_other[key] = theirs
        for change in compare_userdata(plain_one, plain_other).entries:
            kind = "value" if change.kind == "changed" else change.kind
            yield Place(
                (*path, *change.path),
                kind,
                NOTHING if kind == "added" else change.before,
                NOTHING if kind == "removed" else change.after,
            )
