"""Edge: what is in force for the running thread or task, where several things of a kind are in force at once.

What replaces parts of other libraries is process-wide, but two tests in two threads must not get each other's answers.
So a replacement is installed once, for as long as anything is in force, and asks here whose turn it is.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from gws_replay.interception.patching import Replaced, Swap, put_back, replaced

_T = TypeVar("_T")
_LOCK = threading.RLock()


class InForce(Generic[_T]):
    """The values of one kind that are in force; `swaps` tells what is replaced meanwhile.

    A value is in force in the context that entered it, in what that starts (tasks, threads, work given to a pool), and,
    as long as no other competes with it, everywhere else.
    """

    def __init__(self, name: str, swaps: Callable[[], Iterable[Swap]]) -> None:
        self._here: ContextVar[_T | None] = ContextVar(name, default=None)
        self._swaps = swaps
        self._replaced: list[Replaced] = []
        # Each value with the one that was in force where it was entered.
        self._entered: list[tuple[_T, _T | None]] = []

    def current(self) -> _T | None:
        """Return what is in force here; None if nothing is, or if several compete and none was entered here."""
        here = self._here.get()
        if here is not None and any(here is value for value, _ in self._entered):
            return here
        outer = [before for _, before in self._entered]
        innermost = [value for value, _ in self._entered if not any(value is each for each in outer)]
        return innermost[0] if len(innermost) == 1 else None

    @property
    def all(self) -> tuple[_T, ...]:
        """All that is in force anywhere."""
        return tuple(value for value, _ in self._entered)

    @contextmanager
    def enter(self, value: _T) -> Iterator[None]:
        """Put a value in force while the block lasts."""
        before = self._here.get()
        with _LOCK:
            if not self._entered:
                self._replaced = replaced(self._swaps())
                _carry_on(self)
            self._entered.append((value, before))
        self._here.set(value)
        try:
            yield
        finally:
            self._here.set(before)
            with _LOCK:
                self._entered = [each for each in self._entered if each[0] is not value]
                if not self._entered:
                    _carry_on_no_more(self)
                    put_back(self._replaced)

    def taken_along(self) -> Callable[[], None]:
        """Return what makes that which is in force here be so in another thread."""
        here = self._here.get()

        def take() -> None:
            self._here.set(here)

        return take


_kinds: list[InForce[Any]] = []
_carrying: list[Replaced] = []


def _carry_on(kind: InForce[Any]) -> None:
    """Let new threads, and work given to pools, belong to who started them."""
    if not _kinds:
        _carrying[:] = replaced(_STARTS)
    _kinds.append(kind)


def _carry_on_no_more(kind: InForce[Any]) -> None:
    _kinds.remove(kind)
    if not _kinds:
        put_back(_carrying)


def _starting(real: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start(thread: threading.Thread) -> None:
        run = thread.run
        along = [kind.taken_along() for kind in _kinds]

        def carried() -> None:
            for take in along:
                take()
            run()

        thread.run = carried  # type: ignore[method-assign]
        real(thread)

    return start


def _submitting(real: Callable[..., "Future[Any]"]) -> Callable[..., "Future[Any]"]:
    def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        along = [kind.taken_along() for kind in _kinds]

        def carried(*given: Any, **named: Any) -> Any:
            for take in along:
                take()
            return function(*given, **named)

        return real(pool, carried, *args, **kwargs)

    return submit


_STARTS = Swap(threading.Thread, "start", _starting), Swap(ThreadPoolExecutor, "submit", _submitting)
