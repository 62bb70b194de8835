"""Edge: steps that have to wait, written once and run by a thread, which blocks, or by a task, which awaits.

A generator of steps yields how many seconds to wait at the most, and returns the result. It gets a `Waiter`, which
others wake when it should look again before its time.
"""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Protocol, TypeAlias, TypeVar

_T = TypeVar("_T")
Steps: TypeAlias = Generator[float, None, _T]


def pause(seconds: float, waiter: "Waiter") -> Steps[None]:
    """Wait so many seconds, whatever happens."""
    waiter.reset()
    yield seconds


class Waiter(Protocol):
    """A thread or a task that waits, and can be woken from any thread."""

    def reset(self) -> None:
        """Prepare the next wait: only what wakes it from now on ends that."""

    def wake(self) -> None:
        """End the wait."""


def in_thread(steps: Callable[[Waiter], Steps[_T]]) -> _T:
    """Run steps in this thread and return their result."""
    waiter = _Thread()
    running = steps(waiter)
    try:
        while True:
            try:
                seconds = next(running)
            except StopIteration as end:
                result: _T = end.value
                return result
            waiter.wait(seconds)
    finally:
        running.close()


async def in_task(steps: Callable[[Waiter], Steps[_T]]) -> _T:
    """Run steps in this task and return their result; a cancelled task closes them where they wait."""
    waiter = _Task()
    running = steps(waiter)
    try:
        while True:
            try:
                seconds = next(running)
            except StopIteration as end:
                result: _T = end.value
                return result
            await waiter.wait(seconds)
    finally:
        running.close()


class _Thread:
    """Makes its event for the first wait only: most requests never wait."""

    def __init__(self) -> None:
        self._event: threading.Event | None = None

    def reset(self) -> None:
        if self._event is None:
            self._event = threading.Event()
        self._event.clear()

    def wake(self) -> None:
        if self._event:
            self._event.set()

    def wait(self, seconds: float) -> None:
        if self._event is None:
            self._event = threading.Event()
        self._event.wait(max(0.0, seconds))


class _Task:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._woken = asyncio.Event()

    def reset(self) -> None:
        self._woken.clear()

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop was closed with the task in it: nobody waits any more
            if threading.get_ident() == self._thread:
                self._woken.set()
            else:
                self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
