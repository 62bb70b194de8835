"""Bayeux over aiohttp on real sockets: held responses, several clients, and connections that break."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from aiohttp import web

from gws_replay.web.bayeux_aiohttp import Conversations, is_websocket
from tests.support.bayeux_servers import TOPIC, Served, payloads, run, served
from tests.support.sockets import CALM, talking


@pytest.fixture
def server() -> Iterator[Served]:
    """A server for one test."""
    with served() as running:
        yield running


def subscribed(server: Served) -> dict[str, str]:
    """Shake hands over HTTP and subscribe; return the next connect."""
    client_id = server.post({"channel": "/meta/handshake"}).json()[0]["clientId"]
    connecting = {"channel": "/meta/connect", "clientId": client_id}
    server.post({"channel": "/meta/subscribe", "clientId": client_id, "subscription": TOPIC}, connecting)
    return connecting


def test_response_has_the_fields_that_its_server_adds(server: Served) -> None:
    """Its fields, the content type, one cookie for a browser without it, and no-store."""
    response = server.post({"channel": "/meta/handshake"})
    fields = {name: response.headers[name] for name in ("X-More", "Content-Type", "Cache-Control")}
    assert {
        "X-More": "1",
        "Content-Type": "application/json;charset=UTF-8",
        "Cache-Control": "no-store",
    } == fields
    assert ["BAYEUX_BROWSER"] == list(response.cookies.keys())
    again = requests.post(
        f"{server.url}/cometd", json={"channel": "/meta/handshake"}, cookies=response.cookies, timeout=60
    )
    assert "Set-Cookie" not in again.headers

    async def conversation() -> None:
        async with talking(server.url) as talk:
            assert "1" == talk.socket._response.headers["X-More"]

    run(conversation)


def test_a_poll_and_a_websocket_are_held_until_a_notification_comes(server: Served) -> None:
    """The notifications come from another thread, and arrive in the order of the deliveries."""
    connecting = subscribed(server)
    responses: list[Any] = []
    poller = threading.Thread(target=lambda: responses.extend(server.post(connecting).json()))

    async def conversation() -> None:
        async with talking(server.url) as talk:
            await talk.shake_hands(TOPIC)
            await talk.hold()
            poller.start()
            while server.core.held < 2:
                await talk.ask({"channel": "/service/nothing", "clientId": talk.client_id, "data": 1})
            with server.polls.lock:
                server.core.due += [1, 2]
            await asyncio.to_thread(server.deliver, 3)
            assert [1, 2, 3] == payloads(await talk.hear())

    run(conversation)
    poller.join(CALM)
    assert [1, 2, 3] == payloads(responses)


def test_several_clients_share_a_websocket(server: Served) -> None:
    """Each has its own held connect, and each receives the notifications."""

    async def conversation() -> None:
        async with talking(server.url) as talk:
            clients = []
            for _ in range(5):
                await talk.shake_hands(TOPIC)
                await talk.hold(id=talk.client_id)
                clients.append(talk.client_id)
            await asyncio.to_thread(server.deliver, 1)
            frames = [await talk.hear() for _ in range(5)]
            assert [[1]] * 5 == [payloads(frame) for frame in frames]
            assert sorted(clients) == sorted(frame[-1]["id"] for frame in frames)

    run(conversation)


def test_messages_are_changed_for_the_client_of_the_request() -> None:
    """Over both transports."""

    def put(request: web.BaseRequest, message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "seen": is_websocket(request)}

    async def conversation(server: Served) -> None:
        async with talking(server.url) as talk:
            (hello,) = await talk.ask({"channel": "/meta/handshake"})
            assert hello["seen"]

    with served(put) as server:
        asyncio.run(conversation(server))
        assert not server.post({"channel": "/meta/handshake"}).json()[0]["seen"]


def test_a_response_that_cannot_be_sent_comes_with_the_next(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over another WebSocket, or by a poll; once."""

    async def fail(*_: object) -> None:
        raise ConnectionResetError

    async def conversation() -> None:
        async with talking(server.url) as talk:
            await talk.shake_hands(TOPIC)
            await talk.hold()
            with monkeypatch.context() as broken:
                broken.setattr(web.WebSocketResponse, "send_str", fail)
                await asyncio.to_thread(server.deliver, 1)
                while server.core.held or not server.core.has_undelivered:
                    await asyncio.to_thread(server.post)
        response = await asyncio.to_thread(server.post, talk.connecting(), talk.connecting())
        assert [1] == payloads(response.json())

    run(conversation)


def test_messages_before_a_disconnect_are_handled(server: Served) -> None:
    """Clients send the disconnect and close at once."""

    async def conversation() -> None:
        async with talking(server.url) as talk:
            await talk.shake_hands(TOPIC)
            await talk.send({"channel": "/meta/disconnect", "clientId": talk.client_id})
            await talk.socket.close()
        assert () == server.core.clients

    run(conversation)


@pytest.mark.parametrize("goodbye", [True, False])
def test_a_held_connect_of_a_lost_websocket_is_forgotten(server: Served, goodbye: bool) -> None:
    """With or without a closing handshake."""

    async def conversation() -> None:
        async with talking(server.url) as talk:
            await talk.shake_hands(TOPIC)
            await talk.hold()
            if goodbye:
                await talk.socket.close()
            else:
                talk.kill()
            assert await asyncio.to_thread(server.core.abandoned.wait, CALM)
        assert 0 == server.core.held

    run(conversation)


def test_two_hundred_clients_at_once(server: Served) -> None:
    """Each on its own WebSocket; each receives everything, in order."""

    async def client(ready: asyncio.Semaphore) -> list[Any]:
        async with talking(server.url) as talk:
            await talk.shake_hands(TOPIC)
            await talk.hold()
            ready.release()
            received = payloads(await talk.hear())
            while len(received) < 3:
                received += payloads(await talk.ask(talk.connecting()))
            return received

    async def conversation() -> None:
        ready = asyncio.Semaphore(0)
        clients = [asyncio.create_task(client(ready)) for _ in range(200)]
        for _ in clients:
            await ready.acquire()
        for number in (1, 2, 3):
            await asyncio.to_thread(server.deliver, number)
        assert [[1, 2, 3]] * 200 == await asyncio.gather(*clients)

    run(conversation)


def test_closing_goes_on_if_a_handler_is_cancelled() -> None:
    """The task that held a WebSocket may be cancelled while the server closes."""

    class Leaving:
        async def close(self, code: int) -> None:
            gone = asyncio.get_running_loop().create_future()
            gone.cancel(f"{code}")
            await gone

    conversations = Conversations(lambda *_: pytest.fail("nobody asks"))
    conversations._open = {Leaving(): object(), Leaving(): object()}  # type: ignore[dict-item]
    asyncio.run(conversations.close())
