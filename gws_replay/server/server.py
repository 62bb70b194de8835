"""Edge: the replay server. It replays cassettes to a client in any language: REST, and the notifications by CometD.

It listens on loopback unless another address is given, accepts any credentials, and never connects to anything. Plain
requests are handled in `fast_http`; all others in `aiohttp_handler`, which is imported when the first of them comes.
"""

import asyncio
import ssl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.fast_http import FastConnection, FastHttp
from gws_replay.server.rest import SILENCE, RestService
from gws_replay.web.listening import ANY_ADDRESS, Listening, in_a_thread, listen

if TYPE_CHECKING:
    from gws_replay.server.aiohttp_handler import AiohttpHandler


class ServedRun(ReplayRun):
    """A playback that a server plays at `url`; its client runs elsewhere, so `expect_userdata` waits for it."""

    def __init__(self, *cassettes: Cassette | CassetteIndex, **options: Any) -> None:
        super().__init__(*cassettes, apart=True, **options)
        self.advice = ""

    @property
    def others_may_send(self) -> bool:
        """The client of a server always runs elsewhere."""
        return True


class RunningServer:
    """A replay server that accepts connections at `url`, until it is closed."""

    def __init__(self, listening: Listening, run: ReplayRun, handlers: "_Handlers") -> None:
        self.url = listening.url
        self._listening = listening
        self._run = run
        self._handlers = handlers

    async def close(self) -> None:
        """Respond to the held connects, close all connections and free the port."""
        self._run.close()
        self._listening.close()
        await self._handlers.close()
        await asyncio.sleep(0)


async def start(
    run: ReplayRun,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    keep_uris: bool = False,
    log: Callable[[str], None] | None = None,
    idle: float = 75.0,
    silence: float = SILENCE,
    control_hosts: Collection[str] = (),
) -> RunningServer:
    """Start a replay server in the running event loop; port 0 takes any free port.

    Absolute addresses of the API in recorded bodies become the server's own unless `keep_uris`; `log` gets a line for
    each REST request. A connection is closed if no complete request comes for `idle` seconds; held connects and late
    responses are not idle. A request that never got a response waits for `silence` seconds. The control endpoint can be
    reached by the names of loopback, by `host`, and by `control_hosts`. Raises GwsReplayError if the server cannot
    listen at the address.
    """
    rest = RestService(run, keep_uris=keep_uris, log=log, silence=silence)
    names = frozenset(each.lower() for each in (host, *control_hosts) if each not in ANY_ADDRESS)
    handlers = _Handlers(run, rest, "https" if tls else "http", idle, names)
    return RunningServer(await listen(handlers.connection, host, port, tls), run, handlers)


@contextmanager
def serving(run: ReplayRun, **options: Any) -> Iterator[RunningServer]:
    """Serve a run in a thread of its own; the options are those of `start`."""
    with in_a_thread(lambda: start(run, **options), "gws-replay server") as running:
        if isinstance(run, ServedRun):
            run.url = running.url
        yield running


@dataclass
class _Handlers:
    """The two handlers of connections: the fast one, and the one of aiohttp, which many runs never need."""

    run: ReplayRun
    rest: RestService
    scheme: str
    idle: float
    control_hosts: Collection[str]
    is_loaded: bool = False
    _fast: FastHttp = field(init=False)
    _aiohttp: "AiohttpHandler | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._fast = FastHttp(self.rest, self.scheme, self.idle)

    def connection(self) -> asyncio.BaseProtocol:
        """Return the protocol of a new connection."""
        return FastConnection(self._fast, self)

    def load(self) -> None:
        """Import the handler of aiohttp, in a thread: that takes as long as everything else at the start."""
        import gws_replay.server.aiohttp_handler  # noqa: F401, PLC0415 (many runs never need it)

        self.is_loaded = True

    def protocol(self) -> asyncio.Protocol:
        """Return the protocol of a connection that aiohttp handles."""
        if self._aiohttp is None:
            from gws_replay.server.aiohttp_handler import AiohttpHandler  # noqa: PLC0415 (imported by `load`)

            self._aiohttp = AiohttpHandler(self.run, self.rest, idle=self.idle, control_hosts=self.control_hosts)
        return self._aiohttp.protocol()

    async def close(self) -> None:
        """Close all connections."""
        if self._aiohttp:
            await self._aiohttp.close()
        await self._fast.open.close()
