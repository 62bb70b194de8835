"""What each snapshot shows changed against the one before it, and the operation that this counts against.

No key of userData changes by itself. A change that neither an operation nor an unsolicited notification explains
counts against the operation that the later snapshot answers; else against one that was under way; else against the
last operation before it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gws_replay.core.json_compare import Change
from gws_replay.core.oracle.attribution import Writers
from gws_replay.core.oracle.effects import alike
from gws_replay.core.oracle.history import Snapshot
from gws_replay.core.oracle.reasons import NotificationLog, Reasons
from gws_replay.core.oracle.timeline import Timeline, Write
from gws_replay.core.oracle.tolerance import Tolerance

# How many operations are looked back at for the one to blame.
_WINDOW = 64


class Suspects:
    """The judged operations of a cassette, by the time at which they began."""

    def __init__(self, timelines: Mapping[str, Timeline]) -> None:
        writes = (write for timeline in timelines.values() for write in timeline.writes if write.judged)
        self._writes = sorted(writes, key=lambda write: write.began)
        self._begun = [write.began for write in self._writes]

    def before(self, at: float) -> Iterator[Write]:
        """Yield the operations that began before a moment, the last first."""
        last = bisect_left(self._begun, at)
        return reversed(self._writes[max(0, last - _WINDOW) : last])

    def under_way(self, since: float, until: float) -> Iterator[Write]:
        """Yield the operations that may have had an effect between two moments, the last first."""
        return (write for write in self.before(until) if write.until > since)


@dataclass(frozen=True, slots=True)
class _Unexplained:
    """The changes of a resource between two snapshots that nothing explains."""

    timeline: Timeline
    earlier: Snapshot
    later: Snapshot
    changes: Sequence[Change]

    @property
    def is_unsolicited(self) -> bool:
        """Whether the later snapshot is a notification that answers no operation."""
        return self.later.interaction is None and self.later.cause is None


@dataclass(frozen=True, slots=True)
class Held:
    """Changes that count against an operation: `text` says where they were seen, `certain` whether it is at fault."""

    text: str
    changes: Sequence[Change]
    certain: bool
    advice: str = ""

    def add_to(self, reasons: Reasons, tolerance: Tolerance, *, own: bool) -> None:
        """Add them to an operation's reasons; of its own resource, only keys that no other reason is about."""
        for change in tolerance.counting(self.changes, reasons):
            if not own or not reasons.covers(change.key, certain=self.certain):
                reasons.add(
                    f"{self.text}: {change}{self.advice}", certain=self.certain, key=change.key if own else None
                )


class LaterViews:
    """Every change that nothing explains, by the index of the operation that it counts against."""

    def __init__(
        self, timelines: Mapping[str, Timeline], tolerance: Tolerance, log: NotificationLog, suspects: Suspects
    ) -> None:
        self._log = log
        self._suspects = suspects
        self.own: dict[int, list[Held]] = {}
        self.elsewhere: dict[int, list[Held]] = {}
        for name, timeline in timelines.items():
            for unexplained in _unexplained(timeline, tolerance):
                self._hold(name, unexplained)

    def _hold(self, name: str, found: _Unexplained) -> None:
        earlier, later = found.earlier, found.later
        own = self._own(found)
        if own is not None and (later.cause == own.index or own.until > earlier.at):
            self._hold_own(own, found)
            return
        elsewhere = [
            write
            for write in self._suspects.under_way(earlier.at, later.at)
            if write.call.resource_id != name and later.cause is None
        ]
        alike = [write for write in elsewhere if all(write.wrote(each.key, later.data) for each in found.changes)]
        if alike or elsewhere:
            self._hold_elsewhere((alike or elsewhere)[0], found, name, is_alike=bool(alike))
        elif found.is_unsolicited:
            return
        elif own is not None:
            self._hold_own(own, found)
        elif last := next(self._suspects.before(later.at), None):
            self._hold_elsewhere(last, found, name, is_alike=False)

    def _own(self, found: _Unexplained) -> Write | None:
        """Return the operation on the resource that the later snapshot answers, or the last one before it."""
        timeline = found.timeline
        if found.later.cause is not None:
            answered = timeline.write_at(found.later.cause)
            if answered is not None and answered.judged:
                return answered
        return timeline.last_before(found.later.at)

    def _hold_own(self, write: Write, found: _Unexplained) -> None:
        earlier, later = found.earlier, found.later
        if found.is_unsolicited:
            return  # it says so itself
        where = f"from {earlier.place} to {later.place}"
        if later.cause == write.index:
            text = f"changed besides, {where}"
        else:
            text = f"changed later, {where}, and no operation or notification explains it"
        doubt = ""
        if activity := next(iter(found.timeline.others_between(earlier.at, later.at)), None):
            doubt = f"; interaction {activity.index} ({activity.call.operation}) was under way"
        elif earlier.interaction is None and earlier.cause is None and later.cause is not None:
            doubt = f"; {earlier.place} answers no operation: pin its cause"
        elif not self._log.covers(found.timeline):
            doubt = "; no notifications of it were recorded, which could say why"
        held = Held(text, found.changes, certain=not doubt, advice=doubt)
        self.own.setdefault(write.index, []).append(held)

    def _hold_elsewhere(self, write: Write, found: _Unexplained, name: str, *, is_alike: bool) -> None:
        earlier, later = found.earlier, found.later
        if found.timeline.others_between(earlier.at, later.at):
            return
        text = f"{found.timeline.name_of(name)} changed too, from {earlier.place} to {later.place}"
        certain = is_alike or (later.interaction is not None and self._log.covers(found.timeline))
        advice = "" if certain else "; no operation on it does that: ignore the key if it is right"
        self.elsewhere.setdefault(write.index, []).append(Held(text, found.changes, certain=certain, advice=advice))


def _unexplained(timeline: Timeline, tolerance: Tolerance) -> Iterator[_Unexplained]:
    """Yield what differs between two snapshots that follow each other, and that no operation at that time wrote.

    A snapshot may show an older state than the one seen before it, if its request was under way then. So a key that an
    operation wrote meanwhile may also be as it was when that request was sent.
    """
    writers = Writers(timeline, tolerance)
    for earlier, later in pairwise(timeline.snapshots):
        changes = timeline.changes(earlier, later).entries
        cause = timeline.write_at(later.cause) if later.cause is not None else None
        if cause is not None and all(cause.wrote(change.key, later.data) for change in changes):
            continue  # nearly always
        may_be_older = later.began < earlier.at
        first = timeline.seen_by(later.began) if may_be_older else None
        since = min(earlier.began, later.began, *((first.began,) if first else ()))
        found = []
        for change in changes:
            key = change.key
            is_older = may_be_older and (first is None or alike(key, first.data, later.data))
            shown = (later, earlier) if is_older else (later,)
            if not any(next(writers.of(key, each.data, since, later.at), None) for each in shown):
                found.append(change)
        if found:
            yield _Unexplained(timeline, earlier, later, found)
