"""The replay server over real sockets: REST responses, its own tokens and address, the control endpoint."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gws_replay.core.body_layout import as_sent
from gws_replay.core.model import Exchange, Outcome, Request
from gws_replay.server.server import ServedRun, serving
from tests.support.builders import NOTIFICATIONS, SESSIONS, TOPIC, cassette, exchange, get, push, update
from tests.support.commands import captured, small

SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}
CALM = 20


@pytest.fixture
def played() -> Iterator[ServedRun]:
    """The small cassette, served."""
    playback = ServedRun(small().named("some.yaml"))
    with serving(playback):
        yield playback


def state(playback: ServedRun) -> Any:
    """Return the state that the control endpoint shows."""
    return requests.get(f"{playback.url}/__gws_replay__", timeout=CALM).json()


def test_every_response_of_a_capture_arrives() -> None:
    """Status, body and fields, except tokens and fields of a connection."""
    recorded = captured("longpoll-js-family").cassette
    playback = ServedRun(recorded)
    with serving(playback, keep_uris=True), requests.Session() as session:
        for each in recorded.interactions:
            url = each.request.uri.replace(each.request.uri.partition("/api/")[0], playback.url)
            reply = session.request(each.request.method, url, data=each.request.body, timeout=CALM)
            assert (each.response.status, each.response.reason) == (reply.status_code, reply.reason)
            assert as_sent(each.response.body, each.layout) == reply.content
            assert each.response.headers.get("content-type") == reply.headers.get("content-type")
    assert "" == playback.problems()


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [("GET", 200, bytes(range(256))), ("POST", 204, b""), ("GET", 304, b""), ("HEAD", 200, b""), ("DELETE", 404, b"x")],
)
def test_odd_responses_arrive(method: str, status: int, body: bytes) -> None:
    """Binary, empty and bodiless ones, with recorded fields of the connection replaced by the server's own."""
    fields = [("Content-Length", "999"), ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("X-Kept", "1")]
    playback = ServedRun(cassette(exchange(method, "/x", None, body, status=status, response_headers=fields)))
    with serving(playback):
        reply = requests.request(method, f"{playback.url}/x", timeout=CALM)
    assert (status, body, "1") == (reply.status_code, reply.content, reply.headers["X-Kept"])
    assert "" == playback.problems()


def test_recorded_tokens_become_the_users_own() -> None:
    """The session cookie where it was recorded, and a CSRF token under the name that the recording gives it."""
    fields = [
        *(("X-CSRF-HEADER", "X-GWS-TOKEN"), ("X-GWS-TOKEN", "<redacted:x-gws-token>")),
        ("Set-Cookie", "JSESSIONID=<redacted:JSESSIONID>; Path=/"),
    ]
    playback = ServedRun(cassette(exchange("GET", "/api/v2/me", None, {}, response_headers=fields)))
    with serving(playback), requests.Session() as session:
        first = session.get(f"{playback.url}/api/v2/me", timeout=CALM)
        second = session.get(f"{playback.url}/api/v2/me", timeout=CALM)
    assert first.headers["X-GWS-TOKEN"] == second.headers["X-GWS-TOKEN"]
    assert "redacted" not in str(first.headers)
    assert first.cookies["JSESSIONID"] == second.cookies["JSESSIONID"]
    assert 1 == first.headers["Set-Cookie"].count("JSESSIONID")


def test_without_a_recorded_session_cookie_a_client_gets_one_once() -> None:
    """A WebSocket of a browser is known by it."""
    run = ServedRun(
        cassette(exchange("GET", "/api/v2/me", None, {}, response_headers=[("Set-Cookie", "lang=de; Path=/")]))
    )
    with serving(run), requests.Session() as session:
        responses = [session.get(f"{run.url}/api/v2/me", timeout=CALM) for _ in range(2)]
    assert [["JSESSIONID", "lang"], ["lang"]] == [sorted(each.cookies.keys()) for each in responses]


def test_user_is_identified_by_name_or_by_the_session() -> None:
    """Other passwords and the cookie alone lead to the same run, another name to one of its own."""
    playback = ServedRun(cassette(*(exchange("POST", "/x", None, {"n": n}, began=float(n)) for n in range(4))))
    with serving(playback):
        url = f"{playback.url}/x"
        first = requests.post(url, auth=("one", "a"), timeout=CALM)
        responses = [
            first,
            requests.post(url, auth=("one", "b"), timeout=CALM),
            requests.post(url, cookies=first.cookies, timeout=CALM),
            requests.post(url, headers={"Authorization": "Bearer x"}, cookies=first.cookies, timeout=CALM),
            requests.post(url, auth=("two", "a"), timeout=CALM),
            requests.post(url, headers={"Authorization": "Bearer y"}, timeout=CALM),
        ]
        assert [0, 1, 2, 3, 0, 0] == [each.json()["n"] for each in responses]
        assert 3 == state(playback)["users"]


@pytest.mark.parametrize("keep", [True, False])
def test_recorded_addresses_become_the_servers_own(keep: bool) -> None:
    """In responses, fields and notifications, but not in userData, which is the client's; or not at all."""
    other = "https://gws.corp.example:8443/api/v2/me/x"
    shown = {"uri": other, "path": "/me/x", "userData": {"link": other}, "note": f"see {other}", "more": ["http:x", {}]}
    answered = exchange("POST", "/x", None, shown, status=201, response_headers=[("Location", other)])
    playback = ServedRun(cassette(answered, push({"link": other}, seen=0.5, uri=other)))
    with serving(playback, keep_uris=keep):
        own = other if keep else f"{playback.url}/api/v2/me/x"
        reply = requests.post(f"{playback.url}/x", timeout=CALM)
        (pushed,) = poll(playback)
    assert {**shown, "uri": own} == reply.json()
    assert own == reply.headers["Location"]
    assert {"id": "S1", "uri": own, "userData": {"link": other}} == pushed["facebooksession"]


def poll(playback: ServedRun) -> list[Any]:
    """Return the notifications of a client that sends a handshake, subscribes and connects."""
    url = playback.url + NOTIFICATIONS
    client = requests.post(url, json=[{"channel": "/meta/handshake"}], timeout=CALM).json()[0]["clientId"]
    batch = [
        {"channel": "/meta/subscribe", "clientId": client, "subscription": "/**"},
        {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"},
    ]
    responses = requests.post(url, json=batch, timeout=CALM).json()
    responses += requests.post(url, json=[{**batch[1], "advice": {"timeout": 500}}], timeout=CALM).json()
    return [each["data"] for each in responses if each["channel"] == TOPIC]


def test_miss_returns_501_with_the_difference(played: ServedRun) -> None:
    """In the form of a GWS error, with the nearest recorded request; the playback stores it."""
    body = {**SENT, "userData": {"A": "2"}}
    reply = requests.post(f"{played.url}{SESSIONS}/S1", json=body, auth=("agent", "topsecret"), timeout=CALM)
    assert (501, 4) == (reply.status_code, reply.json()["statusCode"])
    assert reply.json()["statusMessage"].startswith(f"POST {SESSIONS}/S1 UpdateUserData has no response in some.yaml")
    details = reply.json()["gws_replay"]
    assert ("no_match", 1) == (details["reason"], details["nearest"])
    assert [{"part": "body.userData.A", "sent": '"2"', "recorded": "2"}] == details["differences"]
    assert [details] == state(played)["missed"]
    assert reply.json()["statusMessage"] in played.problems()


def test_a_rest_resource_called_notifications_is_rest() -> None:
    """Its body decides, not its address; CometD works at the same address."""
    marked = exchange("POST", NOTIFICATIONS, {"operationName": "MarkRead"}, {"statusCode": 0})
    run = ServedRun(cassette(marked, push({"A": 1}, seen=1)))
    with serving(run):
        reply = requests.post(run.url + NOTIFICATIONS, json={"operationName": "MarkRead"}, timeout=CALM)
        (pushed,) = poll(run)
    assert {"statusCode": 0} == reply.json()
    assert {"A": 1} == pushed["facebooksession"]["userData"]


def test_expectation_waits_for_a_client_in_another_process(played: ServedRun) -> None:
    """The block may end before the client has sent its request."""
    requests.get(f"{played.url}{SESSIONS}?fields=*", timeout=CALM)
    begun = threading.Event()

    def late() -> None:
        begun.wait(CALM)
        requests.post(f"{played.url}{SESSIONS}/S1", json=SENT, timeout=CALM)

    client = threading.Thread(target=late)
    client.start()
    with played.expect_userdata("S1", changed={"A": 2}):
        begun.set()
    client.join()


def test_two_cassettes_are_played_in_their_order() -> None:
    """If both have a response, the first returns it until it has none left; each keeps its own notifications."""
    one = cassette(get({"A": 1}, began=0), update({"A": 2}, began=1), push({"A": 2}, seen=2)).named("one.yaml")
    two = cassette(get({"A": 5}, began=0), update({"A": 6}, began=1), push({"A": 6}, seen=2)).named("two.yaml")
    playback = ServedRun(one, two)
    with serving(playback):
        shown = [requests.get(f"{playback.url}{SESSIONS}?fields=*", timeout=CALM).json() for _ in range(3)]
        for value in (6, 2):
            body = {"operationName": "UpdateUserData", "userData": {"A": value}}
            requests.post(f"{playback.url}{SESSIONS}/S1", json=body, timeout=CALM)
        pushed = poll(playback)
    assert [1, 5, 1] == [each["facebooksessions"][0]["userData"]["A"] for each in shown]
    assert [6, 2] == [each["facebooksession"]["userData"]["A"] for each in pushed]
    assert "" == playback.problems()
    assert "one.yaml, two.yaml" == playback.name


@pytest.mark.parametrize("outcome", ["silence", "broken"])
@pytest.mark.parametrize("headers", [{}, {"Origin": "http://desktop.example"}], ids=["fast", "aiohttp"])
def test_a_request_that_got_no_response_gets_none(outcome: Outcome, headers: dict[str, str]) -> None:
    """Silence lasts until the client gives up; a broken connection breaks. The next request gets its response."""
    request = Request(method="GET", uri="http://gws.example/api/v2/me")
    silent = Exchange.without_response(request, 0.0, 30.0, outcome)
    run = ServedRun(cassette(silent, exchange("GET", "/api/v2/me", None, {}, began=31)))
    with serving(run, silence=CALM), requests.Session() as session:
        error = requests.ReadTimeout if outcome == "silence" else requests.ConnectionError
        with pytest.raises(error):
            session.get(f"{run.url}/api/v2/me", headers=headers, timeout=1 if outcome == "silence" else CALM)
        assert 200 == session.get(f"{run.url}/api/v2/me", headers=headers, timeout=CALM).status_code
    assert "" == run.problems()


def test_silence_is_bounded() -> None:
    """A client that never gives up sees its connection close."""
    request = Request(method="GET", uri="http://gws.example/api/v2/me")
    run = ServedRun(cassette(Exchange.without_response(request, 0.0, 30.0, "silence")))
    with serving(run, silence=0.05), pytest.raises(requests.ConnectionError):
        requests.get(f"{run.url}/api/v2/me", timeout=CALM)
    assert "" == run.problems()
