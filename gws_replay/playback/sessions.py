"""Edge: the live users of some cassettes and their sessions, with a clock and locks; threads block and tasks await.

It must never know how the requests came: in the process itself, or through a socket.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from gws_replay.core.bayeux.server import BayeuxServer
from gws_replay.core.compile.identity import COOKIE, LOGIN, NAMES, TOKEN, received_in, sent_in
from gws_replay.core.model import Headers, Identity, Request, Response
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.live_headers import ValueOf
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.people import People, says_who
from gws_replay.core.replay.push_schedule import GAP, INSTANT
from gws_replay.core.replay.shared_run import SharedRun
from gws_replay.core.replay.user_session import PATIENCE, UserSession
from gws_replay.playback.change_signal import ChangeSignal
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.playback.live_redactor import LiveRedactor
from gws_replay.playback.manner import AS_RECORDED, Manner
from gws_replay.playback.waiting import Steps, Waiter, in_task, pause

# How many misses of each user a server keeps that runs for days.
MOST_MISSES = 500
_NUMBER_DIGITS = 8
_TOKEN = re.compile(rb'"\w*token"\s*:\s*"([^"\\]+)"', re.IGNORECASE)
_REDACTED_TOKEN = re.compile(rb'("\w*token"\s*:\s*)"<redacted:[^">]*>"', re.IGNORECASE)
_CSRF_TOKEN = "CSRF token"  # noqa: S105  (a kind of identity)


@dataclass(eq=False, slots=True, kw_only=True)
class LiveUser:
    """One live user: the session, the polls before it, and what stands for the user's HTTP session.

    `value_of` gives the value that the user gets for a cookie or a token of a name, always the same.
    """

    number: int
    session: UserSession
    polls: HeldPolls
    value_of: ValueOf
    redactor: LiveRedactor = field(default_factory=LiveRedactor)


class Sessions:
    """The live users. Who does not say who they are is the first user, or the one who made such a request.

    If `apart`, everybody whose credentials are not known is another live user; if not, there are no more live users
    than recorded ones, whatever credentials their requests carry. Each recorded user is played once in a run; for
    more live users another run begins. `factor` scales recorded time (0: only the order counts), `timeout` is how long
    a connect is held, in seconds.
    """

    def __init__(
        self,
        indexes: Sequence[CassetteIndex],
        *,
        factor: float = INSTANT,
        timeout: float = 30.0,
        max_silence: float = 60.0,
        order_patience: float = PATIENCE,
        apart: bool = False,
        clock: Callable[[], float] = time.monotonic,
        manner: Manner = AS_RECORDED,
    ) -> None:
        self.indexes = tuple(indexes)
        self.manner = manner
        self.clock = clock
        self.changes = ChangeSignal()
        self._factor = factor
        self._timeout = timeout
        self._max_silence = max_silence
        self._patience = order_patience
        self._apart = apart
        # Which interactions give an identity, by cassette.
        self._giving: dict[tuple[int, int], bool] = {}
        self._has_notifications = any(index.cassette.notifications for index in self.indexes)
        self._lock = threading.RLock()
        # Whether sent requests and what was shown are kept for the test, and how many misses of each user.
        self._keeps_history = True
        self._most_misses: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._people = People()
        self._last_sent: tuple[Headers | None, Sequence[Identity]] = (None, ())
        self._runs: list[tuple[SharedRun, threading.RLock]] = []
        self.users: list[LiveUser] = []
        # The REST requests that clients have sent, in order.
        self.sent: list[Request] = []
        self._latest = self._new_user()
        self._is_for_one = self._runs[0][0].capacity == 1
        self._is_alone = self._is_for_one and not self._apart

    def keep_few(self, most_misses: int = MOST_MISSES) -> None:
        """Begin anew and keep neither sent requests nor snapshots, and few misses of each user: for a run of days."""
        self._keeps_history, self._most_misses = False, most_misses
        self.rewind()

    def user(self, request: Request) -> LiveUser:
        """Return the user of a request, by what it says of itself."""
        if self._is_alone:
            return self.users[0]
        sent = self._sent_by(request)
        if not sent and len(self.users) == 1 and self._is_for_one:
            return self.users[0]
        with self._lock:
            owner = self._people.owner(sent)
            user = self._latest = self.users[owner] if owner is not None else self._stranger(sent, request)
            self._learn(user, sent)
        return user

    def user_of_clients(self, messages: Sequence[Any], headers: Headers) -> LiveUser:
        """Return the user that Bayeux messages are of: whoever has shaken hands as their client.

        A client id of somebody of another name, or with another known token, is not known to the one who presents it.
        """
        if self._is_alone:
            return self.users[0]
        request = Request(method="POST", uri="/", headers=headers)
        owner = next((user for message in messages if (user := self._of_client(message))), None)
        if owner is None:
            return self.user(request)
        sent = _identities_in(headers)
        with self._lock:
            sender = self._people.owner([each for each in sent if each.kind != "application key"])
            if sender is not None and sender != owner.number:
                return self.users[sender]
            if self._people.contradicts(owner.number, sent):
                return self._stranger(sent, request)
            self._learn(owner, sent)
        return owner

    def begin(self, user: LiveUser, request: Request) -> Send | Miss:
        """Play a REST request; a `Send` is to be waited for, and finished."""
        if self._keeps_history:
            self.sent.append(request)
        with user.polls.lock:
            user.redactor.see(request.headers)
            outcome = user.session.play(request, self.clock(), user.redactor.request)
            self._look(user)
        self.changes.send()
        if self._is_alone or isinstance(outcome, Miss) or not self._gives_identity(outcome):
            return outcome
        return outcome._replace(response=self._given(user, request, outcome.response))

    def until_sendable(self, user: LiveUser, send: Send, waiter: Waiter, *, led: bool = True) -> Steps[None]:
        """Wait until a response may be sent: its time has come, and what leads it was delivered (unless not `led`)."""
        if send.after:
            yield from pause(send.after, waiter)
        if send.led and led and user.session.has_undelivered:
            yield from user.polls.until_delivered(self.manner.led, waiter)
            yield from pause(GAP, waiter)

    async def wait_async(self, user: LiveUser, send: Send) -> None:
        """Await the same."""
        if send.after or send.led:
            await in_task(lambda waiter: self.until_sendable(user, send, waiter))

    def finish(self, user: LiveUser, send: Send) -> None:
        """Take note that a response was sent, or that its client has gone."""
        with user.polls.lock:
            user.session.responded(send, self.clock())
            self._look(user)

    def give_way(self, *, at_once: bool = False) -> None:
        """Let the recorded order give way, for a test that waits and nothing comes."""
        for user in tuple(self.users):
            with user.polls.lock:
                user.session.give_way(self.clock(), at_once=at_once)
                self._look(user)

    @property
    def has_begun(self) -> bool:
        """Whether anybody has sent anything."""
        return any(user.session.served or user.session.misses or user.session.polled for user in self.users)

    def rewind(self) -> None:
        """Begin anew, for whoever comes then: clients from before have to shake hands again."""
        with self._lock:
            before = tuple(self.users)
            self._begin()
        for user in before:
            with user.polls.lock:
                user.polls.release_now(user.session.bayeux.forget())

    def open(self) -> None:
        """Hold connects again, after a `close`."""
        for user in self.users:
            user.polls.open()

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        for user in self.users:
            user.polls.close()

    def used(self) -> Iterator[LiveUser]:
        """Yield the users that have sent a request; the first one if nobody has."""
        found = [user for user in self.users if user.session.served or user.session.misses]
        yield from found or self.users[:1]

    def _sent_by(self, request: Request) -> Sequence[Identity]:
        """Return the identities that a request uses. The last ones are kept, as one connection sends the same again."""
        if not _is_plain(request):
            return _identities(request)
        headers, sent = self._last_sent
        if headers is not request.headers:
            sent = _identities_in(request.headers)
            self._last_sent = request.headers, sent
        return sent

    def _stranger(self, sent: Sequence[Identity], request: Request) -> LiveUser:
        """Return the user of a request whose identities nobody has used yet."""
        first, capacity = self.users[0], self._runs[0][0].capacity
        if says_who(sent) and not self._people.is_identified(first.number):
            return first
        if renewed := self._renewed(sent, request):
            return renewed
        if not says_who(sent):
            return first if capacity == 1 else self._maker(request) or self._latest
        if not self._apart and len(self.users) >= capacity:
            return self._maker(request) or self._latest
        return self._new_user(next((each.value for each in sent if each.kind == LOGIN), None))

    def _renewed(self, sent: Sequence[Identity], request: Request) -> LiveUser | None:
        """Return the user whose credentials were refused, and who would go on with just this request."""
        found = [
            user
            for user in self.users
            if user.session.was_refused
            and not self._people.contradicts(user.number, sent)
            and user.session.expects(request)
        ]
        return found[0] if len(found) == 1 else None

    def _maker(self, request: Request) -> LiveUser | None:
        """Return the only user that made such a request when it was recorded."""
        found = [user for user in self.users if user.session.would_send(request)]
        if len(found) > 1:
            found = [user for user in found if user.session.would_send(request, left=True)]
        return found[0] if len(found) == 1 else None

    def _learn(self, user: LiveUser, sent: Sequence[Identity]) -> None:
        login = self._people.name(user.number, LOGIN)
        self._people.learn(user.number, sent)
        name = self._people.name(user.number, LOGIN)
        if name is not None and login is None:
            with user.polls.lock:
                user.session.name(name)

    def _gives_identity(self, send: Send) -> bool:
        """Tell whether a response gives its user a token or a cookie."""
        key = send.cassette, send.interaction
        found = self._giving.get(key)
        if found is None:
            response = send.response
            found = self._giving[key] = b"oken" in response.body or response.headers.get("set-cookie") is not None
        return found

    def _given(self, user: LiveUser, request: Request, response: Response) -> Response:
        """Let a user be known by what a response gives; tokens that were redacted become live ones."""
        if _REDACTED_TOKEN.search(response.body):
            body = _REDACTED_TOKEN.sub(
                lambda found: b'%s"%s"' % (found[1], secrets.token_hex(20).encode()), response.body
            )
            headers = response.headers.replacing("content-length", str(len(body)))
            response = replace(response, body=body, headers=headers)
        # A name in it is as it was recorded: a stand-in.
        given = [each for each in received_in(request, response) if each.kind not in NAMES]
        tokens = [Identity(TOKEN, token.decode(errors="replace")) for token in _TOKEN.findall(response.body)]
        with self._lock:
            self._people.learn(user.number, given, used=False)
            self._people.learn(user.number, tokens)
        return response

    def _look(self, user: LiveUser) -> None:
        """Let those look again who may have something to receive, now that something has happened in a user's run."""
        if not self._has_notifications:
            return
        for each in self.users if len(self.users) > 1 else (user,):
            if each.session.run is user.session.run and each.session.next_at is not None:
                each.polls.changed()

    def _of_client(self, message: Any) -> LiveUser | None:
        client_id = message.get("clientId") if isinstance(message, dict) else None
        try:
            number = int(client_id[-_NUMBER_DIGITS:], 16) if isinstance(client_id, str) else -1
        except ValueError:
            return None
        return self.users[number] if 0 <= number < len(self.users) else None

    def _new_user(self, name: str | None = None) -> LiveUser:
        number, values = len(self.users), dict[str, str]()
        run, lock = self._run_for(name)

        def new_id() -> str:
            return f"{secrets.token_hex(12)}{number:0{_NUMBER_DIGITS}x}"

        def value_of(name: str) -> str:
            value = values.get(name.lower())
            if value is None:
                value = values.setdefault(name.lower(), secrets.token_hex(16))
                with self._lock:
                    self._people.learn(
                        number, [Identity(kind, value) for kind in (TOKEN, COOKIE, _CSRF_TOKEN)], used=False
                    )
            return value

        session = self.manner.new_session(
            run,
            run.join(name),
            BayeuxServer(new_id=new_id, timeout=self._timeout, max_silence=self._max_silence),
            start=self.clock(),
            patience=self._patience,
            most_misses=self._most_misses,
        )
        polls = HeldPolls(session, self.clock, lock)
        user = LiveUser(number=number, session=session, polls=polls, value_of=value_of)
        self.users.append(user)
        return user

    def _run_for(self, name: str | None) -> tuple[SharedRun, threading.RLock]:
        """Return a run in which a live user can play, with the lock of all who play in it."""
        for run, lock in self._runs:
            if run.joined < run.capacity and (name is None or run.is_free(name)):
                return run, lock
        run = SharedRun(self.indexes, factor=self._factor, start=self.clock(), keeps_history=self._keeps_history)
        self._runs.append((run, threading.RLock()))
        return self._runs[-1]


def _is_plain(request: Request) -> bool:
    """Tell whether only the header fields of a request can say who sends it: it is not a login, and has no token."""
    body, uri = request.body, request.uri
    return not (
        b"grant_type" in body or b"password" in body or b'"clientId"' in body or "token=" in uri or "code=" in uri
    )


@lru_cache(maxsize=1024)
def _identities_in(headers: Headers) -> Sequence[Identity]:
    """Return the identities in header fields; clients send most of them again and again."""
    return _identities(Request(method="GET", uri="/", headers=headers))


def _identities(request: Request) -> Sequence[Identity]:
    """Return the identities that a request uses: what tells a user by itself, and any cookie that may be known."""
    pairs = (each.partition("=") for each in (request.headers.get("cookie") or "").split(";"))
    return *sent_in(request), *(Identity(COOKIE, value.strip().strip('"')) for _, equals, value in pairs if equals)
