"""Idle connections of the replay server are closed in bounded time, on either path."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import requests

from gws_replay.server.server import ServedRun, serving
from tests.support.builders import NOTIFICATIONS, cassette, exchange
from tests.support.raw_sockets import connected, post, upgrade

IDLE = 0.5
PATIENCE = 60
PLAIN = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
SPECIAL = b"GET /x HTTP/1.1\r\nHost: localhost\r\nOrigin: http://desktop.example\r\n\r\n"


@pytest.fixture
def playback() -> Iterator[ServedRun]:
    """Two requests that are answered at once, and one that takes longer than a connection may be idle."""
    quick = [exchange("GET", "/x", None, {"n": n}, began=float(n), ended=float(n)) for n in range(2)]
    slow = exchange("GET", "/slow", None, {"n": 9}, began=3.0, ended=3.0 + 2 * IDLE)
    built = ServedRun(cassette(*quick, slow), timing="recorded")
    with serving(built, idle=IDLE):
        yield built
    assert [] == built.faults


def rest_of(connection: socket.socket) -> bytes:
    """Everything that comes until the other end closes."""
    connection.settimeout(PATIENCE)
    got = b""
    while piece := connection.recv(65536):
        got += piece
    return got


def test_idle_connection_is_closed(playback: ServedRun) -> None:
    """After its last response, if there was one, plain or by aiohttp."""
    for request, connection in begun(playback, b"", PLAIN, SPECIAL):
        assert (b"200 OK" in rest_of(connection)) == bool(request)


def test_a_request_that_trickles_for_ever_is_cut_off(playback: ServedRun) -> None:
    """However often another byte comes: in head or body, plain or by aiohttp."""
    body = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    begun_so = (
        *(b"GET /x HTTP/1.1\r\nX: ", body + b"\r\n", SPECIAL + b"GET /x HTTP/1.1\r\nX: "),
        body + b"Origin: http://a.example\r\n\r\n",
    )
    responses = b"", b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 408 Request Timeout\r\n"
    for response, (_, connection) in zip(responses, begun(playback, *begun_so), strict=True):
        got = trickled(connection)
        assert (bool(response), True) == (bool(got), got.startswith(response))


def begun(playback: ServedRun, *request: bytes) -> Iterator[tuple[bytes, socket.socket]]:
    """Connections that are all opened at once, each with what was sent first."""
    with ExitStack() as stack:
        opened = []
        for each in request:
            connection = stack.enter_context(connected(playback.url))
            connection.sendall(each)
            opened.append((each, connection))
        yield from opened


def trickled(connection: socket.socket) -> bytes:
    """Send one byte again and again until the other end closes; return what came back."""
    connection.settimeout(IDLE / 10)
    got = b""
    for _ in range(1000):
        try:
            if not (piece := connection.recv(65536)):
                return got
            got += piece
        except TimeoutError:
            with suppress(ConnectionError):
                connection.sendall(b"a")
        except ConnectionError:  # what it had sent last came too late to be read
            return got
    pytest.fail("it was not cut off")


def test_a_late_response_is_not_idle(playback: ServedRun) -> None:
    """The response takes longer than a connection may be idle."""
    with connected(playback.url) as connection:
        connection.sendall(PLAIN + PLAIN + PLAIN.replace(b"/x", b"/slow"))
        assert 3 == rest_of(connection).count(b"HTTP/1.1 200 OK\r\n")


def test_held_connects_and_websockets_are_not_idle(playback: ServedRun) -> None:
    """They outlive others that are idle, and go on."""
    hello = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
    (reply,) = requests.post(playback.url + NOTIFICATIONS, json=[hello], timeout=PATIENCE).json()
    connect = [{"channel": "/meta/connect", "clientId": reply["clientId"], "connectionType": "long-polling"}]
    with connected(playback.url) as polling, connected(playback.url) as pushing:
        pushing.sendall(upgrade(NOTIFICATIONS))
        polling.sendall(post(NOTIFICATIONS, connect) * 2)  # the second is held
        assert pushing.recv(65536).startswith(b"HTTP/1.1 101 ")
        assert 1 == polling.recv(65536).count(b'"successful":true')
        for _ in range(2):
            with connected(playback.url) as idle:
                assert b"" == rest_of(idle)
        for held in (polling, pushing):
            held.settimeout(0)
            with pytest.raises(BlockingIOError):
                held.recv(1)
