"""Edge: connections of aiohttp: the client writes its request to a transport in memory, and the run responds.

All else is aiohttp itself: bodies, base_url, cookies, redirects, middlewares, tracing. A live request is sent with the
bytes that the client wrote.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from gws_replay.core.content_coding import decoded, unpacked
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.http_client import dechunked, on_the_wire
from gws_replay.interception.interceptor import INTERCEPTOR, Decision
from gws_replay.interception.patching import Swap


def swaps(_: ModuleType) -> Iterator[Swap]:
    """Yield the patches of connections, and the one that sees a WebSocket before it is opened."""
    yield Swap(aiohttp.BaseConnector, "connect", _connecting)
    yield Swap(aiohttp.ClientSession, "_ws_connect", _opening)


def _opening(real: Callable[..., Any]) -> Callable[..., Any]:
    async def opening(self: aiohttp.ClientSession, url: Any, **arguments: Any) -> Any:
        if INTERCEPTOR.concerns_here:
            INTERCEPTOR.websocket(str(url))
        return await real(self, url, **arguments)

    return opening


def _connecting(real: Callable[..., Any]) -> Callable[..., Any]:
    async def connect(self: aiohttp.BaseConnector, req: Any, traces: Any, timeout: Any) -> Connection:  # noqa: ASYNC109 (aiohttp's name)
        is_upgrade = "websocket" in req.headers.get("Upgrade", "").lower()
        if is_upgrade or not INTERCEPTOR.concerns_here or not isinstance(self, aiohttp.TCPConnector):
            connection: Connection = await real(self, req, traces, timeout)
            return connection

        async def connect_really() -> Connection:
            created: Connection = await real(self, req, [], timeout)
            return created

        for trace in traces:
            await trace.send_connection_create_start()
        protocol = _Protocol(req, connect_really)
        for trace in traces:
            await trace.send_connection_create_end()
        return _Connection(self, req.connection_key, protocol, asyncio.get_running_loop())

    return connect


class _Connection(Connection):
    """A connection that no pool keeps."""

    def close(self) -> None:
        """Drop the connection."""
        self._notify_release()
        self._protocol = None

    release = close

    def __del__(self, _warnings: Any = None) -> None:
        """Do nothing: there is nothing to close."""


class _Protocol(ResponseHandler):
    """The client's end of a connection: reading the response sends the request to the run, in the task that reads."""

    def __init__(self, req: Any, connect: Callable[[], Any]) -> None:
        super().__init__(asyncio.get_running_loop())
        self._req = req
        self._connect = connect
        self._wire = _Transport()
        self._is_written = asyncio.Event()
        self._is_answered = self._has_continued = False
        self.connection_made(self._wire)

    def start_timeout(self) -> None:
        """Take note that the request is written: that is when aiohttp begins to measure how long a response takes."""
        super().start_timeout()
        self._is_written.set()

    def set_exception(self, *args: Any, **kwargs: Any) -> None:
        """Take note that the request cannot be written."""
        super().set_exception(*args, **kwargs)
        self._is_written.set()

    async def read(self) -> Any:
        """Return the response. Raises ReplayMiss."""
        if not self._has_continued and "100-continue" in self._req.headers.get("Expect", "").lower():
            self._has_continued = True
            self.data_received(b"HTTP/1.1 100 Continue\r\n\r\n")
            return await super().read()
        await self._is_written.wait()
        if not self._is_answered and self.exception() is None:
            self._is_answered = True
            try:
                decision = await INTERCEPTOR.decide_async(self._wire.request(self._req))
            except TimeoutError as error:  # it got no response when it was recorded
                raise aiohttp.ServerTimeoutError(str(error)) from error
            except ConnectionResetError as error:
                raise aiohttp.ServerDisconnectedError(str(error)) from error
            response = await self._live(decision) if decision.response is None else decision.response
            headers = unpacked(response.headers, response.body)  # or aiohttp unpacks what is not packed
            self.data_received(on_the_wire(replace(response, headers=headers), "utf-8"))
        return await super().read()

    async def _live(self, decision: Decision) -> Response:
        """Send the same bytes over a connection of its own."""
        connection = await self._connect()
        try:
            protocol = connection.protocol
            skips = self._req.method == "HEAD"
            protocol.set_response_params(skip_payload=skips, read_until_eof=True, auto_decompress=False)
            connection.transport.write(bytes(self._wire.sent))
            while True:
                message, payload = await protocol.read()
                if message.code >= 200:
                    break
            body = await payload.read()
        except BaseException:
            connection.close()
            raise
        connection.release()
        pairs = tuple((name.decode("latin-1"), _text(value)) for name, value in message.raw_headers)
        response = Response(status=message.code, reason=message.reason, headers=Headers(pairs), body=body)
        INTERCEPTOR.take(decision, response)
        return response


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self._is_closing = False

    def write(self, data: Any) -> None:
        """Take a part of the request."""
        self.sent += data

    def writelines(self, parts: Any) -> None:
        """Take parts of the request."""
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        """Whether the client has closed the connection."""
        return self._is_closing

    def close(self) -> None:
        """Remember that the client has closed it."""
        self._is_closing = True

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 (asyncio's signature)
        """Return nothing: there is no socket, and no certificate."""
        return default

    def request(self, req: Any) -> Request:
        """Return the request that was written."""
        headers, body = self._head()
        if "chunked" in (headers.get("transfer-encoding") or "").lower():
            headers, body = headers.without("transfer-encoding"), dechunked(body)
        headers, body = decoded(headers, body)
        return Request(method=req.method, uri=str(req.url), headers=headers, body=body)

    def _head(self) -> tuple[Headers, bytes]:
        head, end, body = bytes(self.sent).partition(b"\r\n\r\n")
        if not end:
            return Headers(()), b""
        _, *fields = head.decode("latin-1").split("\r\n")
        return Headers(tuple((n, v.strip()) for n, _, v in (field.partition(":") for field in fields))), body


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
