"""Edge: all users' runs of some cassettes, with a clock and locks; threads block and tasks await.

It must never know how the requests came: in-process from vcrpy, or through a socket.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gws_replay.core.model import Headers, Request
from gws_replay.core.redaction.redactor import Redactor, without_secrets
from gws_replay.core.replay import credentials
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.live_headers import ValueOf
from gws_replay.core.replay.push_schedule import GAP, INSTANT
from gws_replay.core.replay.run import Miss, Send
from gws_replay.core.replay.user_session import UserSession
from gws_replay.playback.change_signal import ChangeSignal
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.playback.waiting import Steps, Waiter, in_task, pause

# How long an answer waits for a client that is to be told something first, if that client does not come.
LED_PATIENCE = 0.25
_NUMBER_DIGITS = 8
_MOST_HEARD = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUser:
    """One user's place: the session, the polls before it, and what stands for the user's HTTP session."""

    number: int
    session: UserSession
    polls: HeldPolls
    redactor: Redactor = field(default_factory=without_secrets)
    # From the name of a cookie or token to the value that this user gets for it.
    value_of: ValueOf
    # The header fields that the redactor has seen.
    heard: set[tuple[str, str]] = field(default_factory=set)


class Sessions:
    """The users of all users. The first user, and whoever does not say who they are, share the first user.

    `factor` scales recorded time (0: only the order counts), `timeout` is how long a connect is held, in seconds.
    """

    def __init__(
        self,
        indexes: Sequence[CassetteIndex],
        *,
        factor: float = INSTANT,
        timeout: float = 30.0,
        max_silence: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.indexes = tuple(indexes)
        self.clock = clock
        self._options = {"factor": factor, "timeout": timeout, "max_silence": max_silence}
        self.changes = ChangeSignal()
        self._lock = threading.Lock()
        self._by_name: dict[str, LiveUser] = {}
        self._by_value: dict[str, LiveUser] = {}
        self.users: list[LiveUser] = []
        self._new_user()

    def user(self, headers: Headers) -> LiveUser:
        """Return the user of a request's user: by Basic credentials, the session cookie, or other credentials."""
        if name := credentials.basic_user(headers):
            return self._of_user(f"basic {name}")
        if user := next(
            (self._by_value[each] for each in credentials.cookies(headers) if each in self._by_value), None
        ):
            return user
        if name := credentials.credentials(headers):
            return self._of_user(name)
        return self.users[0]

    def user_of_clients(self, messages: Sequence[Any], otherwise: LiveUser) -> LiveUser:
        """Return the user at which the first known Bayeux client of some messages shook hands."""
        for message in messages:
            client_id = message.get("clientId") if isinstance(message, dict) else None
            if isinstance(client_id, str) and (user := self._of_client(client_id)):
                return user
        return otherwise

    def begin(self, user: LiveUser, request: Request) -> Send | Miss:
        """Answer a REST request; a `Send` is to be waited for, and finished."""
        with user.polls.lock:
            _learn(user, request.headers)
            outcome = user.session.ask(request, self.clock(), user.redactor.request)
            if user.session.next_at is not None:
                user.polls.changed()
        self.changes.send()
        return outcome

    def until_sendable(self, user: LiveUser, send: Send, waiter: Waiter, *, led: bool = True) -> Steps[None]:
        """Wait until a response may be sent: its time has come, and what leads it was delivered (unless not `led`)."""
        if send.after:
            yield from pause(send.after, waiter)
        if send.led and led and user.session.unheard:
            yield from user.polls.until_delivered(LED_PATIENCE, waiter)
            yield from pause(GAP, waiter)

    async def wait_async(self, user: LiveUser, send: Send) -> None:
        """Await the same."""
        if send.after or send.led:
            await in_task(lambda waiter: self.until_sendable(user, send, waiter))

    def finish(self, user: LiveUser, send: Send) -> None:
        """Take note that an answer was sent, or that its client has gone."""
        with user.polls.lock:
            user.session.answered(send, self.clock())
            if user.session.next_at is not None:
                user.polls.changed()

    @property
    def has_begun(self) -> bool:
        """Whether anybody has sent anything."""
        return any(user.session.served or user.session.misses or user.session.polled for user in self.users)

    def rewind(self) -> None:
        """Begin all runs again; sessions and Bayeux clients stay."""
        for user in self.users:
            with user.polls.lock:
                user.session.rewind(self.clock())

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        for user in self.users:
            user.polls.close()

    def used(self) -> Iterator[LiveUser]:
        """Yield the users at which something was asked; the first one if there are none."""
        found = [user for user in self.users if user.session.served or user.session.misses]
        yield from found or self.users[:1]

    def _of_user(self, name: str) -> LiveUser:
        with self._lock:
            if name not in self._by_name:
                self._by_name[name] = self._new_user() if self._by_name else self.users[0]
            return self._by_name[name]

    def _of_client(self, client_id: str) -> LiveUser | None:
        try:
            number = int(client_id[-_NUMBER_DIGITS:], 16)
        except ValueError:
            return None
        return self.users[number] if 0 <= number < len(self.users) else None

    def _new_user(self) -> LiveUser:
        number = len(self.users)

        def new_id() -> str:
            return f"{secrets.token_hex(12)}{number:0{_NUMBER_DIGITS}x}"

        session = UserSession(self.indexes, new_id=new_id, start=self.clock(), **self._options)
        values: dict[str, str] = {}

        def value_of(name: str) -> str:
            value = values.get(name.lower())
            if value is None:
                value = values.setdefault(name.lower(), secrets.token_hex(16))
                self._by_value[value] = user
            return value

        user = LiveUser(number=number, session=session, polls=HeldPolls(session, self.clock), value_of=value_of)
        self.users.append(user)
        return user


def _learn(user: LiveUser, headers: Headers) -> None:
    """Let the redactor see a request's credentials: they may turn up in what is shown later."""
    if not user.heard.issuperset(headers.pairs):
        news = tuple(pair for pair in headers.pairs if pair not in user.heard)
        if len(user.heard) > _MOST_HEARD:
            user.heard.clear()
        user.redactor.request(Request(method="", uri="/", headers=Headers(news)))
        user.heard.update(news)
