"""Edge: all users' runs of some cassettes, with a clock and locks; threads block and tasks await.

It must never know how the requests came: in-process from vcrpy, or through a socket.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gws_replay.core.model import Headers, Request
from gws_replay.core.redaction.redactor import Redactor, without_secrets
from gws_replay.core.replay import credentials as users
from gws_replay.core.replay.cassette_index import Script
from gws_replay.core.replay.push_schedule import GAP, INSTANT
from gws_replay.core.replay.run import Miss, Send
from gws_replay.core.replay.user_session import Track
from gws_replay.playback.held_polls import Lobby

# How long an answer waits for a client that is to be told something first, if that client does not come.
LED_PATIENCE = 0.25
_NUMBER_DIGITS = 8
_MOST_HEARD = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One user's place: the track, the lobby before it, and what stands for the user's HTTP session."""

    number: int
    track: Track
    lobby: Lobby
    redactor: Redactor = field(default_factory=without_secrets)
    session_id: str = field(default_factory=lambda: secrets.token_hex(13))
    csrf_token: str = field(default_factory=lambda: secrets.token_hex(16))
    # The header fields that the redactor has seen.
    heard: set[tuple[str, str]] = field(default_factory=set)


class Stage:
    """The seats of all users. The first user, and whoever does not say who they are, share the first seat.

    `factor` scales recorded time (0: only the order counts), `timeout` is how long a connect is held, in seconds.
    """

    def __init__(
        self,
        scripts: Sequence[Script],
        *,
        factor: float = INSTANT,
        timeout: float = 30.0,
        max_silence: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scripts = tuple(scripts)
        self.clock = clock
        self._options = {"factor": factor, "timeout": timeout, "max_silence": max_silence}
        self._changed = threading.Condition()
        self._watchers = 0
        self._users: dict[str, Seat] = {}
        self._sessions: dict[str, Seat] = {}
        self.seats: list[Seat] = []
        self._new_seat()

    def seat(self, headers: Headers) -> Seat:
        """Return the seat of a request's user: by Basic credentials, the session cookie, or other credentials."""
        if name := users.basic_user(headers):
            return self._of_user(f"basic {name}")
        if (session := users.cookie(headers, users.SESSION_COOKIE)) and session in self._sessions:
            return self._sessions[session]
        if name := users.credentials(headers):
            return self._of_user(name)
        return self.seats[0]

    def seat_of_clients(self, messages: Sequence[Any], otherwise: Seat) -> Seat:
        """Return the seat at which the first known Bayeux client of some messages shook hands."""
        for message in messages:
            client_id = message.get("clientId") if isinstance(message, dict) else None
            if isinstance(client_id, str) and (seat := self._of_client(client_id)):
                return seat
        return otherwise

    def begin(self, seat: Seat, request: Request) -> Send | Miss:
        """Answer a REST request; a `Send` is to be waited for, and finished."""
        with seat.lobby.lock:
            _learn(seat, request.headers)
            outcome = seat.track.ask(request, self.clock(), seat.redactor.request)
            if seat.track.next_at is not None:
                seat.lobby.changed()
        self.changed()
        return outcome

    def changed(self) -> None:
        """Let those look again who wait for a change."""
        if self._watchers:
            with self._changed:
                self._changed.notify_all()

    def wait(self, seat: Seat, send: Send, *, led: bool = True) -> None:
        """Block until an answer may be sent: its time has come, and what leads it has been told (unless not `led`)."""
        if send.after:
            time.sleep(send.after)
        if send.led and led and seat.track.unheard:
            seat.lobby.wait_until_heard(LED_PATIENCE)
            time.sleep(GAP)

    async def wait_async(self, seat: Seat, send: Send, *, led: bool = True) -> None:
        """Await the same."""
        if send.after:
            await asyncio.sleep(send.after)
        if send.led and led and seat.track.unheard:
            await seat.lobby.wait_until_heard_async(LED_PATIENCE)
            await asyncio.sleep(GAP)

    def finish(self, seat: Seat, send: Send) -> None:
        """Take note that an answer was sent, or that its client has gone."""
        with seat.lobby.lock:
            seat.track.answered(send, self.clock())
            if seat.track.next_at is not None:
                seat.lobby.changed()

    def wait_for_change(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Block until something that requests change has happened, for so many seconds at the most."""
        with self._changed:
            self._watchers += 1  # before it looks, so that what happens while it does is told to it
            try:
                return self._changed.wait_for(happened, timeout=seconds)
            finally:
                self._watchers -= 1

    @property
    def was_asked(self) -> bool:
        """Whether anybody has asked for anything."""
        return any(seat.track.served or seat.track.misses or seat.track.polled for seat in self.seats)

    def rewind(self) -> None:
        """Begin all runs again; sessions and Bayeux clients stay."""
        for seat in self.seats:
            with seat.lobby.lock:
                seat.track.rewind(self.clock())

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        for seat in self.seats:
            seat.lobby.close()

    def used(self) -> Iterator[Seat]:
        """Yield the seats at which something was asked; the first one if there are none."""
        found = [seat for seat in self.seats if seat.track.served or seat.track.misses]
        yield from found or self.seats[:1]

    def _of_user(self, name: str) -> Seat:
        with self._changed:
            if name not in self._users:
                self._users[name] = self._new_seat() if self._users else self.seats[0]
            return self._users[name]

    def _of_client(self, client_id: str) -> Seat | None:
        try:
            number = int(client_id[-_NUMBER_DIGITS:], 16)
        except ValueError:
            return None
        return self.seats[number] if 0 <= number < len(self.seats) else None

    def _new_seat(self) -> Seat:
        number = len(self.seats)

        def new_id() -> str:
            return f"{secrets.token_hex(12)}{number:0{_NUMBER_DIGITS}x}"

        track = Track(self.scripts, new_id=new_id, start=self.clock(), **self._options)
        seat = Seat(number=number, track=track, lobby=Lobby(track, self.clock))
        self.seats.append(seat)
        self._sessions[seat.session_id] = seat
        return seat


def _learn(seat: Seat, headers: Headers) -> None:
    """Let the redactor see a request's credentials: they may turn up in what is shown later."""
    if not seat.heard.issuperset(headers.pairs):
        news = tuple(pair for pair in headers.pairs if pair not in seat.heard)
        if len(seat.heard) > _MOST_HEARD:
            seat.heard.clear()
        seat.redactor.request(Request(method="", uri="/", headers=Headers(news)))
        seat.heard.update(news)
