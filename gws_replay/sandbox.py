"""An embedded stand-in for Genesys Web Services: for the demo, for tests, and for people without a staging system.

It is our own reading of the public documentation, not Genesys code: the Facebook Private Messaging operations on
userData, the session that frames them, and CometD long-polling. This file starts and stops it. How HTTP looks is in
`sandbox_http`, what is answered in `sandbox_state`, what is wrong on purpose in `sandbox_faults`.
"""

import asyncio
import errno
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TypedDict, Unpack

from aiohttp import web

from gws_replay.errors import GwsReplayError
from gws_replay.sandbox_faults import FAULTS, faithful
from gws_replay.sandbox_http import Edge
from gws_replay.sandbox_state import Json, Sandbox


class StartOptions(TypedDict, total=False):
    """The options of `start` and `serving`."""

    host: str
    port: int
    fault: str | None
    push_delay: float
    user: str
    password: str
    log: Callable[[str], None] | None


class RunningSandbox:
    """A sandbox that accepts connections at `url`, until it is closed."""

    def __init__(
        self, *, runner: web.AppRunner, url: str, user: str, password: str, session_ids: tuple[str, ...]
    ) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.session_ids = session_ids
        self._runner = runner

    async def close(self) -> None:
        """Answer the held connects, close all connections and free the port."""
        await self._runner.cleanup()


async def start(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    fault: str | None = None,
    push_delay: float = 0.05,
    user: str = "agent1",
    password: str = "sandbox",  # noqa: S107 - documented, and good for nothing but a sandbox
    log: Callable[[str], None] | None = None,
) -> RunningSandbox:
    """Start a sandbox in the running event loop; port 0 takes any free port.

    A notification is pushed `push_delay` seconds after its request; with 0 it can overtake the request's answer.
    `fault` names a row of FAULTS; `log` gets one line per request, without credentials or values. An option that
    cannot be met, such as a busy port, raises GwsReplayError.
    """
    if fault is not None and fault not in FAULTS:
        raise GwsReplayError(f"There is no fault {fault!r}: take one of {', '.join(FAULTS)}.")
    if not 0 <= push_delay < math.inf:
        raise GwsReplayError(f"A push delay of {push_delay} is not possible: give seconds, 0 or more.")
    apply = faithful if fault is None else FAULTS[fault].apply
    sandbox = Sandbox(_documented_data(), apply=apply, user=user, password=password)
    application = Edge(sandbox, push_delay=push_delay, log=log).application()
    runner = web.AppRunner(
        application, access_log=None, auto_decompress=False, handler_cancellation=True, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is in use" if busy else f"cannot be used ({error})"
        raise GwsReplayError(f"Port {port} on {host} {reason}: choose another port, or 0 for any free one.") from error
    # Clients drop the cookies of hosts that are bare addresses, so the loopback is handed out by its name.
    name = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104 - compared, not bound
    url = f"http://{name}:{runner.addresses[0][1]}"
    return RunningSandbox(runner=runner, url=url, user=user, password=password, session_ids=sandbox.session_ids)


@contextmanager
def serving(**options: Unpack[StartOptions]) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread with an event loop of its own; the options are those of `start`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="gws-replay sandbox", daemon=True)
    thread.start()
    try:
        running = asyncio.run_coroutine_threadsafe(start(**options), loop).result()
        try:
            yield running
        finally:
            asyncio.run_coroutine_threadsafe(running.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _documented_data() -> Json:
    data: Json = json.loads(resources.files("gws_replay").joinpath("sandbox_data.json").read_text("utf-8"))
    return data
