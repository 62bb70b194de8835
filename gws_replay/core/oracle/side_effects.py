"""The attributes of a resource besides userData: what changed there though no operation changes it.

A change counts against the operation that was under way when it was seen, unless another operation is documented to
change that attribute, or a notification without a cause shows it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import same, show_both
from gws_replay.core.lossless_json import canonical
from gws_replay.core.oracle.history import Sighting
from gws_replay.core.oracle.later_views import Suspects
from gws_replay.core.oracle.reasons import NotificationLog, Reasons
from gws_replay.core.oracle.timeline import Timeline, Write
from gws_replay.core.oracle.tolerance import Patterns, Tolerance

_OWN = (*api.IDENTITIES, *api.USER_DATA)


@dataclass(frozen=True, slots=True)
class _Move:
    """An attribute with other values in two sightings of a resource."""

    name: str
    earlier: Sighting
    later: Sighting

    def __str__(self) -> str:
        before, after = show_both(self.earlier.resource[self.name], self.later.resource[self.name])
        return f"attribute {self.name}: {before} -> {after}, from {self.earlier.place} to {self.later.place}"


class SideEffects:
    """The attributes that changed in a cassette, and what speaks against its userData operations for it."""

    def __init__(
        self, timelines: Mapping[str, Timeline], tolerance: Tolerance, volatile: Patterns, log: NotificationLog
    ) -> None:
        self._timelines = timelines
        self._ignored = tolerance.ignored
        self._volatile = volatile
        self._log = log
        self._found: dict[int, Reasons] = {}
        self.suspects = Suspects(timelines)

    def reasons(self) -> Mapping[int, Reasons]:
        """Return what speaks against each operation, by its index."""
        for name, timeline in self._timelines.items():
            self._attributes(name, timeline)
        return self._found

    def _attributes(self, name: str, timeline: Timeline) -> None:
        """Find attributes that changed though no operation or notification changes them."""
        explaining = [each for each in timeline.sightings if _may_explain(each)]
        seen = [each.at for each in explaining]
        for move in self._moves(timeline):
            earlier, later = move.earlier, move.later
            since = bisect_left(seen, earlier.began)
            if any(_explains(each, move) for each in map(explaining.__getitem__, range(since, len(explaining)))):
                continue
            writes = timeline.between(earlier.began, later.at)
            active = (*writes, *timeline.others_between(earlier.began, later.at))
            if any(each.moves is None or move.name in each.moves for each in active):
                continue
            own = [each for each in writes if each.judged and later.cause in (None, each.index)]
            blamed = own[-1] if own else self._elsewhere(name, move)
            if blamed is None:
                continue
            found = self._found.setdefault(blamed.index, Reasons())
            text = f"{move}" if own else f"{timeline.name_of(name)} changed too: {move}"
            if move.name in self._ignored:
                found.ignored.add(move.name)
            elif self._log.covers(timeline):
                found.add(text, certain=True)
            else:
                found.add(f"{text}; no notifications of it were recorded, which could say why", certain=False)

    def _elsewhere(self, name: str, move: _Move) -> Write | None:
        """Return the last operation on another resource that was under way."""
        if move.later.cause is not None:
            return None
        found = self.suspects.under_way(move.earlier.at, move.later.at)
        return next((write for write in found if write.call.resource_id != name), None)

    def _moves(self, timeline: Timeline) -> Iterator[_Move]:
        """Yield the attributes that differ from when the same kind of message showed them last.

        GETs and notifications do not show the same lists (capabilities may be empty in one), so only plain values
        are compared across.
        """
        last: dict[tuple[bool, str], Sighting] = {}
        for seen in timeline.sightings:
            is_get = seen.interaction is not None
            for name, value in seen.resource.items():
                if name in _OWN or name in self._volatile:
                    continue
                alike = last.get((is_get, name))
                other = last.get((not is_get, name))
                if alike is not None and alike.at > seen.began:
                    continue  # it may show what was before
                last[is_get, name] = seen
                if alike is not None and self._differ(alike.resource[name], value):
                    yield _Move(name, alike, seen)
                elif other is not None and _newer(other, alike, seen) and _plainly_differ(other.resource[name], value):
                    yield _Move(name, other, seen)

    def _differ(self, one: Any, other: Any) -> bool:
        return not same(one, other) and self._spelled(one) != self._spelled(other)

    def _spelled(self, value: Any) -> str:
        """Spell a value less what is volatile in it, and the order of a list's items."""
        return canonical(self._settled(value))

    def _settled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._settled(item) for key, item in value.items() if key not in self._volatile}
        if isinstance(value, list):
            return sorted((self._settled(item) for item in value), key=canonical)
        return value.strip() if isinstance(value, str) else value


def _newer(other: Sighting, alike: Sighting | None, seen: Sighting) -> bool:
    """Tell whether another kind of message showed it between the last of this kind and this one."""
    return other.at <= seen.began and (alike is None or alike.at < other.at)


def _plainly_differ(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() != other.strip()
    return not isinstance(one, dict | list) and not isinstance(other, dict | list) and not same(one, other)


def _may_explain(seen: Sighting) -> bool:
    """Tell a notification that shows changes which no operation makes."""
    return seen.interaction is None and (seen.cause is None or bool(api.attributes_moved_by(seen.kind)))


def _explains(seen: Sighting, move: _Move) -> bool:
    """Tell whether such a notification is about an attribute's change.

    It shows the new value; or another one of a list, which notifications and GETs do not show alike; or the attribute
    is one that its kind moves, or that it carries beside the resource.
    """
    if move.name in seen.beside or any(fnmatchcase(move.name, each) for each in api.attributes_moved_by(seen.kind)):
        return True
    if seen.cause is not None or move.name not in seen.resource:
        return False
    shown, earlier = seen.resource[move.name], move.earlier.resource[move.name]
    is_list = isinstance(shown, dict | list) and seen.at <= move.later.at
    return same(shown, move.later.resource[move.name]) or (is_list and not same(shown, earlier))
