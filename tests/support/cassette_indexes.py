"""Scripts that are made of times and causes alone, for several test files."""

from collections.abc import Sequence
from dataclasses import replace

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Moment
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.push_schedule import PushSchedule
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


def times(pushes: PushSchedule) -> list[tuple[float, int]]:
    """When each of the notifications that are still to be taken is due."""
    found: list[tuple[float, int]] = []
    while (at := pushes.next_at) is not None:
        found.extend((at, index) for index in pushes.take_due(at))
    return found
