"""Connections of the replay server that nobody uses: they are closed in bounded time, by whichever way they came."""

import socket
from collections.abc import Iterator

import pytest

from gws_replay.server import ServedPlayback, serving
from tests.builders import NOTIFICATIONS, cassette, exchange
from tests.raw_sockets import connected, post, upgrade

IDLE = 0.2
PATIENCE = 60
PLAIN = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
SPECIAL = b"GET /x HTTP/1.1\r\nHost: localhost\r\nOrigin: http://desktop.example\r\n\r\n"


@pytest.fixture
def playback() -> Iterator[ServedPlayback]:
    """Two requests that are answered at once, and one that takes longer than a connection may be idle."""
    quick = [exchange("GET", "/x", None, {"n": n}, began=float(n), ended=float(n)) for n in range(2)]
    slow = exchange("GET", "/slow", None, {"n": 9}, began=3.0, ended=3.0 + 3 * IDLE)
    made = ServedPlayback(cassette(*quick, slow), timing="recorded")
    with serving(made, idle=IDLE):
        yield made
    assert [] == made.faults


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    connection.settimeout(PATIENCE)
    got = b""
    while piece := connection.recv(65536):
        got += piece
    return got


@pytest.mark.parametrize("asked", [b"", PLAIN, SPECIAL], ids=["never used", "plain", "by aiohttp"])
def test_a_connection_that_nobody_uses_is_closed(playback: ServedPlayback, asked: bytes) -> None:
    """After its last answer, if there was one."""
    with connected(playback.url) as connection:
        connection.sendall(asked)
        assert (b"200 OK" in rest_of(connection)) == bool(asked)


@pytest.mark.parametrize(
    ("begun", "answer"),
    [
        (b"GET /x HTTP/1.1\r\nX: ", b""),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", b""),
        (SPECIAL + b"GET /x HTTP/1.1\r\nX: ", b"HTTP/1.1 200 OK\r\n"),
        (
            b"POST /x HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example\r\nContent-Length: 100000\r\n\r\n",
            b"HTTP/1.1 408 Request Timeout\r\n",
        ),
    ],
    ids=["head", "body", "head by aiohttp", "body by aiohttp"],
)
def test_a_request_that_trickles_for_ever_is_cut_off(playback: ServedPlayback, begun: bytes, answer: bytes) -> None:
    """However often another byte of it comes."""
    with connected(playback.url) as connection:
        connection.sendall(begun)
        connection.settimeout(IDLE / 10)
        got = b""
        for _ in range(1000):
            try:
                if not (piece := connection.recv(65536)):
                    break
                got += piece
            except TimeoutError:
                connection.sendall(b"a")
            except ConnectionError:  # what it had sent last came too late to be read
                break
        else:
            pytest.fail("it was not cut off")
        assert got.startswith(answer)
        assert bool(answer) == bool(got)


def test_what_is_answered_late_is_not_idle(playback: ServedPlayback) -> None:
    """The answer takes longer than a connection may be idle."""
    with connected(playback.url) as connection:
        connection.sendall(PLAIN + PLAIN + PLAIN.replace(b"/x", b"/slow"))
        assert 3 == rest_of(connection).count(b"HTTP/1.1 200 OK\r\n")


def test_held_connects_and_websockets_are_not_idle(playback: ServedPlayback) -> None:
    """They outlive others that are idle, and go on."""
    hello = [{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]
    with connected(playback.url) as polling, connected(playback.url) as pushing:
        pushing.sendall(upgrade(NOTIFICATIONS))
        assert pushing.recv(65536).startswith(b"HTTP/1.1 101 ")
        polling.sendall(post(NOTIFICATIONS, hello))
        client = polling.recv(65536).partition(b'"clientId":"')[2].partition(b'"')[0].decode()
        connect = [{"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"}]
        polling.sendall(post(NOTIFICATIONS, connect))
        assert b'"successful":true' in polling.recv(65536)
        polling.sendall(post(NOTIFICATIONS, connect))
        for _ in range(3):
            with connected(playback.url) as idle:
                assert b"" == rest_of(idle)
        for held in (polling, pushing):
            held.settimeout(0)
            with pytest.raises(BlockingIOError):
                held.recv(1)
