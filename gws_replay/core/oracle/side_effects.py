"""Nothing else moved: the other resources, and the attributes of a resource besides userData.

A move is held against the operation that was on its way when it showed, unless another one is documented to move that,
or an unsolicited notification showed it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import compare_userdata, same, show
from gws_replay.core.lossless_json import canonical
from gws_replay.core.oracle.attribution import Writers
from gws_replay.core.oracle.findings import Heard, Names, Reasons
from gws_replay.core.oracle.history import Sighting
from gws_replay.core.oracle.timeline import Timeline, Write

# How many operations are looked back at for the one to blame.
_WINDOW = 64
_OWN = (*api.IDENTITIES, *api.USER_DATA)


@dataclass(frozen=True, slots=True)
class _Move:
    """An attribute with other values in two sightings of a resource."""

    name: str
    earlier: Sighting
    later: Sighting

    def __str__(self) -> str:
        before, after = show(self.earlier.resource[self.name]), show(self.later.resource[self.name])
        return f"attribute {self.name}: {before} -> {after}, from {self.earlier.place} to {self.later.place}"


class SideEffects:
    """Everything that was shown and done in a cassette, and what speaks against its userData operations."""

    def __init__(self, timelines: Mapping[str, Timeline], ignored: Names, volatile: Names, heard: Heard) -> None:
        self._timelines = timelines
        self._ignored = ignored
        self._volatile = volatile
        self._heard = heard
        self._found: dict[int, Reasons] = {}
        writes = (write for timeline in timelines.values() for write in timeline.writes if write.judged)
        self._writes = sorted(writes, key=lambda write: write.began)
        self._begun = [write.began for write in self._writes]

    def findings(self) -> Mapping[int, Reasons]:
        """Return what speaks against each operation, by its index."""
        for name, timeline in self._timelines.items():
            self._other_resources(name, timeline)
            self._attributes(name, timeline)
        return self._found

    def _other_resources(self, name: str, timeline: Timeline) -> None:
        """Find userData that moved though nothing was asked of that resource."""
        writers = Writers(timeline)
        for earlier, later in pairwise(timeline.snapshots):
            if later.cause is not None or later.began < earlier.at or timeline.at_work(earlier.at, later.at):
                continue
            changes = compare_userdata(earlier.data, later.data).entries
            moved = [
                change
                for change in changes
                if next(writers.of(change.key, later.data, earlier.began, later.at), None) is None
            ]
            suspects = self._elsewhere(name, earlier, later) if moved else ()
            if not suspects:
                continue
            alike = [write for write in suspects if all(write.wrote(change.key, later.data) for change in moved)]
            blamed = (alike or suspects)[0]
            found = self._found.setdefault(blamed.index, Reasons())
            found.ignored.update(change.key for change in moved if change.key in self._ignored)
            moved = [change for change in moved if change.key not in self._ignored]
            for change in moved:
                text = f"{_named(timeline, name)} changed too, from {earlier.place} to {later.place}: {change}"
                if not alike and (later.interaction is None or not self._is_heard(timeline)):
                    found.doubts.append(f"{text}; no operation asked for it: ignore the key if it is right")
                else:
                    found.failures.append(text)

    def _elsewhere(self, name: str, earlier: Sighting, later: Sighting) -> Sequence[Write]:
        """Find the operations on other resources that were on their way, the last first."""
        last = bisect_left(self._begun, later.at)
        return [
            write
            for write in reversed(self._writes[max(0, last - _WINDOW) : last])
            if write.until > earlier.at and write.call.resource_id != name
        ]

    def _attributes(self, name: str, timeline: Timeline) -> None:
        """Find attributes that moved though nothing that moves them was asked."""
        unsolicited = [each for each in timeline.sightings if each.interaction is None and each.cause is None]
        seen = [each.at for each in unsolicited]
        for move in self._moves(timeline):
            earlier, later = move.earlier, move.later
            since = bisect_left(seen, earlier.began)
            if any(_shows(each, move) for each in map(unsolicited.__getitem__, range(since, len(unsolicited)))):
                continue
            writes = timeline.between(earlier.began, later.at)
            doing = (*writes, *timeline.at_work(earlier.began, later.at))
            if any(each.moves is None or move.name in each.moves for each in doing):
                continue
            own = [each for each in writes if each.judged and later.cause in (None, each.index)]
            suspects = own[::-1] or (self._elsewhere(name, earlier, later) if later.cause is None else ())
            if not suspects:
                continue
            blamed = suspects[0]
            found = self._found.setdefault(blamed.index, Reasons())
            text = f"{move}" if own else f"{_named(timeline, name)} changed too: {move}"
            if move.name in self._ignored:
                found.ignored.add(move.name)
            elif self._is_heard(timeline):
                found.failures.append(text)
            else:
                found.doubts.append(f"{text}; no notifications of it were recorded, which could say why")

    def _is_heard(self, timeline: Timeline) -> bool:
        return timeline.channel is not None and timeline.channel.key in self._heard.topics

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


def _shows(seen: Sighting, move: _Move) -> bool:
    return move.name in seen.resource and same(seen.resource[move.name], move.later.resource[move.name])


def _named(timeline: Timeline, name: str) -> str:
    return f"{timeline.channel.name if timeline.channel else 'resource'} {name}"
