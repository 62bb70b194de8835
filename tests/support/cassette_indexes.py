"""Cassettes of which only times and causes matter, and their schedules, for several test files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Moment
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import CassetteRun, UserProgress
from gws_replay.core.replay.push_schedule import PushSchedule, Traffic
from tests.support.builders import push, update

# When an update began and ended.
Span = tuple[float, float]
# When a notification was seen, its cause (None: unsolicited), and after which moment of that.
Pushed = tuple[float, int | None, Moment]
MOMENTS: tuple[Moment, ...] = ("request", "response")


def cassette_index(spans: Sequence[Span], pushed: Sequence[Pushed]) -> CassetteIndex:
    """A cassette of updates, each of its own value, and of notifications that are numbered as `N`."""
    notifications = (
        replace(
            push({"N": number}, seen=seen),
            cause=None if cause is None else Cause(interaction=cause, rule="pin", after=after),
        )
        for number, (seen, cause, after) in enumerate(pushed)
    )
    updates = (update({"A": index}, began=began, ended=ended) for index, (began, ended) in enumerate(spans))
    return CassetteIndex(Cassette(interactions=tuple(updates), notifications=tuple(notifications)))


def in_a_row(count: int) -> list[Span]:
    """Updates that do not overlap: the first from 0 to 0.5, the next from 1 to 1.5, and so on."""
    return [(float(index), index + 0.5) for index in range(count)]


class Scheduled:
    """The schedule of the one user of a cassette, with what has happened in its run."""

    def __init__(self, index: CassetteIndex, *, factor: float = 0.0, start: float = 0.0) -> None:
        self.traffic = Traffic()
        self.schedule = PushSchedule(index.parts[0], self.traffic, factor=factor, start=start)
        self.outlet = self.schedule.connect()

    def sent(self, interaction: int, now: float) -> tuple[int, ...]:
        """Send a request; return what counts as shown from now on."""
        self.traffic.sent[interaction] = now
        return self.schedule.sent(interaction, now)

    def responded(self, interaction: int, now: float) -> None:
        """Send a response."""
        self.traffic.responded[interaction] = now
        self.schedule.responded(interaction, now)

    def waits(self) -> tuple[int, ...]:
        """Let the client do nothing but wait; return what counts as shown from now on."""
        index = self.schedule.waiting(lambda _channel: True)
        return () if index is None else self.schedule.give_way(index, self.now)

    @property
    def now(self) -> float:
        """When something happened last."""
        return max((0.0, *self.traffic.sent.values(), *self.traffic.responded.values()))

    @property
    def next_at(self) -> float | None:
        """When the next notification is due."""
        return self.outlet[0][0] if self.outlet else None

    def take_due(self, now: float) -> tuple[int, ...]:
        """Take the notifications whose time has come, in their order."""
        taken = []
        while self.outlet and self.outlet[0][0] <= now:
            taken.append(self.outlet.popleft()[1])
        return tuple(taken)

    def times(self) -> list[tuple[float, int]]:
        """Take those that are still to come, each with the time when it is due."""
        found = list(self.outlet)
        self.outlet.clear()
        return found


def progress_in(index: CassetteIndex, **options: Any) -> UserProgress:
    """The progress of the one user of a cassette in a run that has just begun."""
    return CassetteRun(index, **options).users[0]
