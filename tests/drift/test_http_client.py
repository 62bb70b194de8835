"""The outcome of a request that a live server does not answer, and of one that cannot be sent."""

import asyncio
import threading

import pytest

from gws_replay.core.model import Headers, Request, Response
from gws_replay.drift.http_client import LiveClient, Tls
from gws_replay.errors import GwsReplayError
from tests.support.answering import answering


def sent(url: str, *headers: tuple[str, str]) -> Response:
    """Send a GET with a short timeout."""

    async def conversation() -> Response:
        async with LiveClient(url, None, Tls(None)) as client:
            return await client.send(
                Request(method="GET", uri=f"{url}/a", headers=Headers(headers)), "GET it", patience=0.1
            )

    return asyncio.run(conversation())


def test_missing_response_ends_with_the_timeout() -> None:
    """It waits for that time, and no longer."""
    over = threading.Event()
    with answering({"/a": lambda: over.wait(60)}) as server:
        with pytest.raises(
            GwsReplayError, match=f"^cannot reach {server.url}: no response to GET it within 0 seconds$"
        ):
            sent(server.url)
        over.set()


def test_unsendable_request_is_described_by_kind_only() -> None:
    """Its text may hold a secret."""
    with answering({}) as server, pytest.raises(GwsReplayError, match=r"GET it: ValueError$"):
        sent(server.url, ("A", "s3cret\nB: c"))
