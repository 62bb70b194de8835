"""One userData operation in each view of it: the notifications that answer it, and the next GET."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Absent, Another, Wild, shows_key
from gws_replay.core.json_compare import Change, compare_userdata, same, show, type_name
from gws_replay.core.oracle.attribution import Between, Writers
from gws_replay.core.oracle.effects import alike, settled, shows_all
from gws_replay.core.oracle.findings import Names, Reasons
from gws_replay.core.oracle.history import Sighting, Snapshot
from gws_replay.core.oracle.timeline import Timeline, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """An operation, the last snapshot before it, and the findings that its views add to."""

    write: Write
    timeline: Timeline
    writers: Writers
    before: Snapshot | None
    ignored: Names
    found: Reasons

    def check(self, shown: Between, view: str) -> None:
        """Check that a snapshot shows what was written, and that nothing besides has changed since the one before."""
        failures = [*self._not_written(shown, view)]
        if failures and self.write.notified and (cause := self._cause(shown)):
            failures.insert(0, f"{view} {cause}")
        failures.extend(self._besides(shown))
        self.found.failures.extend(failures)

    def check_other_answers(self) -> None:
        """Check every other notification that answers the operation: all of them must show it."""
        write = self.write
        for answer in write.answers:
            if isinstance(answer, Snapshot) and answer is not write.after:
                found = Reasons(ignored=self.found.ignored)
                apart = replace(self, found=found)
                apart.check(Between(self.writers, self.before, answer), answer.place)
                self.found.failures.extend(f"{answer.place} answers it too: {each}" for each in found.failures)
                self.found.doubts.extend(found.doubts)

    def check_next_get(self) -> None:
        """Check that the GET that shows the resource next agrees with the notification."""
        write = self.write
        following = next(self.timeline.following(write.after), None) if write.after and write.notified else None
        if write.after is None or following is None or following.interaction is None:
            return
        shown = Between(self.writers, write.after, following)
        for change in shown.not_by_others(write):
            if self._explained(change, following):
                continue
            text = f"the next GET ({following.place}) disagrees with the notification: {change}"
            if reason := self._at_work(write.after, following):
                self.found.doubts.append(f"{text}; {reason}: ignore the key if the server moves it")
            else:
                self.found.failures.append(text)

    def check_told_twice(self) -> None:
        """Find what was told beside the answer, where nothing says whether that answers the operation too."""
        write, after = self.write, self.write.after
        if after is None or not write.notified or after.reference is not None:
            return
        earlier = self.timeline.during(self.before, after) if self.before else ()
        for told in (*earlier, *self._told_next(after)):
            if told.interaction is not None or told.cause is not None or told.kind != after.kind:
                continue
            others = self.timeline.others(write, self.before, told if told.at > after.at else after)
            following = next(self.timeline.following(told), None) if told.at > after.at else None
            for change in compare_userdata(after.data, told.data).entries:
                if told.at < after.at and self.before and alike(change.key, self.before.data, told.data):
                    continue  # it shows what was there before the operation
                if any(each.wrote(change.key, told.data) for each in others):
                    continue
                if change.key in self.ignored:
                    self.found.ignored.add(change.key)
                    continue
                text = f"{told.place} shows other userData than {after.place}, and answers no operation: {change}"
                if following and self._contradicts(following, after, change.key, others):
                    self.found.failures.append(f"{text}; the next GET ({following.place}) does not show it")
                else:
                    self.found.doubts.append(
                        f"{text}; a second answer, or a change of the server's own: pin its cause, or ignore the key"
                    )

    def _contradicts(self, following: Snapshot, after: Snapshot, key: str, others: Sequence[Write]) -> bool:
        """Tell whether a GET shows a key as the answer did, though a notification between them did not."""
        later = [*others, *self.timeline.between(after.at, following.at)]
        is_same = following.interaction is not None and alike(key, after.data, following.data)
        return is_same and not any(each is not self.write and each.wrote(key, following.data) for each in later)

    def check_told_in_part(self) -> None:
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
                        self.found.failures.append(_missed(key, value, part, answer.place))
            elif write.call.answered_by(answer.kind):
                # No page says whether other channels than voice leave out what is empty.
                certain = write.after is not None and bool(write.after.data) and not write.contested
                (self.found.failures if certain else self.found.doubts).append(f"{answer.place} does not show userData")

    def check_attributes(self) -> None:
        """Check that the notification, or the next GET, shows the attributes that the operation sets."""
        write = self.write
        shown = write.answers[0] if write.answers else write.after
        if write.refused or shown is None:
            return
        wrong = self.found.doubts if write.contested else self.found.failures
        for name, value in write.call.sets.items():
            if name in shown.resource:
                if not same(shown.resource[name], value) and not self._set_by_others(name, shown):
                    found = show(shown.resource[name])
                    wrong.append(f"{name}: sent {show(value)}, {shown.place} shows {found}")
            elif write.answers:
                wrong.append(f"{name}: sent {show(value)}, {shown.place} does not show it")
            else:
                self.found.doubts.append(f"{name}: no notification shows it, nor does {shown.place}")

    def _set_by_others(self, name: str, shown: Sighting) -> bool:
        found = self.timeline.between(self.write.began, shown.at)
        return any(name in each.call.sets and same(shown.resource[name], each.call.sets[name]) for each in found)

    def _told_next(self, after: Snapshot) -> Iterator[Snapshot]:
        for told in self.timeline.following(after):
            if told.interaction is not None or told.cause is not None:
                return
            yield told

    def _not_written(self, shown_by: Between, view: str) -> Iterator[str]:
        write, after = self.write, shown_by.later
        before = self.before.data if self.before else None
        for key, value in write.writes.items():
            if isinstance(key, Wild):
                yield from self._not_written_wildly(key, after, view)
                continue
            shown = settled(key, value, before, after.data)
            if not shown and isinstance(value, Another):
                values = [each.writes[key] for each in self._others(after) if key in each.writes]
                shown = settled(key, value, before, after.data, values) if values else shown
            shown = shown or any(not each.refused for each in shown_by.writers(key, write)) or shown
            if shown:
                continue
            unchanged = before is not None and alike(key, before, after.data)
            if shown is None:
                self.found.doubts.append(f"{key}: stood there before, {view} shows that one only: attached, or not?")
            elif write.taken == "partly" and (unchanged or before is None):
                self.found.doubts.append(f"{key}: not written, and partial success (statusCode 7) allows that")
            else:
                yield _missed(key, value, after.data, view)

    def _not_written_wildly(self, key: Wild, after: Snapshot, view: str) -> Iterator[str]:
        value = self.write.writes[key]
        if shows_key(after.data, key, value):
            return
        if key is Wild.ANY:
            if any(each.writes for each in self._others(after)):
                self.found.doubts.append(f"disposition: {view} does not show it; another operation may have hidden it")
            else:
                yield f"disposition: sent {show(value)}, {view} does not show it"
            return
        others = [each for each in self._others(after) if not each.refused]
        for name in after.data:
            if not any(each.wrote(name, after.data) for each in others):
                yield _missed(name, value, after.data, view)

    def _others(self, after: Snapshot) -> Sequence[Write]:
        return self.timeline.others(self.write, self.before, after)

    def _besides(self, shown: Between) -> Iterator[str]:
        write, after = self.write, shown.later
        if all(change.key in write.writes for change in shown.changes.entries):
            return  # nearly always
        for change in shown.not_by_others(write):
            if change.key in write.writes or self._explained(change, after):
                continue
            if reason := self._other_reason(change, after):
                self.found.doubts.append(f"changed besides: {change}; {reason}: ignore the key if the server moves it")
            else:
                yield f"{'changed though it was refused' if write.refused else 'changed besides'}: {change}"

    def _explained(self, change: Change, after: Snapshot) -> bool:
        """Tell whether the operation accounts for a change that no other does, or it is ignored.

        What another one asked and was refused is held against that one.
        """
        if not self.write.refused and self.write.wrote(change.key, after.data):
            return True
        if change.key in self.ignored:
            self.found.ignored.add(change.key)
            return True
        return False

    def _other_reason(self, change: Change, after: Snapshot) -> str | None:
        """Find what may have moved a key besides: something unsolicited that showed it first, another operation."""
        if self.before is None or (self.write.refused and self.write.wrote(change.key, after.data)):
            return None
        for told in self.timeline.during(self.before, after):
            unsolicited = told.interaction is None and told.cause is None
            if unsolicited and alike(change.key, told.data, after.data):
                return f"{told.place}, which answers no operation, shows it"
        return self._at_work(self.before, after)

    def _at_work(self, earlier: Snapshot, later: Snapshot) -> str | None:
        """Name an operation that may have moved keys of the server's own."""
        for doing in self.timeline.at_work(earlier.at, later.at):
            return f"interaction {doing.index} ({doing.call.operation}) was under way"
        return None

    def _cause(self, between: Between) -> str | None:
        """Say whose userData a notification shows, if not those after this operation."""
        after = between.later
        if self.before and not between.changes:
            return f"is stale: userData as {self.before.place} showed them"
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
    shown = after[key]
    return f"{key}: sent {show(value)} ({type_name(value)}), {view} shows {show(shown)} ({type_name(shown)})"
