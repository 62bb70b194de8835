"""The sandbox's CometD over HTTP: long-polling, and clients that come, go and are lost."""

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import aiohttp
import pytest
import requests
from aiocometd_ng import ConnectionType
from aiocometd_ng.client import Client
from aiohttp import web

from gws_replay.sandbox.pushes import Pushes
from gws_replay.sandbox.server import RunningSandbox, serving, start
from tests.support.sandboxes import AUTHORIZATION, CHANNEL, ONE, UPDATE, Agent, Credentials


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox for one test."""
    with serving() as running:
        yield running


@pytest.fixture
def agent(sandbox: RunningSandbox) -> Iterator[Agent]:
    """A client that has logged in to it."""
    with Agent(sandbox) as agent:
        yield agent


@pytest.mark.parametrize("subscription", [CHANNEL, "/v2/me/*", "/**"])
def test_real_cometd_client_gets_the_notification(agent: Agent, subscription: str) -> None:
    """By the channel or either wildcard."""

    async def converse() -> Any:
        url = f"{agent.url}/api/v2/notifications"
        async with Client(url, ConnectionType.LONG_POLLING, extensions=[Credentials()]) as client:
            await client.subscribe(subscription)
            assert {"statusCode": 0} == await asyncio.to_thread(agent.operate, UPDATE)
            return await client.receive()

    received = asyncio.run(converse())

    assert CHANNEL == received["channel"]
    assert received["data"]["facebooksession"] == agent.facebooksession(ONE)


def test_cookie_of_the_browser_is_set_once(agent: Agent) -> None:
    """With the handshake; a client that has one keeps it."""
    first = agent.post("/api/v2/notifications/handshake", [{"channel": "/meta/handshake"}])
    second = agent.post("/api/v2/notifications", [{"channel": "/meta/handshake"}])

    assert first.headers["Set-Cookie"].startswith("BAYEUX_BROWSER=")
    assert "Set-Cookie" not in second.headers
    assert "Content-Encoding" not in first.headers


@pytest.mark.parametrize("path", ["", "/", "/connect", "/handshake", "/any/where"])
def test_messages_are_routed_by_channel_and_not_by_url(agent: Agent, path: str) -> None:
    """Clients post to different addresses."""
    agent.listen()

    (reply,) = agent.bayeux({**agent.connecting(), "advice": {"timeout": 0}}, path=path)

    assert ("/meta/connect", True) == (reply["channel"], reply["successful"])


def test_cometd_wants_no_csrf_token(agent: Agent) -> None:
    """Only REST does."""
    del agent.http.headers["X-CSRF-TOKEN"]

    assert agent.bayeux({"channel": "/meta/handshake"})[0]["successful"]


@pytest.mark.parametrize("encoding", [None, "gzip", "chunked"])
def test_single_message_and_packed_and_chunked_bodies_are_taken(agent: Agent, encoding: str | None) -> None:
    """An object stands for an array of one."""
    body = json.dumps({"channel": "/meta/handshake", "id": "1"}).encode()
    sent: Any = {None: body, "gzip": gzip.compress(body), "chunked": iter([body[:9], body[9:]])}[encoding]
    headers = {"Content-Encoding": "gzip"} if encoding == "gzip" else {}

    answered = agent.http.post(f"{agent.url}/api/v2/notifications", data=sent, headers=headers, timeout=60)

    assert ("1", True) == (answered.json()[0]["id"], answered.json()[0]["successful"])


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"", ""), (b"{", ""), (b'"text"', ""), (b"[]", "gzip"), (gzip.compress(b"[]", mtime=0)[:-9], "gzip")],
)
def test_body_that_is_no_bayeux_is_refused_with_one_sentence(agent: Agent, body: bytes, encoding: str) -> None:
    """Not JSON, no messages, or not packed as it says."""
    headers = {"Content-Encoding": encoding}
    answered = agent.http.post(f"{agent.url}/api/v2/notifications", data=body, headers=headers, timeout=60)

    assert (400, "The body does not contain Bayeux messages as JSON.") == (answered.status_code, answered.text)


def test_client_that_hangs_up_frees_its_connect_and_gets_its_notification_on_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lost connection loses nothing else."""
    freed = threading.Event()

    class Watched(Pushes):
        def abandon(self, ticket: int, now: float) -> None:
            super().abandon(ticket, now)
            freed.set()

    monkeypatch.setattr("gws_replay.sandbox.handlers.Pushes", Watched)
    with serving() as running, Agent(running) as agent:
        agent.listen()
        body = json.dumps([agent.connecting()])
        head = ["POST /api/v2/notifications HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in AUTHORIZATION.items()]
        with socket.create_connection(("127.0.0.1", int(agent.url.rpartition(":")[2]))) as connection:
            connection.sendall("\r\n".join([*head, "", body]).encode())
            assert 200 == agent.get("/api/v2/me").status_code

        assert freed.wait(10)
        agent.operate(UPDATE)
        assert [11] == [each["referenceId"] for each in agent.notifications()]


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), asyncio.CancelledError()])
def test_notification_of_a_response_that_cannot_be_written_is_kept(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """It comes with the next connect."""
    agent.listen()
    agent.operate(UPDATE)

    async def fail(_response: web.Response, _data: bytes = b"") -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(web.Response, "write_eof", fail)
        with pytest.raises(requests.ConnectionError):
            agent.bayeux(agent.connecting())

    assert [11] == [each["referenceId"] for each in agent.notifications()]


def test_silent_client_must_shake_hands_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was forgotten."""
    monkeypatch.setattr("gws_replay.sandbox.handlers.Pushes", partial(Pushes, max_silence=-1.0))
    with serving() as running, Agent(running) as agent:
        agent.client_id = agent.bayeux({"channel": "/meta/handshake"})[0]["clientId"]
        (reply,) = agent.bayeux(agent.connecting())

    assert "402::Unknown client" == reply["error"]
    assert "handshake" == reply["advice"]["reconnect"]


def test_second_connect_of_a_client_ends_the_first(agent: Agent) -> None:
    """The notification comes with the second."""
    agent.listen()

    async def converse() -> tuple[Any, Any]:
        url = f"{agent.url}/api/v2/notifications"
        async with aiohttp.ClientSession(headers=AUTHORIZATION) as http:
            both = [asyncio.create_task(http.post(url, json=agent.connecting())) for _ in range(2)]
            (ended,), (held,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(agent.operate, UPDATE)
            return await ended.result().json(), await (await held).json()

    ended, held = asyncio.run(converse())

    assert [{"channel": "/meta/connect", "successful": True}] == ended
    assert [CHANNEL, "/meta/connect"] == [each["channel"] for each in held]


def test_close_ends_held_connects() -> None:
    """They are answered, not torn."""

    async def converse() -> Any:
        running = await start()
        url = f"{running.url}/api/v2/notifications"
        async with aiohttp.ClientSession(headers=AUTHORIZATION) as http:
            shaken = await (await http.post(url, json={"channel": "/meta/handshake"})).json()
            connecting = {"channel": "/meta/connect", "clientId": shaken[0]["clientId"]}
            await (await http.post(url, json=connecting)).read()
            # The held connect goes first, on the connection that is open; the other needs a new one.
            held = asyncio.create_task(http.post(url, json=connecting))
            await asyncio.create_task(http.get(f"{running.url}/api/v2/me"))
            await running.close()
            return await (await held).json()

    assert [{"channel": "/meta/connect", "successful": True}] == asyncio.run(asyncio.wait_for(converse(), 10))
