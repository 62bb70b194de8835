"""Forms of requests: addresses, batches, chunked and compressed bodies."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gws_replay.server.server import ServedRun, serving
from tests.support.async_poller import SENT, polling, run, shown
from tests.support.builders import TOPIC
from tests.support.comet_clients import CLIENTS, Open, seen_by
from tests.support.comet_sessions import recorded, session
from tests.support.commands import BEFORE, captured, small
from tests.support.sockets import of_aiocometd

AFTER = {**BEFORE, "A": 2}
PATHS = ["/api/v2/notifications", "/api/v2/notifications/", "/notifications/connect", "/prefix/notifications"]
ADDRESSES = [*((path, "long-polling") for path in PATHS), (PATHS[-1], "websocket")]


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


def chunked(value: Any) -> dict[str, Any]:
    """Return the bytes of a request whose body comes in chunks of seven bytes."""
    return {"data": _pieces(json.dumps(value).encode()), "headers": {"Content-Type": "application/json"}}


def packed(value: Any) -> dict[str, Any]:
    """Return the bytes of a request whose body is compressed."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return {"data": gzip.compress(json.dumps(value).encode()), "headers": headers}


@of_aiocometd
@pytest.mark.parametrize("open_client", CLIENTS)
@pytest.mark.parametrize(("path", "transport"), ADDRESSES)
def test_cometd_may_have_any_address(path: str, transport: str, open_client: Open) -> None:
    """With what npm cometd adds to it: /handshake, /connect and the like."""
    played = captured("longpoll-js-push-first").cassette
    playback = ServedRun(played)
    with serving(playback):
        seen = seen_by(open_client, playback.url, transport, session(played), path=path)
    assert recorded(played, playback.url) == seen
    assert "" == playback.problems()


@pytest.mark.parametrize("put", [chunked, packed])
@pytest.mark.parametrize("one", [False, True], ids=["an array", "one object"])
def test_compressed_bodies_are_decoded(put: Callable[[Any], dict[str, Any]], one: bool) -> None:
    """Of Bayeux, as an array of messages or as one message, and of REST."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client:

            async def post(message: dict[str, Any]) -> list[Any]:
                request = put(message if one else [message])
                async with client.http.post(client.url + client.path, **request) as response:
                    notification: list[Any] = await response.json()
                    return notification

            client.client_id = (await post({"channel": "/meta/handshake"}))[0]["clientId"]
            replies = [*await post(client.subscribing(TOPIC)), *await post(client.connecting())]
            assert [True, True] == [each["successful"] for each in replies]
            await client.look()
            assert 200 == await client.update(**put(SENT))
            assert [AFTER] == shown(await post(client.connecting()))

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


def test_batch_is_replied_to_message_by_message() -> None:
    """Under their ids, and a connect in company is not held."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with polling(playback.url) as client:
            await client.shake_hands()
            batch = client.connecting(id="1"), client.subscribing("/v2/me/*"), {**client.connecting(), "id": 3}
            replies = await client.post(*batch)
            assert ["1", None, 3] == [each.get("id") for each in replies]
            assert [True] * 3 == [each["successful"] for each in replies]
            await client.update()
            assert [AFTER] == await client.notified()

    with serving(playback):
        run(conversation)
