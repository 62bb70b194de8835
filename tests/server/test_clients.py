"""Clients of every kind at the replay server: pages, TLS, proxies, hand-written HTTP, callback-polling."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from gws_replay.server.server import ServedRun, serving
from gws_replay.web.listening import certificate_for
from tests.support.builders import NOTIFICATIONS, SESSIONS
from tests.support.commands import small

SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}
CALM = 20


@pytest.fixture
def played() -> Iterator[ServedRun]:
    """The small cassette, served."""
    playback = ServedRun(small().named("some.yaml"))
    with serving(playback):
        yield playback


def test_a_page_of_another_origin_may_be_a_client(played: ServedRun) -> None:
    """The preflight and the responses allow its origin, its credentials and its fields."""
    origin = {"Origin": "http://desktop.example"}
    sent = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-csrf-token"}
    allowed = requests.options(f"{played.url}{SESSIONS}/S1", headers={**origin, **sent}, timeout=CALM)
    response = requests.post(f"{played.url}{SESSIONS}/S1", json=SENT, headers=origin, timeout=CALM)
    missed = requests.post(f"{played.url}/nowhere", headers=origin, timeout=CALM)
    hello = requests.post(
        played.url + NOTIFICATIONS, json=[{"channel": "/meta/handshake"}], headers=origin, timeout=CALM
    )
    assert 204 == allowed.status_code
    assert "authorization,x-csrf-token" == allowed.headers["Access-Control-Allow-Headers"]
    for each in (allowed, response, missed, hello):
        assert "http://desktop.example" == each.headers["Access-Control-Allow-Origin"]
        assert "true" == each.headers["Access-Control-Allow-Credentials"]
    assert (200, 501, 200) == (response.status_code, missed.status_code, hello.status_code)


def test_tls_with_a_new_certificate(tmp_path: Path) -> None:
    """Only clients with the CA trust it."""
    context, authority = certificate_for("127.0.0.1", tmp_path)
    playback = ServedRun(small())
    with serving(playback, tls=context):
        assert playback.url.startswith("https://localhost:")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{playback.url}{SESSIONS}?fields=*", timeout=CALM)
        with requests.Session() as client:
            sent: list[tuple[str, str, bytes]] = [
                ("GET", f"{SESSIONS}?fields=*", b""),
                ("POST", "/x", b"x" * 300_000),
                ("GET", "/__gws_replay__", b""),  # by aiohttp, on the same connection
            ]
            codes = [
                client.request(method, playback.url + path, data=body, verify=str(authority), timeout=CALM).status_code
                for method, path, body in sent
            ]
    assert [200, 501, 200] == codes


def raw(playback: ServedRun, head: str, body: str = "") -> bytes:
    """Return the response to an HTTP request written by hand."""
    address = urlsplit(playback.url)
    with socket.create_connection(("127.0.0.1", address.port or 0), CALM) as connection:
        connection.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        got = b""
        if body:
            got = connection.recv(4096)
            connection.sendall(body.encode())
        while chunk := connection.recv(65536):
            got += chunk
    return got


def test_expect_100_continue_is_supported(played: ServedRun) -> None:
    """As clients on .NET and curl use it."""
    body = json.dumps(SENT)
    length = f"Content-Length: {len(body)}\r\nExpect: 100-continue"
    got = raw(played, f"POST {SESSIONS}/S1 HTTP/1.1\r\nHost: localhost\r\n{length}", body)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_server_can_be_used_as_an_http_proxy(played: ServedRun) -> None:
    """The request then has the whole address."""
    got = raw(played, f"GET http://gws.example{SESSIONS}?fields=* HTTP/1.1\r\nHost: gws.example")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert () == played.misses


def test_a_host_field_that_is_not_a_name_is_refused(played: ServedRun) -> None:
    """It would be copied into the addresses of responses."""
    got = raw(played, f'GET {SESSIONS}?fields=* HTTP/1.1\r\nHost: a"b')
    assert got.startswith(b"HTTP/1.1 400 ")
    assert () == played.misses


def test_callback_polling_calls_the_function(played: ServedRun) -> None:
    """A page of the oldest kind gets a script."""
    message = json.dumps([{"channel": "/meta/handshake", "supportedConnectionTypes": ["callback-polling"]}])
    response = requests.get(played.url + NOTIFICATIONS, params={"jsonp": "cb_1", "message": message}, timeout=CALM)
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.text.startswith('/**/cb_1([{"channel":"/meta/handshake","successful":true,"clientId":')
    wrong = requests.get(played.url + NOTIFICATIONS, params={"jsonp": "alert(1)", "message": message}, timeout=CALM)
    assert 400 == wrong.status_code
