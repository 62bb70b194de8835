"""Edge: the open connections of a server, which are closed when they have been idle for long."""

import asyncio
from typing import Protocol


class Connection(Protocol):
    """One that can be closed, and that has been idle `since` then by the event loop's clock.

    A request that does not come to its end does not count; an answer that is waited for does, and is in the future.
    """

    since: float

    def abort(self) -> "asyncio.Task[None] | None":
        """Close the connection at once; return the answer that was waited for."""


class OpenConnections:
    """Those of one server, in its event loop; one timer for all of them, as most live and die between its turns."""

    def __init__(self, idle: float) -> None:
        self.now = asyncio.get_running_loop().time
        self._idle = idle
        self._open: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Take up a connection."""
        self._open.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._idle / 4, self._close_idle)

    def discard(self, connection: Connection) -> None:
        """Forget a connection: it is closed, or somebody else's."""
        self._open.discard(connection)

    async def close(self) -> None:
        """Close all; what is waited for is given up."""
        if self._timer:
            self._timer.cancel()
        await asyncio.gather(*[task for each in tuple(self._open) if (task := each.abort())], return_exceptions=True)

    def _close_idle(self) -> None:
        self._timer = None
        before = self.now() - self._idle
        for each in tuple(self._open):
            if each.since < before:
                each.abort()
            else:
                self.add(each)  # which sets the timer again
