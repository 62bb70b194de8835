"""Edge: the replay server. It plays cassettes to a client in any language: REST, and the notifications by CometD.

It listens on loopback unless told otherwise, accepts any credentials, and never connects to anything. Plain requests
are answered in `server_front`; all else in `server_aiohttp`, which is imported for the first that needs it.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.fast_http import Front, Short
from gws_replay.server.rest import Rest
from gws_replay.web.listening import Listening, in_a_thread, listen

if TYPE_CHECKING:
    from gws_replay.server.aiohttp_handler import Edge


class ServedRun(ReplayRun):
    """A playback that a server plays at `url`; its client runs elsewhere, so `expect_userdata` waits for it."""

    def __init__(self, *cassettes: Cassette | CassetteIndex, **options: Any) -> None:
        super().__init__(*cassettes, **options)
        self.advice = ""

    @property
    def others_may_send(self) -> bool:
        """The client of a server always runs elsewhere."""
        return True


class RunningServer:
    """A replay server that accepts connections at `url`, until it is closed."""

    def __init__(self, listening: Listening, playback: ReplayRun, ways: "_Ways") -> None:
        self.url = listening.url
        self._listening = listening
        self._playback = playback
        self._ways = ways

    async def close(self) -> None:
        """Answer the held connects, close all connections and free the port."""
        self._playback.close()
        self._listening.close()
        await self._ways.close()
        await asyncio.sleep(0)


async def start(
    playback: ReplayRun,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    keep_uris: bool = False,
    log: Callable[[str], None] | None = None,
    idle: float = 75.0,
) -> RunningServer:
    """Start a replay server in the running event loop; port 0 takes any free port.

    Absolute addresses of the API in recorded bodies become the server's own unless `keep_uris`; `log` gets a line for
    each REST request. A connection is closed when for `idle` seconds no request has come, or the one that is coming has
    not ended; what is held or answered late is not idle. Raises GwsReplayError when the address cannot be had.
    """
    rest = Rest(playback, keep_uris=keep_uris, log=log)
    ways = _Ways(playback, rest, "https" if tls else "http", idle)
    return RunningServer(await listen(ways.short_one, host, port, tls), playback, ways)


@contextmanager
def serving(playback: ReplayRun, **options: Any) -> Iterator[RunningServer]:
    """Run a replay server in a thread of its own; the options are those of `start`."""
    with in_a_thread(lambda: start(playback, **options), "gws-replay server") as running:
        if isinstance(playback, ServedRun):
            playback.url = running.url
        yield running


class _Ways:
    """The two ways of a connection: the short one, and the one by aiohttp, for which many never have use."""

    def __init__(self, playback: ReplayRun, rest: Rest, scheme: str, idle: float) -> None:
        self._playback = playback
        self._rest = rest
        self._idle = idle
        self._short = Short(rest, scheme, idle)
        self._edge: Edge | None = None

    def short_one(self) -> asyncio.BaseProtocol:
        """Return what a new connection begins with."""
        return Front(self._short, self._long_one)

    def _long_one(self) -> asyncio.Protocol:
        if self._edge is None:
            from gws_replay.server.aiohttp_handler import Edge  # noqa: PLC0415 (aiohttp takes as long as all else of a start)

            self._edge = Edge(self._playback, self._rest, self._idle)
        return self._edge.protocol()

    async def close(self) -> None:
        """Close all connections."""
        if self._edge:
            await self._edge.close()
        await self._short.open.close()
