"""In-process replay: every HTTP library gets the recorded response, nothing goes live, nothing stays patched."""

import asyncio
import gzip
import http.client
import io
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from gws_replay.core.body_layout import as_sent
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange
from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import exchange
from tests.support.clients import ANYWHERE, CLIENTS, FOLLOWING, Ask, live_server
from tests.support.commands import captured

every_client = pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in CLIENTS.items()])
SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}


def playback(*exchanges: Exchange) -> ReplayRun:
    return ReplayRun(Cassette(interactions=exchanges))


@pytest.mark.parametrize("scheme", ["http", "https"])
@every_client
def test_recorded_response_arrives(ask: Ask, scheme: str) -> None:
    """Status, reason, headers (repeated ones too) and JSON; host and port do not matter."""
    fields = [("X-One", "1"), ("X-Many", "a"), ("X-Many", "b"), ("Content-Type", "application/json")]
    running = playback(
        exchange("POST", "/api/v2/me?b=2&a=1", SENT, {"statusCode": 0}, status=403, response_headers=fields)
    )
    with replaying(running):
        reply = ask("POST", f"{scheme}://elsewhere.example:8443/api/v2/me?a=1&b=2", json.dumps(SENT).encode(), {})
    assert (403, {"statusCode": 0}) == (reply.status, reply.json())
    assert ["1", "a, b", "application/json"] == [reply.header(name) for name in ("x-one", "x-many", "content-type")]
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
    with replaying(playback(exchange(method, "/x", None, body, status=status, response_headers=fields))):
        reply = ask(method, f"{ANYWHERE}/x", None, {})
    assert (status, body) == (reply.status, reply.body)


@pytest.mark.parametrize("ask", [pytest.param(CLIENTS[name], id=name) for name in FOLLOWING])
def test_redirects_are_followed_inside_the_cassette(ask: Ask) -> None:
    """The client follows a recorded redirect to the recorded response."""
    running = playback(
        exchange("GET", "/old", None, b"", status=302, response_headers=[("Location", "/new?x=1")]),
        exchange("GET", "/new?x=1", None, {"statusCode": 0}),
    )
    with replaying(running):
        reply = ask("GET", f"{ANYWHERE}/old", None, {})
    assert (200, {"statusCode": 0}) == (reply.status, reply.json())
    assert () == running.unplayed


@every_client
def test_compressed_request_matches_its_content(ask: Ask) -> None:
    """The coding of a request body does not count, its content does."""
    coding = {"Content-Encoding": "gzip"}
    with replaying(playback(exchange("POST", "/x", SENT, {"statusCode": 0}))):
        with pytest.raises(ReplayMiss, match=r"body\.userData\.A: sent 3, recorded 2"):
            ask("POST", f"{ANYWHERE}/x", gzip.compress(json.dumps({**SENT, "userData": {"A": 3}}).encode()), coding)
        assert {"statusCode": 0} == ask(
            "POST", f"{ANYWHERE}/x", gzip.compress(json.dumps(SENT).encode()), coding
        ).json()


@every_client
def test_kth_equal_request_gets_the_kth_response(ask: Ask) -> None:
    """Equal requests get their responses in recorded order.

    A GET may be repeated, another request too many is a miss.
    """
    requested = ("GET", "POST")
    running = playback(*(exchange(how, "/x", None, {"k": k}, began=float(k)) for how in requested for k in range(3)))
    with replaying(running):
        assert [0, 1, 2, 2] == [ask("GET", f"{ANYWHERE}/x", None, {}).json()["k"] for _ in range(4)]
        assert [0, 1, 2] == [ask("POST", f"{ANYWHERE}/x", None, {}).json()["k"] for _ in range(3)]
        with pytest.raises(ReplayMiss, match="every recording of it has been played"):
            ask("POST", f"{ANYWHERE}/x", None, {})
    assert 1 == len(running.misses)


GIVEN: dict[str, Callable[[str], Any]] = {
    "requests json=": lambda url: requests.post(url, json=SENT, timeout=60),
    "requests str": lambda url: requests.post(url, data=json.dumps(SENT), timeout=60),
    "requests file": lambda url: requests.post(url, data=io.BytesIO(json.dumps(SENT).encode()), timeout=60),
    "requests generator": lambda url: requests.post(url, data=iter([b"%s" % json.dumps(SENT).encode()]), timeout=60),
    "httpx json=": lambda url: httpx.post(url, json=SENT, verify=False),
    "httpx generator": lambda url: httpx.post(url, content=iter([json.dumps(SENT).encode()]), verify=False),
    "urllib3 json=": lambda url: urllib3.request("POST", url, json=SENT),
    "urllib3 file": lambda url: urllib3.request("POST", url, body=io.BytesIO(json.dumps(SENT).encode())),
    "http.client str": lambda url: _low_level("request", json.dumps(SENT)),
    "http.client list": lambda url: _low_level(
        "request", [b'{"operationName": "UpdateUserData", ', b'"userData": {"A": 2}}']
    ),
    "http.client send": lambda url: _low_level("putrequest", json.dumps(SENT).encode()),
}


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
    """Text, files, iterators and low-level calls all match the recorded body."""
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
            return await got.json(content_type=None)

    with replaying(running):
        assert {"statusCode": 0} == asyncio.run(ask())
    assert ((), ()) == (running.misses, running.unplayed)


def test_cookies_of_a_recorded_response_reach_the_session() -> None:
    """Each of several Set-Cookie fields counts."""
    fields = [("Set-Cookie", "JSESSIONID=one; Path=/"), ("Set-Cookie", "route=two; Path=/")]
    running = playback(*(exchange("GET", "/x", None, {}, response_headers=fields) for _ in range(2)))
    with replaying(running), requests.Session() as session, httpx.Client(verify=False) as client:
        session.get(f"{ANYWHERE}/x", timeout=60)
        client.get(f"{ANYWHERE}/x")
        assert {"JSESSIONID": "one", "route": "two"} == session.cookies.get_dict() == dict(client.cookies)


@pytest.mark.parametrize("name", ["longpoll-js-update", "websocket-faye-js-update"])
@every_client
def test_a_captured_session_plays_to_its_end(ask: Ask, name: str) -> None:
    """Every REST exchange of a real capture returns the recorded bytes."""
    cassette = captured(name).cassette
    running = ReplayRun(cassette)
    with replaying(running):
        for each in cassette.interactions:
            sent = each.request.body or None
            reply = ask(each.request.method, each.request.uri, sent, {"Content-Type": "application/json"})
            assert (each.response.status, as_sent(each.response.body, each.layout)) == (reply.status, reply.body)
    assert ((), ()) == (running.misses, running.unplayed)


@every_client
def test_requests_to_an_allowed_host_go_live(ask: Ask) -> None:
    """For every library and for many threads at once; all others are replayed."""
    running = playback(exchange("GET", "/x", None, {"from": "cassette"}))
    with live_server() as live, replaying(running, ["127.0.0.1"]):
        assert {"from": "live"} == ask("GET", f"{live.url}/y", None, {}).json()
        with ThreadPoolExecutor(4) as threads:
            responses = threads.map(lambda n: ask("GET", f"{live.url}/{n}", None, {}).json()["from"], range(8))
            assert ["live"] * 8 == list(responses)
        assert {"from": "cassette"} == ask("GET", f"{ANYWHERE}/x", None, {}).json()
    assert ("", 9) == (running.problems(), len(live.hits))
