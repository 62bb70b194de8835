"""Edge: what vcrpy's stubs of the HTTP libraries do otherwise here.

vcrpy by itself leaks: to build its stub of a connection, and to send a request, it lifts the patches of the whole
process for a moment, and other threads go live unseen. Here the stubs hold real connections that were built, and are
used, without lifting anything.

Its stubs of asynchronous libraries ask the cassette without awaiting, but a CometD connect has to be held. So such a
stub is run until it asks, is left there, and is run again when the answer has been awaited.
"""

import http.client
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
import vcr.cassette
import vcr.patch
from vcr.request import Request as VcrRequest
from vcr.stubs import VCRConnection, VCRHTTPResponse, serialize_headers

from gws_replay.interception.httpx_transport import httpx_asks, httpx_asks_async
from gws_replay.interception.interceptor import Asking
from gws_replay.interception.patching import Swap

_HTTP, _HTTPS = http.client.HTTPConnection, http.client.HTTPSConnection


def patches(cassette: vcr.cassette.Cassette, asking: Asking) -> Iterator[Swap]:
    """Yield vcrpy's patches for a cassette; but for httpx and urllib3, those of ours in the same places."""
    for patcher in vcr.patch.CassettePatcherBuilder(cassette).build():
        if isinstance(patcher, vcr.patch.ConnectionRemover):
            continue
        target, name = patcher.getter(), patcher.attribute
        if name in _TRANSPORTS:
            yield Swap(target, name, partial(_TRANSPORTS[name], asking=asking))
        elif not getattr(target, "__module__", target.__name__).startswith("urllib3."):
            yield Swap(target, name, partial(_instead, patcher.new))
    if vcr.patch.conn:
        from gws_replay.interception.urllib3_connection import urllib3_asks  # noqa: PLC0415 (only where urllib3 is installed)

        yield from urllib3_asks(asking)


_TRANSPORTS = {"handle_request": httpx_asks, "handle_async_request": httpx_asks_async}


def _instead(new: Any, _: Any) -> Any:
    return new


def connections_of(kind: type) -> Iterator[Swap]:
    """Yield what lets stubs that ask a cassette of a kind connect as is said here; others do as before."""

    def ours(here: Callable[..., Any]) -> Callable[[Any], Any]:
        def replacing(before: Callable[..., Any]) -> Callable[..., Any]:
            def do(self: Any, *args: Any, **kwargs: Any) -> Any:
                return (here if isinstance(self.cassette, kind) else before)(self, *args, **kwargs)

            return do

        return replacing

    stubs = (("__init__", _init), ("connect", _connect), ("getresponse", _getresponse))
    return (Swap(VCRConnection, name, ours(here)) for name, here in stubs)


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    kwargs.pop("strict", None)
    base = self._baseclass
    if base is _HTTPS:
        # Its __init__ finds itself by its module's name, which is patched: what it does is done here.
        connection = _HTTPS.__new__(_HTTPS)
        passed_on = ("host", "port", "timeout", "source_address", "blocksize")
        known = {name: kwargs[name] for name in passed_on if name in kwargs}
        _HTTP.__init__(connection, *args[:2], **known)
        connection._context = kwargs.get("context") or ssl.create_default_context()  # type: ignore[attr-defined]  # noqa: SLF001
    else:
        connection = base(*args, **kwargs)
    self.real_connection = connection
    self._sock = None


def _connect(self: Any, *args: Any, **kwargs: Any) -> None:
    """Remember that a library wants to be connected: whether it needs to be is known when it asks."""
    self._deferred_connect = (args, kwargs)


def _getresponse(self: Any, _: bool = False, **_kwargs: Any) -> Any:
    request = self._vcr_request
    if self.cassette.can_play_response_for(request):
        return VCRHTTPResponse(self.cassette.play_response(request), request.uri)
    real = self.real_connection
    if deferred := self.__dict__.get("_deferred_connect"):
        self._deferred_connect = None
        real.connect(*deferred[0], **deferred[1])
    target = self._url(request.uri)
    real.request(method=request.method, url=target, body=request.body_bytes, headers=request.headers)
    response = real.getresponse()
    seen = {
        "status": {"code": response.status, "message": response.reason},
        "headers": serialize_headers(response),
        "body": {"string": response.data if hasattr(response, "data") else response.read()},
    }
    self.cassette.append(request, seen)
    return VCRHTTPResponse(seen, request.uri)


class Asks(BaseException):
    """Leaves a stub at the point where it asks the cassette; not an Exception, which a stub might handle."""

    def __init__(self, request: VcrRequest) -> None:
        self.request = request


@dataclass(slots=True)
class Awaited:
    """The answers that were awaited for one call so far (several where it follows redirects)."""

    answers: list[Any] = field(default_factory=list)
    played: int = 0

    def next(self, request: VcrRequest) -> Any:
        """Return the next answer, or leave the stub to await it."""
        if self.played == len(self.answers):
            raise Asks(request)
        self.played += 1
        return self.answers[self.played - 1]


AWAITED: ContextVar[Awaited | None] = ContextVar("gws_replay_awaited", default=None)
# Answers a request in a task.
Answer = Callable[[VcrRequest], Awaitable[Any]]


async def _await_answers(answer: Answer, stub: Callable[[], Awaitable[Any]]) -> Any:
    """Run a stub, and run it again with one answer more, until it has all that it asks for."""
    awaited = Awaited()
    while True:
        awaited.played = 0
        token = AWAITED.set(awaited)
        try:
            return await stub()
        except Asks as asks:
            request = asks.request
        finally:
            AWAITED.reset(token)
        awaited.answers.append(await answer(request))


def aiohttp_awaits(answer: Answer, websocket: Callable[[str], None]) -> tuple[Swap, Swap]:
    """Return what awaits the answers of aiohttp, and spells bodies: its stub cannot tell json= from a form.

    `websocket` is told of the address of a WebSocket before it is opened, and may raise.
    """

    def requesting(stub: Callable[..., Any]) -> Callable[..., Any]:
        async def awaiting(self: aiohttp.ClientSession, method: str, url: Any, **arguments: Any) -> Any:
            data = arguments.get("data")
            if arguments.get("json") is not None and data is None:
                arguments |= {"data": self.json_serialize(arguments["json"]).encode(), "json": None}
            elif isinstance(data, dict | list | tuple | aiohttp.FormData):
                form = data if isinstance(data, aiohttp.FormData) else aiohttp.FormData(data)
                written = _Written()
                await form().write(written)  # type: ignore[arg-type]
                arguments["data"] = bytes(written.body)
            return await _await_answers(answer, lambda: stub(self, method, url, **arguments))

        return awaiting

    def connecting(opened: Callable[..., Any]) -> Callable[..., Any]:
        async def opening(self: aiohttp.ClientSession, url: Any, **arguments: Any) -> Any:
            websocket(str(url))
            return await opened(self, url, **arguments)

        return opening

    session = aiohttp.ClientSession
    return Swap(session, "_request", requesting), Swap(session, "_ws_connect", connecting)


class _Written:
    """What aiohttp's payloads need of a connection: something to write to."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.body += chunk
