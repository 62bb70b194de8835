"""An embedded stand-in for Genesys Web Services: for the demo, for tests, and for people without a staging system.

It is our own reading of the public documentation, not Genesys code: the operations on userData of every channel, the
session that frames them, and CometD by long-polling, callback-polling and WebSocket. This file starts and stops it.
`handlers` is the HTTP side, `state` and `resources` hold the data and carry out operations, `channels` and
`workspace_v3` describe the two APIs, `pushes` delivers notifications, and `faults` lists what can be wrong on purpose.
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
        """Return the held connects, close all connections and free the port."""
        self._listening.close()
        await self._runner.cleanup()


async def start(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    fault: str | None = None,
    push_delay: float = 0.05,
    user: str = "agent1",
    password: str = "sandbox",  # noqa: S107 - documented, and valid for a sandbox only
    log: Callable[[str], None] | None = None,
) -> RunningSandbox:
    """Start a sandbox in the running event loop; port 0 takes any free port.

    A notification is pushed `push_delay` seconds after its request; with 0 it can arrive before the response.
    `fault` names a row of FAULTS; `log` receives one line per request, without credentials or values. Raises
    GwsReplayError for a wrong option or a port that is in use.
    """
    if fault is not None and fault not in FAULTS:
        raise GwsReplayError(f"unknown fault {fault!r}: use one of {', '.join(FAULTS)}.")
    if not 0 <= push_delay < math.inf:
        raise GwsReplayError(f"push delay must be 0 seconds or more, got {push_delay}")
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
    """Return the data of a new sandbox: the samples of the documentation, with invented people."""
    data: Json = json.loads(resources.files("gws_replay.sandbox").joinpath("data.json").read_text("utf-8"))
    return data
