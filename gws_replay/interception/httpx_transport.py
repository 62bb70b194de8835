"""Edge: what a transport of httpx does while something is in force: it asks instead of sending.

The library is that of the request: vcrpy knows forks of httpx, and transports of others for it.
"""

import sys
from collections.abc import Callable
from typing import Any

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import Asking


def httpx_asks(real: Callable[..., Any], asking: Asking) -> Callable[..., Any]:
    """Return what takes the place of a transport's `handle_request`."""

    def handle_request(self: Any, request: Any) -> Any:
        body = b"".join(request.stream)
        request.stream = _library(request).ByteStream(body)
        decision = asking.decide(_request(request, body))
        if decision.answer is not None:
            return _answer(request, decision.answer)
        got = real(self, request)
        try:
            content = b"".join(got.stream)
        finally:
            got.stream.close()
        got.stream = _library(request).ByteStream(content)
        asking.take(decision, _response(got, content))
        return got

    return handle_request


def httpx_asks_async(real: Callable[..., Any], asking: Asking) -> Callable[..., Any]:
    """Return what takes the place of a transport's `handle_async_request`."""

    async def handle_async_request(self: Any, request: Any) -> Any:
        body = b"".join([part async for part in request.stream])
        request.stream = _library(request).ByteStream(body)
        decision = await asking.decide_async(_request(request, body))
        if decision.answer is not None:
            return _answer(request, decision.answer)
        got = await real(self, request)
        try:
            content = b"".join([part async for part in got.stream])
        finally:
            await got.stream.aclose()
        got.stream = _library(request).ByteStream(content)
        asking.take(decision, _response(got, content))
        return got

    return handle_async_request


def _library(request: Any) -> Any:
    return sys.modules[type(request).__module__.partition(".")[0]]


def _request(request: Any, body: bytes) -> Request:
    headers, body = decoded(Headers(tuple(request.headers.multi_items())), body)
    return Request(method=request.method, uri=str(request.url), headers=headers, body=body)


def _response(got: Any, content: bytes) -> Response:
    headers = Headers(tuple(got.headers.multi_items()))
    return Response(status=got.status_code, reason=got.reason_phrase, headers=headers, body=content)


def _answer(request: Any, response: Response) -> Any:
    library = _library(request)
    return library.Response(
        response.status,
        headers=response.headers.pairs,
        stream=library.ByteStream(response.body),  # `content=` would close it
        extensions={"reason_phrase": response.reason.encode("ascii", "ignore")} if response.reason else None,
    )
