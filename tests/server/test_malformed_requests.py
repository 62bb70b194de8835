"""Invalid Bayeux, or too much of it: the response names the error, and the server goes on."""

import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest

from gws_replay.server.server import ServedRun, serving
from tests.support.async_poller import Poller, polling, run
from tests.support.commands import BEFORE, small

AFTER = {**BEFORE, "A": 2}
MEGABYTE = 2**20
BODIES: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"{'channel': 1}",
    "torn": b'[{"channel":"/meta/handshake"}',
    "no UTF-8": b'[{"channel":"\xff"}]',
    "a number": b"7",
    "deep": b"[" * 100_000,
    "NaN": b'[{"channel":"/x","data":NaN}]',
}
MESSAGES: dict[str, tuple[Any, str]] = {
    "no object": (7, "400::Message is not an object"),
    "no channel": ({"id": "1"}, "400::Missing channel"),
    "a channel that is a number": ({"channel": 7}, "400::Missing channel"),
    "an unknown meta channel": ({"channel": "/meta/unknown"}, "404::Unknown meta channel"),
    "no client": ({"channel": "/meta/connect"}, "401::No client ID"),
    "an unknown client": ({"channel": "/meta/connect", "clientId": "x" * 32}, "402::Unknown client"),
    "a client that is a list": ({"channel": "/meta/subscribe", "clientId": []}, "402::Unknown client"),
}


@pytest.fixture
def playback() -> ServedRun:
    """The small cassette, to be served."""
    return ServedRun(small())


async def goes_on(client: Poller) -> None:
    """Send a handshake and an update, and receive the notification, as usual."""
    await client.shake_hands()
    await client.look()
    await client.update()
    assert [AFTER] == await client.notified()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_malformed_bayeux_is_a_miss(body: bytes, playback: ServedRun) -> None:
    """It may be a REST request: only the recording can decide."""

    async def conversation() -> None:
        async with polling(playback.url) as client:
            async with client.http.post(client.url + client.path, data=body) as response:
                assert 501 == response.status
                assert (await response.json())["statusMessage"].startswith(
                    "POST /api/v2/notifications has no response in"
                )
            await goes_on(client)

    with serving(playback):
        run(conversation)
    assert 1 == len(playback.misses)


@pytest.mark.parametrize(("message", "error"), MESSAGES.values(), ids=MESSAGES)
def test_invalid_message_is_refused(message: Any, error: str, playback: ServedRun) -> None:
    """In its place in the batch; the messages beside it are handled."""

    async def conversation() -> None:
        async with polling(playback.url) as client:
            refused, hello = await client.post(message, {"channel": "/meta/handshake"})
            assert (False, error) == (refused["successful"], refused["error"])
            assert hello["successful"]
            await goes_on(client)

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


@pytest.mark.parametrize(("size", "status"), [(MEGABYTE, 200), (3 * MEGABYTE, 413)])
def test_a_batch_over_two_megabytes_is_refused(size: int, status: int, playback: ServedRun) -> None:
    """Parsing a longer one would make other clients wait; no client of GWS sends one."""

    async def conversation() -> None:
        async with polling(playback.url) as client:
            await client.shake_hands()
            large = {"channel": "/service/x", "clientId": client.client_id, "data": "x" * size}
            async with client.http.post(
                client.url + client.path, data=BytesIO(json.dumps([large]).encode())
            ) as response:
                assert status == response.status
            await goes_on(client)

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


async def _seventeen_megabytes() -> AsyncIterator[bytes]:
    for _ in range(17):
        yield b"x" * MEGABYTE


@pytest.mark.parametrize("put", ["whole", "in chunks"])
@pytest.mark.parametrize("path", ["/api/v2/notifications", "/api/v2/me"])
def test_a_body_over_sixteen_megabytes_is_refused(path: str, put: str, playback: ServedRun) -> None:
    """With 413, whether its length was reported beforehand or not."""

    async def conversation() -> None:
        async with polling(playback.url) as client:
            body = BytesIO(b"x" * 17 * MEGABYTE) if put == "whole" else _seventeen_megabytes()
            async with client.http.post(client.url + path, data=body) as response:
                assert 413 == response.status
                assert "The body is longer than 16777216 bytes." == (await response.json())["statusMessage"]
            await goes_on(client)

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


def test_more_than_ten_thousand_subscriptions_are_refused(playback: ServedRun) -> None:
    """The existing ones stay valid."""

    async def conversation() -> None:
        async with polling(playback.url) as client:
            await client.shake_hands()
            first, second, third = await client.post(
                client.subscribing(*(f"/many/{number}" for number in range(9_999))),
                client.subscribing("/one/more"),
                client.subscribing("/many/1"),
            )
            assert [True, False, True] == [each["successful"] for each in (first, second, third)]
            assert "403::Too many subscriptions" == second["error"]
            await client.update()
            assert [AFTER] == await client.notified()

    with serving(playback):
        run(conversation)
    assert [] == playback.faults


@pytest.mark.parametrize(("count", "status"), [(5_000, 200), (5_001, 413)])
def test_a_batch_of_more_than_five_thousand_messages_is_refused(count: int, status: int, playback: ServedRun) -> None:
    """All others are answered one by one."""

    async def conversation() -> None:
        async with polling(playback.url) as client:
            body = BytesIO(json.dumps([{"channel": "/meta/x"}] * count).encode())
            async with client.http.post(client.url + client.path, data=body) as response:
                assert status == response.status
                if status == 200:
                    assert ["404::Unknown meta channel"] * count == [each["error"] for each in await response.json()]
            await goes_on(client)

    with serving(playback):
        run(conversation)
    assert [] == playback.faults
