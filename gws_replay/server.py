"""Edge: the replay server. It plays cassettes to a client in any language: REST, and the notifications by CometD.

It listens on loopback unless told otherwise, accepts any credentials, and never connects to anything. Plain requests
are answered in `server_front`; this file is the rest of HTTP, by aiohttp.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from gws_replay import server_answers, server_control
from gws_replay.bayeux_aiohttp import MAX_BODY, Conversations, is_websocket, poll
from gws_replay.core import addresses, bayeux_http
from gws_replay.core.bayeux_wire import Message, Verbatim
from gws_replay.core.codings import decoded
from gws_replay.core.model import Cassette, Headers, Request
from gws_replay.core.replay import Miss
from gws_replay.core.script import Script
from gws_replay.listening import in_a_thread, listen
from gws_replay.lobby import Lobby
from gws_replay.playback import Playback
from gws_replay.server_front import HOST, READ_PATIENCE, Front, Short
from gws_replay.server_rest import Answer, Rest, failed, missed
from gws_replay.unread import until_read


class ServedPlayback(Playback):
    """A playback that a server plays at `url`; its client runs elsewhere, so `expect_userdata` waits for it."""

    def __init__(self, *cassettes: Cassette | Script, **options: Any) -> None:
        super().__init__(*cassettes, **options)
        self.advice = ""

    @property
    def others_may_ask(self) -> bool:
        """The client of a server always runs elsewhere."""
        return True


class RunningServer:
    """A replay server that accepts connections at `url`, until it is closed."""

    def __init__(self, runner: web.ServerRunner, url: str, playback: Playback, edge: "_Edge") -> None:
        self.url = url
        self._runner = runner
        self._playback = playback
        self._edge = edge

    async def close(self) -> None:
        """Answer the held connects, close all connections and free the port."""
        self._playback.close()
        await self._edge.conversations.close()
        server = self._runner.server
        transports = [each.transport for each in server.connections if each.transport] if server else []
        await self._runner.cleanup()
        await self._edge.short.close()
        for transport in transports:  # over TLS they would wait for the client to say goodbye
            transport.abort()
        await asyncio.sleep(0)


async def start(
    playback: Playback,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    keep_uris: bool = False,
    log: Callable[[str], None] | None = None,
) -> RunningServer:
    """Start a replay server in the running event loop; port 0 takes any free port.

    Absolute addresses of the API in recorded bodies become the server's own unless `keep_uris`; `log` gets a line for
    each REST request. Raises GwsReplayError when the address cannot be had.
    """
    edge = _Edge(playback, Rest(playback, keep_uris=keep_uris, log=log), "https" if tls else "http")
    server = _Server(
        edge.handle,
        request_factory=_request,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
    )
    server.short = edge.short
    runner = web.ServerRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    return RunningServer(runner, await listen(runner, host, port, tls), playback, edge)


@contextmanager
def serving(playback: Playback, **options: Any) -> Iterator[RunningServer]:
    """Run a replay server in a thread of its own; the options are those of `start`."""
    with in_a_thread(lambda: start(playback, **options), "gws-replay server") as running:
        if isinstance(playback, ServedPlayback):
            playback.url = running.url
        yield running


class _Server(web.Server):
    """aiohttp's server, with the short way before it."""

    short: Short

    def __call__(self) -> Any:
        return Front(self.short, super().__call__)


class _Edge:
    """The one handler of all other requests: they are told apart by what they carry, not by their address."""

    def __init__(self, playback: Playback, rest: Rest, scheme: str) -> None:
        self._playback = playback
        self._stage = playback.stage
        self._rest = rest
        self.short = Short(rest, self._failed, scheme)
        self.conversations = Conversations(
            self._lobby_of, self._put, lambda asked, error: self._failed(asked.method, asked.path, error)
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. A fault of our own is a 500 for the client, and kept for the test."""
        try:
            return await self._handle(request)
        except web.HTTPRequestEntityTooLarge:
            return _response(failed(413, f"The body is longer than {MAX_BODY} bytes."))
        except web.HTTPException as error:  # aiohttp's refusal of a broken WebSocket handshake
            return _response(failed(error.status, error.text or error.reason))
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to hear of it)
            return _response(failed(500, self._failed(request.method, request.path, error)))

    def _failed(self, method: str, target: str, error: Exception) -> str:
        path = target.partition("?")[0].partition(";")[0]  # a session may stand behind it
        fault = f"the replay server failed: {method} {path}: {type(error).__name__}: {error}"
        self._playback.faults.append(fault)
        return fault

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not HOST.fullmatch(request.host):  # it is going to stand in answers
            return _response(failed(400, "The Host field names no host."))
        if request.path.startswith(server_control.PATH):
            return server_control.answer(request, self._playback)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=server_answers.cors(request.headers, preflight=True))
        allow = server_answers.cors(request.headers)
        if is_websocket(request):
            return await self.conversations.hold(request, allow)
        return await self._answer(request, await _asked(request), allow)

    async def _answer(self, request: web.BaseRequest, asked: Request, allow: dict[str, str]) -> web.Response:
        """Answer a request by what it carries: Bayeux messages, or REST."""
        try:
            carried = bayeux_http.carried(asked)
        except ValueError as error:
            answer = bayeux_http.refused(error)
            return web.Response(status=answer.status, body=answer.body, headers={**allow, **dict(answer.headers.pairs)})
        if carried:
            lobby = self._lobby_of(request, carried.messages, asked.headers)
            return await poll(request, carried, lobby, headers=allow, put=self._put)
        return await self._play(request, asked, allow)

    async def _play(self, request: web.BaseRequest, asked: Request, allow: dict[str, str]) -> web.Response:
        seat = self._stage.seat(asked.headers)
        send = self._rest.begin(seat, asked)
        if isinstance(send, Miss):
            return _response(missed(send, allow))
        try:
            await self._stage.wait_async(seat, send)
            origin = f"{request.scheme}://{request.host}"
            response = _response(self._rest.answer(seat, send, origin=origin, asked=asked.headers, allow=allow))
            # Written here, so that what comes after the response is known to.
            await response.prepare(request)
            await response.write_eof()
            if self._rest.is_followed(send):
                await until_read(request.transport, READ_PATIENCE)
        except OSError:
            pass  # the client has gone; aiohttp closes the connection
        finally:
            self._stage.finish(seat, send)
        return response

    def _lobby_of(self, request: web.BaseRequest, messages: Sequence[Any], headers: Headers | None = None) -> Lobby:
        seat = self._stage.seat(_headers(request) if headers is None else headers)
        return self._stage.seat_of_clients(messages, seat).lobby

    def _put(self, request: web.BaseRequest, message: Message) -> Message:
        data = message.get("data")
        if self._rest.keep_uris or not isinstance(data, Verbatim):
            return message
        return {**message, "data": Verbatim(addresses.at_home(data, f"{request.scheme}://{request.host}"))}


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return web.BaseRequest(message, payload, protocol, writer, task, protocol._loop, client_max_size=MAX_BODY)  # noqa: SLF001


async def _asked(request: web.BaseRequest) -> Request:
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    headers, body = decoded(_headers(request), await request.read() if request.can_read_body else b"")
    # A client that takes us for its proxy asks with the whole address.
    target = request.raw_path if "://" in request.raw_path[:8] else f"http://{request.host}{request.raw_path}"
    return Request(method=request.method, uri=target, headers=headers, body=body)


def _headers(request: web.BaseRequest) -> Headers:
    return Headers(tuple(request.headers.items()))


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, reason=answer.reason or None, headers=answer.headers, body=answer.body)
