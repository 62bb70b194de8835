"""The verdict on each userData operation of a cassette: exactly what it wrote changed, or not.

Three views must agree: what was sent, what the notification shows, and what the next GET shows. Where there is no
snapshot before or after an operation the verdict is "unknown", never "passed".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import Changes
from gws_replay.core.oracle.attribution import Between, Writers
from gws_replay.core.oracle.checks import Views
from gws_replay.core.oracle.findings import Heard, Names, Reasons
from gws_replay.core.oracle.history import Recorded, Snapshot
from gws_replay.core.oracle.side_effects import SideEffects
from gws_replay.core.oracle.timeline import Timeline, Write
from gws_replay.core.oracle.timeline_builder import timelines_of

Verdict = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One userData operation: what it sent, the userData around it, and the verdict with its reasons.

    `interaction` is the operation's index in the cassette; `sent` is its body; `changes` is what differs between
    `before` and `after`; `ignored` names what moved and, as the caller asked, did not count.
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
    ignored: tuple[str, ...] = ()


def judge(
    cassette: Recorded, *, ignore: Iterable[str] = (), volatile: Iterable[str] | None = None
) -> tuple[Update, ...]:
    """Judge each userData operation of a cassette, in the order of the cassette.

    `ignore` are patterns (`LCA_*`) of the userData keys, and of the attributes of a resource, that the server may move
    as it likes: what they match is reported, not counted, unless the operation itself wrote it. `volatile` are
    patterns of the attributes that differ between two messages about the same state; None for the usual ones.
    """
    timelines = timelines_of(cassette)
    ignored, heard = Names(ignore), _heard(cassette, timelines)
    frame = SideEffects(timelines, ignored, Names(api.VOLATILE if volatile is None else volatile), heard).findings()
    updates = [
        update for timeline in timelines.values() for update in _of_one_resource(timeline, frame, ignored, heard)
    ]
    return tuple(sorted(updates, key=lambda update: update.interaction))


def _heard(cassette: Recorded, timelines: Mapping[str, Timeline]) -> Heard:
    topics: dict[str, str] = {}
    answered: dict[str, float] = {}
    last: dict[str, float] = {}
    for name, timeline in timelines.items():
        for seen in timeline.sightings:
            if seen.notification is not None and seen.channel:
                topics.setdefault(seen.channel.key, cassette.notifications[seen.notification].channel)
                if seen.cause is not None:
                    answered[seen.channel.key] = max(answered.get(seen.channel.key, 0.0), seen.began)
                    last[name] = max(last.get(name, 0.0), seen.began)
    errors = [
        (told.seen, api.message_type_of(told.value), f"notification {index}")
        for index, told in enumerate(cassette.notifications)
        if told.cause is None and _is_error_of_nothing(told.value)
    ]
    return Heard(topics=topics, answered=answered, last=last, errors=errors)


def _is_error_of_nothing(data: Any) -> bool:
    """Tell an error that names no resource (AsyncTelephonyOpsNotifications: devices, with errorMessage)."""
    return api.reports_error(data) and api.subject_of(data) is None


def _of_one_resource(
    timeline: Timeline, frame: Mapping[int, Reasons], ignored: Names, heard: Heard
) -> Iterator[Update]:
    writers = Writers(timeline)
    between: Between | None = None
    for write in timeline.writes:
        if not write.judged:
            continue
        before, after = timeline.before(write), write.after
        if after is None:
            between = None
        elif between is None or between.earlier is not before or between.later is not after:
            between = Between(writers, before, after)
        found = frame.get(write.index) or Reasons()
        views = Views(write=write, timeline=timeline, writers=writers, before=before, ignored=ignored, found=found)
        yield _judged(views, between, heard)


def _judged(views: Views, between: Between | None, heard: Heard) -> Update:
    write, before, found = views.write, views.before, views.found
    after = write.after
    views.check_attributes()
    views.check_told_in_part()
    if between is not None:
        views.check(between, "the notification" if write.notified else "the next GET")
        views.check_other_answers()
        views.check_next_get()
        views.check_told_twice()
        _check_notified(write, heard, found)
    found.doubts.extend(_missing(write, before, heard))
    return Update(
        interaction=write.index,
        operation=write.call.operation or "",
        resource_id=write.call.resource_id or "",
        sent=write.call.sent,
        before=before,
        after=after,
        changes=between.changes if between else Changes(),
        verdict="failed" if found.failures else "unknown" if found.doubts else "passed",
        reasons=(*found.failures, *found.doubts),
        ignored=tuple(sorted(found.ignored)),
    )


def _missing(write: Write, before: Snapshot | None, heard: Heard) -> Iterator[str]:
    """Say which snapshot is missing, and what to record to have it."""
    channel, after = write.call.channel, write.after
    if write.call.sets and write.answers and not isinstance(write.answers[0], Snapshot):
        return  # a notification without userData says that it is unchanged
    if after is None and write.refused:
        yield f"nothing shows userData after it was refused: {api.get_resources(channel)} then"
    elif after is None and channel and channel.key not in heard.topics:
        yield f"no notification shows its effect and no GET follows it: subscribe to {channel.topic}, or GET it"
    elif after is None:
        yield "no notification shows its effect and no GET follows it: record until one of them has come"
    elif before is None:
        yield f"no userData of it was seen before: {api.get_resources(channel)} first"


def _check_notified(write: Write, heard: Heard, found: Reasons) -> None:
    """Call a notification that never came a fault where a later operation had its own, else a doubt."""
    channel = write.call.channel
    if write.refused or write.answers or channel is None or channel.key not in heard.topics:
        return
    topic = heard.topics[channel.key]
    if place := heard.error_since(write):
        found.doubts.append(
            f"no notification on {topic} answers it; {place} tells of an error and names no resource: "
            "pin it as the cause if it is this operation's"
        )
    elif heard.is_lost(write):
        found.failures.append(f"no notification on {topic} answers it, though others were recorded")
    else:
        found.doubts.append(f"no notification on {topic} answers it: record until it has come")
