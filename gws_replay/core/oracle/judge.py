"""The verdict on each userData operation of a cassette: exactly what it wrote changed, or not.

Three views must agree: what was sent, what the notification shows, and what the next GET shows. Where there is no
snapshot before or after an operation the verdict is "unknown", never "passed".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import Changes
from gws_replay.core.oracle.attribution import SnapshotPair, Writers
from gws_replay.core.oracle.checks import Views
from gws_replay.core.oracle.evidence import Evidence, evidence_of
from gws_replay.core.oracle.history import Recorded, Snapshot
from gws_replay.core.oracle.later_views import LaterViews
from gws_replay.core.oracle.missing_views import MissingViews, unreadable_requests
from gws_replay.core.oracle.reasons import NotificationLog, Reasons
from gws_replay.core.oracle.side_effects import SideEffects
from gws_replay.core.oracle.timeline import Timeline, Write
from gws_replay.core.oracle.timeline_builder import timelines_of
from gws_replay.core.oracle.tolerance import Coerce, Patterns, Tolerance, coerced_keys

Verdict = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One userData operation: what it sent, the userData around it, and the verdict with its reasons.

    `interaction` is the operation's index in the cassette; `sent` is its body; `changes` is what differs between
    `before` and `after`, less what others did if the operation was refused. `ignored` and `coerced` name what, as the
    caller asked, did not count.
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
    coerced: tuple[str, ...] = ()
    _views: Views | None = field(default=None, repr=False, compare=False)

    def evidence(self) -> tuple[Evidence, ...]:
        """Return the evidence behind the verdict: snapshots, what others wrote, each view, and the reasons."""
        changed = ", ".join(sorted(self.changes.keys - {*self.ignored, *self.coerced}))
        agreed = f"every view agrees: {f'exactly {changed}' if changed else 'nothing'} changed"
        conclusion = "; ".join(self.reasons) or agreed
        return tuple(evidence_of(self._views, conclusion)) if self._views else (Evidence("verdict", conclusion),)


def judge(
    cassette: Recorded,
    *,
    ignore: Iterable[str] = (),
    volatile: Iterable[str] | None = None,
    coerce: Coerce = (),
) -> tuple[Update, ...]:
    """Judge each userData operation of a cassette, in the order of the cassette.

    `ignore` are patterns (`LCA_*`) of the userData keys, and of the attributes of a resource, that the server may move
    as it likes: what they match is reported, not counted, unless the operation itself wrote it. `volatile` are
    patterns of the attributes that differ between two messages about the same state; None for the usual ones.
    `coerce` maps patterns of keys to `string`: the server may keep their values as strings; `string` alone is for all.
    """
    timelines = timelines_of(cassette)
    patterns = Patterns(api.VOLATILE if volatile is None else volatile)
    judged = _Judge(cassette, timelines, Tolerance(ignore, coerced_keys(coerce)), patterns)
    updates = [update for timeline in timelines.values() for update in judged.of_one_resource(timeline)]
    updates.extend(_unread(cassette, index) for index in unreadable_requests(cassette))
    return tuple(sorted(updates, key=lambda update: update.interaction))


class _Judge:
    """What the verdicts on the operations of one cassette have in common."""

    def __init__(
        self, cassette: Recorded, timelines: Mapping[str, Timeline], tolerance: Tolerance, volatile: Patterns
    ) -> None:
        self._tolerance = tolerance
        self._log = _notification_log(cassette, timelines)
        effects = SideEffects(timelines, tolerance, volatile, self._log)
        self._found = effects.reasons()
        self._later = LaterViews(timelines, tolerance, self._log, effects.suspects)
        self._missing = MissingViews(cassette, timelines).doubts

    def of_one_resource(self, timeline: Timeline) -> Iterator[Update]:
        """Yield the verdicts on the operations of one resource."""
        writers = Writers(timeline, self._tolerance)
        pair: SnapshotPair | None = None
        for write in timeline.writes:
            if not write.judged:
                continue
            before, after = timeline.before(write), write.after
            if after is None:
                pair = None
            elif pair is None or pair.earlier is not before or pair.later is not after:
                pair = SnapshotPair(writers, before, after)
            found = self._found.get(write.index) or Reasons()
            for held in self._later.elsewhere.get(write.index, ()):
                held.add_to(found, self._tolerance, own=False)
            views = Views(
                write=write,
                timeline=timeline,
                writers=writers,
                before=before,
                tolerance=self._tolerance,
                found=found,
            )
            self._check(views, pair)
            yield _update(views, pair)

    def _check(self, views: Views, pair: SnapshotPair | None) -> None:
        write, found = views.write, views.found
        views.check_attributes()
        views.check_partial_answers()
        if pair is not None:
            views.check(pair, "the notification" if write.notified else "the next GET")
            views.check_other_answers()
            views.check_next_get()
            views.check_unattributed()
            _check_notified(write, self._log, found)
        for held in self._later.own.get(write.index, ()):
            held.add_to(found, self._tolerance, own=True)
        found.doubts.extend(self._missing.get(write.index, ()))
        found.doubts.extend(_not_seen(write, views.before, self._log))


def _update(views: Views, pair: SnapshotPair | None) -> Update:
    write, found = views.write, views.found
    changes = pair.changes if pair else Changes()
    if pair and write.refused:
        changes = Changes(tuple(pair.not_by_others(write)))
    return Update(
        interaction=write.index,
        operation=write.call.operation or "",
        resource_id=write.call.resource_id or "",
        sent=write.call.sent,
        before=views.before,
        after=write.after,
        changes=changes,
        verdict="failed" if found.failures else "unknown" if found.doubts else "passed",
        reasons=(*found.failures, *found.doubts),
        ignored=tuple(sorted(found.ignored)),
        coerced=tuple(sorted(found.coerced)),
        _views=views,
    )


def _unread(cassette: Recorded, index: int) -> Update:
    """Return the verdict on a request that carries an operation and cannot be read."""
    exchange = cassette.interactions[index]
    call = api.call_of(exchange.request, None)
    return Update(
        interaction=index,
        operation="unreadable operation",
        resource_id=call.resource_id or "",
        sent={},
        before=None,
        after=None,
        changes=Changes(),
        verdict="unknown",
        reasons=("the request names an operation or userData, but its body cannot be read as JSON",),
    )


def _notification_log(cassette: Recorded, timelines: Mapping[str, Timeline]) -> NotificationLog:
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
        (notification.seen, api.message_type_of(notification.value), f"notification {index}")
        for index, notification in enumerate(cassette.notifications)
        if notification.cause is None and _is_error_of_nothing(notification.value)
    ]
    return NotificationLog(topics=topics, answered=answered, last=last, errors=errors)


def _is_error_of_nothing(data: Any) -> bool:
    """Tell an error that names no resource (AsyncTelephonyOpsNotifications: devices, with errorMessage)."""
    return api.reports_error(data) and api.subject_of(data) is None


def _not_seen(write: Write, before: Snapshot | None, log: NotificationLog) -> Iterator[str]:
    """Say which snapshot is missing, and what to record to have it."""
    channel, after = write.call.channel, write.after
    if write.call.sets and write.answers and not isinstance(write.answers[0], Snapshot):
        return  # a notification without userData says that it is unchanged
    if after is None and write.refused:
        yield f"nothing shows userData after it was refused: {api.get_resources(channel)} then"
    elif after is None and channel and channel.key not in log.topics:
        yield f"no notification shows its effect and no GET follows it: subscribe to {channel.topic}, or GET it"
    elif after is None:
        yield "no notification shows its effect and no GET follows it: record until one of them has come"
    elif before is None:
        yield f"no userData of it was seen before: {api.get_resources(channel)} first"


def _check_notified(write: Write, log: NotificationLog, found: Reasons) -> None:
    """Call a notification that never came a fault where a later operation had its own, else a doubt."""
    channel = write.call.channel
    if write.refused or write.answers or channel is None or channel.key not in log.topics:
        return
    if write.unclear:  # the GET shows whether it was carried out
        return
    topic = log.topics[channel.key]
    if place := log.error_since(write):
        found.doubts.append(
            f"no notification on {topic} answers it; {place} is an error that names no resource: "
            "pin it as the cause if it is this operation's"
        )
    elif log.is_lost(write):
        found.failures.append(f"no notification on {topic} answers it, though others were recorded")
    else:
        found.doubts.append(f"no notification on {topic} answers it: record until it has come")
