"""Layers above or beside the connection work in replay as they do live."""

import asyncio
import json
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange
from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import exchange
from tests.support.clients import ANYWHERE

JSON = [("Content-Type", "application/json")]


def run_of(*exchanges: Exchange) -> ReplayRun:
    return ReplayRun(Cassette(interactions=exchanges))


def test_aiohttp_middlewares_are_called() -> None:
    """A middleware that renews a token after a 401 sends the request again."""
    running = run_of(
        exchange("GET", "/me", None, {}, status=401, began=0.0),
        exchange("POST", "/token", None, {"access_token": "second"}, response_headers=JSON, began=1.0),
        exchange("GET", "/me", None, {"statusCode": 0}, response_headers=JSON, began=2.0),
    )

    async def renew(request: Any, handler: Any) -> Any:
        response = await handler(request)
        if response.status == 401:
            async with request.session.post(f"{ANYWHERE}/token", middlewares=()) as given:
                request.headers["Authorization"] = "Bearer " + (await given.json())["access_token"]
            response = await handler(request)
        return response

    async def ask() -> Any:
        async with aiohttp.ClientSession(middlewares=[renew]) as session, session.get(f"{ANYWHERE}/me") as response:
            return response.status, await response.json()

    with replaying(running):
        assert (200, {"statusCode": 0}) == asyncio.run(ask())
    assert ["Bearer second"] == [each.header("authorization") for each in running.requests[2:]]
    assert () == running.unplayed


def test_aiohttp_tracing_sees_the_request() -> None:
    """Its start and end, and the connection between."""
    seen: list[str] = []
    trace = aiohttp.TraceConfig()  # type: ignore[no-untyped-call,unused-ignore]
    for name in ("on_request_start", "on_connection_create_end", "on_response_chunk_received", "on_request_end"):

        async def note(*_: Any, name: str = name) -> None:
            seen.append(name)

        getattr(trace, name).append(note)

    async def ask() -> None:
        async with aiohttp.ClientSession(trace_configs=[trace]) as session, session.get(f"{ANYWHERE}/x") as response:
            await response.read()

    with replaying(run_of(exchange("GET", "/x", None, {"a": 1}))):
        asyncio.run(ask())
    assert ["on_request_start", "on_connection_create_end", "on_request_end", "on_response_chunk_received"] == seen


@pytest.mark.parametrize("base", ["https://gws.example/api/v2/", "http://localhost:8080/api/v2/"])
def test_aiohttp_base_url_counts(base: str) -> None:
    """A relative path is a request to the whole address."""

    async def ask() -> int:
        async with aiohttp.ClientSession(base_url=base) as session, session.get("me/chats") as response:
            return response.status

    running = run_of(exchange("GET", "/api/v2/me/chats", None, {}))
    with replaying(running):
        assert 200 == asyncio.run(ask())
    assert [f"{base}me/chats"] == [each.uri for each in running.requests]


def test_a_transport_of_the_test_responds_itself() -> None:
    """Requests that the application behind it sends are replayed."""

    def me() -> Any:
        return requests.get(f"{ANYWHERE}/me", timeout=60).json()

    def wsgi(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", JSON)
        return [json.dumps({"upstream": me()}).encode()]

    async def asgi(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({"upstream": me()}).encode()})

    async def by_asgi() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url="http://app") as client:
            return (await client.get("/agents")).json()

    mock = httpx.MockTransport(lambda request: httpx.Response(200, json={"mock": request.url.path}))
    with replaying(run_of(exchange("GET", "/me", None, {"statusCode": 0}))):
        with httpx.Client(transport=mock) as client:
            assert {"mock": "/x"} == client.get("http://inner.example/x").json()
        with httpx.Client(transport=httpx.WSGITransport(app=wsgi), base_url="http://app") as client:
            assert {"upstream": {"statusCode": 0}} == client.get("/agents").json()
        assert {"upstream": {"statusCode": 0}} == asyncio.run(by_asgi())


def test_an_aiohttp_session_may_be_used_by_many_tasks_and_times_out() -> None:
    """Each task has its own connection; a miss is raised in the task that sent the request."""
    running = run_of(*(exchange("POST", "/x", {"n": n}, {"n": n}, response_headers=JSON) for n in range(50)))

    async def ask(session: aiohttp.ClientSession, n: int) -> Any:
        async with session.post(f"{ANYWHERE}/x", json={"n": n}) as response:
            return (await response.json())["n"]

    async def all_of_them() -> Any:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session:
            found = await asyncio.gather(*(ask(session, n) for n in range(50)))
            with pytest.raises(ReplayMiss):
                await ask(session, 99)
            return found

    with replaying(running):
        assert list(range(50)) == asyncio.run(all_of_them())
