"""When each notification of a run may leave: after its cause, in recorded order, at the pace that was chosen.

Times are seconds of the caller's clock. Nothing here knows who listens.

A notification whose cause has not been asked holds up those after it, until a later operation shows that the client
has passed it by: one that was recorded to begin after that cause had been answered. So a client may play a part of a
recording, or go on after the server was started again, and two operations that overlap keep their recorded order.
"""

from bisect import bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gws_replay.core.replay.cassette_index import CassetteIndex, Gate
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
    if isinstance(timing, bool) or not 0 <= factor < float("inf"):
        raise GwsReplayError(f"timing is instant, recorded, or a factor of 0 or more such as 0.1, not {timing!r}")
    return factor


@dataclass(slots=True)
class InOrder:
    """Lets the notifications of a cassette go in recorded order, past those whose cause was passed by."""

    cassette_index: CassetteIndex
    is_open: Callable[[Gate], bool]
    has_passed: Callable[[Gate], bool]
    _head: int = 0
    _passed: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def go(self, interaction: int | None = None) -> Iterator[int]:
        """Yield the notifications that can go now that something has happened to an interaction (or at the start)."""
        if interaction is not None:
            waiting = self._passed.pop(interaction, [])
            for index in waiting:
                gate = self.cassette_index.gates[index]
                if gate is None or self.is_open(gate):
                    yield index
                else:
                    self._passed[interaction].append(index)
        while self._head < len(self.cassette_index.gates):
            index, gate = self._head, self.cassette_index.gates[self._head]
            if gate is not None and not self.is_open(gate):
                if not self.has_passed(gate):
                    return
                self._passed[gate.interaction].append(index)
                self._head += 1
                continue
            self._head += 1
            yield index

    @property
    def waiting(self) -> tuple[int, ...]:
        """The notifications that have not gone."""
        passed = sorted(index for indices in self._passed.values() for index in indices)
        return (*passed, *range(self._head, len(self.cassette_index.gates)))


class PushSchedule:
    """The notifications of one run of a cassette: which count as shown, and which are due to be delivered.

    A notification counts as shown once its cause was asked, whoever listens; it is due when its gate is open (that of a
    notification seen after the response opens when that was sent) and its time has come. `factor` scales the recorded
    distance from the cause: INSTANT keeps only the order.
    """

    def __init__(self, cassette_index: CassetteIndex, *, factor: float, start: float) -> None:
        self.cassette_index = cassette_index
        self._factor = factor
        # When each interaction was asked, and answered.
        self._asked: dict[int, float] = {}
        self._answered: dict[int, float] = {}
        # How far the client has got in recorded time: by operations, and by anything that it asked.
        self._reached = {True: float("-inf"), False: float("-inf")}
        # Recorded moments, and when they came in this run: what an unsolicited notification is timed by.
        self._moments: list[tuple[float, float]] = [(0.0, start)]
        self._shown = InOrder(cassette_index, self._is_asked, self._has_passed)
        self._opened = InOrder(cassette_index, self._is_open, self._has_passed)
        self._due: deque[tuple[float, int]] = deque()
        self._schedule(self._opened.go(), start)

    @property
    def not_shown(self) -> tuple[int, ...]:
        """The notifications whose cause, or that of an earlier one, was not asked."""
        return self._shown.waiting

    @property
    def next_at(self) -> float | None:
        """When the next notification is due; None while none has an open gate."""
        return self._due[0][0] if self._due else None

    def start(self) -> tuple[int, ...]:
        """Return the notifications that count as shown before anything was asked."""
        return tuple(self._shown.go())

    def asked(self, interaction: int, now: float) -> tuple[int, ...]:
        """Take note that an interaction was asked; return the notifications that count as shown from now on."""
        if not self.cassette_index.gates:
            return ()
        self._asked[interaction] = now
        exchange = self.cassette_index.interactions[interaction]
        for of_operations in {False, interaction in self.cassette_index.operations}:
            self._reached[of_operations] = max(self._reached[of_operations], exchange.began)
        self._happened(exchange.began, now)
        self._schedule(self._opened.go(interaction), now)
        return tuple(self._shown.go(interaction))

    def answered(self, interaction: int, now: float) -> None:
        """Take note that the response of an interaction was sent, or never will be.

        One that was not asked belongs to an earlier run: its client was still waiting when this one began.
        """
        if interaction not in self._asked:
            return
        self._answered[interaction] = now
        self._happened(self.cassette_index.interactions[interaction].ended, now)
        self._schedule(self._opened.go(interaction), now)

    def take_due(self, now: float) -> tuple[int, ...]:
        """Take the notifications whose time has come, in their order."""
        taken = []
        while self._due and self._due[0][0] <= now:
            taken.append(self._due.popleft()[1])
        return tuple(taken)

    def _is_asked(self, gate: Gate) -> bool:
        return gate.interaction in self._asked

    def _is_open(self, gate: Gate) -> bool:
        return gate.interaction in self._openings(gate)

    def _openings(self, gate: Gate) -> dict[int, float]:
        return self._answered if gate.after == "response" else self._asked

    def _has_passed(self, gate: Gate) -> bool:
        """Tell whether the client has asked an operation that was recorded after the answer of a gate's interaction.

        What only reads is passed by whatever was recorded after it.
        """
        reached = self._reached[gate.interaction in self.cassette_index.operations]
        asked = gate.interaction in self._asked
        return not asked and self.cassette_index.interactions[gate.interaction].ended <= reached

    def _happened(self, recorded: float, now: float) -> None:
        if self._factor:
            insort(self._moments, (recorded, now))

    def _schedule(self, opened: Iterable[int], now: float) -> None:
        for index in opened:
            # Never before the one that went before it.
            at = max(self._time_of(index, now), self._due[-1][0] if self._due else now)
            self._happened(self.cassette_index.cassette.notifications[index].seen, at)
            self._due.append((at, index))

    def _time_of(self, index: int, now: float) -> float:
        told, gate = self.cassette_index.cassette.notifications[index], self.cassette_index.gates[index]
        # A gate may have opened before now: its notification had to wait for those before it.
        opened = self._openings(gate)[gate.interaction] if gate else now
        earliest = max(now, opened + GAP) if gate and gate.after == "response" else now
        if not self._factor:
            return earliest
        recorded, happened = self._moments[bisect_right(self._moments, (told.seen, float("inf"))) - 1]
        if told.cause:
            cause = self.cassette_index.interactions[told.cause.interaction]
            recorded, happened = (cause.ended if told.cause.after == "response" else cause.began), opened
        return max(earliest, happened + (told.seen - recorded) * self._factor)
