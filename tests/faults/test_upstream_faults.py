"""Servers that break off, clients that disconnect, and a clock that is set back: every response is in the cassette."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import vcr

from gws_replay.core.cassette import Cassette
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.broken_upstreams import Reset, broken_upstream
from tests.support.proxies import PATIENCE, raw_exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nwhole\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = b"large " * 100_000
# The pieces that the server writes; the bodies that a client receives complete.
ANSWERS: dict[str, list[bytes | type[Reset]]] = {
    "dies-in-a-body": [LONG, b"half"],
    "resets-in-a-body": [LONG, b"half", Reset],
    "resets-at-once": [Reset],
    "closes-at-once": [],
    "dies-in-the-headers": [b"HTTP/1.1 200 OK\r\nContent-Le"],
    "dies-in-a-chunk": [CHUNKED, b"5\r\nab"],
    "dies-between-chunks": [CHUNKED, b"5\r\nabcde\r\n"],
    "no-http": [b"\x16\x03\x01 hello\r\n\r\n"],
    "a-length-that-is-none": [b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nwhole"],
    "two-lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nwhole\n"],
    "a-chunk-size-that-is-none": [CHUNKED, b"zz\r\nabc\r\n0\r\n\r\n"],
    "length-and-chunks": [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    "length-too-short": [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole and more"],
    "trickles": [bytes([byte]) for byte in OK],
    "no-length": [b"HTTP/1.1 200 OK\r\n\r\nuntil ", b"the end"],
    "large": [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE), LARGE],
    "latin-path-\xe9": [OK],
}
WHOLE = {
    "length-too-short": b"whole",
    "trickles": b"whole\n",
    "no-length": b"until the end",
    "latin-path-\xe9": b"whole\n",
}
# In the proxy, this sets the clock back by an hour as soon as a file exists.
CLOCK = """
import os, time
_told = time.time
time.time = lambda: _told() - (3600 if os.path.exists({flag!r}) else 0)
"""


@dataclass
class Seen:
    """The responses that the clients received, by path, and what was recorded."""

    responses: dict[str, bytes]
    cassette: Cassette
    path: Path
    notes: list[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One recording with every fault in it, and a good request after each."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "sitecustomize.py").write_text(CLOCK.format(flag=str(folder / "back")))
    gone = threading.Event()

    def reply(path: str) -> Iterator[bytes]:
        name = path.rpartition("/")[2]
        if name == "late":
            assert gone.wait(PATIENCE)
        for piece in ANSWERS.get(name, [OK]):
            if not isinstance(piece, bytes):
                raise piece
            yield piece

    responses: dict[str, bytes] = {}

    def ask(name: str) -> None:
        request = f"GET /api/v2/{name} HTTP/1.1\r\nHost: gws.example\r\nConnection: close\r\n\r\n"
        responses[name] = raw_exchange(recorder.url, request.encode("latin-1"))

    with pytest.MonkeyPatch.context() as patch, broken_upstream(reply) as url:
        patch.setenv("PYTHONPATH", str(folder))
        with Recorder(Settings(cassette=folder / "c.yaml", upstream=url)) as recorder:
            for name in ANSWERS:
                if name != "large":
                    ask(name)
                    ask(f"after-{name}")
            send_and_disconnect(recorder.url, "late", 0)
            gone.set()
            send_and_disconnect(recorder.url, "large", 1000)
            ask("clock-1")
            (folder / "back").touch()
            ask("clock-2")
            (folder / "back").unlink()
            ask("clock-3")
        (saved,) = recorder.saved
        notes = saved["notes"]
    return Seen(responses, load_cassette(folder / "c.yaml"), folder / "c.yaml", notes)


def send_and_disconnect(url: str, name: str, after: int) -> None:
    """Send a request, read so many bytes of the response, and reset the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), PATIENCE) as connection:
        connection.sendall(f"GET /api/v2/{name} HTTP/1.1\r\nHost: gws.example\r\n\r\n".encode())
        while after > 0:
            after -= len(connection.recv(min(after, 65536)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def recorded(seen: Seen) -> dict[str, bytes]:
    """The bodies in the cassette that have a response, by the last part of the path."""
    answered = (each for each in seen.cassette.interactions if each.outcome == "response")
    return {last_part(each.request.path): each.response.body for each in answered}


def last_part(path: str) -> str:
    """The name of a response, as it was sent."""
    return unquote(path.rpartition("/")[2], "latin-1")


def test_each_received_response_is_in_the_cassette(seen: Seen) -> None:
    """Byte for byte, whatever happened before and after it; a response that no client received is not."""
    good = [name for name, reply in seen.responses.items() if reply.startswith(b"HTTP/1.1 200")]
    found = recorded(seen)
    assert set(WHOLE) <= set(good)
    assert sum(name.startswith("after-") for name in good) == len(ANSWERS) - 1
    assert {name: seen.responses[name].partition(b"\r\n\r\n")[2] for name in good if name != "no-length"} == {
        name: body for name, body in found.items() if name not in ("large", "no-length")
    }
    assert WHOLE == {name: body for name, body in found.items() if name in WHOLE}


def test_broken_response_is_not_recorded_as_a_response(seen: Seen) -> None:
    """The proxy reports it to the client and to the user who records."""
    broken = {name for name in ANSWERS if name not in WHOLE and name != "large"}
    assert broken == {name for name, reply in seen.responses.items() if not reply.startswith(b"HTTP/1.1 200")}
    assert all(seen.responses[name].startswith(b"HTTP/1.1 502") for name in broken)
    reported = {last_part(note.split()[3].rstrip(",")) for note in seen.notes if "got no response" in note}
    assert broken <= reported <= broken | {"late", "large"}
    lost = {last_part(each.request.path) for each in seen.cassette.interactions if each.outcome != "response"}
    assert reported == lost


def test_cassette_is_complete(seen: Seen) -> None:
    """Plain vcrpy can read it too, and no journal is left."""
    with vcr.VCR(record_mode="none").use_cassette(str(seen.path)) as plain:
        assert len(plain.requests) == len(seen.cassette.interactions)
    assert not seen.path.with_name("c.yaml.journal").exists()


def test_clock_that_is_set_back_changes_no_order(seen: Seen) -> None:
    """Later exchanges are later in the cassette, with their real durations."""
    names = [each.request.path.rpartition("/")[2] for each in seen.cassette.interactions]
    assert ["clock-1", "clock-2", "clock-3"] == names[-3:]
    times = [moment for each in seen.cassette.interactions[-3:] for moment in (each.began, each.ended)]
    assert sorted(times) == times
    assert times[-1] - times[0] < 600
