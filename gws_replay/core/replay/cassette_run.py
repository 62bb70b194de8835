"""One run of a cassette: which recorded response a request gets, and what was shown.

Sans-IO, with the caller's clock. Not thread-safe: edges hold a lock. The users of a cassette share its `CassetteRun`,
since a request of one may cause a notification of another; each plays its own part in a `UserProgress`.

Which recorded response a request gets:

1. The k-th request of a kind plays the k-th recorded one; a GET that shows resources plays one of its time first: one
   that was recorded before operations which the client has sent already is only played when no other is left.
2. It gets that one's response, if that is of the client's time. A GET gets no state of the future (if there is any
   other) and no state of the past: that is brought up to date with the notifications since.
3. When all are played, a GET or HEAD, and what frames a session, may be repeated: it gets the newest state once more.
4. Anything else is a miss. Never the first response for ever.

Writes of one resource keep their order: one that had its response before another began cannot be sent after that.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Exchange, Notification, Outcome, Request, Response
from gws_replay.core.replay.cassette_index import CassetteIndex, UserPart
from gws_replay.core.replay.current_state import brought_up_to_date
from gws_replay.core.replay.miss import Difference, Miss, Reason
from gws_replay.core.replay.push_schedule import INSTANT, PushSchedule, Traffic
from gws_replay.core.replay.request_key import Key

if TYPE_CHECKING:
    from gws_replay.core.oracle.history import Snapshot
    from gws_replay.core.replay.bindings import Bindings
    from gws_replay.core.replay.wildcard_index import Pairs, StandInIndex


class Send(NamedTuple):  # a frozen dataclass would take five times as long to make, for each request
    """The response to a request, and the index of the interaction that it plays, in which of the cassettes.

    It is sent `after` so many seconds, and if it is `led`, after the notifications that were recorded before it.
    `repeated` says that every recorded one of its kind had been played; an `outcome` that is no response is what the
    recorded request got instead.
    """

    response: Response
    interaction: int
    cassette: int = 0
    after: float = 0.0
    led: bool = False
    repeated: bool = False
    outcome: Outcome = "response"


_CONFLICT = Difference("personal data", "other values than before in this run", "the same people and things")
_HIDDEN = Difference("what is redacted", "another value", "the one that is not shown")


class CassetteRun:
    """One run of a cassette: what has been sent, responded to and shown so far, by all its users.

    `keeps_history` says whether snapshots are kept of what was shown: a run of many days would fill the memory.
    """

    def __init__(
        self,
        index: CassetteIndex,
        *,
        number: int = 0,
        factor: float = INSTANT,
        start: float = 0.0,
        keeps_history: bool = True,
    ) -> None:
        self.index = index
        self.number = number
        self.factor = factor
        self.keeps_history = keeps_history
        self.traffic = Traffic()
        self.bindings = _bindings(index.stand_ins) if index.stand_ins else None
        # How many operations of each resource were sent, and which notifications of it were shown.
        self.operations: dict[str, int] = defaultdict(int)
        self.shown: dict[str, list[int]] = defaultdict(list)
        self.users = tuple(UserProgress(self, part, start) for part in index.parts)

    def send(self, interaction: int, now: float) -> None:
        """Take note that a recorded request was sent."""
        self.traffic.sent[interaction] = now
        if step := self.index.steps.get(interaction):
            resource_id, number = step
            self.operations[resource_id] = max(self.operations[resource_id], number)
        for user in self.users:
            if shown := user.schedule.sent(interaction, now):
                user.show(shown)

    def respond(self, interaction: int, now: float) -> None:
        """Take note that a response was sent, or that its client has gone.

        One whose request was not sent belongs to an earlier run: its client was still waiting when this one began.
        """
        if interaction in self.traffic.sent and interaction not in self.traffic.responded:
            self.traffic.responded[interaction] = now
            for user in self.users:
                user.schedule.responded(interaction, now)

    @property
    def unplayed(self) -> tuple[int, ...]:
        """The indices of the interactions whose requests were not sent."""
        return tuple(each for each in range(len(self.index.interactions)) if each not in self.traffic.sent)

    def data(self, index: int) -> str:
        """Return the data of a notification as JSON text on one line, as the client is to see it."""
        text = self.index.pushes[index]
        return self.bindings.data(text) if self.bindings else text

    def is_past(self, interaction: int) -> bool:
        """Tell whether a GET shows a state before operations that were sent."""
        windows = self.index.windows.get(interaction)
        return windows is not None and any(self.operations[each.resource_id] > each.last for each in windows)

    def is_future(self, interaction: int) -> bool:
        """Tell whether a GET shows a state after operations that were not sent."""
        windows = self.index.windows.get(interaction)
        return windows is not None and any(self.operations[each.resource_id] < each.first for each in windows)

    def newest(self, interaction: int) -> Exchange:
        """Return an interaction brought up to date with the notifications that were shown since."""
        return brought_up_to_date(self.index.interactions[interaction], lambda id_: self._since(interaction, id_))

    def _since(self, interaction: int, resource_id: str) -> Sequence[Notification]:
        notifications = self.index.cassette.notifications
        shown, ended = self.shown[resource_id], self.index.interactions[interaction].ended
        first = bisect_right(shown, ended, key=lambda each: notifications[each].seen)
        return [notifications[each] for each in shown[first:]]


class UserProgress:
    """One recorded user's progress through a run of a cassette."""

    def __init__(self, run: CassetteRun, part: UserPart, start: float) -> None:
        self.run = run
        self.part = part
        # What it was shown, and its index.
        self._seen: list[tuple[Exchange | Notification, int]] = []
        self.schedule = PushSchedule(part, run.traffic, factor=run.factor, start=start)
        # By key, how many of the recorded ones were played at least, and how many were played or are past.
        self._played: dict[Key, int] = {}
        self._passed: dict[Key, int] = {}
        # By resource, the latest recorded beginning of the writes that were sent, and whose that is.
        self._written: dict[str, tuple[float, int]] = {}
        self.show(self.schedule.start())

    def play(self, key: Key, now: float = 0.0, request: Request | None = None) -> Send | None:
        """Return the response to a request, named by its key; None if every recorded one has been played.

        `request` is the request itself: where the cassette is redacted, its values count for the recorded ones.
        """
        key, found = self._resolved(key, request)
        recorded = self.part.requesting(key)
        slot = self._slot(key, recorded)
        if slot is None:
            return None
        run = self.run
        if run.bindings and found:
            run.bindings.bind(*found)
        response = self._of_its_time(slot, recorded)
        if resource_id := run.index.written_by(slot):
            written = run.index.interactions[slot].began, slot
            self._written[resource_id] = max(written, self._written.get(resource_id, written))
        exchange = self._as_seen(response, slot)
        run.send(slot, now)
        wait = (exchange.ended - exchange.began) * run.factor if run.factor else 0.0
        return Send(exchange.response, slot, run.number, wait, slot in run.index.leading, False, exchange.outcome)

    def repeat(self, key: Key, request: Request | None = None) -> Send | None:
        """Return the response to a request that may be repeated: the newest state. None if it may not."""
        key, found = self._resolved(key, request)
        played = [each for each in self.part.requesting(key) if each in self.run.traffic.sent]
        if not played or not self.run.index.may_repeat(played[-1]):
            return None
        if self.run.bindings and found:
            self.run.bindings.bind(*found)
        latest = next((each for each in reversed(played) if not self.run.is_future(each)), played[0])
        exchange = self._as_seen(self.run.newest(latest), latest)
        wait = (exchange.ended - exchange.began) * self.run.factor
        return Send(
            response=exchange.response,
            interaction=latest,
            cassette=self.run.number,
            after=wait,
            repeated=True,
            outcome=exchange.outcome,
        )

    def show(self, notifications: Iterable[int]) -> None:
        """Let notifications count as shown."""
        run = self.run
        for index in notifications:
            notification = run.index.cassette.notifications[index]
            if run.keeps_history:
                seen = run.bindings.notification(notification) if run.bindings else notification
                self._seen.append((seen, index))
            if subject := api.subject_of(notification.value):
                insort(run.shown[subject.resource_id], index)

    @property
    def snapshots(self) -> "list[Snapshot]":
        """What it was shown of userData so far: worked out for the few tests that ask."""
        from gws_replay.core.oracle.history import of_exchange, of_notification  # noqa: PLC0415  (as few need it)

        found: list[Snapshot] = []
        for seen, index in tuple(self._seen):
            if isinstance(seen, Exchange):
                found += of_exchange(seen, index)
            else:
                found += of_notification(seen, index, self.run.index.interactions)
        return found

    def would_send(self, key: Key, request: Request | None = None, *, left: bool = False) -> bool:
        """Tell whether the recorded user made such a request; if `left`, whether one has not been sent yet."""
        found = self.part.requesting(self._resolved(key, request)[0])
        return any(each not in self.run.traffic.sent for each in found) if left else bool(found)

    def next_of(self, key: Key, request: Request | None = None) -> int | None:
        """Return the interaction that a request would play; None if every recorded one has been played."""
        key, _ = self._resolved(key, request)
        return self._slot(key, self.part.requesting(key))

    def expects(self, key: Key, request: Request | None = None) -> bool:
        """Tell whether a request is the next one that the recorded user made, and not the first."""
        sent = self.run.traffic.sent
        following = next((each for _, each in self.part.begins if each not in sent), None)
        started = any(each in sent for each in self.part.exchanges)
        return started and following in self.part.requesting(self._resolved(key, request)[0])

    def miss(self, request: Request) -> Miss:
        """Return why a request has no response, and which recorded one is nearest."""
        from gws_replay.core.replay.nearest_request import differences  # noqa: PLC0415  (most tests miss nothing)

        index, name = self.run.index, self.run.index.cassette.source
        key = self._resolved(index.key_of(request), request)[0]
        late = next((each for each in self.part.requesting(key) if each not in self.run.traffic.sent), None)
        if late is not None and (later := self._overtaken_by(late)) is not None:
            return Miss(
                request=self.shown(request, late), reason="wrong_order", cassette=name, nearest=late, later=later
            )
        bindings, was_recorded = self.run.bindings, bool(self.part.requesting(key))
        conflict = not was_recorded and bindings is not None and bindings.is_conflict(request)
        found = index.neighbours.nearest(request)
        shown = self.shown(request, found)
        reason: Reason = "already_played" if was_recorded else "nothing_similar" if found is None else "no_match"
        if not was_recorded and key in index.by_key:
            return Miss(request=shown, reason="other_user", cassette=name, nearest=index.by_key[key][0])
        unlike: tuple[Difference, ...] = ()
        if found is not None:
            unlike = differences(shown, self.shown(index.requests[found]), index.matching.match_on, index.hosts)
            if not was_recorded and not unlike:
                unlike = (_CONFLICT if conflict else _HIDDEN,)
        return Miss(request=shown, reason=reason, cassette=name, nearest=found, differences=unlike)

    def shown(self, request: Request, like: int | None = None) -> Request:
        """Return a request for a message: where the cassette is redacted, without personal data.

        What stands where the recorded request that it is `like` was redacted is personal, too.
        """
        stand_ins, bindings = self.run.index.stand_ins, self.run.bindings
        if stand_ins is None or bindings is None:
            return request
        there = () if like is None else stand_ins.live_values(request, like)
        return stand_ins.hidden(request, (*bindings.live_values, *there))

    def _resolved(self, key: Key, request: Request | None) -> tuple[Key, "tuple[int, Pairs | None] | None"]:
        """Return the key of the recorded request that a live one stands for; that request, and what it binds."""
        if not self.run.bindings or not request:
            return key, None
        among = self.part.own if len(self.run.users) > 1 else None
        same = self.run.index.by_key.get(key, ()) if among is None else self.part.requesting(key)
        found = self.run.bindings.resolve(request, self.run.traffic.sent, same, among)
        return (self.run.index.keys[found[0]] if found else key), found

    def _slot(self, key: Key, recorded: Sequence[int]) -> int | None:
        """Choose which of the recorded requests of a key is played: the first of the client's time, or the first."""
        sent, last = self.run.traffic.sent, len(recorded)
        if last == 1:
            return None if recorded[0] in sent or self._overtaken_by(recorded[0]) is not None else recorded[0]
        at = self._passed.get(key, 0)
        while at < last and (recorded[at] in sent or self.run.is_past(recorded[at])):
            at += 1
        self._passed[key] = at
        for each in range(at, last):
            if recorded[each] not in sent and self._overtaken_by(recorded[each]) is None:
                return recorded[each]
        at = self._played.get(key, 0)
        while at < last and recorded[at] in sent:
            at += 1
        self._played[key] = at
        return recorded[at] if at < last and self._overtaken_by(recorded[at]) is None else None

    def _overtaken_by(self, interaction: int) -> int | None:
        """Return a write that was sent, and was recorded after this one of the same resource had its response."""
        resource_id = self.run.index.written_by(interaction)
        latest = self._written.get(resource_id) if resource_id is not None else None
        if latest is None or latest[0] < self.run.index.interactions[interaction].ended:
            return None
        return latest[1]

    def _of_its_time(self, slot: int, recorded: Sequence[int]) -> Exchange:
        """Return the exchange whose response a played request gets."""
        run = self.run
        if slot not in run.index.windows:
            return run.index.interactions[slot]
        if run.is_past(slot):
            valid = [each for each in recorded if not run.is_future(each)]
            return run.newest(valid[-1] if valid else slot)
        if run.is_future(slot):
            earlier = [each for each in recorded if each in run.traffic.sent]
            if earlier:
                return run.newest(next((each for each in reversed(earlier) if not run.is_future(each)), earlier[0]))
        return run.index.interactions[slot]

    def _as_seen(self, exchange: Exchange, interaction: int) -> Exchange:
        """Return an exchange with the client's own values, and keep what its response shows."""
        seen = self.run.bindings.exchange(exchange) if self.run.bindings else exchange
        if self.run.keeps_history and seen.request.method == "GET":
            self._seen.append((seen, interaction))
        return seen


def _bindings(stand_ins: "StandInIndex") -> "Bindings":
    from gws_replay.core.replay.bindings import Bindings  # noqa: PLC0415  (only redacted cassettes need redaction)

    return Bindings(stand_ins)
