"""Edge: the HTTP clients of tornado: a fetch sends to the run instead of the network.

Only to be imported where tornado is installed.
"""

import asyncio
import io
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from tornado.httpclient import HTTPResponse
from tornado.httputil import HTTPHeaders

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import INTERCEPTOR, Decision
from gws_replay.interception.patching import Swap

# A task that nobody keeps may vanish.
_tasks: set["asyncio.Task[None]"] = set()


def swaps(simple_httpclient: ModuleType) -> Iterator[Swap]:
    """Yield the patches of the simple client."""
    yield Swap(simple_httpclient.SimpleAsyncHTTPClient, "fetch_impl", _fetching)


def swaps_of_curl(curl_httpclient: ModuleType) -> Iterator[Swap]:
    """Yield the patches of the curl client."""
    yield Swap(curl_httpclient.CurlAsyncHTTPClient, "fetch_impl", _fetching)


def _fetching(real: Callable[..., None]) -> Callable[..., None]:
    def fetch_impl(self: Any, request: Any, callback: Callable[[HTTPResponse], None]) -> None:
        if not INTERCEPTOR.concerns_here:
            real(self, request, callback)
            return
        task = asyncio.ensure_future(_fetch(self, real, request, callback))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    return fetch_impl


async def _fetch(
    client: Any, real: Callable[..., None], request: Any, callback: Callable[[HTTPResponse], None]
) -> None:
    try:
        decision = await INTERCEPTOR.decide_async(_request(request))
    except Exception as error:  # noqa: BLE001 (it is raised where the client waits)
        callback(HTTPResponse(request, 599, error=error))
        return
    if decision.response is not None:
        callback(_returned(request, decision.response))
        return

    def seen(got: HTTPResponse) -> None:
        _take(decision, got)
        callback(got)

    real(client, request, seen)


def _take(decision: Decision, got: HTTPResponse) -> None:
    if got.code == 599:  # what tornado reports where nothing came back
        return
    headers = Headers(tuple(got.headers.get_all()))
    INTERCEPTOR.take(decision, Response(status=got.code, reason=got.reason, headers=headers, body=got.body))


def _request(request: Any) -> Request:
    headers, body = decoded(Headers(tuple(request.headers.get_all())), request.body or b"")
    return Request(method=request.method, uri=request.url, headers=headers, body=body)


def _returned(request: Any, response: Response) -> HTTPResponse:
    headers = HTTPHeaders()
    for name, value in response.headers.pairs:
        headers.add(name, value)
    reason = response.reason or None
    return HTTPResponse(request, response.status, headers, io.BytesIO(response.body), reason=reason)
