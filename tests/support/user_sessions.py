"""Bayeux clients of one user's session, driven by hand with a clock of the test's own, for several test files."""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from gws_replay.core.bayeux.messages import Message, encoded
from gws_replay.core.bayeux.server import BayeuxServer, Hold, Replies
from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.shared_run import SharedRun
from gws_replay.core.replay.user_session import PATIENCE, UserSession
from tests.support.bayeux_by_hand import connect, subscribe


def session_of(
    *cassettes: Cassette,
    factor: float = 0.0,
    timeout: float = 30.0,
    silence: float = float("inf"),
    patience: float = PATIENCE,
) -> UserSession:
    """A session of some cassettes that has just begun."""
    return joined(SharedRun([CassetteIndex(each) for each in cassettes], factor=factor), timeout, silence, patience)


def joined(
    run: SharedRun, timeout: float = 30.0, silence: float = float("inf"), patience: float = PATIENCE, name: str = ""
) -> UserSession:
    """The session of one more live user of a run."""
    numbers, prefix = count(1), "c" * (run.joined + 1)
    bayeux = BayeuxServer(new_id=lambda: f"{prefix}{next(numbers)}", timeout=timeout, max_silence=silence)
    return UserSession(run, run.join(name or None), bayeux, patience=patience)


def request_at(session: UserSession, index: int, now: float = 0.0, *, cassette: int = 0) -> Send:
    """Return the recorded request at an index, if it has a response."""
    send = session.play(session.indexes[cassette].interactions[index].request, now)
    assert isinstance(send, Send)
    return send


class Listener:
    """A client that shakes hands, subscribes, and polls when a test calls it; `received` are its notifications."""

    def __init__(self, session: UserSession, subscription: Any = "/**") -> None:
        self.session = session
        self.received: list[Any] = []
        self.held: int | None = None
        self.until = 0.0
        (reply,) = self.sent([{"channel": "/meta/handshake"}], 0.0)
        self.id: str = reply["clientId"]
        if subscription:
            self.sent([subscribe(self.id, subscription), connect(self.id)], 0.0)

    def sent(self, messages: Sequence[Message], now: float) -> tuple[Message, ...]:
        """Send a batch of messages, which must get its response at once."""
        result = self.session.receive(messages, now)
        assert isinstance(result, Replies)
        self._take(result.messages)
        return result.messages

    def poll(self, now: float) -> Replies | Hold:
        """Connect; it may be held, and is never refused."""
        result = self.session.receive([connect(self.id)], now)
        if isinstance(result, Hold):
            self.held, self.until = result.ticket, result.until
        else:
            self._take(result.messages)
        return result

    def released(self, now: float) -> None:
        """Get the response of the held connect."""
        assert self.held is not None
        self._take(self.session.release(self.held, now).messages)
        self.held = None

    def _take(self, messages: Sequence[Message]) -> None:
        assert all(each.get("successful", True) for each in messages)
        self.received.extend(each["data"] for each in json.loads(encoded(messages)) if "data" in each)


def looked(session: UserSession, listeners: Sequence[Listener], now: float) -> None:
    """Let the session do what is due, and every listener poll until it is held."""
    ready = session.advance(now)
    for listener in listeners:
        if listener.held in ready or (listener.held and now >= listener.until):
            listener.released(now)
        while listener.held is None and isinstance(listener.poll(now), Replies):
            pass
