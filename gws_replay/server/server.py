"""Edge: the replay server. It replays cassettes to a client in any language: REST, and the notifications by CometD.

It listens on loopback unless another address is given, accepts any credentials, and never connects to anything. Plain
requests are handled in `fast_http`; all others in `aiohttp_handler`, which is imported when the first of them comes.
"""

import asyncio
import ssl
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.playback.living_clients import LivingClients
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.fast_http import FastConnection, FastHttp
from gws_replay.server.played import Played
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

    def __init__(self, listening: Listening, played: Played, handlers: "_Handlers") -> None:
        self.url = listening.url
        self.loop = asyncio.get_running_loop()
        self._listening = listening
        self._played = played
        self._handlers = handlers

    async def begin(self, run: ReplayRun) -> None:
        """Play another run, when the last one has ended."""
        self._played.begin(run, RestService(run, keep_uris=False, log=None))

    async def end(self) -> None:
        """End the run; connections stay, and what comes on them waits for the next one."""
        self._played.end()
        await self._handlers.end_run()

    async def close(self) -> None:
        """Respond to the held connects, close all connections and free the port."""
        self._played.run.close()
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
    clients: LivingClients | None = None,
) -> RunningServer:
    """Start a replay server in the running event loop; port 0 takes any free port.

    Absolute addresses of the API in recorded bodies become the server's own unless `keep_uris`; `log` gets a line for
    each REST request. A connection is closed if no complete request comes for `idle` seconds; held connects and late
    responses are not idle. A request that never got a response waits for `silence` seconds. The control endpoint can be
    reached by the names of loopback, by `host`, and by `control_hosts`. With `clients`, other runs may follow, in
    which these go on. Raises GwsReplayError if the server cannot listen at the address.
    """
    rest = RestService(run, keep_uris=keep_uris, log=log, silence=silence)
    names = frozenset(each.lower() for each in (host, *control_hosts) if each not in ANY_ADDRESS)
    played = Played(run, rest, clients)
    handlers = _Handlers(played, "https" if tls else "http", idle, names)
    return RunningServer(await listen(handlers.connection, host, port, tls), played, handlers)


@contextmanager
def serving(run: ReplayRun, **options: Any) -> Iterator[RunningServer]:
    """Serve a run in a thread of its own; the options are those of `start`."""
    with in_a_thread(lambda: start(run, **options), "gws-replay server") as running:
        if isinstance(run, ServedRun):
            run.url = running.url
        yield running


class LastingServer:
    """A server in a thread of its own that plays one run after the other, at the same `url`.

    It starts with the first run. CometD clients go on from one run to the next.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._clients = LivingClients()
        self._running: RunningServer | None = None

    @contextmanager
    def playing(self, run: ServedRun) -> Iterator[None]:
        """Play a run while the block lasts."""
        running = self._running
        if running is None:
            thread = in_a_thread(lambda: start(run, clients=self._clients), "gws-replay server")
            running = self._running = self._open.enter_context(thread)
        else:
            asyncio.run_coroutine_threadsafe(running.begin(run), running.loop).result()
        run.url = running.url
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(running.end(), running.loop).result()

    def close(self) -> None:
        """Close all connections, and free the port."""
        self._open.close()


@dataclass
class _Handlers:
    """The two handlers of connections: the fast one, and the one of aiohttp, which many runs never need."""

    played: Played
    scheme: str
    idle: float
    control_hosts: Collection[str]
    is_loaded: bool = False
    _fast: FastHttp = field(init=False)
    _aiohttp: "AiohttpHandler | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._fast = FastHttp(self.played, self.scheme, self.idle)

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

            self._aiohttp = AiohttpHandler(self.played, idle=self.idle, control_hosts=self.control_hosts)
        return self._aiohttp.protocol()

    async def end_run(self) -> None:
        """Give up what is being responded to."""
        await self._fast.open.close_busy()
        if self._aiohttp:
            await self._aiohttp.end_run()

    async def close(self) -> None:
        """Close all connections."""
        if self._aiohttp:
            await self._aiohttp.close()
        await self._fast.open.close()
