"""The verdict on each userData operation of a cassette: exactly what it wrote changed, or not.

Three views must agree: what was sent, what the notification shows, and what the next GET shows. Where there is no
snapshot before or after an operation the verdict is "unknown", never "passed".
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from gws_replay.core import operations
from gws_replay.core.change import Change, Changes, compare_userdata, show, type_name
from gws_replay.core.model import Cassette
from gws_replay.core.operations import ABSENT
from gws_replay.core.timeline import Timeline, Write, timelines_of
from gws_replay.core.userdata import Snapshot

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


def judge(cassette: Cassette) -> tuple[Update, ...]:
    """Judge each userData operation of a cassette, in the order of the cassette."""
    timelines = timelines_of(cassette)
    topics = {told.channel for told in cassette.notifications}
    elsewhere = _elsewhere(timelines)
    updates = [
        _judged(write, timeline, topics, elsewhere.get(write.index, ()))
        for timeline in timelines.values()
        for write in timeline.writes
    ]
    return tuple(sorted(updates, key=lambda update: update.interaction))


def _elsewhere(timelines: Mapping[str, Timeline]) -> Mapping[int, Sequence[str]]:
    """Find what moved in a resource that no operation on it accounts for, by the last operation on another one."""
    blamed: dict[int, list[str]] = {}
    writes = sorted((write for each in timelines.values() for write in each.writes), key=lambda write: write.began)
    begun = [write.began for write in writes]
    for name, timeline in timelines.items():
        for earlier, later in pairwise(timeline.snapshots):
            if later.cause is not None or later.began < earlier.at:
                continue
            changes = compare_userdata(earlier.data, later.data).entries
            own = timeline.between(earlier, later) if changes else []
            moved = [change for change in changes if not _explained(change, own, later.data)]
            suspects = writes[: bisect_left(begun, later.at)] if moved else []
            for write in reversed(suspects):
                if write.until > earlier.at and write.call.resource_id != name:
                    blamed.setdefault(write.index, []).extend(
                        f"session {name} changed too, from {earlier.place} to {later.place}: {change}"
                        for change in moved
                    )
                    break
    return blamed


def _judged(write: Write, timeline: Timeline, topics: set[str], elsewhere: Sequence[str]) -> Update:
    before, after = timeline.before(write), write.after
    changes = Changes()
    verdict: Verdict = "unknown"
    if after is None:
        reasons = ["no notification shows its effect and no GET follows it: record until one of them has come"]
    elif before is None:
        reasons = ["no userData of this session was seen before it: GET /me/facebooksessions?fields=* first"]
    else:
        changes = compare_userdata(before.data, after.data)
        others = [other for other in timeline.between(before, after) if other is not write]
        reasons = [
            *_not_written(write, others, after.data),
            *_besides(write, others, changes, after.data),
            *_not_notified(write, topics),
            *_get_disagrees(write, timeline),
            *elsewhere,
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


def _not_written(write: Write, others: Sequence[Write], after: Mapping[str, Any]) -> Iterator[str]:
    view = "the notification" if write.notified else "the next GET"
    for key, value in write.writes.items():
        if isinstance(key, operations.Wild):
            if not operations.shows_key(after, key, value):
                yield f"disposition: sent {show(value)}, {view} does not show it"
            continue
        if operations.shows_key(after, key, value) or any(key in o.writes and o.wrote(key, after) for o in others):
            continue
        if value is ABSENT:
            yield f"{key}: should be deleted, {view} shows {show(after[key])}"
        elif key not in after:
            yield f"{key}: sent {show(value)}, {view} does not show it"
        else:
            shown = after[key]
            yield f"{key}: sent {show(value)} ({type_name(value)}), {view} shows {show(shown)} ({type_name(shown)})"


def _besides(write: Write, others: Sequence[Write], changes: Changes, after: Mapping[str, Any]) -> Iterator[str]:
    for change in changes.entries:
        if change.key in write.writes or _explained(change, [write, *others], after):
            continue
        yield f"{'changed though it was refused' if write.refused else 'changed besides'}: {change}"


def _not_notified(write: Write, topics: set[str]) -> Iterator[str]:
    channel = write.call.channel
    if not write.refused and not write.notified and channel and channel.topic in topics:
        yield f"no notification on {channel.topic} answers it, though others were recorded"


def _get_disagrees(write: Write, timeline: Timeline) -> Iterator[str]:
    following = timeline.next_get(write)
    if following and write.after:
        later = [other for other in timeline.between(write.after, following) if other is not write]
        for change in compare_userdata(write.after.data, following.data).entries:
            if not _explained(change, later, following.data):
                yield f"the next GET ({following.place}) disagrees with the notification: {change}"


def _explained(change: Change, writes: Sequence[Write], after: Mapping[str, Any]) -> bool:
    return any(write.wrote(change.key, after) for write in writes)
