"""What two messages that say the same thing call otherwise: the ids and stand-ins of one, the live values of the other.

Both are walked together. What stands under the key of an id, or at the end of an address, is an id; a stand-in is one
wherever it is a whole value. Items of lists belong together by their ids, and the others by their order.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from gws_replay.core.api import dialects as api
from gws_replay.core.api.ids import is_id, is_long_id, tail
from gws_replay.core.lossless_json import canonical

_ADDRESS_ENDINGS = ("uri", "uris", "path", "paths")
_NAMES = (*api.IDENTITIES, *api.PAIR_KEYS)


class Counterpart(NamedTuple):
    """A recorded value and the live one that it stands for."""

    recorded: str
    live: str
    is_id: bool


def counterparts(recorded: Any, live: Any, stand_ins: Collection[str]) -> list[Counterpart]:
    """Return what a recorded JSON value and a live one call otherwise, in order; what both call the same, too."""
    found: list[Counterpart] = []
    with suppress(RecursionError):  # what is nested so deeply that Python cannot walk it gives nothing away
        found.extend(_inside("", recorded, live, stand_ins, free=False))
    return found


def ids_in(value: Any) -> list[str]:
    """Return the ids that a JSON value shows."""
    return [each.recorded for each in counterparts(value, value, ()) if each.is_id]


def texts_in(value: Any) -> Iterator[str]:
    """Yield every string and number of a JSON value as text."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, dict | list):
            rest.extend(each.values() if isinstance(each, dict) else each)
        elif isinstance(each, str):
            yield each
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield canonical(each)


def _inside(name: str, recorded: Any, live: Any, stand_ins: Collection[str], *, free: bool) -> Iterator[Counterpart]:
    """Walk two values; in userData (`free`) names mean what they like."""
    if isinstance(recorded, dict) and isinstance(live, dict):
        for key, item in recorded.items():
            if key in live:
                yield from _inside(key, item, live[key], stand_ins, free=free or key in api.USER_DATA)
    elif isinstance(recorded, list) and isinstance(live, list):
        for mine, theirs in _items(recorded, live):
            yield from _inside(name, mine, theirs, stand_ins, free=free)
    elif isinstance(recorded, str) and isinstance(live, str):
        yield from _texts(name, recorded, live, stand_ins, free=free)
    elif _is_number(recorded) and _is_number(live) and (stand_in := canonical(recorded)) in stand_ins:
        yield Counterpart(stand_in, canonical(live), is_id=False)


def _texts(name: str, recorded: str, live: str, stand_ins: Collection[str], *, free: bool) -> Iterator[Counterpart]:
    if not recorded or not live:
        return
    if recorded in stand_ins:
        yield Counterpart(recorded, live, is_id=False)
    elif not free and is_id(name):
        yield Counterpart(recorded, live, is_id=True)
    elif not free and name.lower().endswith(_ADDRESS_ENDINGS) and is_long_id(tail(recorded)) and tail(live):
        yield Counterpart(tail(recorded), tail(live), is_id=True)


def _items(recorded: Sequence[Any], live: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    by_name = {identity: item for item in live if (identity := _identity(item)) is not None}
    if not by_name:
        yield from zip(recorded, live, strict=False)
        return
    both = {identity for item in recorded if (identity := _identity(item)) is not None and identity in by_name}
    yield from ((item, by_name[identity]) for item in recorded if (identity := _identity(item)) in both and identity)
    rest = [
        [item for item in side if _identity(item) not in both and _name_of(item) not in api.PAIR_KEYS]
        for side in (recorded, live)
    ]
    yield from zip(*rest, strict=False)


def _identity(item: Any) -> tuple[str, str] | None:
    name = _name_of(item)
    return (name, item[name]) if name else None


def _name_of(item: Any) -> str:
    """Return the field that tells an item of a list from the others: its id, or the key of a pair of userData."""
    if isinstance(item, dict):
        return next((name for name in _NAMES if isinstance(item.get(name), str)), "")
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
