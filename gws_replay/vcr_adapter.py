"""Edge: vcrpy as the interceptor. Its patches and stubs catch the HTTP libraries; the answers come from a Playback.

vcrpy by itself leaks: to build its stub of a connection it lifts the patches of the whole process for a moment, and
other threads go live. Here the stubs never build a connection that could be used, so nothing is ever lifted.

Its stubs of asynchronous libraries ask the cassette without awaiting, but a CometD connect has to be held. So such a
stub is run until it asks, is left there, and is run again when the answer has been awaited.
"""

import http.client
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import aiohttp
import vcr.cassette
import vcr.stubs.httpx_stubs
from vcr.record_mode import RecordMode
from vcr.request import Request as VcrRequest
from vcr.stubs import VCRConnection

from gws_replay.core.compile import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.errors import ReplayMiss
from gws_replay.in_force import InForce
from gws_replay.network_guard import closed_network
from gws_replay.playback import Playback


@contextmanager
def replaying(playback: Playback, allowed_hosts: Collection[str] = ()) -> Iterator[None]:
    """Answer requests, httpx, aiohttp, urllib3 and http.client from a playback, with the network closed beneath.

    Several playbacks may be in force at once, each in its own threads and tasks.
    """
    with closed_network(playback.refuse, allowed_hosts), _PLAYBACKS.enter(playback):
        try:
            yield
        finally:
            playback.close()


@contextmanager
def _intercepted() -> Iterator[None]:
    with _ReplayCassette.use_arg_getter(lambda: {"path": "gws_replay"}), _aiohttp(), _httpx():
        yield


_PLAYBACKS: InForce[Playback] = InForce("gws_replay_playback", _intercepted)


def _playback() -> Playback:
    """Return the playback of the running thread or task."""
    if playback := _PLAYBACKS.current():
        return playback
    names = " and ".join(playback.name for playback in _PLAYBACKS.all)
    missed = f"{names} are replayed at once, and this thread belongs to neither: start it in the test that it serves"
    for playback in _PLAYBACKS.all:
        playback.faults.append(missed)
    raise ReplayMiss(missed)


class _ReplayCassette(vcr.cassette.Cassette):  # type: ignore[misc]
    """What vcrpy's stubs ask: it always has an answer, or raises ReplayMiss; it never records."""

    def __init__(self, path: str) -> None:
        super().__init__(path, record_mode=RecordMode.NONE)

    def __set_name__(self, owner: type, name: str) -> None:
        # vcrpy makes a class of each stub with the cassette as an attribute, so this runs before the class is in use.
        if issubclass(owner, VCRConnection) and owner.__init__ is VCRConnection.__init__:  # type: ignore[misc]
            owner.__init__ = _offline_init  # type: ignore[misc]

    @property
    def write_protected(self) -> bool:
        return True

    def can_play_response_for(self, request: VcrRequest) -> bool:  # noqa: ARG002 (vcrpy's signature)
        return True

    def play_response(self, request: VcrRequest) -> dict[str, Any]:
        awaited = _AWAITED.get()
        response = _playback().ask(_request(request)) if awaited is None else awaited.next(request)
        headers: dict[str, list[str]] = {}
        for name, value in response.headers.pairs:
            headers.setdefault(name, []).append(value)
        return {
            "status": {"code": response.status, "message": response.reason},
            "headers": headers,
            "body": {"string": response.body},
        }

    def find_requests_with_most_matches(self, request: VcrRequest) -> list[tuple[VcrRequest]]:
        return [(request,)]

    def _load(self) -> None:
        """Load nothing: the playback holds the cassette."""

    def _save(self, force: bool = False) -> None:
        """Save nothing."""


def _offline_init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Stand in for VCRConnection.__init__, which lifts all patches to build the connection it wraps."""
    kwargs.pop("strict", None)
    base = self._baseclass
    if base is _HTTPS:
        # It finds itself by its module's name, which is patched; all that is asked of it is in its parent.
        connection = _HTTPS.__new__(_HTTPS)
        passed_on = ("host", "port", "timeout", "source_address", "blocksize")
        known = {name: kwargs[name] for name in passed_on if name in kwargs}
        _HTTP.__init__(connection, *args[:2], **known)
    else:
        connection = base(*args, **kwargs)
    self.real_connection = connection
    self._sock = None


_HTTP, _HTTPS = http.client.HTTPConnection, http.client.HTTPSConnection


def _request(request: VcrRequest) -> Request:
    headers = Headers(tuple((str(name), _text(value)) for name, value in request.headers.items()))
    headers, body = decoded(headers, _bytes(request.body))
    return Request(method=request.method, uri=request.uri, headers=headers, body=body)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    """Materialise a body as vcrpy's stubs hold it: bytes, text, a file, or chunks."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "read"):
        return bytes(body.read())
    return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in body)


class _Asks(BaseException):
    """Leaves a stub at the point where it asks the cassette; not an Exception, which a stub might handle."""

    def __init__(self, request: Request) -> None:
        self.request = request


@dataclass(slots=True)
class _Awaited:
    """The answers that were awaited for one call so far (several where it follows redirects)."""

    answers: list[Response] = field(default_factory=list)
    played: int = 0

    def next(self, request: VcrRequest) -> Response:
        """Return the next answer, or leave the stub to await it."""
        if self.played == len(self.answers):
            raise _Asks(_request(request))
        self.played += 1
        return self.answers[self.played - 1]


_AWAITED: ContextVar[_Awaited | None] = ContextVar("gws_replay_awaited", default=None)


async def _await_answers(stub: Callable[[], Awaitable[Any]]) -> Any:
    """Run a stub, and run it again with one answer more, until it has all that it asks for."""
    awaited = _Awaited()
    while True:
        awaited.played = 0
        token = _AWAITED.set(awaited)
        try:
            return await stub()
        except _Asks as asks:
            request = asks.request
        finally:
            _AWAITED.reset(token)
        awaited.answers.append(await _playback().ask_async(request))


def _httpx() -> AbstractContextManager[Any]:
    """Await the answers of httpx's asynchronous transports: this is where vcrpy's stub of them comes together."""
    stub = vcr.stubs.httpx_stubs._vcr_handle_async_request  # noqa: SLF001 (there is no other seam)

    async def awaiting(*arguments: Any) -> Any:
        return await _await_answers(lambda: stub(*arguments))

    return mock.patch.object(vcr.stubs.httpx_stubs, "_vcr_handle_async_request", awaiting)


@contextmanager
def _aiohttp() -> Iterator[None]:
    """Await the answers of aiohttp; and spell bodies before its stub sees them, which cannot tell json= from a form."""
    stub = aiohttp.ClientSession._request  # noqa: SLF001 (where vcrpy has put its stub)

    async def awaiting(self: aiohttp.ClientSession, method: str, url: Any, **arguments: Any) -> Any:
        data = arguments.get("data")
        if arguments.get("json") is not None and data is None:
            arguments |= {"data": self.json_serialize(arguments["json"]).encode(), "json": None}
        elif isinstance(data, dict | list | tuple | aiohttp.FormData):
            form = data if isinstance(data, aiohttp.FormData) else aiohttp.FormData(data)
            written = _Written()
            await form().write(written)  # type: ignore[arg-type]
            arguments["data"] = bytes(written.body)
        return await _await_answers(lambda: stub(self, method, url, **arguments))

    async def no_websocket(_self: aiohttp.ClientSession, url: Any, **_arguments: Any) -> Any:
        _playback().blocked.append(f"a WebSocket to {url}")
        raise ReplayMiss(
            f"a WebSocket to {url} cannot be replayed inside the test process: use the fixture gws_server instead of "
            "gws, and connect to its .url"
        )

    with (
        mock.patch.object(aiohttp.ClientSession, "_request", awaiting),
        mock.patch.object(aiohttp.ClientSession, "_ws_connect", no_websocket),
    ):
        yield


class _Written:
    """What aiohttp's payloads need of a connection: something to write to."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.body += chunk
