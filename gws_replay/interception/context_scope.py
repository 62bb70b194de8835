"""Edge: which value of a kind is in force for the running thread or task, where several may be in force at once.

What is patched in other libraries is process-wide, but two tests in two threads must not get each other's responses.
So the patches are installed once, and look up here which value the running code belongs to.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from gws_replay.interception.patching import Patches, Swap

_T = TypeVar("_T")
_LOCK = threading.RLock()


class EndOfThread(SystemExit):
    """Ends a thread that was started under a value, and that has outlived everything: no error, and nobody's fault."""


class InForce(Generic[_T]):
    """The values of one kind that are in force; `patches` are installed from the first value on.

    A value is in force in the context that entered it, in the tasks, threads and pool jobs that were started there,
    and, as long as no other value competes, everywhere else. Code that was started under a value belongs to it for
    good.
    """

    def __init__(self, name: str, patches: Patches) -> None:
        self._here: ContextVar[_T | None] = ContextVar(name, default=None)
        self._patches = patches
        # Each value with the one that was in force where it was entered.
        self._entered: list[tuple[_T, _T | None]] = []
        self._waiting: list[Future[None]] = []
        _kinds.append(self)

    def current(self) -> _T | None:
        """Return the value in force here; None if there is none, or if several compete and none was entered here."""
        entered = self._entered
        if not entered:
            return None
        here = self._here.get()
        if len(entered) == 1:
            return entered[0][0]
        if self._is_in_force(here):
            return here
        outer = [before for _, before in entered]
        innermost = [value for value, _ in entered if not any(value is each for each in outer)]
        return innermost[0] if len(innermost) == 1 else None

    @property
    def all(self) -> tuple[_T, ...]:
        """All values that are in force anywhere."""
        return tuple(value for value, _ in self._entered)

    @property
    def ended_here(self) -> _T | None:
        """The value that the running code was started under, if no value is in force any more; else None."""
        return None if self._entered else self._here.get()

    @property
    def concerns_here(self) -> bool:
        """Whether the running code belongs to any value, in force or ended."""
        return bool(self._entered) or self._here.get() is not None

    @property
    def was_entered_here(self) -> bool:
        """Whether the running code was started under a value."""
        return self._here.get() is not None

    @contextmanager
    def enter(self, value: _T) -> Iterator[None]:
        """Put a value in force while the block lasts."""
        starts = _STARTS.install()
        try:
            swaps = self._patches.install()
            try:
                yield from self._in_force(value)
            finally:
                self._patches.remove(swaps)
        finally:
            _STARTS.remove(starts)

    def _in_force(self, value: _T) -> Iterator[None]:
        before = self._here.get()
        was_in_force = self._is_in_force(before)
        with _LOCK:
            self._entered = [*self._entered, (value, before)]
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
        self._here.set(value)
        try:
            yield
        finally:
            # They may end in another order: if the outer one has ended, this context belongs to nothing any more.
            self._here.set(None if was_in_force and not self._is_in_force(before) else before)
            with _LOCK:
                self._entered = [each for each in self._entered if each[0] is not value]

    def _is_in_force(self, value: _T | None) -> bool:
        return value is not None and any(value is each for each, _ in self._entered)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Keep the patches installed while the block lasts, with or without a value in force."""
        with _STARTS.installed(), self._patches.installed():
            yield

    def next_one(self) -> "Future[None]":
        """Return a future that is done when a value is in force; cancel it when nobody waits any more."""
        future: Future[None] = Future()
        with _LOCK:
            self._waiting = [each for each in self._waiting if not each.cancelled()]
            if self._entered:
                future.set_result(None)
            else:
                self._waiting.append(future)
        return future

    def end_waiting(self) -> None:
        """End all waiting for a next value: there will be none."""
        with _LOCK:
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.cancel()

    def carried(self) -> Callable[[], None]:
        """Return what puts the value that is in force here in force in another thread."""
        here = self._here.get()

        def carry() -> None:
            self._here.set(here)

        return carry


def threads_are_left() -> bool:
    """Whether a thread still runs that was started under a value."""
    return any(thread.is_alive() for thread in tuple(_started))


_kinds: list[InForce[Any]] = []
_started: "WeakSet[threading.Thread]" = WeakSet()


def _starting(real: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start(thread: threading.Thread) -> None:
        if any(kind.was_entered_here for kind in _kinds):
            run = thread.run
            carry = [kind.carried() for kind in _kinds]

            def carried() -> None:
                for each in carry:
                    each()
                with suppress(EndOfThread):
                    run()

            thread.run = carried  # type: ignore[method-assign]
            _started.add(thread)
        real(thread)

    return start


def _submitting(real: Callable[..., "Future[Any]"]) -> Callable[..., "Future[Any]"]:
    def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        carry = [kind.carried() for kind in _kinds]

        def carried(*args: Any, **kwargs: Any) -> Any:
            for each in carry:
                each()
            return function(*args, **kwargs)

        return real(pool, carried, *args, **kwargs)

    return submit


# New threads, and jobs given to pools, belong to whatever the code that started them belongs to.
_SWAPS = Swap(threading.Thread, "start", _starting), Swap(ThreadPoolExecutor, "submit", _submitting)
_STARTS = Patches(lambda: _SWAPS)
