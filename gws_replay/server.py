"""Edge: the replay server. It plays cassettes to a client in any language: REST, and the notifications by CometD.

It listens on loopback unless told otherwise, accepts any credentials, and never connects to anything. What is answered
is decided in `core.track`; this file is sockets and HTTP.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from json import dumps
from typing import Any, Final

from aiohttp import web

from gws_replay import server_answers, server_control
from gws_replay.bayeux_aiohttp import MAX_BODY, Conversations, is_websocket, poll
from gws_replay.core import addresses, bayeux_http
from gws_replay.core.bayeux_wire import Message, Verbatim
from gws_replay.core.codings import decoded
from gws_replay.core.model import Cassette, Headers, Request
from gws_replay.core.replay import Miss, Send
from gws_replay.core.script import Script
from gws_replay.listening import in_a_thread, listen
from gws_replay.lobby import Lobby
from gws_replay.playback import Playback
from gws_replay.stage import Seat
from gws_replay.unread import until_read

# Not recorded: no status of GWS, and none that clients try again.
_MISSED: Final = 501
_HOST: Final = re.compile(r"[\w.:\[\]-]+")
# How long the notifications after an answer wait for a client that does not read it.
_READ_PATIENCE: Final = 1.0
_JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}


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

    def __init__(self, runner: web.ServerRunner, url: str, playback: Playback, conversations: Conversations) -> None:
        self.url = url
        self._runner = runner
        self._playback = playback
        self._conversations = conversations

    async def close(self) -> None:
        """Answer the held connects, close all connections and free the port."""
        self._playback.close()
        await self._conversations.close()
        server = self._runner.server
        transports = [each.transport for each in server.connections if each.transport] if server else []
        await self._runner.cleanup()
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
    edge = _Edge(playback, keep_uris=keep_uris, log=log)
    server = web.Server(
        edge.handle,
        request_factory=_request,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
    )
    runner = web.ServerRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    return RunningServer(runner, await listen(runner, host, port, tls), playback, edge.conversations)


@contextmanager
def serving(playback: Playback, **options: Any) -> Iterator[RunningServer]:
    """Run a replay server in a thread of its own; the options are those of `start`."""
    with in_a_thread(lambda: start(playback, **options), "gws-replay server") as running:
        if isinstance(playback, ServedPlayback):
            playback.url = running.url
        yield running


class _Edge:
    """The one handler of all requests: they are told apart by what they carry, not by their address."""

    def __init__(self, playback: Playback, *, keep_uris: bool, log: Callable[[str], None] | None) -> None:
        self._playback = playback
        self._stage = playback.stage
        self._keep_uris = keep_uris
        self._log = log
        # By cassette, the interactions with a notification that comes after their response.
        self._followed = tuple(
            frozenset(gate.interaction for gate in script.gates if gate and gate.after == "response")
            for script in playback.stage.scripts
        )
        self.conversations = Conversations(self._lobby_of, self._put, self._failed)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. A fault of our own is a 500 for the client, and kept for the test."""
        try:
            return await self._handle(request)
        except web.HTTPRequestEntityTooLarge:
            return _error(413, f"The body is longer than {MAX_BODY} bytes.")
        except web.HTTPException as error:  # aiohttp's refusal of a broken WebSocket handshake
            return _error(error.status, error.text or error.reason)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to hear of it)
            return _error(500, self._failed(request, error))

    def _failed(self, request: web.BaseRequest, error: Exception) -> str:
        path = request.path.partition(";")[0]  # a session may stand behind it
        fault = f"the replay server failed: {request.method} {path}: {type(error).__name__}: {error}"
        self._playback.faults.append(fault)
        return fault

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _HOST.fullmatch(request.host):  # it is going to stand in answers
            return _error(400, "The Host field names no host.")
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
        return await self._rest(request, asked, allow)

    async def _rest(self, request: web.BaseRequest, asked: Request, allow: dict[str, str]) -> web.Response:
        seat = self._stage.seat(asked.headers)
        send = self._stage.begin(seat, asked)
        self._tell(seat, asked, send)
        if isinstance(send, Miss):
            return _error(_MISSED, str(send), server_control.miss(send), allow)
        try:
            await self._stage.wait_async(seat, send)
            response = self._response(request, seat, send, allow)
            # Written here, so that what comes after the response is known to.
            await response.prepare(request)
            await response.write_eof()
            if send.interaction in self._followed[send.cassette]:
                await until_read(request.transport, _READ_PATIENCE)
        except OSError:
            pass  # the client has gone; aiohttp closes the connection
        finally:
            self._stage.finish(seat, send)
        return response

    def _response(self, request: web.BaseRequest, seat: Seat, send: Send, allow: dict[str, str]) -> web.Response:
        recorded, origin = send.response, self._origin(request)
        headers = server_answers.fields(recorded.headers, csrf_token=seat.csrf_token, origin=origin, allow=allow)
        if seat.session_id not in request.headers.get("Cookie", ""):
            headers.add("Set-Cookie", server_answers.session_cookie(seat.session_id))
        body = recorded.body
        is_json = body[:1] in (b"{", b"[")
        if is_json:
            headers.setdefault("Content-Type", _JSON["Content-Type"])  # one written by hand may have none
        if is_json and origin:
            body = addresses.at_home(body.decode(errors="surrogateescape"), origin).encode(errors="surrogateescape")
        return web.Response(status=recorded.status, reason=recorded.reason or None, headers=headers, body=body)

    def _lobby_of(self, request: web.BaseRequest, messages: Sequence[Any], headers: Headers | None = None) -> Lobby:
        seat = self._stage.seat(_headers(request) if headers is None else headers)
        return self._stage.seat_of_clients(messages, seat).lobby

    def _put(self, request: web.BaseRequest, message: Message) -> Message:
        data, origin = message.get("data"), self._origin(request)
        if origin is None or not isinstance(data, Verbatim):
            return message
        return {**message, "data": Verbatim(addresses.at_home(data, origin))}

    def _origin(self, request: web.BaseRequest) -> str | None:
        return None if self._keep_uris else f"{request.scheme}://{request.host}"

    def _tell(self, seat: Seat, asked: Request, send: Send | Miss) -> None:
        if self._log:
            what = f"{asked.method} {seat.redactor.request(asked).path}"
            if isinstance(send, Miss):
                self._log(f"{what}  missed: {send.reason}")
            else:
                again = ", once more" if send.repeated else ""
                self._log(f"{what}  interaction {send.interaction}{again}")


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


def _error(
    status: int, message: str, details: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with an error in the form of GWS: 4 is an internal error [ReturnValues]."""
    body = {"statusCode": 4, "statusMessage": message, **({"gws_replay": details} if details else {})}
    return web.Response(status=status, body=dumps(body).encode(), headers={**(headers or {}), **_JSON})
