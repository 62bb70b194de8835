"""What clients of urllib3 and requests do with a connection that sends to the cassette instead of the network."""

import asyncio
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from types import ModuleType

import pytest
import requests
import urllib3
import vcr
from urllib3.connection import HTTPConnection

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange
from gws_replay.errors import GwsReplayError, ReplayMiss
from gws_replay.interception.interceptor import intercepted, replaying
from gws_replay.interception.patching import Patches
from gws_replay.interception.urllib3_connection import swaps_of_async
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.pytest_plugin.recordings import InProcessRecording
from tests.support.builders import exchange
from tests.support.clients import ANYWHERE

BODY = {"statusCode": 0}


def playback(*exchanges: Exchange) -> ReplayRun:
    return ReplayRun(Cassette(interactions=exchanges))


def test_urllib3_retries_as_it_does_live() -> None:
    """After a recorded 503 if the client is set to retry, and after a Location if it follows redirects."""
    running = playback(
        exchange("GET", "/x", None, b"busy", status=503, began=0.0),
        exchange("GET", "/x", None, b"", status=302, response_headers=[("Location", "/y")], began=1.0),
        exchange("GET", "/y", None, BODY, began=2.0),
    )
    retries = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)
    with replaying(running), urllib3.PoolManager(retries=retries) as pool:
        response = pool.request("GET", f"{ANYWHERE}/x")
    assert (200, BODY, 2) == (
        response.status,
        response.json(),
        len(response.retries.history if response.retries else ()),
    )
    assert () == running.unplayed


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_request_through_a_proxy_is_replayed(scheme: str) -> None:
    """With a proxy, a connection receives a whole address, or a request for a tunnel."""
    running = playback(exchange("GET", "/x", None, BODY))
    proxies = {"http": "http://proxy.example:3128", "https": "http://proxy.example:3128"}
    with replaying(running):
        assert BODY == requests.get(f"{scheme}://gws.example/x", proxies=proxies, timeout=60).json()
        with suppress(ReplayMiss):
            requests.get(f"{scheme}://gws.example/y", proxies=proxies, timeout=60)
    assert ((), []) == (running.unplayed, running.blocked)
    assert [f"{scheme}://gws.example/y"] == [miss.request.uri for miss in running.misses]


def test_the_address_is_that_of_the_request() -> None:
    """The port is included unless it is the default one, and IPv6 is in brackets."""
    running = playback(exchange("GET", "/x", None, BODY))
    addresses = ["http://gws.example/a", "https://gws.example:8443/b?c=1", "http://[::1]:8080/d"]
    with replaying(running):
        for address in addresses:
            with suppress(ReplayMiss):
                requests.get(address, timeout=60)
    assert addresses == [miss.request.uri for miss in running.misses]


@pytest.mark.parametrize(
    ("name", "value"),
    [("Content-Length", "99"), ("Content-Encoding", "br"), ("Transfer-Encoding", "chunked")],
)
def test_the_body_is_what_was_recorded(name: str, value: str) -> None:
    """Whatever the header fields say: people edit cassettes, and vcrpy stores bodies decoded."""
    running = playback(*(exchange("GET", "/x", None, b"\x8b\x00body", response_headers=[(name, value)]) for _ in "ab"))
    with replaying(running), requests.get(f"{ANYWHERE}/x", timeout=60, stream=True) as response:
        assert [b"\x8b\x00b", b"ody"] == list(response.iter_content(3))
        assert (11, "OK") == (response.raw.version, response.raw.reason)
        again = urllib3.PoolManager().request("GET", f"{ANYWHERE}/x", preload_content=False)
        assert [b"\x8b\x00bo", b"dy"] == list(iter(lambda: again.read(4), b""))


def test_a_connection_goes_back_to_its_pool() -> None:
    """A blocking pool of one connection serves one request after the other, whether they are read or only closed."""
    running = playback(*(exchange("POST", "/x", {"n": n}, {"n": n}) for n in range(3)))
    with replaying(running), urllib3.HTTPConnectionPool("gws.example", maxsize=1, block=True, timeout=60) as pool:
        for n in range(3):
            response = pool.request("POST", "/x", json={"n": n}, preload_content=n == 0, pool_timeout=60)
            assert {"n": n} == response.json()
        assert 1 == pool.num_connections


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_innermost_of_our_cassette_and_a_vcrpy_cassette_responds(scheme: str, tmp_path: Path) -> None:
    """The outer one responds again when the inner one has ended."""
    running = playback(exchange("GET", "/x", None, BODY))
    with vcr.VCR(record_mode="none").use_cassette(str(tmp_path / "outer.yaml")):
        with replaying(running):
            assert BODY == requests.get(f"{scheme}://gws.example/x", timeout=60).json()
        with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
            requests.get(f"{scheme}://gws.example/x", timeout=60)


def test_connection_of_a_foreign_class_is_not_replayed() -> None:
    """A connection of its own class, to a Unix socket for instance."""
    ours, theirs = socket.socketpair()

    class Local(HTTPConnection):
        def connect(self) -> None:
            self.sock = ours

    running = playback()
    with theirs, replaying(running):
        connection = Local("localhost")
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlocal")
        connection.request("GET", "/x")
        assert b"local" == connection.getresponse().data
        connection.close()
    assert ((), []) == (running.misses, running.blocked)


def test_asynchronous_connections_of_urllib3_future_are_refused_while_recording(tmp_path: Path) -> None:
    """Except to allowed hosts. niquests, which has them, replaces urllib3: so a stand-in has its class here."""

    class Connection:
        def __init__(self, host: str) -> None:
            self.host = host

        async def connect(self) -> None:
            """Reach the host."""

    module = ModuleType("urllib3._async.connection")
    vars(module).update(AsyncHTTPConnection=Connection, AsyncHTTPSConnection=type("Secure", (Connection,), {}))
    recording = InProcessRecording(tmp_path / "a.yaml", allowed_hosts=["allowed.example"], opens_late=True)
    with ExitStack() as patched:
        patched.enter_context(Patches(lambda: tuple(swaps_of_async(module))).installed())
        patched.enter_context(intercepted(recording))
        asyncio.run(module.AsyncHTTPConnection("allowed.example").connect())
        for kind in (module.AsyncHTTPConnection, module.AsyncHTTPSConnection):
            with pytest.raises(GwsReplayError, match=r"to gws\.example cannot be recorded inside the test process"):
                asyncio.run(kind("gws.example").connect())
    asyncio.run(module.AsyncHTTPConnection("gws.example").connect())
