"""Edge: the open connections of a server, which are closed when they have been idle for long."""

import asyncio
from collections.abc import Iterable
from typing import Protocol


class Connection(Protocol):
    """A connection that can be closed. It has been idle since the moment `since` of the event loop's clock.

    An incomplete request leaves it idle; while a response is waited for, `since` is in the future.
    """

    since: float

    def abort(self) -> "asyncio.Task[None] | None":
        """Close the connection at once; return the response that was waited for."""


class OpenConnections:
    """The connections of one server, in its event loop. One timer serves them all: most are closed before it fires."""

    def __init__(self, idle: float) -> None:
        self.now = asyncio.get_running_loop().time
        self._idle = idle
        self._open: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Watch a connection."""
        self._open.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._idle / 4, self._close_idle)

    def discard(self, connection: Connection) -> None:
        """Watch a connection no longer: it was closed, or handed over."""
        self._open.discard(connection)

    async def close(self) -> None:
        """Close all connections; responses that are waited for are given up."""
        if self._timer:
            self._timer.cancel()
        await _abort(tuple(self._open))

    async def close_busy(self) -> None:
        """Close the connections whose responses are waited for."""
        await _abort([each for each in self._open if each.since == float("inf")])

    def _close_idle(self) -> None:
        self._timer = None
        before = self.now() - self._idle
        for each in tuple(self._open):
            if each.since < before:
                each.abort()
            else:
                self.add(each)  # which sets the timer again


async def _abort(connections: Iterable[Connection]) -> None:
    await asyncio.gather(*[task for each in connections if (task := each.abort())], return_exceptions=True)
