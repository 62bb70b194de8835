"""One live user's session: the responses and notifications of its part in a run, and its CometD clients.

Sans-IO, with the caller's clock; the edges hold a lock, one for all sessions of a run. All clients of one user share
a session, so that each of them gets each notification. The clients belong to a `BayeuxServer`, which may outlive the
session: in a later run the same clients go on with a session of that run.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from gws_replay.core.bayeux.messages import Verbatim
from gws_replay.core.bayeux.server import BayeuxServer, Hold, Replies
from gws_replay.core.model import Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.miss import REASONS, Difference, Miss
from gws_replay.core.replay.request_key import WHOLE, Key
from gws_replay.core.replay.shared_run import Role, SharedRun

# How long a client must do nothing but wait before the recorded order gives way.
PATIENCE = 0.25
# How long a client that received something may work on it before its silence counts as waiting.
BUSY_PATIENCE = 2.5
_REFUSED = (401, 403)
_EXPIRE_EVERY = 1.0
# How many events a session remembers: what a person reads after a failure, not what a server does in a day.
_REMEMBERED = 200

# What happened when, in which of the cassettes, and to which of its interactions or notifications, or of the misses.
Happening = Literal["sent", "repeated", "delivered", "missed"]
Event = tuple[float, Happening, int, int]


class UserSession:
    """A session that begins at `start`, in a run that its user has joined with some `roles`.

    All misses are counted (`missed`); of more than `most_misses` only the newest are kept.
    """

    def __init__(
        self,
        run: SharedRun,
        roles: Sequence[Role],
        bayeux: BayeuxServer,
        *,
        start: float = 0.0,
        patience: float = PATIENCE,
        most_misses: int | None = None,
    ) -> None:
        self.run = run
        self.roles = tuple(roles)
        self.bayeux = bayeux
        self.misses: deque[Miss] = deque(maxlen=most_misses)
        self.missed = 0
        self.events: deque[Event] = deque(maxlen=_REMEMBERED)
        self.served = 0
        self.repeated = 0
        # Whether a CometD client has sent anything.
        self.polled = False
        self._patience = patience
        self._busy_patience = max(BUSY_PATIENCE, patience)
        self._expired = start
        self._active = start
        self._in_flight: dict[tuple[int, int], int] = defaultdict(int)
        self._last_status = 0
        # Notifications that were due before anybody was subscribed to their channel, by channel: cassette and index.
        self._early: dict[str, list[tuple[int, int]]] = {}

    @property
    def indexes(self) -> tuple[CassetteIndex, ...]:
        """The cassettes of the run."""
        return tuple(each.index for each in self.run.cassettes)

    def play(
        self, request: Request, now: float, redact: Callable[[Request], Request] = lambda request: request
    ) -> Send | Miss:
        """Return the response to a request from the first cassette that has one left; a miss is remembered.

        A request that is word for word as recorded has nothing to hide; any other is redacted first: recorded secrets
        are placeholders, and it may have to be shown.
        """
        self._active = now
        index = self.run.cassettes[0].index
        matching = index.matching
        limit = self.run.longest_body
        if limit is not None and len(request.body) > limit:
            return self._missed(self._too_long(request, limit, redact), now)
        if matching is WHOLE and (found := self._word_for_word(request, now)):
            return found
        request = redact(request)
        filtered = matching.live(request)
        if filtered is None:
            shown = self.roles[0].progress.shown(request)
            return self._missed(Miss(request=shown, reason="left_out", cassette=index.cassette.source), now)
        if found := self._played(index.key_of(filtered), filtered, now):
            return found
        misses = (role.progress.miss(filtered) for role in self.roles)
        return self._missed(min(misses, key=lambda each: REASONS.index(each.reason)), now)

    def _too_long(self, request: Request, limit: int, redact: Callable[[Request], Request]) -> Miss:
        """Return the miss of a request whose body is longer than `limit`; it is neither parsed nor redacted."""
        progress, index = self.roles[0].progress, self.run.cassettes[0].index
        shown = progress.shown(redact(replace(request, body=b"")))
        nearest = index.neighbours.nearest(shown)
        return Miss(
            request=shown,
            reason="nothing_similar" if nearest is None else "no_match",
            cassette=index.cassette.source,
            nearest=nearest,
            differences=(Difference("body", f"{len(request.body):,} bytes", f"{limit:,} bytes at the most can match"),),
        )

    def _word_for_word(self, request: Request, now: float) -> Send | None:
        key = self.run.cassettes[0].index.key_of(request)
        for each in self.run.cassettes:
            if key in each.index.by_spelling:
                return self._played(key, request, now)
        return None

    def _played(self, key: Key, request: Request, now: float) -> Send | None:
        for number, role in enumerate(self.roles):
            self.run.sends(number, role, key, request, now)
            if found := role.progress.play(key, now, request):
                break
        else:
            found = next((send for role in self.roles if (send := role.progress.repeat(key, request))), None)
        if found:
            self.served += 1
            self.repeated += found.repeated
            self._in_flight[found.cassette, found.interaction] += found.outcome == "response"
            self._last_status = found.response.status
            self.events.append((now, "repeated" if found.repeated else "sent", found.cassette, found.interaction))
        return found

    def _missed(self, miss: Miss, now: float) -> Miss:
        self.events.append((now, "missed", 0, self.missed))
        self.misses.append(miss)
        self.missed += 1
        return miss

    def miss(self, number: int) -> Miss:
        """Return a miss that is kept, by its number from 0."""
        return self.misses[number - self.misses_left_out]

    @property
    def misses_left_out(self) -> int:
        """How many misses are not kept: the oldest."""
        return self.missed - len(self.misses)

    def responded(self, send: Send, now: float) -> None:
        """Take note that a response was sent, or that its client has gone."""
        self._active = now
        left = self._in_flight.get((send.cassette, send.interaction), 0) - (send.outcome == "response")
        if left > 0:
            self._in_flight[send.cassette, send.interaction] = left
        else:
            self._in_flight.pop((send.cassette, send.interaction), None)
        if not send.repeated:
            self.run.cassettes[send.cassette].respond(send.interaction, now)

    @property
    def was_refused(self) -> bool:
        """Whether the last response refused the credentials."""
        return self._last_status in _REFUSED

    def would_send(self, request: Request, *, left: bool = False) -> bool:
        """Tell whether the recorded user made such a request; if `left`, whether one has not been sent yet."""
        return any(role.progress.would_send(self._key(role, request), request, left=left) for role in self.roles)

    def expects(self, request: Request) -> bool:
        """Tell whether a request is the next one that the recorded user made, and not the first."""
        return any(role.progress.expects(self._key(role, request), request) for role in self.roles)

    def name(self, name: str) -> None:
        """Let the live user have a name: it may say which recorded user is played."""
        for number, role in enumerate(self.roles):
            self.run.name(number, role, name)

    @staticmethod
    def _key(role: Role, request: Request) -> Key:
        return role.progress.part.index.key_of(request)

    @property
    def clients(self) -> int:
        """How many CometD clients there are."""
        return len(self.bayeux.clients)

    @property
    def has_undelivered(self) -> bool:
        """Whether a client has a notification waiting, or has not come back since it received one."""
        return self.bayeux.has_undelivered

    @property
    def held(self) -> int:
        """How many connects are held."""
        return self.bayeux.held

    @property
    def next_at(self) -> float | None:
        """When there is something to deliver next: what is due, or what the recorded order gives way to."""
        found: float | None = None
        for role in self.roles:  # a generator would take twice as long, twice a request
            if role.outlet and (found is None or role.outlet[0][0] < found):
                found = role.outlet[0][0]
        return self._gives_way_at() if found is None else found

    def advance(self, now: float) -> tuple[int, ...]:
        """Deliver what is due; return the tickets of connects that can now be answered."""
        ready: list[int] = []
        for channel in [channel for channel in self._early if self.bayeux.has_subscriber(channel)]:
            for number, index in self._early.pop(channel):
                ready.extend(self._deliver(number, index, now))
        while True:
            ready.extend(self._deliver_due(now))
            at = self._gives_way_at()
            if at is None or at > now:
                return tuple(ready)
            self._give_way(now)

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        """Take a batch of Bayeux messages."""
        self.polled = True
        if now - self._expired >= _EXPIRE_EVERY:
            self._expired = now
            self.bayeux.expire(now)
        polling = _polling(messages)
        if polling is None:
            self._active = now
        elif (at := self._gives_way_at(polling)) is not None and at <= now:
            # A client that polls without being held waits all the same.
            self._give_way(now)
            self._deliver_due(now)
        return self.bayeux.receive(messages, now)

    def release(self, ticket: int, now: float) -> Replies:
        """Return the replies to a held connect."""
        return self.bayeux.release(ticket, now)

    def abandon(self, ticket: int, now: float) -> None:
        """Forget a held connect whose connection was lost."""
        self.bayeux.abandon(ticket, now)

    def put_back(self, replies: Replies) -> tuple[int, ...]:
        """Take back the notifications of a response that could not be written."""
        return self.bayeux.put_back(replies)

    def undelivered_of(self, number: int) -> list[int]:
        """Return the notifications of a cassette that are released and that no client is subscribed to."""
        early = [index for waiting in self._early.values() for of, index in waiting if of == number]
        notifications = self.indexes[number].cassette.notifications
        due = (index for _, index in self.roles[number].outlet)
        return [*early, *(index for index in due if not self.bayeux.has_subscriber(notifications[index].channel))]

    def _deliver_due(self, now: float) -> list[int]:
        ready: list[int] = []
        # Of several cassettes, whose time came first goes first, however late it is looked at.
        while due := [(role.outlet[0][0], number) for number, role in enumerate(self.roles) if role.outlet]:
            at, number = min(due)
            if at > now:
                break
            index = self.roles[number].outlet.popleft()[1]
            channel = self.indexes[number].cassette.notifications[index].channel
            if self.bayeux.has_subscriber(channel):
                ready.extend(self._deliver(number, index, now))
            else:
                self._early.setdefault(channel, []).append((number, index))
        return ready

    def _deliver(self, number: int, index: int, now: float) -> Sequence[int]:
        """Give a notification to the clients that hear its channel; return the tickets that it makes ready."""
        run = self.run.cassettes[number]
        self._active = now
        self.roles[number].delivered.add(index)
        self.events.append((now, "delivered", number, index))
        return self.bayeux.deliver(run.index.cassette.notifications[index].channel, Verbatim(run.data(index)))

    def _gives_way_at(self, polling: str | None = None) -> float | None:
        """Return when the recorded order gives way: its clients do nothing but wait, and no request is in flight."""
        if self._in_flight or not (self.bayeux.held or polling) or any(role.outlet for role in self.roles):
            return None
        if all(role.progress.schedule.waiting(self.bayeux.has_subscriber) is None for role in self.roles):
            return None
        at = self._active + self._patience
        for client in self.bayeux.unheld:
            if client.id != polling:
                at = max(at, client.seen + (self._busy_patience if client.was_notified else self._patience))
        return at

    def give_way(self, now: float, *, at_once: bool = False) -> None:
        """Let the recorded order give way to a test that waits, whether or not a client does."""
        is_quiet = at_once or now - self._active >= self._patience
        if is_quiet and not self._in_flight and not any(role.outlet for role in self.roles):
            while self._give_way(now, lambda _channel: True) and at_once:
                pass

    def _give_way(self, now: float, is_subscribed: Callable[[str], bool] | None = None) -> bool:
        for role in self.roles:
            progress = role.progress
            if (index := progress.schedule.waiting(is_subscribed or self.bayeux.has_subscriber)) is not None:
                progress.show(progress.schedule.give_way(index, now))
                return True
        return False


def _polling(messages: Sequence[Any]) -> str | None:
    """Return the client that does nothing but poll with some messages; None if they do more."""
    if len(messages) != 1 or not isinstance(messages[0], dict) or messages[0].get("channel") != "/meta/connect":
        return None
    client = messages[0].get("clientId")
    return client if isinstance(client, str) else None
