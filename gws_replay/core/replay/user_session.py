"""One user's run: a replay of each cassette, and the Bayeux clients that hear what the replays push.

Sans-IO, with the caller's clock; the edges hold a lock. All clients of one user share a session, so that each of them
gets each push; another user has a session of its own.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal

from gws_replay.core.bayeux.messages import Verbatim
from gws_replay.core.bayeux.server import Answer, BayeuxServer, Hold
from gws_replay.core.model import Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.push_schedule import INSTANT
from gws_replay.core.replay.request_key import WHOLE, Key
from gws_replay.core.replay.run import Miss, Replay, Send

_EXPIRE_EVERY = 1.0
_REASONS = ("already_played", "no_match", "nothing_similar")
# How many events a session remembers: what a person reads after a failure, not what a server does in a day.
_REMEMBERED = 200

# What happened when, in which of the cassettes, and to which of its interactions or notifications, or of the misses.
Happening = Literal["asked", "again", "told", "missed"]
Event = tuple[float, Happening, int, int]


class UserSession:
    """A run of some cassettes, from its beginning at `start`; `factor` is the pace of the pushes (see `pushes`).

    `timeout` is how long a connect is held, `max_silence` how long a silent client is remembered, in seconds.
    """

    def __init__(
        self,
        indexes: Sequence[CassetteIndex],
        *,
        new_id: Callable[[], str],
        factor: float = INSTANT,
        start: float = 0.0,
        timeout: float = 30.0,
        max_silence: float = 60.0,
    ) -> None:
        self._indexes = indexes
        self._factor = factor
        self._bayeux = BayeuxServer(new_id=new_id, timeout=timeout, max_silence=max_silence)
        self._expired = start
        self.rewind(start)

    def rewind(self, now: float) -> None:
        """Begin the cassettes again; the clients and their subscriptions stay, what they have not taken goes."""
        self._bayeux.forget()
        self.misses: list[Miss] = []
        self.events: deque[Event] = deque(maxlen=_REMEMBERED)
        self.served = 0
        self.repeated = 0
        # Whether a CometD client has said anything.
        self.polled = False
        self.replays = tuple(
            Replay(cassette_index, number=number, factor=self._factor, start=now)
            for number, cassette_index in enumerate(self._indexes)
        )
        # Notifications that were due before anybody was subscribed to their channel, by channel: cassette and index.
        self._early: dict[str, list[tuple[int, int]]] = {}

    def ask(
        self, request: Request, now: float, redact: Callable[[Request], Request] = lambda request: request
    ) -> Send | Miss:
        """Answer a request from the first cassette that has an answer left; a miss is remembered.

        One that asks word for word what was recorded has nothing to hide; any other is redacted first: recorded secrets
        are placeholders, and it may have to be shown.
        """
        matching = self._indexes[0].matching
        if matching is WHOLE and (found := self._word_for_word(request, now)):
            return found
        request = redact(request)
        asked = matching.live(request)
        if asked is None:
            return self._missed(
                Miss(
                    request=self.replays[0].shown(request),
                    reason="left_out",
                    cassette=self._indexes[0].cassette.source,
                ),
                now,
            )
        if found := self._played(self._indexes[0].key_of(asked), asked, now):
            return found
        misses = (replay.miss(asked) for replay in self.replays)
        return self._missed(min(misses, key=lambda each: _REASONS.index(each.reason)), now)

    def _word_for_word(self, request: Request, now: float) -> Send | None:
        key = self._indexes[0].key_of(request)
        is_recorded = any(key in cassette_index.by_spelling for cassette_index in self._indexes)
        return self._played(key, request, now) if is_recorded else None

    def _played(self, key: Key, asked: Request, now: float) -> Send | None:
        found = next((send for replay in self.replays if (send := replay.ask(key, now, asked))), None) or next(
            (send for replay in self.replays if (send := replay.again(key, asked))), None
        )
        if found:
            self.served += 1
            self.repeated += found.repeated
            self.events.append((now, "again" if found.repeated else "asked", found.cassette, found.interaction))
        return found

    def _missed(self, miss: Miss, now: float) -> Miss:
        self.events.append((now, "missed", 0, len(self.misses)))
        self.misses.append(miss)
        return miss

    def answered(self, send: Send, now: float) -> None:
        """Take note that an answer was sent, or that its client has gone."""
        self.replays[send.cassette].answered(send, now)

    @property
    def clients(self) -> int:
        """How many Bayeux clients there are."""
        return len(self._bayeux.clients)

    @property
    def unheard(self) -> bool:
        """Whether a client has still to be told something, or to come back since it was."""
        return self._bayeux.unheard

    @property
    def held(self) -> int:
        """How many connects are held."""
        return self._bayeux.held

    @property
    def next_at(self) -> float | None:
        """When the next notification is due; None while there is none whose cause was asked."""
        found: float | None = None
        for replay in self.replays:  # a generator would take twice as long, twice a request
            at = replay.next_at
            if at is not None and (found is None or at < found):
                found = at
        return found

    def advance(self, now: float) -> tuple[int, ...]:
        """Deliver what is due; return the tickets of connects that can now be answered."""
        ready: list[int] = []
        for channel in [channel for channel in self._early if self._bayeux.hears(channel)]:
            for number, index in self._early.pop(channel):
                ready.extend(self._tell(number, index, now))
        # Of several cassettes, whose time came first goes first, however late it is looked at.
        while (at := self.next_at) is not None and at <= now:
            number, replay = next((n, each) for n, each in enumerate(self.replays) if each.next_at == at)
            for index in replay.due(at):
                channel = replay.cassette_index.cassette.notifications[index].channel
                if self._bayeux.hears(channel):
                    ready.extend(self._tell(number, index, now))
                else:
                    self._early.setdefault(channel, []).append((number, index))
        return tuple(ready)

    def receive(self, messages: Sequence[Any], now: float) -> Answer | Hold:
        """Take a batch of Bayeux messages."""
        self.polled = True
        if now - self._expired >= _EXPIRE_EVERY:
            self._expired = now
            self._bayeux.expire(now)
        return self._bayeux.receive(messages, now)

    def release(self, ticket: int, now: float) -> Answer:
        """Answer a held connect."""
        return self._bayeux.release(ticket, now)

    def abandon(self, ticket: int, now: float) -> None:
        """Forget a held connect whose connection was lost."""
        self._bayeux.abandon(ticket, now)

    def put_back(self, answer: Answer) -> tuple[int, ...]:
        """Take back the notifications of an answer that could not be written."""
        return self._bayeux.put_back(answer)

    def _tell(self, number: int, index: int, now: float) -> Sequence[int]:
        """Give a notification to the clients that hear its channel; return the tickets that it makes ready."""
        replay = self.replays[number]
        self.events.append((now, "told", number, index))
        channel = replay.cassette_index.cassette.notifications[index].channel
        return self._bayeux.deliver(channel, Verbatim(replay.told(index)))
