"""The verdict on each userData operation of a cassette: exactly what it wrote changed, or not.

Three views must agree: what was sent, what the notification shows, and what the next GET shows. Where there is no
snapshot before or after an operation the verdict is "unknown", never "passed".
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal

from gws_replay.core import gws
from gws_replay.core.change import Change, Changes, compare_userdata, show, type_name
from gws_replay.core.gws import ABSENT, ANY_KEY
from gws_replay.core.model import Cassette
from gws_replay.core.userdata import Snapshot, history

Verdict = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One userData operation: what it sent, the userData around it, and the verdict with its reasons.

    `interaction` is the operation's index in the cassette; `sent` is its body; `changes` is what differs between
    `before` and `after`.
    """

    interaction: int
    operation: str
    resource_id: str
    sent: Mapping[str, Any]
    before: Snapshot | None
    after: Snapshot | None
    changes: Changes
    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """A userData operation while it is judged. `writes` is empty for one that was refused."""

    index: int
    call: gws.Call
    began: float
    ended: float
    refused: bool
    writes: Mapping[str, Any]
    after: Snapshot | None
    notified: bool

    @property
    def until(self) -> float:
        """When its effect had been shown."""
        return self.after.at if self.after else float("inf")

    def wrote(self, key: str, user_data: Mapping[str, Any]) -> bool:
        """Tell whether userData shows at a key what this operation wrote there."""
        if key in self.writes:
            return gws.shows_key(user_data, key, self.writes[key])
        return ANY_KEY in self.writes and gws.shows_key({key: user_data.get(key)}, ANY_KEY, self.writes[ANY_KEY])


@dataclass(slots=True)
class _Timeline:
    """The writes and snapshots of one resource, in time order, with the indices that keep judging linear."""

    snapshots: Sequence[Snapshot]
    writes: list[_Write] = field(default_factory=list)
    _begun: list[float] = field(default_factory=list)
    _settled: list[float] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)

    def index(self) -> None:
        """Prepare the look-ups, once all writes are in."""
        self._begun = [write.began for write in self.writes]
        self._settled = list(accumulate((write.until for write in self.writes), max))
        self._places = {id(snapshot): place for place, snapshot in enumerate(self.snapshots)}

    def in_flight(self, start: float, end: float) -> list[_Write]:
        """Return the writes whose effect may have come between two moments."""
        first = bisect_right(self._settled, start)
        last = bisect_left(self._begun, end)
        return [write for write in self.writes[first:last] if write.until > start]

    def before(self, write: _Write) -> Snapshot | None:
        """Find the last snapshot that a write had no part in: seen before it was asked, or another one's answer."""
        place = self._places[id(write.after)] if write.after else 0
        for snapshot in reversed(self.snapshots[:place]):
            if snapshot.at <= write.began or snapshot.cause not in (None, write.index):
                return snapshot
        return None

    def next_get(self, write: _Write) -> Snapshot | None:
        """Find the GET that shows the resource next after the notification of a write."""
        place = self._places[id(write.after)] + 1 if write.after and write.notified else len(self.snapshots)
        following = self.snapshots[place] if place < len(self.snapshots) else None
        return following if following and following.interaction is not None and following.began >= write.ended else None


def judge(cassette: Cassette) -> tuple[Update, ...]:
    """Judge each userData operation of a cassette, in the order of the cassette."""
    snapshots = history(cassette)
    topics = {told.channel for told in cassette.notifications}
    updates: list[Update] = []
    for timeline in _timelines(cassette, snapshots):
        timeline.index()
        updates.extend(_judged(write, timeline, topics) for write in timeline.writes)
    return tuple(sorted(updates, key=lambda update: update.interaction))


def _timelines(cassette: Cassette, snapshots: Mapping[str, Sequence[Snapshot]]) -> Iterator[_Timeline]:
    answers: dict[int, Snapshot] = {}
    for group in snapshots.values():
        for snapshot in group:
            if snapshot.cause is not None:
                answers.setdefault(snapshot.cause, snapshot)
    gets = {name: [s for s in group if s.interaction is not None] for name, group in snapshots.items()}
    timelines: dict[str, _Timeline] = {}
    for index, exchange in enumerate(cassette.interactions):
        call = gws.call_of(exchange.request, exchange.sent)
        writes = call.writes
        if writes is None or call.resource_id is None:
            continue
        asked = gets.get(call.resource_id, [])
        following = bisect_left(asked, exchange.ended, key=lambda s: s.began)
        refused = not gws.succeeded(exchange.response.status, exchange.answer)
        timeline = timelines.setdefault(call.resource_id, _Timeline(snapshots.get(call.resource_id, ())))
        timeline.writes.append(
            _Write(
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
    yield from timelines.values()


def _judged(write: _Write, timeline: _Timeline, topics: set[str]) -> Update:
    before, after = timeline.before(write), write.after
    changes = Changes()
    verdict: Verdict = "unknown"
    if after is None:
        reasons = ["no notification shows its effect and no GET follows it: record until one of them has come"]
    elif before is None:
        reasons = ["no userData of this session was seen before it: GET /me/facebooksessions?fields=* first"]
    else:
        changes = compare_userdata(before.data, after.data)
        others = [other for other in timeline.in_flight(before.at, after.at) if other is not write]
        reasons = [
            *_not_written(write, others, after.data),
            *_besides(write, others, changes, after.data),
            *_not_notified(write, topics),
            *_get_disagrees(write, timeline),
        ]
        verdict = "failed" if reasons else "passed"
    return Update(
        interaction=write.index,
        operation=write.call.operation or "",
        resource_id=write.call.resource_id or "",
        sent=write.call.sent,
        before=before,
        after=after,
        changes=changes,
        verdict=verdict,
        reasons=tuple(reasons),
    )


def _not_written(write: _Write, others: Sequence[_Write], after: Mapping[str, Any]) -> Iterator[str]:
    view = "the notification" if write.notified else "the next GET"
    for key, value in write.writes.items():
        if gws.shows_key(after, key, value) or any(key in o.writes and o.wrote(key, after) for o in others):
            continue
        if value is ABSENT:
            yield f"{key}: should be deleted, {view} shows {show(after[key])}"
        elif key not in after:
            yield f"{key or 'disposition'}: sent {show(value)}, {view} does not show it"
        else:
            shown = after[key]
            yield f"{key}: sent {show(value)} ({type_name(value)}), {view} shows {show(shown)} ({type_name(shown)})"


def _besides(write: _Write, others: Sequence[_Write], changes: Changes, after: Mapping[str, Any]) -> Iterator[str]:
    for change in changes.entries:
        if change.key in write.writes or _explained(change, [write, *others], after):
            continue
        yield f"{'changed though it was refused' if write.refused else 'changed besides'}: {change}"


def _not_notified(write: _Write, topics: set[str]) -> Iterator[str]:
    channel = write.call.channel
    if not write.refused and not write.notified and channel and channel.topic in topics:
        yield f"no notification on {channel.topic} answers it, though others were recorded"


def _get_disagrees(write: _Write, timeline: _Timeline) -> Iterator[str]:
    following = timeline.next_get(write)
    if following and write.after:
        later = [other for other in timeline.in_flight(write.after.at, following.at) if other is not write]
        for change in compare_userdata(write.after.data, following.data).entries:
            if not _explained(change, later, following.data):
                yield f"the next GET ({following.place}) disagrees with the notification: {change}"


def _explained(change: Change, writes: Sequence[_Write], after: Mapping[str, Any]) -> bool:
    return any(write.wrote(change.key, after) for write in writes)
