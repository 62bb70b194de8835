"""In-process replay is complete: no patch stays, no session is lost, no request of any thread goes live."""

import asyncio
import http.client
import inspect
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange
from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.interception.libraries import LIBRARIES
from gws_replay.interception.network_guard import closed_network
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import exchange
from tests.support.clients import ANYWHERE, SWARMS, LiveServer, live_server, swarm
from tests.support.commands import numbered, saved


def playback(*exchanges: Exchange) -> ReplayRun:
    return ReplayRun(Cassette(interactions=exchanges))


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


def patched_places() -> dict[tuple[int, str], Any]:
    """Everything that the registered libraries patch, with its current value."""
    swaps = [swap for library in LIBRARIES if library.module in sys.modules for swap in library.load()]
    # ConnectionCls is replaced only where vcrpy has put its own.
    places = [(swap.target, swap.name) for swap in swaps if swap.name != "ConnectionCls"]
    return {(id(target), name): inspect.getattr_static(target, name) for target, name in places}


@pytest.mark.parametrize("ending", [None, KeyError, ReplayMiss])
def test_nothing_stays_patched(ending: type[Exception] | None) -> None:
    """During replay every place is patched; afterwards, also after an exception, each has its old value."""
    before = patched_places()
    with suppress(KeyError, ReplayMiss), replaying(playback()):
        during = patched_places()
        if ending is ReplayMiss:
            requests.get(f"{ANYWHERE}/x", timeout=60)
        if ending:
            raise ending("x")
    assert len(before) >= 12
    assert [] == [name for (place, name), what in before.items() if during[place, name] is what]
    assert [] == [name for (place, name), what in patched_places().items() if before[place, name] is not what]


def test_a_session_may_be_used_before_during_and_after(live: LiveServer) -> None:
    """One session goes live, is replayed, is replayed from another cassette, and goes live again."""
    sources = ["one", "two"]

    async def scenario() -> dict[str, list[str]]:
        async with AsyncExitStack() as stack:
            session = stack.enter_context(requests.Session())
            pool = stack.enter_context(urllib3.PoolManager())
            client = stack.enter_context(httpx.Client(verify=False))
            asyncs = await stack.enter_async_context(httpx.AsyncClient(verify=False))
            aio = await stack.enter_async_context(aiohttp.ClientSession())
            seen: dict[str, list[str]] = {name: [] for name in ("requests", "urllib3", "httpx", "async", "aiohttp")}

            async def ask() -> None:
                seen["requests"].append(session.get(f"{live.url}/x", timeout=60).json()["from"])
                seen["urllib3"].append(pool.request("GET", f"{live.url}/x").json()["from"])
                seen["httpx"].append(client.get(f"{live.url}/x").json()["from"])
                seen["async"].append((await asyncs.get(f"{live.url}/x")).json()["from"])
                async with aio.get(f"{live.url}/x") as got:
                    seen["aiohttp"].append((await got.json(content_type=None))["from"])

            await ask()
            for source in sources:
                with replaying(playback(*(exchange("GET", "/x", None, {"from": source}) for _ in range(5)))):
                    await ask()
            await ask()
        return seen

    found = asyncio.run(scenario())
    assert [["live", "one", "two", "live"]] * 5 == list(found.values())
    assert 10 == len(live.hits)


def test_a_connection_that_was_open_before_does_not_go_live(live: LiveServer) -> None:
    """http.client keeps its socket: a request over it during replay is refused and reported, and goes through after."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
    with closing(connection):
        connection.request("GET", "/before")
        connection.getresponse().read()
        running = playback()
        with replaying(running), pytest.raises(OSError, match="which was open before replay began"):
            connection.request("GET", "/during")
        connection.close()
        connection.request("GET", "/after")
        connection.getresponse().read()
    assert ["/before", "/after"] == live.hits
    assert 1 == len(running.blocked)


def test_inner_of_two_playbacks_responds() -> None:
    """Until it ends."""
    outer, inner = (playback(exchange("GET", "/x", None, {"from": name})) for name in ("outer", "inner"))
    with replaying(outer), requests.Session() as session:
        with replaying(inner):
            assert "inner" == session.get(f"{ANYWHERE}/x", timeout=60).json()["from"]
        assert "outer" == session.get(f"{ANYWHERE}/x", timeout=60).json()["from"]


@pytest.mark.parametrize("kind", SWARMS)
def test_nothing_leaks_from_threads(kind: str, live: LiveServer) -> None:
    """Of 2,000 (or 500) requests from 8 threads or tasks, none reaches a live server; each gets its own response."""
    count = 2000 if kind == "requests.post" else 500
    running = ReplayRun(numbered(count))
    with replaying(running):
        tally = swarm(kind, live.url, count)
    assert (count, 0, ()) == (tally.request_count, tally.wrong, tally.errors)
    assert ([], [], (), ()) == (live.hits, running.blocked, running.misses, running.unplayed)


PLAIN = """
import json, os, sys, vcr
from tests.support.clients import live_server, swarm
kind, path = sys.argv[1:]
with live_server() as live:
    for _ in range(20):
        with vcr.use_cassette(path, record_mode="none", match_on=["method", "path"]):
            tally = swarm(kind, live.url, 200)
        if live.hits or tally.wrong or tally.errors:
            break
print(json.dumps([len(live.hits), tally.wrong, len(tally.errors)]), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("kind", ["requests.post", "requests, a session per thread"])
def test_the_same_swarm_does_leak_from_plain_vcrpy(kind: str, tmp_path: Path) -> None:
    """The test can see a leak:

    in at most 20 rounds of 200 requests, plain vcrpy goes live or returns a wrong response.
    """
    path = saved(numbered(200), tmp_path / "numbered.yaml")
    command = [sys.executable, "-c", PLAIN, kind, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True, cwd=Path(__file__).parents[2]
    )
    assert any(json.loads(done.stdout))


def test_guard_stops_what_no_patch_catches(live: LiveServer) -> None:
    """The attempt is refused and stored."""
    running = playback()
    with replaying(running), pytest.raises(OSError, match="nothing reaches a network"):
        socket.create_connection(("127.0.0.1", live.port), 60)
    assert ([], [f"a connection to 127.0.0.1:{live.port}"]) == (live.hits, running.blocked)
    with closed_network(str), pytest.raises(httpx.ConnectError):
        httpx.get(live.url, verify=False)
