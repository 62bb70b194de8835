"""Edge: vcrpy as the interceptor. Its patches and stubs catch the HTTP libraries; a `Player` answers, or lets them go.

How its stubs are made safe for threads and for held connects is in `vcr_stubs`.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import vcr.cassette
from vcr.record_mode import RecordMode
from vcr.request import Request as VcrRequest

from gws_replay.core.codings import decoded, unpacked
from gws_replay.core.model import Exchange, Headers, Request, Response
from gws_replay.errors import ReplayMiss
from gws_replay.in_force import InForce
from gws_replay.network_guard import closed_network
from gws_replay.playback import Playback
from gws_replay.vcr_stubs import AWAITED, aiohttp_awaits, connections_of, httpx_awaits, patched


class Player(Protocol):
    """Who answers the requests of this process."""

    faults: list[str]

    @property
    def name(self) -> str:
        """What messages call it."""

    def ask(self, request: Request) -> Response | None:
        """Answer a request of this thread; None lets it go live. May raise ReplayMiss."""

    async def ask_async(self, request: Request) -> Response | None:
        """Answer a request of this task; None lets it go live."""

    def take(self, exchange: Exchange) -> None:
        """Take note of an exchange that went live."""

    def websocket(self, url: str) -> None:
        """Take note of a WebSocket that is to be opened; may raise."""


@contextmanager
def replaying(playback: Playback, allowed_hosts: Collection[str] = ()) -> Iterator[None]:
    """Answer requests, httpx, aiohttp, urllib3 and http.client from a playback, with the network closed beneath.

    Several playbacks may be in force at once, each in its own threads and tasks. Requests to allowed hosts go live.
    """
    playback.allowed_hosts = frozenset(allowed_hosts)
    with closed_network(playback.refuse, allowed_hosts), intercepted(playback):
        try:
            yield
        finally:
            playback.close()


@contextmanager
def intercepted(player: Player) -> Iterator[None]:
    """Let a player answer the requests of what runs in this context, and of what that starts."""
    with _PLAYERS.enter(player):
        yield


@contextmanager
def _installed() -> Iterator[None]:
    with (
        connections_of(_Interceptor),
        patched(_the_interceptor()),
        aiohttp_awaits(_decide_async, lambda url: _player().websocket(url)),
        httpx_awaits(_decide_async),
    ):
        yield


_PLAYERS: InForce[Player] = InForce("gws_replay_player", _installed)


def _player() -> Player:
    """Return the player of the running thread or task."""
    if player := _PLAYERS.current():
        return player
    names = " and ".join(player.name for player in _PLAYERS.all)
    missed = f"{names} are replayed at once, and this thread belongs to neither: start it in the test that it serves"
    for each in _PLAYERS.all:
        each.faults.append(missed)
    raise ReplayMiss(missed)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What becomes of a request: its answer, or None for one that goes live; and when it was asked."""

    request: Request
    answer: Response | None
    began: float


def _decide(vcr_request: VcrRequest) -> _Decision:
    request, began = _request(vcr_request), time.monotonic()
    return _Decision(request, _player().ask(request), began)


async def _decide_async(vcr_request: VcrRequest) -> _Decision:
    request, began = _request(vcr_request), time.monotonic()
    return _Decision(request, await _player().ask_async(request), began)


class _Interceptor(vcr.cassette.Cassette):  # type: ignore[misc]
    """What vcrpy's stubs ask. It decides once for each request, since they may ask several times."""

    def __init__(self, path: str) -> None:
        super().__init__(path, record_mode=RecordMode.ALL)

    def can_play_response_for(self, request: VcrRequest) -> bool:
        return self._decision(request).answer is not None

    def play_response(self, request: VcrRequest) -> dict[str, Any]:
        response = self._decision(request).answer
        assert response is not None, "can_play_response_for said so"  # noqa: S101 (vcrpy's protocol)
        headers: dict[str, list[str]] = {}
        for name, value in response.headers.pairs:
            headers.setdefault(name, []).append(value)
        return {
            "status": {"code": response.status, "message": response.reason},
            "headers": headers,
            "body": {"string": response.body},
        }

    def append(self, request: VcrRequest, response: dict[str, Any]) -> None:
        """Take a live exchange; where a library followed redirects by itself, only the first was asked here."""
        decision = getattr(request, _DECISION, None) or _Decision(_request(request), None, time.monotonic())
        answer = _response(response)
        exchange = Exchange(request=decision.request, response=answer, began=decision.began, ended=time.monotonic())
        _player().take(exchange)

    def find_requests_with_most_matches(self, request: VcrRequest) -> list[tuple[VcrRequest]]:
        return [(request,)]

    @staticmethod
    def _decision(request: VcrRequest) -> _Decision:
        decision: _Decision | None = getattr(request, _DECISION, None)
        if decision is None:
            awaited = AWAITED.get()
            decision = _decide(request) if awaited is None else awaited.next(request)
            setattr(request, _DECISION, decision)
        return decision

    def _load(self) -> None:
        """Load nothing: the player holds the cassette."""

    def _save(self, force: bool = False) -> None:
        """Save nothing."""


@cache
def _the_interceptor() -> _Interceptor:
    return _Interceptor("gws_replay")


_DECISION = "_gws_replay_decision"


def _request(request: VcrRequest) -> Request:
    headers = Headers(tuple((str(name), _text(value)) for name, value in request.headers.items()))
    headers, body = decoded(headers, _bytes(request.body))
    return Request(method=request.method, uri=request.uri, headers=headers, body=body)


def _response(response: dict[str, Any]) -> Response:
    status, body = response["status"], _bytes(response["body"].get("string", b""))
    pairs = ((str(name), _text(value)) for name, values in response["headers"].items() for value in values)
    headers = unpacked(Headers(tuple(pairs)), body)
    return Response(status=status["code"], reason=status["message"] or "", headers=headers, body=body)


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
