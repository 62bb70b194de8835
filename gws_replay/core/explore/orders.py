"""The orders in which the notifications of one cassette may be delivered, and the recording rewritten for one of them.

Allowed is what GWS and CometD leave open:

- A notification may come at any time after its cause was sent: before the response to it, or as late as one likes. GWS
  promises neither order, since the response only means "sent to the back end" (API page "Asynchronous Events").
- Notifications of one resource and user keep their order (a CometD queue is first in, first out); of different
  resources they do not: different servers of the back end send them.
- One without a cause is not delivered before the requests and responses of its user that it was seen after.

A moved notification gets another recorded position; the replay machine does the rest. So whatever is moved, nothing
comes before its cause, and nothing can hang: a position is only a soft rule.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import NamedTuple

from gws_replay.core.api import dialects as api
from gws_replay.core.explore.deviation import Deviation, Place
from gws_replay.core.model import Cause, Notification
from gws_replay.core.replay.cassette_index import CassetteIndex, UserPart

# Moves reach so many events and notifications farther, and to the end: in a long recording the number of moves would
# grow with its square. `_MOVES` is about how many there are at the most.
_NEAR, _MOVES = 8, 4000
# Where a notification stands: in which gap between two requests or responses of its user, and in what order there.
_Key = tuple[int, float]


class Choice(NamedTuple):
    """A deviation, and how far it is from the recording: near ones are tried first."""

    rank: float
    deviation: Deviation


@dataclass(frozen=True)
class _Line:
    """The requests and responses of one user in order, each with its time; gap g is what follows the g-th of them."""

    events: tuple[tuple[float, Place], ...]

    @classmethod
    def of(cls, part: UserPart) -> "_Line":
        begins = ((at, 1, Place("q", index)) for at, index in part.begins)
        ends = ((at, 0, Place("r", index)) for at, index in part.ends)
        # A response and the next request at one time: the response came first, unless it is that request's own.
        own = {index: at for at, index in part.begins}
        ends = ((at, 2 if own[place.number] == at else 0, place) for at, _, place in ends)
        return cls(tuple((at, place) for at, _, place in sorted((*begins, *ends))))

    @cached_property
    def times(self) -> tuple[float, ...]:
        return tuple(at for at, _ in self.events)

    @cached_property
    def gap_after(self) -> Mapping[Place, int]:
        return {place: number for number, (_, place) in enumerate(self.events, 1)}

    def gap_at(self, time: float) -> int:
        return bisect_right(self.times, time)

    def bounds(self, gap: int) -> tuple[float, float]:
        return (self.times[gap - 1] if gap else -inf), (self.times[gap] if gap < len(self.times) else inf)


class Orders:
    """The moves of the notifications of one cassette, number `of`."""

    def __init__(self, index: CassetteIndex, of: int = 0) -> None:
        self.index = index
        self.of = of
        self.notifications = index.cassette.notifications
        self.lines = tuple(map(_Line.of, index.parts))
        self._gaps = tuple(
            self.lines[each.user].gap_at(at) for each, at in zip(self.notifications, index.positions, strict=True)
        )

    @cached_property
    def resources(self) -> tuple[tuple[int, str], ...]:
        """The user and the resource of each notification; its channel, if it shows none."""
        subjects = ((each, api.subject_of(each.value)) for each in self.notifications)
        return tuple((each.user, found.resource_id if found else each.channel) for each, found in subjects)

    @cached_property
    def earliest(self) -> tuple[int, ...]:
        """The first gap in which each notification may be delivered."""
        return tuple(self._earliest(index, each) for index, each in enumerate(self.notifications))

    def _earliest(self, index: int, notification: Notification) -> int:
        if notification.cause is None:
            return self._gaps[index]
        began = max(self.index.interactions[each].began for each in notification.cause.interactions)
        return min(self._gaps[index], self.lines[notification.user].gap_at(began))

    def moves(self) -> Iterator[Choice]:
        """Yield every allowed move of one notification."""
        for index in range(len(self.notifications)):
            yield from self._to_gaps(index)
            yield from self._after_others(index)

    def concurrent(self) -> Iterator[tuple[Place, Place]]:
        """Yield the pairs of events that may come in either order; the first is a notification."""
        for index, notification in enumerate(self.notifications):
            events = self.lines[notification.user].events
            near = range(max(0, self._gaps[index] - self._reach), min(len(events), self._gaps[index] + self._reach))
            for number in near:
                place = events[number][1]
                # A request cannot be kept from coming before a notification: only its response can.
                if number >= (self.earliest[index] if place.kind == "r" else self._gaps[index]):
                    yield Place("n", index), place
            for other in self._others(index)[: self._reach]:
                yield Place("n", index), Place("n", other)

    def is_allowed(self, deviation: Deviation) -> bool:
        """Tell whether a move is one of these."""
        place, index = deviation.place, deviation.number
        if place is None or index >= len(self.notifications):
            return False
        if place.kind == "n":
            return place.number in self._others(index)
        gap = self.lines[self.notifications[index].user].gap_after.get(place)
        return gap is not None and self._is_open(index, gap)

    def crossed(self, move: Deviation) -> Sequence[Place]:
        """Return the events that a moved notification now comes after, or before, in recorded order."""
        place, own = move.place, self._gaps[move.number]
        if place is None or place.kind == "n":
            return (place,) if place else ()
        line = self.lines[self.notifications[move.number].user]
        gap = line.gap_after[place]
        return [each for _, each in line.events[min(gap, own) : max(gap, own)]]

    def is_later(self, move: Deviation) -> bool:
        """Tell whether a move delivers its notification later than recorded."""
        place = move.place
        if place is None or place.kind == "n":
            return True
        line = self.lines[self.notifications[move.number].user]
        return line.gap_after[place] > self._gaps[move.number]

    def _to_gaps(self, index: int) -> Iterator[Choice]:
        notification, own = self.notifications[index], self._gaps[index]
        events, cause = self.lines[notification.user].events, notification.cause
        response = Place("r", cause.interaction) if cause else None
        near = range(max(self.earliest[index], own - self._reach), min(own + self._reach, len(events)))
        for gap in (*near, len(events)):
            if gap == own or not self._is_open(index, gap):
                continue
            crossed = [place for _, place in events[min(gap, own) : max(gap, own)]]
            rank = 3.0 + len(crossed)
            if response == crossed[0] and (gap < own or len(crossed) == 1):
                rank = 1
            elif gap > own and crossed[-1].kind == "q" and sum(each.kind == "q" for each in crossed) == 1:
                rank = 2
            elif gap > own and len(crossed) > 1 and crossed[-1] == Place("r", crossed[-2].number):
                rank = 2.5 + len(crossed) / 4
            elif gap == len(events):
                rank = 4
            yield Choice(rank, Deviation("n", index, str(events[gap - 1][1]), self.of))

    def _after_others(self, index: int) -> Iterator[Choice]:
        for distance, other in enumerate(self._others(index)[: self._reach]):
            yield Choice(1.5 + distance, Deviation("n", index, f"n{other}", self.of))

    def _others(self, index: int) -> Sequence[int]:
        """Return the notifications of the user, of other resources, that were recorded after one."""
        after = self.index.parts[self.notifications[index].user].notifications[self._ranks[index] + 1 :]
        return [each for each in after if self.resources[each] != self.resources[index]]

    @cached_property
    def _ranks(self) -> Mapping[int, int]:
        """The place of each notification among those of its user."""
        return {each: number for part in self.index.parts for number, each in enumerate(part.notifications)}

    @cached_property
    def _reach(self) -> int:
        return max(_NEAR, _MOVES // max(1, len(self.notifications)))

    def _is_open(self, index: int, gap: int) -> bool:
        """Tell whether a notification may be in a gap, and the gap has room for it."""
        low, high = self.lines[self.notifications[index].user].bounds(gap)
        return gap >= max(self.earliest[index], 1) and max(low, self._lowest(index)) < high

    def _lowest(self, index: int, *, after: str = "request") -> float:
        cause = self.notifications[index].cause
        if cause is None:
            return -inf
        causes = [self.index.interactions[each] for each in cause.interactions]
        began = max(each.began for each in causes)
        return max(began, causes[-1].ended) if after == "response" else began

    def rewritten(self, moves: Iterable[Deviation]) -> CassetteIndex:
        """Return the recording as if it had been made in the order that some moves ask for."""
        moves = tuple(moves)
        if not moves:
            return self.index
        keys = self._keys(moves)
        changed = {each.number for each in moves} | {i for i, key in enumerate(keys) if key[0] != self._gaps[i]}
        positions = dict(self._positions(keys, changed))
        found = list(self.notifications)
        for index, at in positions.items():
            each = found[index]
            found[index] = replace(each, seen=at, cause=self._cause(index, at))
        recorded = {index: self.index.positions[index] for index in positions if found[index].cause is None}
        return self.index.with_notifications(found, recorded, self._during(changed, positions))

    def _keys(self, moves: Iterable[Deviation]) -> list[_Key]:
        """Return where each notification stands after some moves; those of one resource keep their order."""
        ranks = self._ranks
        keys: list[_Key] = [(gap, float(ranks[index])) for index, gap in enumerate(self._gaps)]
        # From the last one on, as one is moved behind another only if that was recorded after it.
        for move in sorted(moves, key=lambda each: ranks[each.number], reverse=True):
            place, line = move.place, self.lines[self.notifications[move.number].user]
            assert place is not None, "only moves are rewritten"  # noqa: S101
            if place.kind == "n":
                gap, order = keys[place.number]
                keys[move.number] = gap, order + 0.5 - ranks[move.number] / (4 * len(ranks))
            else:
                keys[move.number] = line.gap_after[place], keys[move.number][1]
        latest: dict[tuple[int, str], _Key] = {}
        for index in sorted(ranks, key=ranks.__getitem__):
            before = latest.get(self.resources[index], (-1, -inf))
            if keys[index] <= before:
                keys[index] = before[0], before[1] + 1 / (8 * len(ranks) ** 2)
            latest[self.resources[index]] = keys[index]
        return keys

    def _positions(self, keys: Sequence[_Key], changed: Iterable[int]) -> Iterator[tuple[int, float]]:
        """Yield the recorded time of each notification in a gap that another one has come to, or left."""
        together: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, each in enumerate(self.notifications):
            together[each.user, keys[index][0]].append(index)
        touched = {(self.notifications[index].user, keys[index][0]) for index in changed}
        for user, gap in touched:
            inside = sorted(together[user, gap], key=lambda index: (keys[index], index))
            low, high = self.lines[user].bounds(gap)
            at = low if gap else min(self.index.positions[index] for index in inside)
            for number, index in enumerate(inside):
                each = self.notifications[index]
                foreign = each.cause and self.index.interactions[each.cause.interaction].user != user
                after = each.cause.after if each.cause and foreign else "request"
                at = max(at, self._lowest(index, after=after))
                at = at + 1.0 if high == inf else at + (high - at) / (len(inside) - number + 1)
                yield index, at

    def _during(self, changed: Iterable[int], positions: Mapping[int, float]) -> Iterator[int]:
        """Yield the interactions that were under way at the new positions: their clients receive the push first."""
        for index in changed:
            for each in self.index.parts[self.notifications[index].user].exchanges:
                if self.index.interactions[each].began <= positions[index] < self.index.interactions[each].ended:
                    yield each

    def _cause(self, index: int, at: float) -> Cause | None:
        cause = self.notifications[index].cause
        if cause is None:
            return None
        return replace(cause, after="response" if at >= self.index.interactions[cause.interaction].ended else "request")
