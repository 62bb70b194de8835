"""Connections that break, a restarted server, and errors of its own: nothing is lost; all is reported."""

import asyncio
import socket
import struct
from contextlib import ExitStack
from typing import Any

import pytest

from gws_replay.core.replay.user_session import UserSession
from gws_replay.server.server import ServedRun, serving
from tests.support.async_poller import Poller, polling, run
from tests.support.builders import SESSIONS, TOPIC, cassette, get, push, update
from tests.support.comet_clients import CLIENTS, TRANSPORTS, Open
from tests.support.comet_sessions import LOOK, comet, rest, wait
from tests.support.commands import BEFORE, small
from tests.support.raw_sockets import connected, on_linux, post
from tests.support.sockets import of_aiocometd, talking

AFTER = {**BEFORE, "A": 2}


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_connection_killed_in_a_held_connect_loses_nothing(how: str, noticed: bool) -> None:
    """The notification comes with the next connect, whether or not the server noticed the loss before."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client:
            await client.shake_hands()
            with connected(playback.url) as dying:
                dying.sendall(post(client.path, client.connecting()))
                await client.until(held_connects=1)
                if how == "reset":
                    dying.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if noticed:
                await client.until(held_connects=0)
            await client.update()
            assert [AFTER] == await client.notified()

    with serving(playback):
        run(conversation)


@pytest.mark.parametrize("again", TRANSPORTS)
def test_a_websocket_killed_in_a_held_connect_loses_nothing(again: str) -> None:
    """Over either transport the client gets the notification later."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client:
            async with talking(client.url + client.path) as talk:
                await talk.shake_hands(TOPIC)
                await talk.hold()
                talk.kill()
            await client.update()
            client.client_id = talk.client_id
            if again == "long-polling":
                assert [AFTER] == await client.notified()
            else:
                async with talking(client.url + client.path) as other:
                    (pushed, _reply) = await other.ask(talk.connecting())
                    assert AFTER == pushed["data"]["facebooksession"]["userData"]

    with serving(playback):
        run(conversation)


def test_unread_notification_is_sent_again_to_an_acknowledging_client() -> None:
    """Once: then the client has it."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client:
            await client.shake_hands(ack=True)
            with connected(playback.url) as dying:
                dying.sendall(post(client.path, client.connecting(ext={"ack": 1})))
                await client.until(held_connects=1)
                await client.update()
                await client.until(held_connects=0)
            again = await client.connect(ext={"ack": 1})
            assert [TOPIC, "/meta/connect"] == [each["channel"] for each in again]
            assert [] == await client.notified(ext=again[-1]["ext"], timeout_ms=0)

    with serving(playback):
        run(conversation)


@on_linux
def test_a_notification_waits_for_a_client_that_is_busy() -> None:
    """It is not sent while the response before it is unread: the client could read it first."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client, polling(playback.url, "another") as other:
            await client.shake_hands()
            await other.shake_hands()
            hearing = asyncio.create_task(client.notified())
            await client.until(held_connects=1)
            with connected(playback.url) as busy:
                busy.sendall(post(f"{SESSIONS}/S1", {"operationName": "UpdateUserData", "userData": {"A": 2}}))
                await asyncio.to_thread(busy.recv, 1, socket.MSG_PEEK)
                await other.connect(timeout_ms=100)
                assert not hearing.done()
                busy.recv(65536)
                assert [AFTER] == await hearing

    with serving(playback):
        run(conversation)


@of_aiocometd
@pytest.mark.parametrize("open_client", CLIENTS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_go_on_when_the_server_was_started_again(transport: str, open_client: Open) -> None:
    """They get "unknown client", send a new handshake, subscribe again, and receive the next notification."""
    moments = [(update({"A": n}, began=float(n)), push({"A": n}, seen=n + 0.5)) for n in (1, 2)]
    played = cassette(get({"A": 0}, began=0.0), *(each for pair in moments for each in pair))
    updates = [rest("POST", f"{SESSIONS}/S1", each.request.body.decode()) for each in played.interactions[1:]]

    async def conversation() -> None:
        with ExitStack() as first, ExitStack() as second:
            url = first.enter_context(serving(ServedRun(played))).url
            async with open_client(url, transport) as client:
                await client.run(LOOK, comet(), updates[0], wait("notifications", 1))
                await asyncio.to_thread(first.close)
                second.enter_context(serving(again, port=int(url.rpartition(":")[2])))
                await client.run(wait("subscribed", 2), updates[1], wait("notifications", 2))
                assert 2 == client.counts["handshakes"]
            shown = [each.content["facebooksession"]["userData"]["A"] for each in client.events if each.where == TOPIC]
            assert [1, 2] == shown

    again = ServedRun(played)
    run(conversation)
    assert [] == again.faults


def broken(*_: Any) -> Any:
    """Raise an unexpected error."""
    raise RuntimeError("out of order")


async def by_rest(client: Poller) -> None:
    """Send an operation."""
    async with client.http.post(f"{client.url}{SESSIONS}/S1", json={}) as response:
        assert (500, 4) == (response.status, (await response.json())["statusCode"])
        assert "out of order" in (await response.json())["statusMessage"]


async def by_polling(client: Poller) -> None:
    """Connect."""
    async with client.http.post(client.url + client.path, json=[client.connecting()]) as response:
        assert 500 == response.status
        assert "out of order" in (await response.json())["statusMessage"]


async def by_websocket(client: Poller) -> None:
    """Connect over WebSocket, which is closed with the code for a failing server."""
    async with talking(client.url + client.path) as talk:
        await talk.send(client.connecting())
        assert 1011 == await talk.code()


@pytest.mark.parametrize(
    ("what", "ask"),
    [("play", by_rest), ("receive", by_polling), ("receive", by_websocket)],
    ids=["REST", "long-polling", "websocket"],
)
def test_an_error_of_the_server_reaches_client_and_test(what: str, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server goes on."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client:
            await client.shake_hands()
            with monkeypatch.context() as patch:
                patch.setattr(UserSession, what, broken)
                await ask(client)
            await client.look()
            await client.update()
            assert [AFTER] == await client.notified()

    with serving(playback):
        run(conversation)
    (fault,) = playback.faults
    assert "RuntimeError: out of order" in fault
    assert fault in playback.problems()
