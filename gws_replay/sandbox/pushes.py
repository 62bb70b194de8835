"""The sandbox's pending notifications: when each is due, and the Bayeux server that delivers it.

No clock, no lock and no socket: `playback.held_polls` provides the first two.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gws_replay.core.bayeux.server import BayeuxServer, Hold, Replies
from gws_replay.sandbox.replies import Push


class Pushes(BayeuxServer):
    """A Bayeux server for one agent, with the notifications that are due `delay` seconds after their requests."""

    def __init__(self, *, new_id: Callable[[], str], delay: float, max_silence: float = 60.0) -> None:
        super().__init__(new_id=new_id, max_silence=max_silence)
        self._delay = delay
        self._due: deque[tuple[float, Push]] = deque()

    def push(self, notifications: Iterable[Push], now: float) -> None:
        """Schedule notifications after those that are scheduled already."""
        self._due.extend((now + self._delay, notification) for notification in notifications)

    @property
    def next_at(self) -> float | None:
        """When the next notification is due."""
        return self._due[0][0] if self._due else None

    def advance(self, now: float) -> tuple[int, ...]:
        """Deliver what is due; return the tickets of the connects that can now return."""
        ready: list[int] = []
        while self._due and self._due[0][0] <= now:
            ready.extend(self.deliver(*self._due.popleft()[1]))
        return tuple(ready)

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        """Drop the clients that were silent for too long, then receive one batch of messages."""
        self.expire(now)
        return super().receive(messages, now)
