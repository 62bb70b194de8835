"""Edge: connections of http.client, and so of urllib.request: they use a socket in memory, which sends to the run.

A connection of a class with a `connect` of its own (urllib3's, one to a Unix socket) is left alone.
"""

import errno
import io
import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, responses
from types import ModuleType
from typing import Any

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import INTERCEPTOR, Decision
from gws_replay.interception.network_guard import allows, refused
from gws_replay.interception.patching import Swap

_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def swaps(_: ModuleType) -> Iterator[Swap]:
    """Yield the patches of connections."""
    yield Swap(HTTPConnection, "connect", _connecting)
    yield Swap(HTTPSConnection, "connect", _connecting)
    yield Swap(HTTPConnection, "send", _sending)


def swaps_of_httplib2(httplib2: ModuleType) -> Iterator[Swap]:
    """Yield the patches of the connections of httplib2: those of http.client with their own `connect`."""
    yield Swap(httplib2.HTTPConnectionWithTimeout, "connect", _connecting)
    yield Swap(httplib2.HTTPSConnectionWithTimeout, "connect", _connecting)


def _connecting(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def connect(self: Any) -> None:
        if INTERCEPTOR.concerns_here:
            self.sock = MemorySocket(self, real)
        else:
            real(self)

    return connect


def _sending(real: Callable[..., None]) -> Callable[..., None]:
    """Stop a connection that was open before: what it sends would go live unseen."""

    def send(self: Any, data: Any) -> None:
        family = getattr(self.sock, "family", None)  # None: it is about to connect, which is seen
        if (
            family in (socket.AF_INET, socket.AF_INET6)
            and INTERCEPTOR.concerns_here
            and not allows(self.host, self.port)
        ):
            where = f"{self.host}:{self.port}, which was open before replay began"
            raise ConnectionRefusedError(errno.ECONNREFUSED, refused(f"a request over the connection to {where}"))
        real(self, data)

    return send


class _ResponseFile(io.RawIOBase):
    """The bytes of a response, which are decided on when they are read first.

    Not when the file is made: http.client makes it in the constructor of its response, and from Python 3.13 on a
    response whose constructor raised complains when it is deleted.
    """

    def __init__(self, responded: Callable[[], bytes]) -> None:
        self._responded = responded
        self._content: io.BytesIO | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read the next bytes. Raises ReplayMiss."""
        if self._content is None:
            self._content = io.BytesIO(self._responded())
        return self._content.readinto(buffer)


class MemorySocket:
    """What a connection uses of a socket: it takes the bytes of one request after the other, and yields responses."""

    def __init__(self, connection: Any, connect: Callable[[Any], None]) -> None:
        self._connection = connection
        self._connect = connect
        self._sent = bytearray()

    def sendall(self, data: Any) -> None:
        """Take a part of a request."""
        self._sent += data

    def makefile(self, _mode: str = "rb", *_args: Any, **_kwargs: Any) -> io.BufferedIOBase:
        """Return the response to what was sent. Reading it may raise ReplayMiss."""
        raw, self._sent = bytes(self._sent), bytearray()
        return io.BufferedReader(_ResponseFile(lambda: self._responded(raw)))

    def _responded(self, raw: bytes) -> bytes:
        request = _request(self._connection, raw)
        decision = INTERCEPTOR.decide(request)
        response = self._live(decision, raw) if decision.response is None else decision.response
        return on_the_wire(response)

    def _live(self, decision: Decision, raw: bytes) -> Response:
        """Send the same bytes over a connection of its own."""
        connection = self._connection
        self._connect(connection)
        real, connection.sock = connection.sock, self
        with real:
            real.sendall(raw)
            got = HTTPResponse(real, method=decision.request.method)
            got.begin()
            headers = Headers(tuple(got.headers.items()))
            response = Response(status=got.status, reason=got.reason, headers=headers, body=got.read())
        INTERCEPTOR.take(decision, response)
        return response

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: there is nothing to wait for."""

    def setsockopt(self, *_: Any) -> None:
        """Do nothing."""

    def shutdown(self, _how: int) -> None:
        """Do nothing."""


def _request(connection: Any, raw: bytes) -> Request:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, *_ = line.split(" ")
    pairs = tuple((name, value.strip()) for name, _, value in (field.partition(":") for field in fields))
    headers = Headers(pairs)
    if "chunked" in (headers.get("transfer-encoding") or "").lower():
        headers, body = headers.without("transfer-encoding"), dechunked(body)
    headers, body = decoded(headers, body)
    return Request(method=method, uri=_address(connection, target), headers=headers, body=body)


def dechunked(body: bytes) -> bytes:
    """Return a body that was sent in chunks as a whole."""
    whole, rest = bytearray(), io.BytesIO(body)
    while size := int(rest.readline().split(b";")[0] or b"0", 16):
        whole += rest.read(size)
        rest.readline()
    return bytes(whole)


def _address(connection: Any, target: str) -> str:
    if not target.startswith("/"):  # what is sent to a proxy is a whole address
        return target
    is_secure = isinstance(connection, HTTPSConnection)
    host = connection._tunnel_host or connection.host  # noqa: SLF001 (nothing public names the tunnel)
    port = connection._tunnel_port if connection._tunnel_host else connection.port  # noqa: SLF001
    where = f"[{host}]" if ":" in host else host
    place = where if port == (443 if is_secure else 80) else f"{where}:{port}"
    return f"{'https' if is_secure else 'http'}://{place}{target}"


def on_the_wire(response: Response, encoding: str = "latin-1") -> bytes:
    """Return the bytes of a response, its header fields in an encoding.

    People edit cassettes, so the length is that of the body. The response to a HEAD request keeps the recorded one.
    """
    reason = response.reason or responses.get(response.status, "")
    fields = [(name, value) for name, value in response.headers.pairs if name.lower() not in _FRAMING]
    body = response.body
    if "chunked" in (response.headers.get("transfer-encoding") or "").lower():
        fields.append(("Transfer-Encoding", "chunked"))
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif body or response.status not in _BODILESS:
        fields.append(("Content-Length", str(len(body) or int(response.headers.get("content-length") or 0))))
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode(encoding, "replace") + body


_FRAMING = ("content-length", "transfer-encoding")
