"""Edge: the whole of HTTP, by aiohttp, for what is not plain: Bayeux, WebSockets, CORS, the control endpoint."""

import asyncio
from collections.abc import Sequence
from json import dumps
from typing import Any

from aiohttp import web

from gws_replay.core.bayeux import over_http as bayeux_http
from gws_replay.core.bayeux.messages import Message, Verbatim
from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request
from gws_replay.core.replay import rehost as addresses
from gws_replay.core.replay.run import Miss
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server import control as server_control
from gws_replay.server import response_headers as server_answers
from gws_replay.server.fast_http import HOST, READ_PATIENCE
from gws_replay.server.rest import Answer, Rest, failed, missed
from gws_replay.server.unread_bytes import until_read
from gws_replay.web.bayeux_aiohttp import MAX_BODY, Conversations, is_websocket, poll

# How long a request that is being answered may take to end, when the server is closed.
_SHUTDOWN = 1.0
# For how long the rest of a request is read that was answered before its end, so that its client reads the answer.
_LINGERING = 10.0


class Edge:
    """The one handler of these requests: they are told apart by what they carry, not by their address."""

    def __init__(self, playback: ReplayRun, rest: Rest, idle: float) -> None:
        self._idle = idle
        self._playback = playback
        self._sessions = playback.sessions
        self._rest = rest
        self._conversations = Conversations(
            self._polls_of, self._put, lambda asked, error: rest.fault(asked.method, asked.path, error)
        )
        self._server = web.Server(
            self._handle,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=idle,
            lingering_time=min(idle, _LINGERING),
        )

    def protocol(self) -> asyncio.Protocol:
        """Return what a connection is handed over to."""
        return self._server()

    async def close(self) -> None:
        """Close all connections; what is being answered may come to its end."""
        await self._conversations.close()
        transports = [each.transport for each in self._server.connections if each.transport]
        await asyncio.sleep(0)  # requests that have come begin to be answered
        self._server.pre_shutdown()
        await self._server.shutdown(_SHUTDOWN)
        for transport in transports:  # over TLS they would wait for the client to say goodbye
            transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. A fault of our own is a 500 for the client, and kept for the test."""
        try:
            return await self._told_apart(request)
        except TimeoutError:
            return _response(failed(408, f"The body has not come within {self._idle:g} seconds."))
        except web.HTTPRequestEntityTooLarge:
            return _response(failed(413, f"The body is longer than {MAX_BODY} bytes."))
        except web.HTTPException as error:  # aiohttp's refusal of a broken WebSocket handshake
            return _response(failed(error.status, error.text or error.reason))
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to hear of it)
            return _response(failed(500, self._rest.fault(request.method, request.path, error)))

    async def _told_apart(self, request: web.BaseRequest) -> web.StreamResponse:
        if not HOST.fullmatch(request.host):  # it is going to stand in answers
            return _response(failed(400, "The Host field names no host."))
        if request.path.startswith(server_control.PATH):
            return self._controlled(request)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=server_answers.cors(request.headers, preflight=True))
        allow = server_answers.cors(request.headers)
        if is_websocket(request):
            return await self._conversations.hold(request, allow)
        async with asyncio.timeout(self._idle):
            asked = await _asked(request)
        return await self._answer(request, asked, allow)

    def _controlled(self, request: web.BaseRequest) -> web.Response:
        if "Origin" in request.headers:
            status, value = 403, {"error": "the control endpoint is not for pages"}
        else:
            status, value = server_control.answer(request.method, request.path, self._playback)
        body = dumps(value, indent=2).encode()
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json"})

    async def _answer(self, request: web.BaseRequest, asked: Request, allow: dict[str, str]) -> web.Response:
        """Answer a request by what it carries: Bayeux messages, or REST."""
        try:
            carried = bayeux_http.carried(asked)
        except ValueError as error:
            answer = bayeux_http.refused(error)
            return web.Response(status=answer.status, body=answer.body, headers={**allow, **dict(answer.headers.pairs)})
        if carried:
            polls = self._polls_of(request, carried.messages, asked.headers)
            return await poll(request, carried, polls, headers=allow, put=self._put)
        return await self._play(request, asked, allow)

    async def _play(self, request: web.BaseRequest, asked: Request, allow: dict[str, str]) -> web.Response:
        user = self._sessions.user(asked.headers)
        send = self._rest.begin(user, asked)
        if isinstance(send, Miss):
            return _response(missed(send, allow))
        try:
            await self._sessions.wait_async(user, send)
            origin = f"{request.scheme}://{request.host}"
            response = _response(self._rest.answer(user, send, origin=origin, asked=asked.headers, allow=allow))
            # Written here, so that what comes after the response is known to.
            await response.prepare(request)
            await response.write_eof()
            if self._rest.is_followed(send):
                await until_read(request.transport, READ_PATIENCE)
        except OSError:
            pass  # the client has gone; aiohttp closes the connection
        finally:
            self._sessions.finish(user, send)
        return response

    def _polls_of(self, request: web.BaseRequest, messages: Sequence[Any], headers: Headers | None = None) -> HeldPolls:
        user = self._sessions.user(_headers(request) if headers is None else headers)
        return self._sessions.user_of_clients(messages, user).polls

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
