"""Edge: the whole of HTTP, by aiohttp, for what is not plain: CometD, WebSockets, CORS, the control endpoint."""

import asyncio
import re
from collections.abc import Collection, Sequence
from json import dumps
from typing import Any, Final

from aiohttp import web

from gws_replay.core.bayeux import over_http as bayeux_http
from gws_replay.core.bayeux.messages import Message, Verbatim
from gws_replay.core.content_coding import decoded, hides_more
from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.rehost import at_home
from gws_replay.server import control
from gws_replay.server.fast_http import HOST, LONGEST_HEAD, READ_PATIENCE
from gws_replay.server.played import Played
from gws_replay.server.response_headers import cors
from gws_replay.server.rest import RestResponse, failed, missed
from gws_replay.server.unread_bytes import until_read
from gws_replay.web.bayeux_aiohttp import MAX_BATCH, MAX_BODY, Conversations, Polls, is_websocket, poll

# A longer one is unpacked and parsed in a thread.
_HEAVY: Final = 2**16
# How long a request that is being responded to may take, when the server is closed.
_SHUTDOWN: Final = 1.0
# For how long the rest of a request is read that got its response early, so that its client reads the response.
_LINGERING: Final = 10.0
_LOWER_CASE_METHOD: Final = re.compile(rb"(?=[A-Z]*[a-z])([A-Za-z]{1,32}) [!-~]+ HTTP/1\.[01]\r\n")
_MOST_FIELDS: Final = 1000


class _Connection(web.RequestHandler):
    """A connection of aiohttp, which refuses methods in lower case: browsers send `patch` as a page wrote it."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Take what was read; a request begins where a read begins."""
        if found := _LOWER_CASE_METHOD.match(data):
            data = found[1].upper() + data[found.end(1) :]
        super().data_received(data)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Response(web.Response):
    """A response with the recorded fields: aiohttp would add a Content-Type and a Server."""

    async def _prepare_headers(self) -> None:
        added = [name for name in ("Content-Type", "Server") if name not in self.headers]
        await super()._prepare_headers()
        for name in added:
            self.headers.popall(name, None)


class AiohttpHandler:
    """The one handler of these requests: what they carry decides, not their address."""

    def __init__(self, played: Played, *, idle: float, control_hosts: Collection[str] = ()) -> None:
        self._idle = idle
        self._played = played
        self._control_hosts = control_hosts
        self._responding: dict[asyncio.Task[web.Response], web.BaseRequest] = {}
        self._conversations = Conversations(
            self._polls_of, self._put, lambda request, error: played.rest.fault(request.method, request.path, error)
        )
        self._server = _Server(
            self._handle,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=idle,
            lingering_time=min(idle, _LINGERING),
            max_line_size=LONGEST_HEAD,
            max_field_size=LONGEST_HEAD,
            max_headers=_MOST_FIELDS,
        )

    def protocol(self) -> asyncio.Protocol:
        """Return what a connection is handed over to."""
        return self._server()

    async def end_run(self) -> None:
        """Let what is being responded to come to its end, for a while; then give it up."""
        if tasks := dict(self._responding):
            await asyncio.wait(tasks, timeout=_SHUTDOWN)
        for task, request in tasks.items():
            if not task.done() and request.transport:
                request.transport.abort()

    async def close(self) -> None:
        """Close all connections; what is being responded to may come to its end."""
        await self._conversations.close()
        transports = [each.transport for each in self._server.connections if each.transport]
        await asyncio.sleep(0)  # requests that have come begin to be handled
        self._server.pre_shutdown()
        await self._server.shutdown(_SHUTDOWN)
        for transport in transports:  # over TLS they would wait for the client to say goodbye
            transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond to a request. An error of the server itself is a 500 for the client, and kept for the test."""
        try:
            return await self._dispatched(request)
        except TimeoutError:
            return _response(failed(408, f"The body was not complete within {self._idle:g} seconds."))
        except web.HTTPRequestEntityTooLarge:
            return _response(failed(413, f"The body is longer than {MAX_BODY} bytes."))
        except web.HTTPException as error:  # aiohttp refuses a broken WebSocket handshake
            return _response(failed(error.status, error.text or error.reason))
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to know)
            return _response(failed(500, self._played.rest.fault(request.method, request.path, error)))

    async def _dispatched(self, request: web.BaseRequest) -> web.StreamResponse:
        if not HOST.fullmatch(request.host):  # it is going to stand in responses
            return _response(failed(400, "The Host field does not name a host."))
        if request.path.startswith(control.PATH):
            return self._controlled(request)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=cors(request.headers, preflight=True))
        allow = cors(request.headers)
        if is_websocket(request):
            if request.path in self._played.other_sockets:
                return _response(failed(501, self._refused(request.path)))
            return await self._conversations.hold(request, allow)
        async with asyncio.timeout(self._idle):
            received = await _received(request)
        return await self._respond(request, received, allow)

    def _refused(self, path: str) -> str:
        """Keep for the test that a client opened a WebSocket that cannot be replayed, and return it."""
        text = f"The WebSocket {path} cannot be replayed: it was recorded, and its messages are not CometD."
        self._played.run.add_fault(text)
        return text

    async def _respond(self, request: web.BaseRequest, received: Request, allow: dict[str, str]) -> web.Response:
        """Respond to a request by what it carries: Bayeux messages, or REST."""
        try:
            carried = await _off_the_loop(received, bayeux_http.carried)
        except ValueError as error:
            refusal = bayeux_http.refused(error)
            return web.Response(
                status=refusal.status, body=refusal.body, headers={**allow, **dict(refusal.headers.pairs)}
            )
        if carried is None:
            if not await self._played.opened():
                return _response(failed(503, "No replay is in force: the request came between two tests.", allow=allow))
            task = asyncio.get_running_loop().create_task(self._play(request, received, allow))
            self._responding[task] = request
            task.add_done_callback(lambda done: self._responding.pop(done, None))
            return await task
        if len(received.body) > MAX_BATCH:
            return _response(failed(413, f"The Bayeux messages are longer than {MAX_BATCH} bytes.", allow=allow))
        polls = self._polls_of(request, carried.messages, received.headers)
        return await poll(request, carried, polls, headers=allow, put=self._put)

    def _controlled(self, request: web.BaseRequest) -> web.Response:
        refusal = control.refusal(request.headers, self._control_hosts)
        status, value = refusal or control.respond(request.method, request.path, self._played.run)
        body = dumps(value, indent=2).encode()
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json"})

    async def _play(self, request: web.BaseRequest, received: Request, allow: dict[str, str]) -> web.Response:
        rest = self._played.rest
        user = rest.user(received)
        send = rest.begin(user, received)
        if isinstance(send, Miss):
            return _response(missed(send, allow))
        response = _response(failed(500, "The client has gone."))
        try:
            await rest.sessions.wait_async(user, send)
            if send.outcome == "response":
                origin = f"{request.scheme}://{request.host}"
                cookie = received.headers.get("cookie") or ""
                result = await rest.response_async(user, send, origin=origin, cookie=cookie, allow=allow)
                response = _response(result, request.method)
                # Written here, so that it is known what comes after the response.
                await response.prepare(request)
                await response.write_eof()
                if rest.is_followed(send):
                    await until_read(request.transport, READ_PATIENCE)
            else:
                await rest.until_given_up(send)
                if request.transport:
                    request.transport.abort()
        except OSError:
            pass  # the client has gone; aiohttp closes the connection
        finally:
            rest.sessions.finish(user, send)
        return response

    def _polls_of(self, request: web.BaseRequest, messages: Sequence[Any], headers: Headers | None = None) -> Polls:
        return self._played.polls(messages, _headers(request) if headers is None else headers)

    def _put(self, request: web.BaseRequest, message: Message) -> Message:
        data = message.get("data")
        if self._played.rest.keep_uris or not isinstance(data, Verbatim):
            return message
        return {**message, "data": Verbatim(at_home(data, f"{request.scheme}://{request.host}"))}


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return web.BaseRequest(message, payload, protocol, writer, task, protocol._loop, client_max_size=MAX_BODY)  # noqa: SLF001


async def _received(request: web.BaseRequest) -> Request:
    """Return a request with its body unpacked. Raises HTTPRequestEntityTooLarge for more than MAX_BODY bytes."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    packed, body = _headers(request), await request.read() if request.can_read_body else b""
    headers, body = await asyncio.to_thread(decoded, packed, body, MAX_BODY) if _is_packed(packed) else (packed, body)
    if headers is packed and _is_packed(packed) and await asyncio.to_thread(hides_more, packed, body, MAX_BODY):
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, len(body))
    # A client that takes the server for its proxy sends the whole address.
    target = request.raw_path if "://" in request.raw_path[:8] else f"http://{request.host}{request.raw_path}"
    return Request(method=request.method, uri=target, headers=headers, body=body)


def _is_packed(headers: Headers) -> bool:
    return headers.get("content-encoding") is not None


async def _off_the_loop(request: Request, work: Any) -> Any:
    """Return what some work makes of a request; in a thread if that takes so long that others would notice."""
    return await asyncio.to_thread(work, request) if len(request.body) > _HEAVY else work(request)


def _headers(request: web.BaseRequest) -> Headers:
    return Headers(tuple(request.headers.items()))


def _response(response: RestResponse, method: str = "GET") -> web.Response:
    headers = response.headers
    if response.stated_length is not None and (length := response.content_length(method)) is not None:
        headers["Content-Length"] = length
    return _Response(status=response.status, reason=response.reason, headers=headers, body=response.body)
