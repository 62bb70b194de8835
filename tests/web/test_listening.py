"""Listening on an address: wrong addresses, TLS, a thread of its own, the end by a signal."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from gws_replay.errors import GwsReplayError
from gws_replay.web.listening import Listening, certificate_for, in_a_thread, listen, serve_until_stopped

CALM = 20


@dataclass
class Hello:
    """A server that returns hello."""

    listening: Listening
    server: web.Server
    ended: list[str] = field(default_factory=list)

    async def close(self) -> None:
        self.listening.close()
        self.server.pre_shutdown()
        await self.server.shutdown(CALM)
        self.ended.append(threading.current_thread().name)

    @property
    def url(self) -> str:
        return self.listening.url


async def start(host: str = "127.0.0.1", port: int = 0, tls: Any = None) -> Hello:
    """Start one."""

    async def handle(_request: web.BaseRequest) -> web.Response:
        return web.Response(text="hello")

    server = web.Server(handle)
    return Hello(await listen(server, host, port, tls), server)


@contextmanager
def taken() -> Iterator[int]:
    """Take a port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def refused(host: str, port: int) -> str:
    """The error of a server that cannot start."""
    with pytest.raises(GwsReplayError) as caught:
        asyncio.run(start(host, port))
    return str(caught.value)


def test_a_port_in_use_is_named() -> None:
    """In one sentence, with the next step."""
    with taken() as port:
        sentence = refused("127.0.0.1", port)
    assert f"Port {port} on 127.0.0.1 is in use: choose another port, or 0 for any free one." == sentence


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", 70000), ("127.0.0.1", -1), ("192.0.2.1", 0), ("no-such-host.invalid", 0), ("localhost", 70000)],
)
def test_unusable_address_is_named(host: str, port: int) -> None:
    """In one sentence: a wrong port, a host of another machine, an unknown host."""
    sentence = refused(host, port)
    assert sentence.startswith(f"Port {port} on {host} cannot be used (")
    assert sentence.endswith("): choose another port, or 0 for any free one.")
    assert "\n" not in sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::", "localhost"])
def test_the_url_can_be_used_as_it_is(host: str) -> None:
    """It names localhost for IPv4: clients drop the cookies of bare addresses."""
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with in_a_thread(lambda: start(host), "hello") as running:
        assert running.url.startswith("http://[::1]:" if ":" in host else "http://localhost:")
        assert "hello" == requests.get(running.url, timeout=CALM).text


def test_tls_is_trusted_only_with_the_ca(tmp_path: Path) -> None:
    """The certificate is for the name and the addresses of the loopback."""
    context, authority = certificate_for("127.0.0.1", tmp_path)
    with in_a_thread(lambda: start(tls=context), "hello") as running:
        assert running.url.startswith("https://localhost:")
        for url in (running.url, running.url.replace("localhost", "127.0.0.1")):
            assert "hello" == requests.get(url, verify=str(authority), timeout=CALM).text
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(running.url, timeout=CALM)
        with pytest.raises(requests.ConnectionError):
            requests.get(running.url.replace("https", "http"), timeout=CALM)


def test_tls_without_its_library_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the pip line."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(GwsReplayError, match=r"TLS needs trustme, .*: pip install 'gws-replay\[tls\]'$"):
        certificate_for("127.0.0.1", tmp_path)


def test_a_thread_of_its_own_ends_with_the_block() -> None:
    """The server is closed in it, an error of the block is raised, and the port is free again."""
    with pytest.raises(ZeroDivisionError), in_a_thread(start, "hello") as running:
        raise ZeroDivisionError
    assert ["hello"] == running.ended
    assert "hello" not in [each.name for each in threading.enumerate()]
    with pytest.raises(requests.ConnectionError):
        requests.get(running.url, timeout=CALM)


def test_a_start_that_fails_leaves_no_thread() -> None:
    """Its error is raised."""
    with taken() as port, pytest.raises(GwsReplayError), in_a_thread(lambda: start(port=port), "hello"):
        pass
    assert "hello" not in [each.name for each in threading.enumerate()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server(number: signal.Signals) -> None:
    """The result names the signal; the server is closed, and the old signal handlers are restored."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    announced: list[Hello] = []

    def announce(running: Hello) -> None:
        announced.append(running)
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # a second one changes nothing

    assert number == serve_until_stopped(start, announce)
    assert ["MainThread"] == announced[0].ended
    assert before == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


def test_an_announcement_that_fails_ends_the_server() -> None:
    """With its error: a closed pipe, for instance."""
    announced: list[Hello] = []

    def announce(running: Hello) -> None:
        announced.append(running)
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        serve_until_stopped(start, announce)
    assert ["MainThread"] == announced[0].ended
