"""What the commands that serve share: they run until Ctrl-C or SIGTERM."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from gws_replay.listening import Running

_Server = TypeVar("_Server", bound=Running)


def serve_until_stopped(start: Callable[[], Awaitable[_Server]], announce: Callable[[_Server], None]) -> int:
    """Start a server, announce it, and close it at SIGINT or SIGTERM; return which of the two it was."""
    return asyncio.run(_serve(start, announce))


async def _serve(start: Callable[[], Awaitable[_Server]], announce: Callable[[_Server], None]) -> int:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def settle(number: int) -> None:
        if not stopped.done():
            stopped.set_result(number)

    def stop(number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(settle, number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        running = await start()
        try:
            announce(running)
            return await stopped
        finally:
            await running.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
