"""A request that got no response when it was recorded gets none on replay: each library raises its own error."""

import asyncio
import http.client
from collections.abc import Callable

import aiohttp
import httpx
import pytest
import requests

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Outcome, Request
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import HOST, cassette, exchange

URL = f"{HOST}/api/v2/me"


def unanswered(outcome: Outcome) -> Cassette:
    """A request without a response, and the same once more with one."""
    request = Request(method="POST", uri=URL)
    return cassette(
        Exchange.without_response(request, 0.0, 30.0, outcome), exchange("POST", "/api/v2/me", None, {}, began=31)
    )


def by_http_client() -> int:
    """Send it with the standard library."""
    connection = http.client.HTTPConnection(HOST.partition("//")[2])
    connection.request("POST", "/api/v2/me")
    return connection.getresponse().status


def by_aiohttp() -> int:
    """Send it with aiohttp."""

    async def send() -> int:
        async with aiohttp.ClientSession() as session, session.post(URL) as got:
            return got.status

    return asyncio.run(send())


def by_httpx_async() -> int:
    """Send it with the asynchronous client of httpx."""

    async def send() -> int:
        async with httpx.AsyncClient() as session:
            return (await session.post(URL)).status_code

    return asyncio.run(send())


SENDERS: dict[str, tuple[Callable[[], int], type[Exception], type[Exception]]] = {
    "requests": (lambda: requests.post(URL, timeout=5).status_code, requests.ReadTimeout, requests.ConnectionError),
    "httpx": (lambda: httpx.post(URL).status_code, httpx.ReadTimeout, httpx.RemoteProtocolError),
    "httpx async": (by_httpx_async, httpx.ReadTimeout, httpx.RemoteProtocolError),
    "aiohttp": (by_aiohttp, aiohttp.ServerTimeoutError, aiohttp.ServerDisconnectedError),
    "http.client": (by_http_client, TimeoutError, ConnectionResetError),
}


@pytest.mark.parametrize("library", SENDERS)
@pytest.mark.parametrize("outcome", ["silence", "broken"])
def test_library_raises_the_same_error_as_live(library: str, outcome: Outcome) -> None:
    """At once, though the recorded wait was half a minute; the next request gets its response.

    It is a POST because aiohttp sends a GET again by itself.
    """
    send, of_silence, of_broken = SENDERS[library]
    run = ReplayRun(unanswered(outcome))
    with replaying(run):
        with pytest.raises(of_silence if outcome == "silence" else of_broken, match=r"when it was recorded|timed out"):
            send()
        assert 200 == send()
    assert "" == run.problems()
