"""A run that ends while a thread or task of it is about to send: the request waits for the next run."""

import asyncio
import threading
from contextlib import ExitStack
from itertools import count

import aiohttp
import pytest
import requests

from gws_replay.interception import interceptor
from gws_replay.interception.interceptor import intercepted, kept_ready
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import HOST, exchange
from tests.support.playbacks import play

PATH = "/api/v2/diagnostics/version"


def version(number: str) -> ReplayRun:
    """A run that returns a version, any number of times."""
    return play(exchange("GET", PATH, None, {"statusCode": 0, "version": number}))


def test_request_goes_to_the_next_run_if_its_own_ends_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the thread ends between the look-up of the run and the response."""
    is_ours, is_next_here = interceptor._is_ours, interceptor._is_next_here
    looked, may_go_on, waits = threading.Event(), threading.Event(), threading.Event()

    def is_ours_later(request: object) -> bool:
        if not looked.is_set():
            looked.set()
            assert may_go_on.wait(60)
        return is_ours(request)  # type: ignore[arg-type]

    def is_next_here_noticed(seconds: float) -> bool:
        waits.set()
        return is_next_here(seconds)

    monkeypatch.setattr(interceptor, "_is_next_here", is_next_here_noticed)
    received: list[str] = []
    thread = threading.Thread(target=lambda: received.append(requests.get(HOST + PATH, timeout=60).json()["version"]))
    with ExitStack() as first:
        first.enter_context(intercepted(version("1")))
        monkeypatch.setattr(interceptor, "_is_ours", is_ours_later)
        thread.start()
        assert looked.wait(60)
    may_go_on.set()
    assert waits.wait(60)
    with intercepted(version("2")):
        thread.join(60)
    assert received == ["2"]


def test_a_task_that_is_cancelled_as_the_next_run_begins_is_cancelled() -> None:
    """As a fixture does in its teardown: its poll must not go on after it has disconnected."""

    async def scenario() -> bool:
        async with aiohttp.ClientSession() as http:
            with intercepted(version("1")):

                async def poll() -> None:
                    for _ in count():
                        assert (await http.get(HOST + PATH)).ok
                        await asyncio.sleep(0)

                polling = asyncio.create_task(poll())
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)
            with intercepted(version("2")):
                polling.cancel()
                await asyncio.wait([polling], timeout=1)
                cancelled = polling.cancelled()
                polling.cancel()
                return cancelled

    with kept_ready():
        assert asyncio.run(scenario())
