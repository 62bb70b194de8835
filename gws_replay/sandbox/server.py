"""An embedded stand-in for Genesys Web Services: for the demo, for tests, and for people without a staging system.

It is our own reading of the public documentation, not Genesys code: the operations on userData of every channel, the
session that frames them, and CometD by long-polling, callback-polling and WebSocket. This file starts and stops it.
How HTTP looks is in `sandbox_http`, what is answered in `sandbox_state` and `sandbox_resources`, the channels in
`sandbox_channels` and `sandbox_workspace`, when it is pushed in `sandbox_pushes`, what is wrong on purpose in
`sandbox_faults`.
"""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TypedDict, Unpack, cast

from aiohttp import web

from gws_replay.errors import GwsReplayError
from gws_replay.sandbox.channels import CHANNELS
from gws_replay.sandbox.faults import FAULTS
from gws_replay.sandbox.handlers import Edge
from gws_replay.sandbox.replies import Json
from gws_replay.sandbox.state import Sandbox
from gws_replay.sandbox.userdata import faithful
from gws_replay.web.listening import Listening, in_a_thread, listen


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
        self, *, runner: web.AppRunner, listening: Listening, user: str, password: str, session_ids: tuple[str, ...]
    ) -> None:
        self.url = listening.url
        self.user = user
        self.password = password
        self.session_ids = session_ids
        self._runner = runner
        self._listening = listening

    async def close(self) -> None:
        """Answer the held connects, close all connections and free the port."""
        self._listening.close()
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
    sandbox = Sandbox(documented_data(), apply=apply, user=user, password=password)
    application = Edge(sandbox, push_delay=push_delay, log=log).application()
    runner = web.AppRunner(
        application, access_log=None, auto_decompress=False, handler_cancellation=True, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        listening = await listen(cast("web.Server", runner.server), host, port)
    except GwsReplayError:
        await runner.cleanup()
        raise
    ids = sandbox.resources.ids(CHANNELS["Facebook PM"])
    return RunningSandbox(runner=runner, listening=listening, user=user, password=password, session_ids=ids)


@contextmanager
def serving(**options: Unpack[StartOptions]) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread with an event loop of its own; the options are those of `start`."""
    with in_a_thread(lambda: start(**options), "gws-replay sandbox") as running:
        yield running


def documented_data() -> Json:
    """Return what a sandbox knows when it starts: the samples of the documentation, and made-up people."""
    data: Json = json.loads(resources.files("gws_replay.sandbox").joinpath("data.json").read_text("utf-8"))
    return data
