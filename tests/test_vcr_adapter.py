"""In-process replay: every HTTP library gets the recorded answer, nothing goes live, nothing stays patched."""

import asyncio
import gzip
import http.client
import inspect
import io
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3
import vcr.cassette
import vcr.patch
from vcr.record_mode import RecordMode

from gws_replay.core.model import Cassette, Exchange
from gws_replay.errors import ReplayMiss
from gws_replay.network_guard import closed_network
from gws_replay.playback import Playback
from gws_replay.vcr_adapter import replaying
from tests.builders import exchange
from tests.clients import (
    ANYWHERE,
    CLIENTS,
    FOLLOWING,
    SWARMS,
    Ask,
    LiveServer,
    captured,
    live_server,
    numbered,
    saved,
    swarm,
)

every_client = pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in CLIENTS.items()])
SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}


def playback(*exchanges: Exchange) -> Playback:
    return Playback(Cassette(interactions=exchanges))


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


@pytest.mark.parametrize("scheme", ["http", "https"])
@every_client
def test_the_recorded_answer_arrives(ask: Ask, scheme: str) -> None:
    """Status, reason, headers (repeated ones too) and JSON; host and port do not matter."""
    fields = [("X-One", "1"), ("X-Many", "a"), ("X-Many", "b"), ("Content-Type", "application/json")]
    running = playback(
        exchange("POST", "/api/v2/me?b=2&a=1", SENT, {"statusCode": 0}, status=403, answered_with=fields)
    )
    with replaying(running):
        answer = ask("POST", f"{scheme}://elsewhere.example:8443/api/v2/me?a=1&b=2", json.dumps(SENT).encode(), {})
    assert (403, {"statusCode": 0}) == (answer.status, answer.json())
    assert ["1", "a, b", "application/json"] == [answer.header(name) for name in ("x-one", "x-many", "content-type")]
    assert ((), (), []) == (running.misses, running.unplayed, running.blocked)


@pytest.mark.parametrize(
    ("method", "status", "body", "fields"),
    [
        ("GET", 200, bytes(range(256)) * 40, [("Content-Type", "application/octet-stream")]),
        ("GET", 200, b"", [("Content-Length", "0")]),
        ("POST", 204, b"", []),
        ("HEAD", 200, b"", [("Content-Length", "1234")]),
        ("DELETE", 404, b"gone", []),
        ("GET", 500, '{"statusMessage": "ä"}'.encode(), [("Transfer-Encoding", "chunked")]),
    ],
    ids=["binary", "empty", "204", "HEAD", "DELETE 404", "500 chunked"],
)
@every_client
def test_bodies_arrive_byte_for_byte(
    ask: Ask, method: str, status: int, body: bytes, fields: list[tuple[str, str]]
) -> None:
    """Binary, empty and missing bodies, of any status."""
    with replaying(playback(exchange(method, "/x", None, body, status=status, answered_with=fields))):
        answer = ask(method, f"{ANYWHERE}/x", None, {})
    assert (status, body) == (answer.status, answer.body)


@pytest.mark.parametrize("ask", [pytest.param(CLIENTS[name], id=name) for name in FOLLOWING])
def test_redirects_are_followed_inside_the_cassette(ask: Ask) -> None:
    """The client follows a recorded redirect to the recorded answer."""
    running = playback(
        exchange("GET", "/old", None, b"", status=302, answered_with=[("Location", "/new?x=1")]),
        exchange("GET", "/new?x=1", None, {"statusCode": 0}),
    )
    with replaying(running):
        answer = ask("GET", f"{ANYWHERE}/old", None, {})
    assert (200, {"statusCode": 0}) == (answer.status, answer.json())
    assert () == running.unplayed


@every_client
def test_a_gzipped_request_matches_what_it_says(ask: Ask) -> None:
    """The coding of a request body does not count, its content does."""
    coding = {"Content-Encoding": "gzip"}
    with replaying(playback(exchange("POST", "/x", SENT, {"statusCode": 0}))):
        with pytest.raises(ReplayMiss, match=r"body\.userData\.A: asked 3, recorded 2"):
            ask("POST", f"{ANYWHERE}/x", gzip.compress(json.dumps({**SENT, "userData": {"A": 3}}).encode()), coding)
        assert {"statusCode": 0} == ask(
            "POST", f"{ANYWHERE}/x", gzip.compress(json.dumps(SENT).encode()), coding
        ).json()


@every_client
def test_the_kth_equal_request_gets_the_kth_answer(ask: Ask) -> None:
    """Equal requests are answered in recorded order, and one too many is a miss."""
    running = playback(*(exchange("GET", "/x", None, {"k": k}, began=float(k)) for k in range(3)))
    with replaying(running):
        assert [0, 1, 2] == [ask("GET", f"{ANYWHERE}/x", None, {}).json()["k"] for _ in range(3)]
        with pytest.raises(ReplayMiss, match="every recording of it has been played"):
            ask("GET", f"{ANYWHERE}/x", None, {})
    assert 1 == len(running.misses)


GIVEN: dict[str, Callable[[str], Any]] = {
    "requests json=": lambda url: requests.post(url, json=SENT, timeout=9),
    "requests str": lambda url: requests.post(url, data=json.dumps(SENT), timeout=9),
    "requests file": lambda url: requests.post(url, data=io.BytesIO(json.dumps(SENT).encode()), timeout=9),
    "requests generator": lambda url: requests.post(url, data=iter([b"%s" % json.dumps(SENT).encode()]), timeout=9),
    "httpx json=": lambda url: httpx.post(url, json=SENT, verify=False),
    "httpx generator": lambda url: httpx.post(url, content=iter([json.dumps(SENT).encode()]), verify=False),
    "urllib3 json=": lambda url: urllib3.request("POST", url, json=SENT),
    "urllib3 file": lambda url: urllib3.request("POST", url, body=io.BytesIO(json.dumps(SENT).encode())),
    "http.client str": lambda url: _low_level("request", json.dumps(SENT)),
    "http.client list": lambda url: _low_level("request", [b'{"operationName": "UpdateUserData", ', b'"userData": {"A": 2}}']),
    "http.client send": lambda url: _low_level("putrequest", json.dumps(SENT).encode()),
}  # fmt: skip


def _low_level(way: str, body: Any) -> None:
    connection = http.client.HTTPSConnection(host="gws.example", port=443)
    if way == "request":
        connection.request("POST", "/x", body)
    else:
        connection.putrequest("POST", "/x")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body)
    assert b'{"statusCode":0}' == connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("give", [pytest.param(give, id=name) for name, give in GIVEN.items()])
def test_a_body_may_be_given_in_any_way(give: Callable[[str], Any]) -> None:
    """Text, files, iterators and low-level calls all come to the recorded body."""
    running = playback(exchange("POST", "/x", SENT, {"statusCode": 0}))
    with replaying(running):
        give(f"{ANYWHERE}/x")
    assert ((), ()) == (running.misses, running.unplayed)


@pytest.mark.parametrize(
    ("recorded", "given"),
    [
        (SENT, {"json": SENT}),
        ([SENT, 1], {"json": [SENT, 1]}),
        (b'"text"', {"json": "text"}),
        (SENT, {"data": json.dumps(SENT).encode()}),
        (SENT, {"data": json.dumps(SENT)}),
        (SENT, {"data": io.BytesIO(json.dumps(SENT).encode())}),
        (b"grant_type=password&name=a+b", {"data": {"grant_type": "password", "name": "a b"}}),
        (b"grant_type=password&name=a+b", {"data": aiohttp.FormData({"grant_type": "password", "name": "a b"})}),
    ],
    ids=["json object", "json array", "json text", "bytes", "str", "file", "form", "FormData"],
)
def test_aiohttp_sends_what_it_would_send_live(recorded: Any, given: Mapping[str, Any]) -> None:
    """Each way to give aiohttp a body matches the bytes that it would have sent; params= goes into the query."""
    running = playback(exchange("POST", "/x?fields=*&n=1", recorded, {"statusCode": 0}))

    async def ask() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{ANYWHERE}/x", params={"n": 1, "fields": "*"}, **given) as got,
        ):
            return await got.json()

    with replaying(running):
        assert {"statusCode": 0} == asyncio.run(ask())
    assert ((), ()) == (running.misses, running.unplayed)


def test_cookies_of_a_recorded_answer_reach_the_session() -> None:
    """Each of several Set-Cookie fields counts."""
    fields = [("Set-Cookie", "JSESSIONID=one; Path=/"), ("Set-Cookie", "route=two; Path=/")]
    running = playback(*(exchange("GET", "/x", None, {}, answered_with=fields) for _ in range(2)))
    with replaying(running), requests.Session() as session, httpx.Client(verify=False) as client:
        session.get(f"{ANYWHERE}/x", timeout=9)
        client.get(f"{ANYWHERE}/x")
        assert {"JSESSIONID": "one", "route": "two"} == session.cookies.get_dict() == dict(client.cookies)


@pytest.mark.parametrize("name", ["longpoll-js-update", "websocket-faye-js-update"])
@every_client
def test_a_captured_session_plays_to_its_end(ask: Ask, name: str) -> None:
    """Every REST exchange of a real capture is answered with the recorded bytes."""
    cassette = captured(name).cassette
    running = Playback(cassette)
    with replaying(running):
        for each in cassette.interactions:
            sent = each.request.body or None
            answer = ask(each.request.method, each.request.uri, sent, {"Content-Type": "application/json"})
            assert (each.response.status, each.response.body) == (answer.status, answer.body)
    assert ((), ()) == (running.misses, running.unplayed)


def patched_places() -> dict[tuple[int, str], Any]:
    """Everything that vcrpy or the network guard replaces, and what stands there now."""
    builder = vcr.patch.CassettePatcherBuilder(vcr.cassette.Cassette("x", record_mode=RecordMode.NONE))
    places = [(patcher.getter(), patcher.attribute) for patcher in builder.build() if hasattr(patcher, "getter")]
    places += [(socket.socket, name) for name in ("connect", "connect_ex", "sendto")] + [(socket, "getaddrinfo")]
    return {(id(target), name): inspect.getattr_static(target, name) for target, name in places}


@pytest.mark.parametrize("ending", [None, KeyError, ReplayMiss])
def test_nothing_stays_patched(ending: type[Exception] | None) -> None:
    """While it runs every place is patched; afterwards, also after an exception, each is what it was."""
    before = patched_places()
    sockets = set(vars(socket.socket))
    with suppress(KeyError, ReplayMiss), replaying(playback()):
        during = patched_places()
        if ending is ReplayMiss:
            requests.get(f"{ANYWHERE}/x", timeout=9)
        if ending:
            raise ending("x")
    assert len(before) > 20
    assert [] == [name for (place, name), what in before.items() if during[place, name] is what]
    assert [] == [name for (place, name), what in patched_places().items() if before[place, name] is not what]
    assert sockets == set(vars(socket.socket))


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
                seen["requests"].append(session.get(f"{live.url}/x", timeout=9).json()["from"])
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


def test_the_inner_of_two_playbacks_answers() -> None:
    """A playback inside another one has the word until it ends."""
    outer, inner = (playback(exchange("GET", "/x", None, {"from": name})) for name in ("outer", "inner"))
    with replaying(outer), requests.Session() as session:
        with replaying(inner):
            assert "inner" == session.get(f"{ANYWHERE}/x", timeout=9).json()["from"]
        assert "outer" == session.get(f"{ANYWHERE}/x", timeout=9).json()["from"]


@pytest.mark.parametrize("kind", SWARMS)
def test_nothing_leaks_from_threads(kind: str, live: LiveServer) -> None:
    """Of 2,000 requests from 8 threads (or tasks), none reaches a live server, and each gets its own answer."""
    running = Playback(numbered(2000))
    with replaying(running):
        tally = swarm(kind, live.url, 2000)
    assert (2000, 0, ()) == (tally.asked, tally.wrong, tally.errors)
    assert ([], [], (), ()) == (live.hits, running.blocked, running.misses, running.unplayed)


PLAIN = """
import json, os, sys, vcr
from tests.clients import live_server, swarm
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
    """The measure can see a leak: in at most 20 rounds of 200 requests vcrpy by itself goes live, or errs."""
    path = saved(numbered(200), tmp_path / "numbered.yaml")
    command = [sys.executable, "-c", PLAIN, kind, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True, cwd=Path(__file__).parents[1]
    )
    assert any(json.loads(done.stdout))


def test_with_the_stubs_gone_the_guard_still_holds(live: LiveServer) -> None:
    """What the interceptor does not know is stopped below it, and remembered."""
    running = playback()
    with replaying(running), ExitStack() as stack, pytest.raises(requests.ConnectionError, match="nothing reaches a"):
        stack.enter_context(vcr.patch.force_reset())
        requests.get(live.url, timeout=9)
    assert ([], [f"a connection to 127.0.0.1:{live.port}"]) == (live.hits, running.blocked)
    with closed_network(str), pytest.raises(httpx.ConnectError):
        httpx.get(live.url, verify=False)
