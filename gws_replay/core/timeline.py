"""The writes and the snapshots of each resource in time order: what a verdict is read off.

Times decide what can have been seen of what; nothing here compares userData.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from gws_replay.core import api, operations
from gws_replay.core.model import Cassette
from gws_replay.core.operations import ANY_KEY
from gws_replay.core.userdata import Snapshot, history


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A userData operation while it is judged. `writes` is empty for one that was refused."""

    index: int
    call: operations.Call
    began: float
    ended: float
    refused: bool
    writes: Mapping[operations.Key, Any]
    after: Snapshot | None
    notified: bool

    @property
    def until(self) -> float:
        """When its effect had been shown."""
        return self.after.at if self.after else float("inf")

    def wrote(self, key: str, user_data: Mapping[str, Any]) -> bool:
        """Tell whether userData shows at a key what this operation wrote there."""
        if key in self.writes:
            return operations.shows_key(user_data, key, self.writes[key])
        return ANY_KEY in self.writes and operations.shows_key({key: user_data.get(key)}, ANY_KEY, self.writes[ANY_KEY])


@dataclass(slots=True)
class Timeline:
    """The writes and snapshots of one resource, in time order, with the indices that keep judging linear."""

    snapshots: Sequence[Snapshot]
    writes: list[Write] = field(default_factory=list)
    _begun: list[float] = field(default_factory=list)
    _settled: list[float] = field(default_factory=list)
    _seen: list[float] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)

    def index(self) -> None:
        """Prepare the look-ups, once all writes are in."""
        self._begun = [write.began for write in self.writes]
        self._settled = list(accumulate((write.until for write in self.writes), max))
        self._seen = [snapshot.at for snapshot in self.snapshots]
        self._places = {id(snapshot): place for place, snapshot in enumerate(self.snapshots)}

    def between(self, earlier: Snapshot, later: Snapshot) -> list[Write]:
        """Return the writes whose effect may show in the later of two snapshots and not in the earlier."""
        first = bisect_right(self._settled, earlier.began)
        last = bisect_left(self._begun, later.at)
        return [
            write for write in self.writes[first:last] if write.until > earlier.began and write.after is not earlier
        ]

    def before(self, write: Write) -> Snapshot | None:
        """Find the last snapshot seen before a write was asked."""
        place = bisect_right(self._seen, write.began)
        return self.snapshots[place - 1] if place else None

    def next_get(self, write: Write) -> Snapshot | None:
        """Find the GET that shows the resource next after the notification of a write."""
        if write.after is None or not write.notified:
            return None
        place = self._places[id(write.after)] + 1
        following = self.snapshots[place] if place < len(self.snapshots) else None
        is_get = following and following.interaction is not None and following.began >= write.after.at
        return following if is_get else None


def timelines_of(cassette: Cassette) -> Mapping[str, Timeline]:
    """Return the timeline of each resource that a cassette shows or writes to, by resource id."""
    snapshots = history(cassette)
    answers: dict[int, Snapshot] = {}
    for group in snapshots.values():
        for snapshot in group:
            if snapshot.cause is not None:
                answers.setdefault(snapshot.cause, snapshot)
    gets = {
        name: sorted((s for s in group if s.interaction is not None), key=lambda s: s.began)
        for name, group in snapshots.items()
    }
    timelines = {name: Timeline(group) for name, group in snapshots.items()}
    for index, exchange in enumerate(cassette.interactions):
        call = api.call_of(exchange.request, exchange.sent)
        writes = call.writes
        if writes is None or call.resource_id is None:
            continue
        asked = gets.get(call.resource_id, [])
        following = bisect_left(asked, exchange.ended, key=lambda s: s.began)
        refused = not api.succeeded(exchange.response.status, exchange.answer)
        timeline = timelines.setdefault(call.resource_id, Timeline(()))
        timeline.writes.append(
            Write(
                index=index,
                call=call,
                began=exchange.began,
                ended=exchange.ended,
                refused=refused,
                writes={} if refused else writes,
                after=answers.get(index) or (asked[following] if following < len(asked) else None),
                notified=index in answers,
            )
        )
    for timeline in timelines.values():
        timeline.index()
    return timelines
