"""The sandbox's CometD over WebSocket and callback-polling: with aiocometd-ng, and frame by frame."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import aiohttp
import pytest
from aiocometd_ng import Client, ConnectionType, Extension

from gws_replay.sandbox.pushes import Pushes
from gws_replay.sandbox.server import RunningSandbox, serving, start
from tests.support.sandboxes import AUTHORIZATION, CHANNEL, ONE, UPDATE, Agent, Credentials
from tests.support.sockets import CALM, of_aiocometd, talking

COMETD = "/api/v2/notifications"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox that pushes as soon as it can."""
    with serving(push_delay=0) as running:
        yield running


@pytest.fixture
def agent(sandbox: RunningSandbox) -> Iterator[Agent]:
    """A client that has logged in to it."""
    with Agent(sandbox) as agent:
        yield agent


@pytest.fixture
def freed(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What is set when the sandbox forgets a held connect of a lost client; to be named before `sandbox`."""
    event = threading.Event()

    class Watched(Pushes):
        def abandon(self, ticket: int, now: float) -> None:
            super().abandon(ticket, now)
            event.set()

    monkeypatch.setattr("gws_replay.sandbox.handlers.Pushes", Watched)
    return event


def payloads(messages: list[Any]) -> list[Any]:
    """The reference ids of the notifications among some messages."""
    return [each["data"]["referenceId"] for each in messages if each["channel"] == CHANNEL]


def run(conversation: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a conversation to its end."""
    asyncio.run(asyncio.wait_for(conversation(), CALM))


@of_aiocometd
@pytest.mark.parametrize("path", ["", "/", "/any/where"])
@pytest.mark.parametrize("subscription", [CHANNEL, "/v2/me/*"])
def test_a_real_client_gets_the_notification(agent: Agent, path: str, subscription: str) -> None:
    """After a handshake by long-polling, as aiocometd-ng makes it, the rest goes over one WebSocket."""

    async def conversation() -> None:
        extensions: list[Extension] = [Credentials()]
        async with Client(agent.url + COMETD + path, ConnectionType.WEBSOCKET, extensions=extensions) as client:
            assert ConnectionType.WEBSOCKET == client.connection_type
            await client.subscribe(subscription)
            for number in (11, 12):
                await asyncio.to_thread(agent.operate, UPDATE)
                assert number == (await client.receive())["data"]["referenceId"]

    run(conversation)


@pytest.mark.parametrize("compress", [0, 15])
def test_notification_is_delivered_by_the_held_connect(agent: Agent, compress: int) -> None:
    """Packed by permessage-deflate or not; in front of the reply, which bears the connect's id."""

    async def conversation() -> None:
        async with talking(agent.url + COMETD, AUTHORIZATION, compress=compress) as talk:
            await talk.shake_hands(CHANNEL)
            await talk.hold(id="7")
            await asyncio.to_thread(agent.operate, UPDATE)
            notification, reply = await talk.hear()
            assert agent.facebooksession(ONE) == notification["data"]["facebooksession"]
            assert {"id": "7", "channel": "/meta/connect", "successful": True} == reply

    run(conversation)


def test_a_frame_may_hold_one_message_or_several(agent: Agent) -> None:
    """An object is an array of one; a connect that comes with others is not held."""

    async def conversation() -> None:
        async with talking(agent.url + COMETD, AUTHORIZATION) as talk:
            await talk.socket.send_str(json.dumps({"channel": "/meta/handshake", "id": "1"}))
            (hello,) = await talk.hear()
            talk.client_id = hello["clientId"]
            subscribing = {"channel": "/meta/subscribe", "clientId": talk.client_id, "subscription": "/**"}
            replies = await talk.ask(subscribing, talk.connecting(), talk.connecting())
            assert [True] * 3 == [each["successful"] for each in replies]
            assert [] == await talk.ask()

    run(conversation)


@pytest.mark.parametrize("authorization", [None, "Basic YWdlbnQxOndyb25n", "Bearer abc"])
def test_an_upgrade_without_valid_credentials_is_denied(sandbox: RunningSandbox, authorization: str | None) -> None:
    """As any other request is."""

    async def conversation() -> None:
        headers = {"Authorization": authorization} if authorization else {}
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with talking(sandbox.url + COMETD, headers):
                pass
        assert 401 == caught.value.status

    run(conversation)


def test_the_session_cookie_opens_a_websocket(agent: Agent) -> None:
    """It stands for the credentials, and no CSRF token is wanted."""

    async def conversation() -> None:
        async with talking(agent.url + COMETD, {"Cookie": f"JSESSIONID={agent.http.cookies['JSESSIONID']}"}) as talk:
            await talk.shake_hands(CHANNEL)

    run(conversation)


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"[]", 1003), ("{", 1007), ("7", 1007), ("[NaN]", 1007), ("[" * 100_000, 1007), ("x" * (16 * 2**20 + 1), 1009)],
    ids=["binary", "torn", "a number", "NaN", "deep", "17 MB"],
)
def test_a_frame_that_is_no_bayeux_closes_the_websocket(agent: Agent, frame: str | bytes, code: int) -> None:
    """With the code that says why, and a client that goes on elsewhere has lost nothing."""

    async def conversation() -> None:
        async with talking(agent.url + COMETD, AUTHORIZATION, compress=15) as talk:
            await talk.shake_hands(CHANNEL)
            await talk.hold()
            await (talk.socket.send_bytes(frame) if isinstance(frame, bytes) else talk.socket.send_str(frame))
            assert code == await talk.code()
            agent.client_id = talk.client_id

    run(conversation)
    agent.operate(UPDATE)
    assert [11] == [each["referenceId"] for each in agent.notifications()]


@pytest.mark.parametrize("again", ["websocket", "long-polling"])
def test_a_connection_that_is_killed_loses_nothing(freed: threading.Event, agent: Agent, again: str) -> None:
    """The notification comes with the client's next connect, over either transport."""

    async def conversation() -> None:
        async with talking(agent.url + COMETD, AUTHORIZATION) as talk:
            await talk.shake_hands(CHANNEL)
            await talk.hold()
            talk.kill()
            assert await asyncio.to_thread(freed.wait, CALM)
            await asyncio.to_thread(agent.operate, UPDATE)
        agent.client_id = talk.client_id
        if again == "long-polling":
            assert [11] == payloads(await asyncio.to_thread(agent.bayeux, agent.connecting()))
        else:
            async with talking(agent.url + COMETD, AUTHORIZATION) as other:
                assert [11] == payloads(await other.ask(talk.connecting()))

    run(conversation)


def test_response_that_was_never_read_is_sent_again(agent: Agent) -> None:
    """To a client with the acknowledgement extension, which says what it has; and not a third time."""

    async def conversation() -> None:
        async with talking(agent.url + COMETD, AUTHORIZATION) as talk:
            await talk.shake_hands(CHANNEL, ack=True)
            await talk.hold(ext={"ack": 1})
            await asyncio.to_thread(agent.operate, UPDATE)
            talk.kill()
        async with talking(agent.url + COMETD, AUTHORIZATION) as other:
            again = await other.ask(talk.connecting(ext={"ack": 1}))
            assert [11] == payloads(again)
            last_ack = again[-1]["ext"]["ack"]
            assert [] == payloads(await other.ask(talk.connecting(ext={"ack": last_ack}, advice={"timeout": 0})))

    run(conversation)


def test_closing_the_sandbox_closes_its_websockets() -> None:
    """With 1001: it goes away."""

    async def conversation() -> None:
        running = await start()
        async with talking(running.url + COMETD, AUTHORIZATION) as talk:
            await talk.shake_hands(CHANNEL)
            await talk.hold()
            closing = asyncio.create_task(running.close())
            assert 1001 == await talk.code()
            await closing

    run(conversation)


def test_callback_polling_gets_the_notification(agent: Agent) -> None:
    """Messages and the function's name in the query, a script in return."""

    def ask(*messages: dict[str, Any]) -> list[Any]:
        query = {"message": json.dumps(messages), "jsonp": "told"}
        response = agent.http.get(f"{agent.url}{COMETD}/x", params=query, timeout=CALM)
        assert "text/javascript;charset=UTF-8" == response.headers["Content-Type"]
        content: list[Any] = json.loads(response.text.removeprefix("/**/told(").removesuffix(");"))
        return content

    client_id = ask({"channel": "/meta/handshake"})[0]["clientId"]
    connecting = {"channel": "/meta/connect", "clientId": client_id}
    ask({"channel": "/meta/subscribe", "clientId": client_id, "subscription": CHANNEL}, connecting)
    agent.operate(UPDATE)
    assert [11] == payloads(ask(connecting))


@pytest.mark.parametrize("query", ["jsonp=told&message=x", "jsonp=a(b&message=[]"])
def test_a_query_that_is_no_bayeux_is_refused(agent: Agent, query: str) -> None:
    """In one sentence."""
    response = agent.get(f"{COMETD}?{query}")
    assert (400, "The query does not contain Bayeux messages as JSON.") == (response.status_code, response.text)


def test_the_log_names_the_channels_of_frames() -> None:
    """And no more of them."""
    lines: list[str] = []

    async def conversation(running: RunningSandbox) -> None:
        async with talking(running.url + COMETD, AUTHORIZATION) as talk:
            await talk.shake_hands(CHANNEL)

    with serving(log=lines.append) as running:
        asyncio.run(conversation(running))
    frames = [f"WEBSOCKET {COMETD} /meta/{name}" for name in ("handshake", "subscribe", "connect")]
    assert [*frames, f"GET {COMETD} -> 101"] == lines
