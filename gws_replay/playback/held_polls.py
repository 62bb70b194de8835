"""Edge: the held polls: connects that wait, in threads or in tasks of any event loop, until there is something to send.

What decides is a core without a clock or a lock (a `UserSession`, or the sandbox's server); this file gives it both.
It must never know what is waited for.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from gws_replay.core.bayeux.server import Hold, Replies
from gws_replay.playback.waiting import Steps, Waiter, in_task, in_thread

FOREVER = float("inf")
_MOMENT = 0.0005


class Core(Protocol):
    """What held polls stand in front of. Times are seconds of their clock."""

    @property
    def next_at(self) -> float | None:
        """When `advance` has something to do next."""

    @property
    def has_undelivered(self) -> bool:
        """Whether a client has a notification waiting, or has not come back since it received one."""

    def advance(self, now: float) -> tuple[int, ...]:
        """Do what is due; return the tickets that became ready."""

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        """Take a batch of messages."""

    def release(self, ticket: int, now: float) -> Replies:
        """Return the replies to a held connect."""

    def abandon(self, ticket: int, now: float) -> None:
        """Forget a held connect."""

    def put_back(self, answer: Replies) -> tuple[int, ...]:
        """Take back what could not be written."""


class HeldPolls:
    """The held connects of one core. Safe to use from several threads and event loops at once.

    Cores that change each other share one `lock`.
    """

    def __init__(
        self, core: Core, clock: Callable[[], float] = time.monotonic, lock: "threading.RLock | None" = None
    ) -> None:
        self.clock = clock
        self.lock = lock or threading.RLock()
        self._core = core
        self._waiting: dict[int, Waiter] = {}
        self._ready: set[int] = set()
        self._listening: set[Waiter] = set()
        self._closed = False

    def changed(self) -> None:
        """Let everybody look again: something may be due earlier than they thought."""
        with self.lock:
            self._wake(self._core.advance(self.clock()))
            for waiter in (*self._waiting.values(), *self._listening):
                waiter.wake()

    def receive(self, messages: Sequence[Any], patience: float = FOREVER) -> Replies:
        """Take a batch; a connect that is to be held blocks this thread, for `patience` seconds at the most."""
        return in_thread(lambda waiter: self.answer(messages, waiter, patience))

    async def receive_async(self, messages: Sequence[Any], patience: float = FOREVER) -> Replies:
        """Take a batch; a connect that is to be held awaits, and is forgotten when it is cancelled."""
        return await in_task(lambda waiter: self.answer(messages, waiter, patience))

    def answer(self, messages: Sequence[Any], waiter: Waiter, patience: float = FOREVER) -> Steps[Replies]:
        """Take a batch, in steps; hold a connect for `patience` seconds at the most."""
        result = self._receive(messages)
        if isinstance(result, Replies):
            return result
        until = min(result.until, self.clock() + patience)
        try:
            while not isinstance(step := self._step(result.ticket, until, waiter), Replies):
                yield step
        except BaseException:
            self._abandon(result.ticket)
            raise
        return step

    def until_delivered(self, patience: float, waiter: Waiter) -> Steps[None]:
        """Wait until all clients have received all, and have come back, for `patience` seconds at the most."""
        until = self.clock() + patience
        try:
            while (left := self._undelivered_for(until, waiter)) > 0:
                yield left
        finally:
            with self.lock:
                self._listening.discard(waiter)

    def release_now(self, tickets: Iterable[int]) -> None:
        """Answer some held connects."""
        with self.lock:
            self._wake(tickets)

    def put_back(self, answer: Replies) -> None:
        """Take back the notifications of a response that could not be written."""
        with self.lock:
            self._wake(self._core.put_back(answer))

    def open(self) -> None:
        """Hold connects again, after a `close`."""
        with self.lock:
            self._closed = False

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        with self.lock:
            self._closed = True
            for waiter in (*self._waiting.values(), *self._listening):
                waiter.wake()

    def _receive(self, messages: Sequence[Any]) -> Replies | Hold:
        with self.lock:
            now = self.clock()
            self._wake(self._core.advance(now))
            result = self._core.receive(messages, now)
            self._wake((*result.ready, *self._core.advance(now)))
            self._wake_listeners()
            return result

    def _step(self, ticket: int, until: float, waiter: Waiter) -> Replies | float:
        """Return the response to a held connect, or how long it may wait before it looks again."""
        with self.lock:
            now = self.clock()
            self._wake(self._core.advance(now))
            if ticket in self._ready or now >= until or self._closed:
                self._ready.discard(ticket)
                self._waiting.pop(ticket, None)
                answer = self._core.release(ticket, now)
                self._wake_listeners()
                return answer
            waiter.reset()
            self._waiting[ticket] = waiter
            return min(until, self._core.next_at or until) - now

    def _undelivered_for(self, until: float, waiter: Waiter) -> float:
        with self.lock:
            now = self.clock()
            self._wake(self._core.advance(now))
            if not self._core.has_undelivered or self._closed:
                return 0.0
            waiter.reset()
            self._listening.add(waiter)
            # What is due in a moment may turn out to be for nobody.
            return until - now if now >= until else max(min(until, self._core.next_at or until) - now, _MOMENT)

    def _abandon(self, ticket: int) -> None:
        with self.lock:
            self._waiting.pop(ticket, None)
            self._ready.discard(ticket)
            self._core.abandon(ticket, self.clock())

    def _wake(self, tickets: Iterable[int]) -> None:
        for ticket in tickets:
            self._ready.add(ticket)
            if waiter := self._waiting.get(ticket):
                waiter.wake()

    def _wake_listeners(self) -> None:
        for waiter in self._listening:
            waiter.wake()
