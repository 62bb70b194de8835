"""When each notification of one user may be delivered: the hard rules, the recorded order, and when that gives way.

Hard: never before its causes were sent in this run, and, if it came after the response, never before that was sent. One
that nothing caused waits for every request of its user that had begun when it was seen, and for the responses that had
come.

Soft: it also keeps its recorded place among the user's requests and responses that may still come. A request no longer
may when the client has sent something that was recorded after its response (after an operation: another operation).
The soft rule gives way if the client does nothing but wait (`give_way`). So nothing can wait for ever for what a client
does not send.

Both rules compare recorded positions with a `Frontier`: the first event that is still to come. Times are seconds of
the caller's clock. Nothing here knows who listens.
"""

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from math import inf
from typing import NamedTuple

from gws_replay.core.replay.cassette_index import UserPart
from gws_replay.errors import GwsReplayError

Timing = float | str
INSTANT = 0.0
RECORDED = 1.0
# How long a notification stays behind the response it came after: two sockets have no order of their own. With no gap
# a client saw 26 of 30 notifications first, with a millisecond none.
GAP = 0.002


def factor_of(timing: Timing) -> float:
    """Return the factor that recorded times are multiplied with. Raises GwsReplayError if a timing cannot be read."""
    if timing in ("instant", "recorded"):
        return INSTANT if timing == "instant" else RECORDED
    try:
        factor = float(timing)
    except (TypeError, ValueError):
        factor = -1.0
    if isinstance(timing, bool) or not 0 <= factor < inf:
        raise GwsReplayError(f"timing is instant, recorded, or a factor of 0 or more such as 0.1, not {timing!r}")
    return factor


@dataclass(slots=True)
class Traffic:
    """The recorded requests that were sent in a run, and those whose response was: when, by interaction."""

    sent: dict[int, float] = field(default_factory=dict)
    responded: dict[int, float] = field(default_factory=dict)


class Frontier:
    """The first of some recorded events that is still to come. What is past stays past."""

    def __init__(self, events: Sequence[tuple[float, int]], is_past: Callable[[int], bool]) -> None:
        self._events = events
        self._is_past = is_past
        self._next = 0

    @property
    def position(self) -> float:
        """The recorded time of that event; infinite if none is to come."""
        self._advance()
        return self._events[self._next][0] if self._next < len(self._events) else inf

    def before(self, position: float) -> Iterator[int]:
        """Yield what is still to come up to a position."""
        self._advance()
        for at, index in islice(self._events, self._next, None):
            if at > position:
                return
            if not self._is_past(index):
                yield index

    def _advance(self) -> None:
        while self._next < len(self._events) and self._is_past(self._events[self._next][1]):
            self._next += 1


class _Order:
    """The notifications whose hard rule holds, handed out in recorded order as far as the soft rule allows."""

    def __init__(
        self, part: UserPart, is_caused: Callable[[int], bool], hard: Sequence[Frontier], soft: Sequence[Frontier]
    ) -> None:
        self.part = part
        self.taken: set[int] = set()
        self._is_caused = is_caused
        self._hard = hard
        self._soft = (*soft, Frontier(part.caused_by_others, self._is_settled))
        self._open: list[tuple[float, int]] = []
        self._opened: set[int] = set()
        self._given_up: set[int] = set()
        self._unsolicited = 0
        self.look()

    @property
    def open(self) -> Iterable[tuple[float, int]]:
        """The position and the index of each that only the soft rule holds back, in recorded order."""
        return sorted(self._open)

    def look(self, interaction: int | None = None) -> None:
        """Find those whose hard rule has come to hold, now that something has happened to an interaction."""
        for index in self.part.caused.get(interaction, ()) if interaction is not None else ():
            if index not in self._opened and self._is_caused(index):
                self._open_up(self.part.index.positions[index], index)
        unsolicited = self.part.unsolicited
        if self._unsolicited < len(unsolicited):
            limit = min(frontier.position for frontier in self._hard)
            while self._unsolicited < len(unsolicited) and unsolicited[self._unsolicited][0] < limit:
                index = unsolicited[self._unsolicited][1]
                self._open_up(self.part.index.positions[index], index)
                self._unsolicited += 1

    def take(self) -> Iterator[int]:
        """Take those that may go."""
        while self._open and self._open[0][0] < self.limit:
            index = heappop(self._open)[1]
            self.taken.add(index)
            yield index

    @property
    def limit(self) -> float:
        """The recorded position before which the soft rule holds."""
        return min(frontier.position for frontier in self._soft)

    def give_up_before(self, position: float) -> None:
        """Wait no longer for what other users cause before a position."""
        self._given_up.update(self._soft[-1].before(position))

    def _open_up(self, position: float, index: int) -> None:
        heappush(self._open, (position, index))
        self._opened.add(index)

    def _is_settled(self, index: int) -> bool:
        return index in self._opened or index in self._given_up


class OutOfOrder(NamedTuple):
    """A notification that was released out of recorded order: before a `request`, or after a later `notification`."""

    notification: int
    request: int | None = None
    after: int | None = None


class PushSchedule:
    """The notifications of one user in one run of a cassette.

    A notification counts as shown when its causes were sent: an update is judged though no client listens. It is due
    when its gate has opened; `factor` scales recorded time (0: only the order counts), `start` is when the run began.
    Each queue of `outlets` gets every notification, with the time when it is due.
    """

    def __init__(self, part: UserPart, traffic: Traffic, *, factor: float, start: float) -> None:
        self.part = part
        self.out_of_order: list[OutOfOrder] = []
        self._traffic = traffic
        self._factor = factor
        # Requests that are not waited for any more; their responses, should they come late, are not either.
        self._given_up: set[int] = set()
        # How far the client has got in recorded time: by operations, and by anything that it has sent.
        self._reached = {True: -inf, False: -inf}
        # Recorded moments, and when they came in this run: what an unsolicited notification is timed by.
        self._moments: list[tuple[float, float]] = [(0.0, start)]
        self._last_due = start
        self._last_response = -inf
        self._furthest = (-inf, -1)
        self._outlets: list[deque[tuple[float, int]]] = []
        self._backlog: deque[tuple[float, int]] = deque()
        sent, responded = traffic.sent, traffic.responded
        unsent = Frontier(part.begins, sent.__contains__)
        self._awaited = Frontier(part.begins, self._is_not_awaited)
        self._shown = _Order(part, self._is_caused, [unsent], [self._awaited])
        self._released = _Order(
            part,
            self._is_answered,
            [unsent, Frontier(part.ends, responded.__contains__)],
            [self._awaited, Frontier(part.ends, self._is_over)],
        )
        self._release(start)

    def connect(self) -> deque[tuple[float, int]]:
        """Return a new outlet; the first gets what was released before."""
        outlet = self._backlog if not self._outlets else deque()
        self._outlets.append(outlet)
        return outlet

    def start(self) -> tuple[int, ...]:
        """Return the notifications that count as shown before anything was sent."""
        return tuple(self._shown.take())

    def sent(self, interaction: int, now: float) -> tuple[int, ...]:
        """Take note that a request was sent, also another user's; return what counts as shown from now on."""
        if not self.part.notifications:
            return ()
        exchange = self.part.index.interactions[interaction]
        if exchange.user == self.part.user:
            if not self._may_come(interaction):
                self._given_up.add(interaction)
            for of_operations in {False, interaction in self.part.index.operations}:
                self._reached[of_operations] = max(self._reached[of_operations], exchange.began)
            self._happened(exchange.began, now)
        self._shown.look(interaction)
        self._released.look(interaction)
        self._release(now)
        return tuple(self._shown.take())

    def responded(self, interaction: int, now: float) -> None:
        """Take note that a response was sent, or never will be."""
        if not self.part.notifications:
            return
        exchange = self.part.index.interactions[interaction]
        if exchange.user == self.part.user:
            self._happened(exchange.ended, now)
            self._last_response = now
        self._released.look(interaction)
        self._release(now)

    def waiting(self, has_subscriber: Callable[[str], bool]) -> int | None:
        """Return the first notification that only the recorded order holds back, and that a client would receive."""
        notifications = self.part.index.cassette.notifications
        return next((index for _, index in self._released.open if has_subscriber(notifications[index].channel)), None)

    def give_way(self, index: int, now: float) -> tuple[int, ...]:
        """Release a notification though requests before it were not sent; return what counts as shown from now on."""
        position = self.part.index.positions[index]
        missing = tuple(self._awaited.before(position))
        self._given_up.update(missing)
        self._shown.give_up_before(position)
        self._released.give_up_before(position)
        self.out_of_order.append(OutOfOrder(index, request=missing[0] if missing else None))
        self._release(now)
        return tuple(self._shown.take())

    @property
    def not_shown(self) -> tuple[int, ...]:
        """The notifications that do not count as shown."""
        return tuple(each for each in self.part.notifications if each not in self._shown.taken)

    @property
    def not_released(self) -> Mapping[int, tuple[int, ...]]:
        """The notifications that were not released, each with the interactions that it waits for.

        Those whose request was not sent come first; a notification with none keeps the recorded order.
        """
        found = (each for each in self.part.notifications if each not in self._released.taken)
        return {each: tuple(self._missing(each)) for each in found}

    def _missing(self, index: int) -> Iterator[int]:
        notification, sent = self.part.index.cassette.notifications[index], self._traffic.sent
        if notification.cause:
            yield from (each for each in notification.cause.interactions if each not in sent)
            if self._is_caused(index) and not self._is_answered(index):
                yield notification.cause.interaction
        position = self.part.index.positions[index]
        for at, each in self.part.begins:
            if at > position:
                break
            if each not in sent and (notification.cause is None or not self._is_not_awaited(each)):
                yield each

    def _is_caused(self, index: int) -> bool:
        cause = self.part.index.cassette.notifications[index].cause
        return cause is not None and all(each in self._traffic.sent for each in cause.interactions)

    def _is_answered(self, index: int) -> bool:
        cause = self.part.index.cassette.notifications[index].cause
        if cause is None or not self._is_caused(index):
            return False
        silent = self.part.index.interactions[cause.interaction].outcome != "response"
        return cause.after == "request" or silent or cause.interaction in self._traffic.responded

    def _may_come(self, interaction: int) -> bool:
        """Tell whether the client may still send a request that it has not sent."""
        reached = self._reached[interaction in self.part.index.operations]
        return interaction not in self._given_up and self.part.index.interactions[interaction].ended > reached

    def _is_not_awaited(self, interaction: int) -> bool:
        return interaction in self._traffic.sent or not self._may_come(interaction)

    def _is_over(self, interaction: int) -> bool:
        if interaction in self._traffic.sent:
            return interaction in self._traffic.responded or interaction in self._given_up
        return not self._may_come(interaction)

    def _happened(self, recorded: float, now: float) -> None:
        if self._factor:
            insort(self._moments, (recorded, now))

    def _release(self, now: float) -> None:
        for index in self._released.take():
            place = (self.part.index.positions[index], index)
            if place < self._furthest:
                self.out_of_order.append(OutOfOrder(index, after=self._furthest[1]))
            self._furthest = max(self._furthest, place)
            # Never before the one that was released before it.
            at = self._last_due = max(self._time_of(index, now), self._last_due)
            self._happened(self.part.index.cassette.notifications[index].seen, at)
            for outlet in self._outlets or (self._backlog,):
                outlet.append((at, index))

    def _time_of(self, index: int, now: float) -> float:
        notification, traffic = self.part.index.cassette.notifications[index], self._traffic
        cause = notification.cause
        # The response that it came after may have been sent just now.
        at = now if cause and cause.after == "request" else max(now, self._last_response + GAP)
        if not self._factor:
            return at
        if cause:
            exchange = self.part.index.interactions[cause.interaction]
            times, recorded = (
                (traffic.responded, exchange.ended) if cause.after == "response" else (traffic.sent, exchange.began)
            )
            happened = times.get(cause.interaction, now)
        else:
            recorded, happened = self._moments[bisect_right(self._moments, (notification.seen, inf)) - 1]
        return max(at, happened + (notification.seen - recorded) * self._factor)
