"""CometD inside the test process, in an event loop: a held connect awaits, and the loop runs on."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import aiohttp
import httpx
import pytest
from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType

from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import SESSIONS, TOPIC
from tests.support.commands import captured
from tests.support.pollers import CALM, COMETD, SENT, URL, changed, recorded


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """aiocometd-ng drops its own held connect when it closes, and asyncio logs that as an error."""
    log = logging.getLogger("asyncio")
    before = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(before)


async def update_by_aiohttp(session: aiohttp.ClientSession) -> None:
    """Send the update."""
    async with session.post(f"{URL}{SESSIONS}/S1", json=SENT) as response:
        assert {"statusCode": 0} == await response.json(content_type=None)


def test_aiocometd_receives_in_the_same_loop() -> None:
    """The held connect awaits, so that the same loop can send the request that it waits for."""
    playback = recorded()

    async def scenario() -> Any:
        async with aiohttp.ClientSession() as session, Client(COMETD, ConnectionType.LONG_POLLING) as comet:
            await comet.subscribe(TOPIC)
            async with session.get(f"{URL}{SESSIONS}?fields=*") as response:
                await response.json(content_type=None)
            assert not comet.has_pending_messages
            await update_by_aiohttp(session)
            return await asyncio.wait_for(comet.receive(), CALM)

    with replaying(playback):
        message = asyncio.run(scenario())
    assert (TOPIC, [{"A": 2}]) == (message["channel"], changed([message["data"]]))
    assert "" == playback.problems()


def test_an_asynchronous_poll_of_httpx_awaits() -> None:
    """The loop runs on while the connect is held."""
    playback = recorded()

    async def scenario() -> Any:
        async with httpx.AsyncClient(verify=False, timeout=CALM) as client:

            async def post(*messages: Any) -> Any:
                return (await client.post(COMETD, json=list(messages))).json()

            client_id = (await post({"channel": "/meta/handshake"}))[0]["clientId"]
            await post({"channel": "/meta/subscribe", "clientId": client_id, "subscription": TOPIC})
            connect = {"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling"}
            await post(connect)
            held = asyncio.create_task(post(connect))
            await client.get(f"{URL}{SESSIONS}?fields=*")
            assert not held.done()
            await client.post(f"{URL}{SESSIONS}/S1", json=SENT)
            return await asyncio.wait_for(held, CALM)

    with replaying(playback):
        answered = asyncio.run(scenario())
    assert [TOPIC, "/meta/connect"] == [each["channel"] for each in answered]
    assert "" == playback.problems()


@pytest.mark.parametrize("name", ["longpoll-aiocometd-update", "longpoll-js-family", "websocket-faye-js-update"])
def test_a_capture_plays_to_aiocometd_in_process(name: str) -> None:
    """All notifications of a recorded session, in their order, whichever transport was recorded."""
    played = captured(name).cassette
    playback = ReplayRun(played)

    async def scenario() -> list[Any]:
        async with aiohttp.ClientSession() as session, Client(COMETD, ConnectionType.LONG_POLLING) as comet:
            await comet.subscribe(TOPIC)
            for exchange in played.interactions:
                request = exchange.request
                async with session.request(request.method, request.uri, data=request.body or None) as response:
                    await response.read()
            return [await asyncio.wait_for(comet.receive(), CALM) for _ in played.notifications]

    with replaying(playback):
        got = asyncio.run(scenario())
    assert [json.loads(each.data) for each in played.notifications] == [message["data"] for message in got]
    assert "" == playback.problems()


def test_websocket_is_refused() -> None:
    """vcrpy cannot carry it: the sentence names an alternative, and the test fails even if the client swallows it."""
    playback = recorded()

    async def scenario() -> None:
        async with aiohttp.ClientSession() as session:
            await session.ws_connect("ws://me:c2VjcmV0@gws.example/api/v2/notifications;s=c2VjcmV0?token=c2VjcmV0")

    with replaying(playback), pytest.raises(ReplayMiss, match="use the fixture gws_server instead of gws"):
        asyncio.run(scenario())
    text = playback.problems(allow_unplayed=True)
    assert "a WebSocket to ws://gws.example/api/v2/notifications was stopped" in text
    assert "c2VjcmV0" not in text
