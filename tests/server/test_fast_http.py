"""Plain HTTP/1.1 over real sockets, cut at any byte, with special requests between."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gws_replay.server.server import ServedRun, serving
from tests.support.builders import NOTIFICATIONS, SESSIONS, cassette, exchange
from tests.support.commands import saved
from tests.support.raw_sockets import connected

COUNT = 20
PATIENCE = 60
PLAYED = cassette(*(exchange("POST", "/x", {"n": n}, {"number": n}, began=float(n)) for n in range(COUNT)))


@contextmanager
def served() -> Iterator[tuple[ServedRun, socket.socket]]:
    """A playback of many requests, and a connection to it."""
    playback = ServedRun(PLAYED)
    with serving(playback), connected(playback.url) as connection:
        connection.settimeout(PATIENCE)
        yield playback, connection


def plain_request(number: int, *fields: str, path: str = "/x") -> bytes:
    """Return the bytes of a request."""
    body = json.dumps({"n": number})
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*lines, "", body]).encode()


def chunked(number: int) -> bytes:
    """Return the bytes of a request whose body has no length."""
    body = json.dumps({"n": number})
    lines = ["POST /x HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", ""]
    return "\r\n".join([*lines, f"{len(body):x}", body, "0", "", ""]).encode()


def numbers(connection: socket.socket, count: int) -> list[int]:
    """The numbers in so many responses, in the order of arrival."""
    got = b""
    while len(found := re.findall(rb'"number":\s*(\d+)', got)) < count:
        piece = connection.recv(65536)
        assert piece, got
        got += piece
    assert count == got.count(b"HTTP/1.1 200 OK\r\n")
    return [int(each) for each in found]


def test_pipelined_requests_get_their_responses_in_order() -> None:
    """All of them, though none of the responses was read before."""
    with served() as (playback, connection):
        connection.sendall(b"".join(map(plain_request, range(COUNT))))
        assert list(range(COUNT)) == numbers(connection, COUNT)
    assert "" == playback.problems()


def test_a_request_may_be_longer_than_what_is_read_at_once() -> None:
    """Its body is joined, and the request after it is not lost."""
    long = {"n": 0, "long": "x" * 300_000}
    played = cassette(exchange("POST", "/x", long, {"number": 0}), exchange("POST", "/x", {"n": 1}, {"number": 1}))
    playback = ServedRun(played)
    body = json.dumps(long).encode()
    request = f"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with serving(playback), connected(playback.url) as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(request + plain_request(1))
        assert [0, 1] == numbers(connection, 2)
    assert "" == playback.problems()


ON_ITS_OWN = """
import http.client, sys
import gws_replay.cli.commands.serve
from gws_replay import load_cassette
from gws_replay.server.server import ServedRun, serving
with serving(ServedRun(load_cassette(sys.argv[1]))) as running:
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
    for ask in (("POST", "/x", '{"n": 0}'), ("GET", "/__gws_replay__")):
        connection.request(*ask)
        answer = connection.getresponse()
        print(answer.status, "aiohttp" in sys.modules)
        answer.read()
"""


def test_what_plain_requests_do_not_need_is_not_imported(tmp_path: Path) -> None:
    """aiohttp takes longer than the rest of the start; the first special request imports it."""
    path = saved(PLAYED, tmp_path / "some.yaml")
    ran = subprocess.run([sys.executable, "-c", ON_ITS_OWN, path], capture_output=True, text=True, check=True)
    assert ["200", "False", "200", "True"] == ran.stdout.split()


def test_a_request_may_come_byte_by_byte() -> None:
    """It is answered when it is whole, and the next one after it."""
    with served() as (_, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in plain_request(0):
            connection.sendall(bytes([byte]))
        assert [0] == numbers(connection, 1)
        connection.sendall(plain_request(1))
        assert [1] == numbers(connection, 1)


@pytest.mark.parametrize(
    "special",
    [
        chunked(1),
        plain_request(1, "Expect: 100-continue"),
        plain_request(1, "Origin: http://desktop.example"),
        plain_request(1).replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nX-Odd:\tfolded\r\n", 1),
        plain_request(1).replace(b"/x ", b"http://gws.example/x ", 1),
    ],
    ids=["chunked", "expect", "origin", "tab", "proxy"],
)
def test_a_special_request_between_plain_ones_keeps_its_place(special: bytes) -> None:
    """Also the requests after it on the same connection."""
    with served() as (playback, connection):
        connection.sendall(plain_request(0) + special + plain_request(2) + plain_request(3))
        assert [0, 1, 2, 3] == numbers(connection, 4)
    assert [] == playback.faults


def test_bayeux_and_rest_share_a_connection() -> None:
    """In any order."""
    hello = json.dumps([{"channel": "/meta/handshake", "version": "1.0"}])
    head = f"POST {NOTIFICATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(hello)}\r\n\r\n"
    with served() as (_, connection):
        connection.sendall(plain_request(0))
        assert [0] == numbers(connection, 1)
        connection.sendall((head + hello).encode())
        assert b'"successful":true' in connection.recv(65536)
        connection.sendall(plain_request(1))
        assert [1] == numbers(connection, 1)


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n{} ", b"400"),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /x HTTP/1.1\r\nHost : localhost\r\n\r\n", b"400"),
        (b"no HTTP at all\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"400"),
    ],
    ids=["two lengths", "a negative length", "a space in a name", "no HTTP", "a long field"],
)
def test_bytes_that_are_not_http_are_refused(spoilt: bytes, status: bytes) -> None:
    """The server goes on."""
    with served() as (playback, connection):
        connection.sendall(spoilt)
        assert status == connection.recv(65536).split(b" ")[1]
        with connected(playback.url) as other:
            other.sendall(plain_request(0))
            assert [0] == numbers(other, 1)


def test_recorded_field_with_a_line_break_is_an_error() -> None:
    """The client gets a 500, and the test fails with the reason."""
    playback = ServedRun(cassette(exchange("GET", SESSIONS, None, {}, response_headers=[("X-Bad", "a\r\nb")])))
    with serving(playback), connected(playback.url) as connection:
        connection.sendall(f"GET {SESSIONS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 500 ")
    (fault,) = playback.faults
    assert fault.startswith(f"the replay server failed: GET {SESSIONS}: ValueError: a recorded header field")


def test_a_response_that_is_waited_for_is_given_up_at_the_end() -> None:
    """The server stops at once, and the connection of the client is closed."""
    slow = exchange("GET", "/slow", None, {}, began=0.0, ended=600.0)
    playback = ServedRun(cassette(slow), timing="recorded")
    with serving(playback):
        connection = connected(playback.url)
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert playback.wait_for_change(PATIENCE, lambda: playback.sessions.has_begun)
    with connection, suppress(ConnectionResetError):
        assert b"" == connection.recv(1)
    assert [] == playback.faults
