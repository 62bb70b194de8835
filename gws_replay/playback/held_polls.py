"""Edge: where held connects wait, as threads or as tasks of any event loop, until there is something to tell them.

What decides is a core without a clock or a lock (`core.session`, or the sandbox's); this file gives it both. It must
never know what is waited for.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from gws_replay.core.bayeux.server import Answer, Hold

FOREVER = float("inf")


class Core(Protocol):
    """What a polls stands in front of. Times are seconds of the polls's clock."""

    @property
    def next_at(self) -> float | None:
        """When `advance` has something to do next."""

    @property
    def unheard(self) -> bool:
        """Whether a client has still to be told something, or to come back since it was."""

    def advance(self, now: float) -> tuple[int, ...]:
        """Do what is due; return the tickets that became ready."""

    def receive(self, messages: Sequence[Any], now: float) -> Answer | Hold:
        """Take a batch of messages."""

    def release(self, ticket: int, now: float) -> Answer:
        """Answer a held connect."""

    def abandon(self, ticket: int, now: float) -> None:
        """Forget a held connect."""

    def put_back(self, answer: Answer) -> tuple[int, ...]:
        """Take back what could not be written."""


class HeldPolls:
    """The held connects of one core. Safe to use from several threads and event loops at once."""

    def __init__(self, core: Core, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self._core = core
        self._waiting: dict[int, _Waiter] = {}
        self._ready: set[int] = set()
        self._listening: set[_Waiter] = set()
        self._closed = False

    def changed(self) -> None:
        """Let everybody look again: something may be due earlier than they thought."""
        with self.lock:
            self._wake(self._core.advance(self.clock()))
            for waiter in (*self._waiting.values(), *self._listening):
                waiter.wake()

    def receive(self, messages: Sequence[Any], patience: float = FOREVER) -> Answer:
        """Take a batch; a connect that is to be held blocks this thread, for `patience` seconds at the most."""
        result = self._receive(messages)
        if isinstance(result, Answer):
            return result
        waiter = _Thread()
        until = min(result.until, self.clock() + patience)
        try:
            while not isinstance(step := self._step(result.ticket, until, waiter), Answer):
                waiter.wait(step)
        except BaseException:
            self._abandon(result.ticket)
            raise
        return step

    async def receive_async(self, messages: Sequence[Any], patience: float = FOREVER) -> Answer:
        """Take a batch; a connect that is to be held awaits, and is forgotten when it is cancelled."""
        result = self._receive(messages)
        if isinstance(result, Answer):
            return result
        waiter = _Task()
        until = min(result.until, self.clock() + patience)
        try:
            while not isinstance(step := self._step(result.ticket, until, waiter), Answer):
                await waiter.wait(step)
        except BaseException:
            self._abandon(result.ticket)
            raise
        return step

    def put_back(self, answer: Answer) -> None:
        """Take back the notifications of an answer that could not be written."""
        with self.lock:
            self._wake(self._core.put_back(answer))

    def wait_until_heard(self, patience: float) -> None:
        """Block until all clients have been told all, and have come back, for `patience` seconds at the most."""
        waiter, until = _Thread(), self.clock() + patience
        try:
            while (left := self._unheard_for(until, waiter)) > 0:
                waiter.wait(left)
        finally:
            self._leave(waiter)

    async def wait_until_heard_async(self, patience: float) -> None:
        """Await the same."""
        waiter, until = _Task(), self.clock() + patience
        try:
            while (left := self._unheard_for(until, waiter)) > 0:
                await waiter.wait(left)
        finally:
            self._leave(waiter)

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        with self.lock:
            self._closed = True
            for waiter in (*self._waiting.values(), *self._listening):
                waiter.wake()

    def _receive(self, messages: Sequence[Any]) -> Answer | Hold:
        with self.lock:
            now = self.clock()
            self._wake(self._core.advance(now))
            result = self._core.receive(messages, now)
            self._wake((*result.ready, *self._core.advance(now)))
            self._tell_listeners()
            return result

    def _step(self, ticket: int, until: float, waiter: "_Waiter") -> "Answer | float":
        """Return the answer of a held connect, or how long it may wait before it looks again."""
        with self.lock:
            now = self.clock()
            self._wake(self._core.advance(now))
            if ticket in self._ready or now >= until or self._closed:
                self._ready.discard(ticket)
                self._waiting.pop(ticket, None)
                answer = self._core.release(ticket, now)
                self._tell_listeners()
                return answer
            waiter.reset()
            self._waiting[ticket] = waiter
            return min(until, self._core.next_at or until) - now

    def _unheard_for(self, until: float, waiter: "_Waiter") -> float:
        with self.lock:
            now = self.clock()
            self._wake(self._core.advance(now))
            if not self._core.unheard or self._closed:
                return 0.0
            waiter.reset()
            self._listening.add(waiter)
            return until - now

    def _leave(self, waiter: "_Waiter") -> None:
        with self.lock:
            self._listening.discard(waiter)

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

    def _tell_listeners(self) -> None:
        for waiter in self._listening:
            waiter.wake()


class _Waiter(Protocol):
    """Somebody who waits, and can be woken from any thread."""

    def reset(self) -> None:
        """Make ready to wait again."""

    def wake(self) -> None:
        """End the wait."""


class _Thread:
    def __init__(self) -> None:
        self._event = threading.Event()

    def reset(self) -> None:
        self._event.clear()

    def wake(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> None:
        self._event.wait(max(0.0, seconds))


class _Task:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._future: asyncio.Future[None] = self._loop.create_future()

    def reset(self) -> None:
        if self._future.done():
            self._future = self._loop.create_future()

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop was closed with the task in it: nobody waits any more
            if threading.get_ident() == self._thread:
                _settle(self._future)
            else:
                self._loop.call_soon_threadsafe(_settle, self._future)

    async def wait(self, seconds: float) -> None:
        await asyncio.wait([self._future], timeout=max(0.0, seconds))


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
