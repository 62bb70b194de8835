"""Edge: vcrpy as the interceptor. Its patches and stubs catch the HTTP libraries; a `Player` answers, or lets them go.

How its stubs are made safe for threads and for held connects is in `vcr_stubs`.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

import vcr.cassette
from vcr.record_mode import RecordMode
from vcr.request import Request as VcrRequest

from gws_replay.core.content_coding import decoded, unpacked
from gws_replay.core.model import Exchange, Headers, Request, Response
from gws_replay.errors import ReplayMiss
from gws_replay.interception.context_scope import InForce
from gws_replay.interception.interceptor import Asking, Decision, bytes_of, text_of
from gws_replay.interception.network_guard import closed_network
from gws_replay.interception.patching import Swap
from gws_replay.interception.vcrpy_patches import AWAITED, aiohttp_awaits, connections_of, patches
from gws_replay.playback.replay_run import ReplayRun


class Player(Protocol):
    """Who answers the requests of this process."""

    faults: list[str]

    @property
    def name(self) -> str:
        """What messages call it."""

    def respond(self, request: Request) -> Response | None:
        """Answer a request of this thread; None lets it go live. May raise ReplayMiss."""

    async def respond_async(self, request: Request) -> Response | None:
        """Answer a request of this task; None lets it go live."""

    def take(self, exchange: Exchange) -> None:
        """Take note of an exchange that went live."""

    def websocket(self, url: str) -> None:
        """Take note of a WebSocket that is to be opened; may raise."""


@contextmanager
def replaying(playback: ReplayRun, allowed_hosts: Collection[str] = ()) -> Iterator[None]:
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


@cache
def _swaps() -> tuple[Swap, ...]:
    """Return what has to stand; it is made once, since vcrpy looks for a dozen libraries to make its part."""
    asking = Asking(decide=_decide, decide_async=_decide_async, take=_take)
    return (
        *connections_of(_Interceptor),
        *patches(_Interceptor("gws_replay"), asking),
        *aiohttp_awaits(lambda request: _decide_async(_request(request)), lambda url: _player().websocket(url)),
    )


_PLAYERS: InForce[Player] = InForce("gws_replay_player", _swaps)


def _player() -> Player:
    """Return the player of the running thread or task."""
    if player := _PLAYERS.current():
        return player
    names = " and ".join(player.name for player in _PLAYERS.all)
    missed = f"{names} are replayed at once, and this thread belongs to neither: start it in the test that it serves"
    for each in _PLAYERS.all:
        each.faults.append(missed)
    raise ReplayMiss(missed)


def _decide(request: Request) -> Decision:
    began = time.monotonic()
    return Decision(request, _player().respond(request), began)


async def _decide_async(request: Request) -> Decision:
    began = time.monotonic()
    return Decision(request, await _player().respond_async(request), began)


def _take(decision: Decision, answer: Response) -> None:
    response = replace(answer, headers=unpacked(answer.headers, answer.body))
    ended = time.monotonic()
    _player().take(Exchange(request=decision.request, response=response, began=decision.began, ended=ended))


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
        decision = getattr(request, _DECISION, None) or Decision(_request(request), None, time.monotonic())
        _take(decision, _response(response))

    def find_requests_with_most_matches(self, request: VcrRequest) -> list[tuple[VcrRequest]]:
        return [(request,)]

    @staticmethod
    def _decision(request: VcrRequest) -> Decision:
        decision: Decision | None = getattr(request, _DECISION, None)
        if decision is None:
            awaited = AWAITED.get()
            decision = _decide(_request(request)) if awaited is None else awaited.next(request)
            setattr(request, _DECISION, decision)
        return decision

    def _load(self) -> None:
        """Load nothing: the player holds the cassette."""

    def _save(self, force: bool = False) -> None:
        """Save nothing."""


_DECISION = "_gws_replay_decision"


def _request(request: VcrRequest) -> Request:
    headers = Headers(tuple((str(name), text_of(value)) for name, value in request.headers.items()))
    headers, body = decoded(headers, bytes_of(request.body))
    return Request(method=request.method, uri=request.uri, headers=headers, body=body)


def _response(response: dict[str, Any]) -> Response:
    status, body = response["status"], bytes_of(response["body"].get("string", b""))
    pairs = ((str(name), text_of(value)) for name, values in response["headers"].items() for value in values)
    return Response(status=status["code"], reason=status["message"] or "", headers=Headers(tuple(pairs)), body=body)
