"""Edge: what a connection of urllib3, and so of requests, does with a request: it sends to the run, not the network.

The methods of the connections are replaced, not their classes: a connection that a pool kept from before is patched
too, and one that is left over later is a real one.
"""

import http.client
import io
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cached_property, partial
from importlib.metadata import version
from types import ModuleType
from typing import Any

import urllib3.connection
import urllib3.connectionpool
import urllib3.response

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import INTERCEPTOR, bytes_of, text_of
from gws_replay.interception.patching import Swap

KINDS = _HTTP, _HTTPS = urllib3.connection.HTTPConnection, urllib3.connection.HTTPSConnection
IS_FIRST = version("urllib3").startswith("1.")
_PENDING, _LIVE = "_gws_replay_pending", "_gws_replay_live"


def swaps(_: ModuleType) -> Iterator[Swap]:
    """Yield the patches of connections."""
    for kind in (_HTTP, _HTTPS):
        yield Swap(kind, "connect", _connecting)
    for name in ("request", "request_chunked"):  # the second is how urllib3 1 sends chunks
        if hasattr(_HTTP, name):
            yield Swap(_HTTP, name, _requesting)
    yield Swap(_HTTP, "getresponse", _getting)
    pools = urllib3.connectionpool
    for pool, kind in zip((pools.HTTPConnectionPool, pools.HTTPSConnectionPool), KINDS, strict=True):
        yield Swap(pool, "ConnectionCls", partial(_instead_of_a_stub, kind))


def swaps_of_async(module: ModuleType) -> Iterator[Swap]:
    """Yield what keeps the asynchronous connections of urllib3-future (niquests) from going by unrecorded."""
    for kind in (module.AsyncHTTPConnection, module.AsyncHTTPSConnection):
        yield Swap(kind, "connect", _connecting_async)


def _connecting_async(real: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def connect(self: Any) -> None:
        INTERCEPTOR.refuse_unrecorded(self.host, "an asynchronous request of niquests")
        await real(self)

    return connect


def _instead_of_a_stub(kind: type, found: type) -> type:
    """Inside a cassette of plain vcrpy, the run responds."""
    return kind if found.__module__.startswith("vcr.") else found


def _asks(connection: Any) -> bool:
    """Whether a connection sends to the run: not a live one, nor one of a class of its own (to a Unix socket)."""
    return (
        type(connection).__module__.startswith(("urllib3.", "botocore."))
        and _LIVE not in vars(connection)
        and INTERCEPTOR.concerns_here
    )


def _connecting(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def connect(self: Any) -> None:
        if _asks(self):
            self.is_verified = True  # or urllib3 warns; whether it has to connect is known when the request is
        else:
            real(self)

    return connect


def _requesting(real: Callable[..., None]) -> Callable[..., None]:
    def request(self: Any, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        if not _asks(self):
            real(self, method, url, body=body, headers=headers, **options)
            return
        whole, again = _kept(body)
        chunked = {"chunked": options["chunked"]} if "chunked" in options else {}

        def send() -> None:  # without other options, so that the response is read and unpacked at once
            real(self, method, url, body=again, headers=headers, **chunked)

        vars(self)[_PENDING] = _request(self, method, url, headers or {}, whole), send, options

    return request


def _kept(body: Any) -> tuple[bytes, Any]:
    """Return the bytes of a body, and a body that is sent as the original would be: in the same chunks."""
    if body is None or isinstance(body, str | bytes | bytearray):
        return bytes_of(body), body
    if hasattr(body, "read"):
        whole = bytes_of(body)
        return whole, io.BytesIO(whole)
    chunks = list(body)
    return bytes_of(chunks), chunks


def _getting(real: Callable[..., Any]) -> Callable[..., Any]:
    def getresponse(self: Any, *args: Any, **kwargs: Any) -> Any:
        pending = vars(self).pop(_PENDING, None)
        if pending is None:
            return real(self, *args, **kwargs)
        request, send, options = pending
        decision = INTERCEPTOR.decide(request)
        response = decision.response
        if response is None:
            response = _live(self, send, real)
            INTERCEPTOR.take(decision, response)
        if IS_FIRST:
            return _Recorded(response, request.method)
        preloads, decodes = options.get("preload_content", True), options.get("decode_content", True)
        return returned(request.method, request.uri, response, preload_content=preloads, decode_content=decodes)

    return getresponse


def _live(connection: Any, send: Callable[[], None], receive: Callable[[Any], Any]) -> Response:
    vars(connection)[_LIVE] = True
    try:
        if connection.sock is None:
            connection.connect()
        send()
        got = receive(connection)
        body = got.read() if IS_FIRST else got.data
    finally:
        del vars(connection)[_LIVE]
    headers = Headers(tuple(got.headers.items()))
    return Response(status=got.status, reason=got.reason or "", headers=headers, body=body)


def _request(connection: Any, method: str, url: str, headers: Mapping[Any, Any], body: bytes) -> Request:
    fields = Headers(tuple((text_of(name), text_of(value)) for name, value in headers.items()))
    fields, body = decoded(fields, body)
    return Request(method=method, uri=_address(connection, url), headers=fields, body=body)


def _address(connection: Any, url: str) -> str:
    if not url.startswith("/"):  # what is sent to a proxy is a whole address
        return url
    is_secure = isinstance(connection, _HTTPS)
    host, port = connection.host, connection.port
    if connection._tunnel_host:  # noqa: SLF001 (as vcrpy does it)
        host, port = connection._tunnel_host, connection._tunnel_port  # noqa: SLF001
    where = f"[{host}]" if ":" in host else host
    place = where if port == (443 if is_secure else 80) else f"{where}:{port}"
    return f"{'https' if is_secure else 'http'}://{place}{url}"


class _Recorded(http.client.HTTPResponse):
    """A response as http.client has it once it has read the header fields."""

    def __init__(self, response: Response, method: str) -> None:
        self.fp = io.BytesIO(response.body)  # type: ignore[assignment]
        self.status = self.code = response.status
        self.reason = response.reason
        self.version = 11
        self.length = len(response.body)
        self.chunked = self.will_close = False
        self.debuglevel = 0
        self.pairs = [pair for pair in response.headers.pairs if pair[0].lower() != "transfer-encoding"]
        self._method = method

    @cached_property
    def headers(self) -> http.client.HTTPMessage:  # type: ignore[override]
        """The header fields; the body is here as a whole, so none says that it comes in chunks."""
        message = http.client.HTTPMessage()
        for name, value in self.pairs:
            message[name] = value
        return message

    @property
    def msg(self) -> http.client.HTTPMessage:  # type: ignore[override]
        """The same, by the name that cookies are looked for."""
        return self.headers


class _Decoded(urllib3.response.HTTPResponse):
    """A response of urllib3 whose content coding is undone, whatever its header fields say."""

    CONTENT_DECODERS = ()  # type: ignore[assignment]


def returned(method: str, uri: str, response: Response, *, preload_content: bool, decode_content: bool) -> Any:
    """Return a response as urllib3 2 expects it of its connections."""
    recorded = _Recorded(response, method)
    found = _Decoded(
        body=recorded,
        headers=urllib3.HTTPHeaderDict(recorded.pairs),
        status=recorded.status,
        version=recorded.version,
        reason=recorded.reason,
        preload_content=preload_content,
        decode_content=decode_content,
        original_response=recorded,
        enforce_content_length=False,  # people edit cassettes
        request_method=method,
        request_url=uri,
    )
    found.version_string = "HTTP/1.1"
    return found
