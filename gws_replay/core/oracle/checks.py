"""One userData operation in each view of it: the notifications that answer it, and the next GET."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Absent, Another, Wild, shows_key
from gws_replay.core.json_compare import Change, compare_userdata, same, show, show_both, type_name
from gws_replay.core.oracle.attribution import SnapshotPair, Writers
from gws_replay.core.oracle.effects import alike, settled, shows_all
from gws_replay.core.oracle.history import Sighting, Snapshot
from gws_replay.core.oracle.reasons import Reasons
from gws_replay.core.oracle.timeline import Timeline, Write
from gws_replay.core.oracle.tolerance import Tolerance

# What to record when operations hide each other's effects.
_ONE_BY_ONE = "record one operation after the other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """An operation, the last snapshot before it, and the reasons that its views add to."""

    write: Write
    timeline: Timeline
    writers: Writers
    before: Snapshot | None
    tolerance: Tolerance
    found: Reasons

    def check(self, shown: SnapshotPair, view: str) -> None:
        """Check that a snapshot shows what was written, and that nothing else has changed since the one before."""
        first = len(self.found.failures)
        self._check_written(shown, view)
        if len(self.found.failures) > first and self.write.notified and (cause := self._cause(shown)):
            self.found.failures.insert(first, f"{view} {cause}")
        self._check_besides(shown)

    def check_other_answers(self) -> None:
        """Check every other notification that answers the operation: all of them must show it."""
        write = self.write
        for answer in write.answers:
            if isinstance(answer, Snapshot) and answer is not write.after:
                found = Reasons(ignored=self.found.ignored, coerced=self.found.coerced, keys=self.found.keys)
                apart = replace(self, found=found)
                apart.check(SnapshotPair(self.writers, self.before, answer), answer.place)
                self.found.failures.extend(f"{answer.place} answers it too: {each}" for each in found.failures)
                self.found.doubts.extend(found.doubts)

    def next_get(self) -> Snapshot | None:
        """Return the GET that is the next to show the resource after the operation's notification."""
        write = self.write
        following = next(self.timeline.following(write.after), None) if write.after and write.notified else None
        return following if following is not None and following.interaction is not None else None

    def check_next_get(self) -> None:
        """Check that the next GET agrees with the notification."""
        write, following = self.write, self.next_get()
        if write.after is None or following is None:
            return
        shown = SnapshotPair(self.writers, write.after, following)
        changes = (
            each for each in shown.not_by_others(write) if write.refused or not write.wrote(each.key, following.data)
        )
        for change in self.tolerance.counting(changes, self.found):
            text = f"the next GET ({following.place}) disagrees with the notification: {change}"
            if reason := self._under_way(write.after, following):
                self.found.add(
                    f"{text}; {reason}: ignore the key if the server moves it", certain=False, key=change.key
                )
            else:
                self.found.add(text, certain=True, key=change.key)

    def check_unattributed(self) -> None:
        """Check the notifications around its own that answer no operation: they may be second ones of this operation.

        One that the next GET confirms is a change of somebody else.
        """
        write, after = self.write, self.write.after
        if after is None or not write.notified or after.reference is not None:
            return
        earlier = self.timeline.during(self.before, after) if self.before else ()
        for other in (*earlier, *self._unattributed_after(after)):
            if other.interaction is None and other.cause is None and other.kind == after.kind:
                self._check_unattributed(other, after)

    def _check_unattributed(self, other: Snapshot, after: Snapshot) -> None:
        rivals = self.timeline.rivals(self.write, self.before, other if other.at > after.at else after)
        following = next(self.timeline.following(other), None) if other.at > after.at else None
        for change in compare_userdata(after.data, other.data).entries:
            if other.at < after.at and self.before and alike(change.key, self.before.data, other.data):
                continue  # it shows what was there before the operation
            if any(each.wrote(change.key, other.data) for each in rivals):
                continue
            is_get = following is not None and following.interaction is not None
            if is_get and following and alike(change.key, other.data, following.data):
                continue
            for counting in self.tolerance.counting([change], self.found):
                text = f"{other.place} shows other userData than {after.place}, and answers no operation: {counting}"
                if following and self._contradicts(following, after, change.key, rivals):
                    text = f"{text}; the next GET ({following.place}) does not show it"
                    self.found.add(text, certain=True, key=change.key)
                else:
                    text = f"{text}; a second answer, or a change of the server's own: pin its cause, or ignore the key"
                    self.found.add(text, certain=False, key=change.key)

    def _contradicts(self, following: Snapshot, after: Snapshot, key: str, rivals: Sequence[Write]) -> bool:
        """Tell whether a GET shows a key as the answer did, though a notification between them did not."""
        later = [*rivals, *self.timeline.between(after.at, following.at)]
        is_same = following.interaction is not None and alike(key, after.data, following.data)
        return is_same and not any(each is not self.write and each.wrote(key, following.data) for each in later)

    def check_partial_answers(self) -> None:
        """Check the notifications that do not show the whole userData: what they show of it was written."""
        write = self.write
        for answer in write.answers if write.writes else ():
            part = api.user_data_in(answer.resource)
            if isinstance(answer, Snapshot):
                continue
            if part is not None:
                beside = self.timeline.between(write.began, answer.at)
                for key, value in write.writes.items():
                    if not isinstance(key, Wild) and not any(each.wrote(key, part) for each in (write, *beside)):
                        self.found.add(_missed(key, value, part, answer.place), certain=True, key=key)
            elif write.call.answered_by(answer.kind):
                # No page says whether other channels than voice leave out what is empty.
                certain = write.after is not None and bool(write.after.data) and not write.contested
                advice = "" if certain else f": {_ONE_BY_ONE}, or pin its cause"
                self.found.add(f"{answer.place} does not show userData{advice}", certain=certain)

    def check_attributes(self) -> None:
        """Check that the notification, or the next GET, shows the attributes that the operation sets."""
        write = self.write
        shown = write.answers[0] if write.answers else write.after
        if write.refused or shown is None:
            return
        certain = not write.contested and not (write.unclear and not write.answers)
        for name, value in write.call.sets.items():
            if name in shown.resource:
                if not same(shown.resource[name], value) and not self._set_by_others(name, shown):
                    found = show(shown.resource[name])
                    self.found.add(f"{name}: sent {show(value)}, {shown.place} shows {found}", certain=certain)
            elif write.answers:
                self.found.add(f"{name}: sent {show(value)}, {shown.place} does not show it", certain=certain)
            else:
                self.found.add(f"{name}: no notification shows it, nor does {shown.place}", certain=False)

    def _set_by_others(self, name: str, shown: Sighting) -> bool:
        found = self.timeline.between(self.write.began, shown.at)
        return any(name in each.call.sets and same(shown.resource[name], each.call.sets[name]) for each in found)

    def _unattributed_after(self, after: Snapshot) -> Iterator[Snapshot]:
        for other in self.timeline.following(after):
            if other.interaction is not None or other.cause is not None:
                return
            yield other

    def _check_written(self, shown_by: SnapshotPair, view: str) -> None:
        write, after = self.write, shown_by.later
        before = self.before.data if self.before else None
        for key, value in write.writes.items():
            if isinstance(key, Wild):
                self._check_wild(key, after, view)
                continue
            shown = settled(key, value, before, after.data)
            if not shown and isinstance(value, Another):
                values = [each.writes[key] for each in self._rivals(after) if key in each.writes]
                shown = settled(key, value, before, after.data, values) if values else shown
            shown = shown or any(not each.refused for each in shown_by.writers(key, write)) or shown
            if not shown:
                self._add_missed(key, value, after, view, was_shown=shown is not None)

    def _add_missed(self, key: str, value: Any, after: Snapshot, view: str, *, was_shown: bool) -> None:
        """Add that a key does not show what was written, if it has to."""
        write, before = self.write, self.before.data if self.before else None
        sent = value.value if isinstance(value, Another) else value
        if key in after.data and self.tolerance.coerces(key, sent, after.data[key]):
            self.found.coerced.add(key)
            return
        unchanged = before is not None and alike(key, before, after.data)
        if not was_shown:
            text = f"{key}: stood there before, {view} shows that one only: attached, or not? Attach another value"
        elif write.outcome == "partly" and (unchanged or before is None):
            text = f"{key}: not written, and partial success (statusCode 7) allows that"
        elif write.unclear and not write.notified and (unchanged or before is None):
            text = f"{key}: {view} does not show it; the response leaves open whether it was carried out: GET it later"
        else:
            self.found.add(_missed(key, value, after.data, view), certain=True, key=key)
            return
        self.found.add(text, certain=False, key=key)

    def _check_wild(self, key: Wild, after: Snapshot, view: str) -> None:
        value = self.write.writes[key]
        if shows_key(after.data, key, value):
            return
        certain = not (self.write.unclear and not self.write.notified)
        if key is Wild.ANY:
            if any(each.writes for each in self._rivals(after)):
                text = f"disposition: {view} does not show it; another operation may have hidden it"
                self.found.add(f"{text}: {_ONE_BY_ONE}", certain=False)
            else:
                self.found.add(f"disposition: sent {show(value)}, {view} does not show it", certain=certain)
            return
        rivals = [each for each in self._rivals(after) if not each.refused]
        for name in after.data:
            if not any(each.wrote(name, after.data) for each in rivals):
                self.found.add(_missed(name, value, after.data, view), certain=certain, key=name)

    def _rivals(self, after: Snapshot) -> Sequence[Write]:
        return self.timeline.rivals(self.write, self.before, after)

    def _check_besides(self, shown: SnapshotPair) -> None:
        write, after = self.write, shown.later
        if all(change.key in write.writes for change in shown.changes.entries):
            return  # nearly always
        own = shown.not_by_others(write)
        # The server's own key for a disposition is one key.
        guessed = [each for each in own if each.key not in write.writes and self._explains(each, after)]
        changes = [each for each in own if not self._explains(each, after)]
        changes += guessed if len(guessed) > 1 and Wild.ANY in write.writes else []
        for change in self.tolerance.counting(changes, self.found):
            if reason := self._other_reason(change, after):
                text = f"changed besides: {change}; {reason}: ignore the key if the server moves it"
                self.found.add(text, certain=False, key=change.key)
            else:
                what = "changed though it was refused" if write.refused else "changed besides"
                self.found.add(f"{what}: {change}", certain=True, key=change.key)

    def _explains(self, change: Change, after: Snapshot) -> bool:
        """Tell whether the operation itself explains a change that no other one does."""
        write = self.write
        return change.key in write.writes or (not write.refused and write.wrote(change.key, after.data))

    def _other_reason(self, change: Change, after: Snapshot) -> str | None:
        """Return what may have moved a key that was not written: an unsolicited notification, another operation."""
        if self.before is None or (self.write.refused and self.write.wrote(change.key, after.data)):
            return None
        for other in self.timeline.during(self.before, after):
            unsolicited = other.interaction is None and other.cause is None
            if unsolicited and alike(change.key, other.data, after.data):
                return f"{other.place}, which answers no operation, shows it"
        return self._under_way(self.before, after)

    def _under_way(self, earlier: Snapshot, later: Snapshot) -> str | None:
        """Name an operation that may have moved keys of the server's own."""
        for activity in self.timeline.others_between(earlier.at, later.at):
            return f"interaction {activity.index} ({activity.call.operation}) was under way"
        return None

    def _cause(self, pair: SnapshotPair) -> str | None:
        """Say whose userData a notification shows, if not that after this operation."""
        after = pair.later
        if self.before and not pair.changes:
            return f"is stale: it shows userData as {self.before.place} did"
        shown = [
            each
            for each in self.timeline.near(self.write)
            if each.writes
            and not (self.before and shows_all(self.before.data, each.writes))
            and shows_all(after.data, each.writes)
        ]
        return f"shows what interaction {shown[0].index} wrote" if shown else None


def _missed(key: str, value: Any, after: Mapping[str, Any], view: str) -> str:
    if isinstance(value, Another):
        value = value.value
    if isinstance(value, Absent):
        return f"{key}: should be deleted, {view} shows {show(after[key])}"
    if key not in after:
        return f"{key}: sent {show(value)}, {view} does not show it"
    sent, shown = show_both(value, after[key])
    return f"{key}: sent {sent} ({type_name(value)}), {view} shows {shown} ({type_name(after[key])})"
