"""The replay machine: a request in, `Send` or `Miss` out; and what the recording pushed, once its cause was asked.

Sans-IO, with the caller's clock. One `Replay` is one user's run of one cassette. Not thread-safe: edges hold a lock.

Which recorded answer a request gets:

1. The k-th request of a kind gets the k-th recorded answer.
2. A GET that shows resources gets an answer of its time: one that was recorded before operations which the client has
   asked by now is passed over, and one that was recorded after operations which the client has not asked has to wait
   (unless there is no other to give; the last one, when it is past, is brought up to date as in 3).
3. After the last answer a GET or HEAD, and what frames a session, may be asked again: it gets the last one once more, a
   GET with its resources as the notifications since have shown them.
4. Anything else is a miss. Never the first answer for ever.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Exchange, Notification, Outcome, Request, Response
from gws_replay.core.oracle.history import Snapshot, of_exchange, of_notification
from gws_replay.core.replay.bindings import Bindings
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.current_state import brought_up_to_date
from gws_replay.core.replay.nearest_request import Difference, differences
from gws_replay.core.replay.push_schedule import INSTANT, PushSchedule
from gws_replay.core.replay.request_key import Key
from gws_replay.core.replay.wildcard_index import Pairs

Reason = Literal["already_played", "no_match", "nothing_similar", "left_out"]


class Send(NamedTuple):  # a frozen dataclass would take five times as long to make, for each request
    """The answer to a request, and the index of the interaction that it was recorded as, in which of the cassettes.

    It is sent `after` so many seconds, and where it is `led`, after the notifications that were recorded before it.
    `repeated` tells that the recording had no answer of its own for this asking.
    """

    response: Response
    interaction: int
    cassette: int = 0
    after: float = 0.0
    led: bool = False
    repeated: bool = False
    outcome: Outcome = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that the cassette does not answer: why, and the nearest recorded request with the difference."""

    request: Request
    reason: Reason
    cassette: str
    nearest: int | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def what(self) -> str:
        """The request in a few words."""
        sent = api.call_of(self.request, lossless_json.loads_or_none(self.request.body))
        return f"{self.request.method} {self.request.path}" + (f" {sent.operation}" if sent.operation else "")

    def __str__(self) -> str:
        first = printable(f"{self.what} has no answer in {self.cassette}: {_WHY[self.reason]}")
        return "\n".join([first, *self._explanation()])

    def _explanation(self) -> list[str]:
        if self.nearest is None:
            return []
        if not self.differences:
            return [f"  it was recorded as interaction {self.nearest}"]
        return [f"  nearest is interaction {self.nearest}:", *(f"    {each}" for each in self.differences)]


_WHY: dict[Reason, str] = {
    "already_played": "every recording of it has been played",
    "no_match": "no recorded request is equal to it",
    "nothing_similar": "nothing like it was recorded",
    "left_out": "before_record_request leaves it out; name its host in ignore_hosts to let it go live",
}

_CONFLICT = Difference("personal data", "other values than before in this run", "the same people and things")
_HIDDEN = Difference("what is redacted", "another value", "the one that is not shown")


class Replay:
    """One run of a cassette: what has been asked, answered, and shown so far."""

    def __init__(
        self, cassette_index: CassetteIndex, *, number: int = 0, factor: float = INSTANT, start: float = 0.0
    ) -> None:
        self.cassette_index = cassette_index
        self.number = number
        self.snapshots: list[Snapshot] = []
        self._factor = factor
        self._pushes = PushSchedule(cassette_index, factor=factor, start=start)
        self._passed: dict[Key, int] = {}  # how many of each kind were asked, or passed over
        self._asked: set[int] = set()
        self._progress: dict[str, int] = defaultdict(int)
        self._shown: dict[str, list[int]] = defaultdict(list)
        self._bindings = Bindings(cassette_index.stand_ins) if cassette_index.stand_ins else None
        self._show(self._pushes.start())

    def ask(self, key: Key, now: float = 0.0, request: Request | None = None) -> Send | None:
        """Answer a request, named by its key, with the next recorded answer; None where there is none left for it.

        `request` is the request itself: where the cassette is redacted, its values count for the recorded ones.
        """
        key, found = self._resolved(key, request)
        index = self._next(key, self.cassette_index.asking(key))
        if index is None:
            return None
        self._asked.add(index)
        if self._bindings and found:
            self._bindings.bind(*found)
        exchange = self._mine(self._newest(index) if self._is_past(index) else self.cassette_index.interactions[index])
        if step := self.cassette_index.steps.get(index):
            resource_id, number = step
            self._progress[resource_id] = max(self._progress[resource_id], number)
        self.snapshots.extend(of_exchange(exchange, index))
        self._show(self._pushes.asked(index, now))
        return Send(
            response=exchange.response,
            interaction=index,
            cassette=self.number,
            after=(exchange.ended - exchange.began) * self._factor,
            led=index in self.cassette_index.leading,
            outcome=self.cassette_index.interactions[index].outcome,
        )

    def again(self, key: Key, request: Request | None = None) -> Send | None:
        """Answer once more what may be asked again, with the newest recording of it that was played."""
        key, found = self._resolved(key, request)
        recorded = self.cassette_index.asking(key)
        index = max((each for each in recorded if each in self._asked), default=None)
        if index is None or not self.cassette_index.may_repeat(index):
            return None
        if self._bindings and found:
            self._bindings.bind(*found)
        exchange = self._mine(self._newest(index))
        self.snapshots.extend(of_exchange(exchange, index))
        wait = (exchange.ended - exchange.began) * self._factor
        return Send(
            response=exchange.response,
            interaction=index,
            cassette=self.number,
            after=wait,
            repeated=True,
            outcome=self.cassette_index.interactions[index].outcome,
        )

    def answered(self, send: Send, now: float = 0.0) -> None:
        """Take note that an answer was sent, or that its client has gone."""
        if not send.repeated:
            self._pushes.answered(send.interaction, now)

    def due(self, now: float = 0.0) -> tuple[int, ...]:
        """Take the notifications that are to be delivered now, by index, in their order."""
        return self._pushes.take_due(now)

    @property
    def next_at(self) -> float | None:
        """When the next notification is due; None while every cause is missing."""
        return self._pushes.next_at

    def miss(self, request: Request) -> Miss:
        """Say why a request has no answer, and which recorded one is nearest."""
        matching = self.cassette_index.matching
        known = self._resolved(self.cassette_index.key_of(request), request)[0] in self.cassette_index.by_key
        conflict = not known and self._bindings is not None and self._bindings.is_conflict(request)
        found = self.cassette_index.neighbours.nearest(request)
        asked = self.shown(request, found)
        reason: Reason = "already_played" if known else "nothing_similar" if found is None else "no_match"
        unlike = (
            ()
            if found is None
            else differences(
                asked, self.shown(self.cassette_index.requests[found]), matching.match_on, self.cassette_index.hosts
            )
        )
        if not known and not unlike and found is not None:
            unlike = (_CONFLICT if conflict else _HIDDEN,)
        name = self.cassette_index.cassette.source
        return Miss(request=asked, reason=reason, cassette=name, nearest=found, differences=unlike)

    def shown(self, request: Request, like: int | None = None) -> Request:
        """Return a request for a message: where the cassette is redacted, without personal data.

        Personal is what stands where it was redacted in the recorded request that it is `like`, too.
        """
        index = self.cassette_index.stand_ins
        if index is None or self._bindings is None:
            return request
        there = () if like is None else index.live_values(request, like)
        return index.hidden(request, (*self._bindings.live_values, *there))

    def told(self, index: int) -> str:
        """Return the data of a notification as JSON text on one line, as the client is to see it."""
        text = self.cassette_index.pushes[index]
        return self._bindings.data(text) if self._bindings else text

    @property
    def asked(self) -> frozenset[int]:
        """The indices of the interactions that were asked for."""
        return frozenset(self._asked)

    @property
    def unplayed(self) -> tuple[int, ...]:
        """The indices of the interactions that nobody has asked for."""
        return tuple(index for index in range(len(self.cassette_index.interactions)) if index not in self._asked)

    @property
    def unreleased(self) -> tuple[int, ...]:
        """The indices of the notifications whose cause, or that of an earlier one, was not asked."""
        return self._pushes.not_shown

    def _resolved(self, key: Key, request: Request | None) -> tuple[Key, tuple[int, Pairs | None] | None]:
        """Return the key of the recorded request that a live one stands for; that request, and what it binds."""
        if not self._bindings or not request:
            return key, None
        found = self._bindings.resolve(request, self._asked, self.cassette_index.by_key.get(key, ()))
        return (self.cassette_index.keys[found[0]] if found else key), found

    def _mine(self, exchange: Exchange) -> Exchange:
        return self._bindings.exchange(exchange) if self._bindings else exchange

    def _next(self, key: Key, recorded: Sequence[int]) -> int | None:
        """Find the next answer of a kind, of the client's time where there is a choice."""
        at, last = self._passed.get(key, 0), len(recorded) - 1
        # It may have been asked already, in another spelling.
        while at <= last and (recorded[at] in self._asked or (at < last and self._is_past(recorded[at]))):
            at += 1
        self._passed[key] = at
        if at > last or (self._is_future(recorded[at]) and any(each in self._asked for each in recorded)):
            return None
        return recorded[at]

    def _is_past(self, index: int) -> bool:
        windows = self.cassette_index.windows.get(index)
        return windows is not None and any(self._progress[each.resource_id] > each.last for each in windows)

    def _is_future(self, index: int) -> bool:
        windows = self.cassette_index.windows.get(index)
        return windows is not None and any(self._progress[each.resource_id] < each.first for each in windows)

    def _newest(self, index: int) -> Exchange:
        return brought_up_to_date(self.cassette_index.interactions[index], lambda about: self._since(index, about))

    def _since(self, index: int, resource_id: str) -> Sequence[Notification]:
        told = self.cassette_index.cassette.notifications
        shown = self._shown[resource_id]
        first = bisect_right(shown, self.cassette_index.interactions[index].ended, key=lambda each: told[each].seen)
        return [told[each] for each in shown[first:]]

    def _show(self, indices: Iterable[int]) -> None:
        for index in indices:
            told = self.cassette_index.cassette.notifications[index]
            seen = self._bindings.notification(told) if self._bindings else told
            self.snapshots.extend(of_notification(seen, index, self.cassette_index.interactions))
            if subject := api.subject_of(told.value):
                insort(self._shown[subject.resource_id], index)
