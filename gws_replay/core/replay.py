"""The replay machine: a request in, `Send` or `Miss` out, and what the recording pushed once its cause was asked.

Sans-IO and without a clock. The k-th request of a kind gets the k-th recorded answer; one more than was recorded is
a miss, never the first answer again. Not thread-safe: the edges hold a lock.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Literal

from gws_replay.core import bayeux_text, gws, lossless_json
from gws_replay.core.change import printable
from gws_replay.core.matching import Difference, Key, differences, key_of, nearest
from gws_replay.core.model import Cassette, Notification, Request, Response
from gws_replay.core.userdata import Snapshot, of_exchange, of_notification

Reason = Literal["already_played", "no_match", "nothing_similar", "cometd"]


@dataclass(frozen=True, slots=True)
class Send:
    """The recorded answer to a request, and its interaction's index."""

    response: Response
    interaction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that the cassette does not answer: why, and the nearest recorded request with the difference."""

    request: Request
    reason: Reason
    cassette: str
    nearest: int | None = None
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        sent = gws.call_of(self.request, lossless_json.loads_or_none(self.request.body))
        what = f"{self.request.method} {self.request.path}" + (f" {sent.operation}" if sent.operation else "")
        first = printable(f"{what} has no answer in {self.cassette}: {_WHY[self.reason]}")
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
    "cometd": "in-process replay does not speak CometD; what was pushed is in gws.userdata(...)",
}


@dataclass(slots=True)
class Replay:
    """One run of a cassette: what has been asked, answered, missed and shown so far."""

    cassette: Cassette
    misses: list[Miss] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    _waiting: dict[Key, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    _asked: set[int] = field(default_factory=set)
    _unreleased: deque[tuple[int, Notification]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        for index, exchange in enumerate(self.cassette.interactions):
            self._waiting[key_of(exchange.request)].append(index)
        self._unreleased.extend(enumerate(self.cassette.notifications))
        self._release()

    def ask(self, request: Request) -> Send | Miss:
        """Answer a request from the recording; a miss is remembered."""
        queue = self._waiting.get(key_of(request))
        if not queue:
            miss = self._miss(request, known=queue is not None)
            self.misses.append(miss)
            return miss
        index = queue.popleft()
        exchange = self.cassette.interactions[index]
        self._asked.add(index)
        self.snapshots.extend(of_exchange(exchange, index))
        self._release()
        return Send(exchange.response, index)

    @property
    def unplayed(self) -> tuple[int, ...]:
        """The indices of the interactions that nobody has asked for."""
        return tuple(index for index in range(len(self.cassette.interactions)) if index not in self._asked)

    @property
    def unreleased(self) -> tuple[int, ...]:
        """The indices of the notifications whose cause, or that of an earlier one, was not asked."""
        return tuple(index for index, _ in self._unreleased)

    def userdata(self, resource_id: str) -> tuple[Snapshot, ...]:
        """Return the snapshots of a resource that this run has shown so far, in their order."""
        return tuple(snapshot for snapshot in self.snapshots if snapshot.resource_id == resource_id)

    def _release(self) -> None:
        """Show notifications in recorded order, up to the first whose cause has not been asked."""
        while self._unreleased:
            index, notification = self._unreleased[0]
            if notification.cause and notification.cause.interaction not in self._asked:
                return
            self._unreleased.popleft()
            self.snapshots.extend(of_notification(notification, index, self.cassette.interactions))

    def _miss(self, request: Request, *, known: bool) -> Miss:
        requests = [exchange.request for exchange in self.cassette.interactions]
        found = nearest(request, requests)
        reason: Reason = "already_played" if known else "nothing_similar" if found is None else "no_match"
        if bayeux_text.messages_in(request.body):
            reason, found = "cometd", None
        unlike = differences(request, requests[found]) if found is not None else ()
        return Miss(request=request, reason=reason, cassette=self.cassette.source, nearest=found, differences=unlike)
