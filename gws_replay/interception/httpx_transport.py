"""Edge: what a transport of httpx does with a request: it sends to the run instead of the network.

Only the transports that reach a network are replaced. A MockTransport, ASGITransport or WSGITransport of the test
responds itself. Forks of httpx, and transports of other libraries for it, have the same methods.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import INTERCEPTOR
from gws_replay.interception.patching import Swap


def swaps(httpx: ModuleType) -> Iterator[Swap]:
    """Yield the patches of the transports of httpx, or of a fork of it."""
    yield Swap(httpx.HTTPTransport, "handle_request", _asking)
    yield Swap(httpx.AsyncHTTPTransport, "handle_async_request", _asking_async)


def swaps_of_curl(httpx_curl_cffi: ModuleType) -> Iterator[Swap]:
    """Yield the patches of the transports of httpx-curl-cffi."""
    yield Swap(httpx_curl_cffi.CurlTransport, "handle_request", _asking)
    yield Swap(httpx_curl_cffi.AsyncCurlTransport, "handle_async_request", _asking_async)


def swaps_of_pyreqwest(compatibility: ModuleType) -> Iterator[Swap]:
    """Yield the patches of the transports of pyreqwest."""
    yield Swap(compatibility.SyncHttpxTransport, "handle_request", _asking)
    yield Swap(compatibility.HttpxTransport, "handle_async_request", _asking_async)


def _asking(real: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        if not INTERCEPTOR.concerns_here:
            return real(self, request)
        if type(request.stream) is not _library(request).ByteStream:
            request.stream = _stream(_library(request))(list(request.stream))
        try:
            decision = INTERCEPTOR.decide(_request(request, b"".join(request.stream)))
        except (TimeoutError, ConnectionResetError) as error:
            raise _in_its_words(request, error) from error
        if decision.response is not None:
            return _returned(request, decision.response)
        got = real(self, request)
        try:
            content = b"".join(got.stream)
        finally:
            got.stream.close()
        got.stream = _library(request).ByteStream(content)
        INTERCEPTOR.take(decision, _response(got, content))
        return got

    return handle_request


def _asking_async(real: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        if not INTERCEPTOR.concerns_here:
            return await real(self, request)
        if type(request.stream) is not _library(request).ByteStream:
            request.stream = _stream(_library(request))([part async for part in request.stream])
        try:
            decision = await INTERCEPTOR.decide_async(_request(request, b"".join(request.stream)))
        except (TimeoutError, ConnectionResetError) as error:
            raise _in_its_words(request, error) from error
        if decision.response is not None:
            return _returned(request, decision.response)
        got = await real(self, request)
        try:
            content = b"".join([part async for part in got.stream])
        finally:
            await got.stream.aclose()
        got.stream = _library(request).ByteStream(content)
        INTERCEPTOR.take(decision, _response(got, content))
        return got

    return handle_async_request


def _in_its_words(request: Any, error: OSError) -> Exception:
    """Return the library's own error for a request that got no response when it was recorded."""
    name = "ReadTimeout" if isinstance(error, TimeoutError) else "RemoteProtocolError"
    own: Exception = getattr(_library(request), name)(str(error), request=request)
    return own


def _library(request: Any) -> Any:
    return sys.modules[type(request).__module__.partition(".")[0]]


@cache
def _stream(library: ModuleType) -> Callable[[list[bytes]], Any]:
    """Return a library's class for a body that is sent in the parts in which the client gave it."""

    class Parts(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, parts: list[bytes]) -> None:
            self._parts = parts

        def __iter__(self) -> Iterator[bytes]:
            return iter(self._parts)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in self._parts:
                yield part

    return Parts


def _request(request: Any, body: bytes) -> Request:
    fields = _fields(tuple(request.headers.raw)) or Headers(tuple(request.headers.multi_items()))
    headers, body = decoded(fields, body)
    return Request(method=request.method, uri=str(request.url), headers=headers, body=body)


@lru_cache(512)
def _fields(raw: tuple[tuple[bytes, bytes], ...]) -> Headers | None:
    """Return header fields; equal ones of one client are one object, by which it is known.

    None for those that are not ASCII: the client knows their encoding.
    """
    try:
        return Headers(tuple((name.decode("ascii").lower(), value.decode("ascii")) for name, value in raw))
    except UnicodeDecodeError:
        return None


@lru_cache(512)
def _spelled(library: ModuleType, pairs: tuple[tuple[str, str], ...]) -> Any:
    """Return recorded header fields as the library has them; a response copies them."""
    return library.Headers(pairs)


def _response(got: Any, content: bytes) -> Response:
    headers = Headers(tuple(got.headers.multi_items()))
    return Response(status=got.status_code, reason=got.reason_phrase, headers=headers, body=content)


def _returned(request: Any, response: Response) -> Any:
    library = _library(request)
    return library.Response(
        response.status,
        headers=_spelled(library, response.headers.pairs),
        stream=library.ByteStream(response.body),  # `content=` would close it
        extensions={"reason_phrase": response.reason.encode("ascii", "ignore")} if response.reason else None,
    )
