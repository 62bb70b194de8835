"""Edge: what a transport of httpx does with a request: it asks the run instead of sending.

Only the transports that reach a network are replaced. A MockTransport, ASGITransport or WSGITransport of the test
responds itself. Forks of httpx, and transports of other libraries for it, have the same methods.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import INTERCEPTOR
from gws_replay.interception.patching import Swap


def swaps(httpx: ModuleType) -> Iterator[Swap]:
    """Yield what makes the transports of httpx, or of a fork of it, ask."""
    yield Swap(httpx.HTTPTransport, "handle_request", _asking)
    yield Swap(httpx.AsyncHTTPTransport, "handle_async_request", _asking_async)


def swaps_of_curl(httpx_curl_cffi: ModuleType) -> Iterator[Swap]:
    """Yield what makes the transports of httpx-curl-cffi ask."""
    yield Swap(httpx_curl_cffi.CurlTransport, "handle_request", _asking)
    yield Swap(httpx_curl_cffi.AsyncCurlTransport, "handle_async_request", _asking_async)


def swaps_of_pyreqwest(compatibility: ModuleType) -> Iterator[Swap]:
    """Yield what makes the transports of pyreqwest ask."""
    yield Swap(compatibility.SyncHttpxTransport, "handle_request", _asking)
    yield Swap(compatibility.HttpxTransport, "handle_async_request", _asking_async)


def _asking(real: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        if not INTERCEPTOR.concerns_here:
            return real(self, request)
        parts = list(request.stream)
        body = b"".join(parts)
        request.stream = _stream(_library(request))(parts)
        with _in_its_words(request):
            decision = INTERCEPTOR.decide(_request(request, body))
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
        parts = [part async for part in request.stream]
        body = b"".join(parts)
        request.stream = _stream(_library(request))(parts)
        with _in_its_words(request):
            decision = await INTERCEPTOR.decide_async(_request(request, body))
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


@contextmanager
def _in_its_words(request: Any) -> Iterator[None]:
    """Raise the library's own errors for a request that got no response when it was recorded."""
    try:
        yield
    except TimeoutError as error:
        raise _library(request).ReadTimeout(str(error), request=request) from error
    except ConnectionResetError as error:
        raise _library(request).RemoteProtocolError(str(error), request=request) from error


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
    headers, body = decoded(Headers(tuple(request.headers.multi_items())), body)
    return Request(method=request.method, uri=str(request.url), headers=headers, body=body)


def _response(got: Any, content: bytes) -> Response:
    headers = Headers(tuple(got.headers.multi_items()))
    return Response(status=got.status_code, reason=got.reason_phrase, headers=headers, body=content)


def _returned(request: Any, response: Response) -> Any:
    library = _library(request)
    return library.Response(
        response.status,
        headers=response.headers.pairs,
        stream=library.ByteStream(response.body),  # `content=` would close it
        extensions={"reason_phrase": response.reason.encode("ascii", "ignore")} if response.reason else None,
    )
