"""Clients that read slowly, and clients that never read: no other client waits, and memory stays bounded."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.server.server import ServedRun, serving
from tests.support.async_poller import Poller, polling, run, shown
from tests.support.builders import cassette, push, update
from tests.support.comet_clients import TRANSPORTS
from tests.support.commands import saved
from tests.support.raw_sockets import connected, frame, post, upgrade

UPDATES = 100
KILOBYTES = 40
NEVER_READ = 20


def recorded(count: int = UPDATES) -> Cassette:
    """So many updates, each with a large notification: four megabytes in all."""
    padding = "x" * KILOBYTES * 1024
    moments = [(update({"A": n}, began=float(n)), push({"A": n, "P": padding}, seen=n + 0.5)) for n in range(count)]
    return cassette(*(each for pair in moments for each in pair))


async def update_all(client: Poller) -> list[Any]:
    """Send all updates; return the userData of all notifications."""
    for number in range(UPDATES):
        body = {"operationName": "UpdateUserData", "userData": {"A": number}}
        assert 200 == await client.update(json=body)
    got: list[Any] = []
    while len(got) < UPDATES:
        got += await client.notified()
    assert list(range(UPDATES)) == [each["A"] for each in got]
    return got


def test_slow_reader_gets_everything_and_delays_no_other() -> None:
    """While its response is unread, another client of the same user gets its own."""
    playback = ServedRun(recorded())

    async def conversation() -> None:
        async with polling(playback.url) as client, polling(playback.url) as slow:
            await client.shake_hands()
            await slow.shake_hands()
            got = await update_all(client)
            with connected(playback.url, receive_buffer=4096) as reading:
                reading.sendall(post(slow.path, slow.connecting()))
                assert b"HTTP" == await asyncio.to_thread(reading.recv, 4, socket.MSG_PEEK)
                assert [] == await client.notified(timeout_ms=20)
                pieces = await asyncio.to_thread(lambda: list(pieces_of(reading)))
            assert len(pieces) > 100
            body = b"".join(pieces).partition(b"\r\n\r\n")[2]
            assert got == shown(json.loads(body))

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


def pieces_of(reading: socket.socket) -> Iterator[bytes]:
    """Read a response to its end, as it comes through a narrow buffer."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += reading.recv(1024)
    yield head
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length
    left = int(length[1]) - len(head.partition(b"\r\n\r\n")[2])
    while left:
        yield (piece := reading.recv(65536))
        left -= len(piece)


@contextmanager
def served(path: Path) -> Iterator[tuple[str, int]]:
    """Serve a cassette in a process of its own; its URL, and its number."""
    command = [sys.executable, "-c", "from gws_replay.cli import main; main()", "serve", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def megabytes(pid: int) -> int:
    """How much memory a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * 4096 // 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read in /proc")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_that_never_read_cost_little(transport: str, tmp_path: Path) -> None:
    """They send a hundred requests each: if all responses were kept, they would be 20 times 4 megabytes."""

    async def conversation(url: str, pid: int) -> None:
        with ExitStack() as stack:
            async with polling(url) as client, polling(url) as deaf:
                await client.shake_hands()
                connections = [stack.enter_context(connected(url, receive_buffer=4096)) for _ in range(NEVER_READ)]
                for each in connections:
                    await deaf.shake_hands()
                    if transport == "websocket":
                        each.sendall(upgrade(deaf.path) + frame(deaf.connecting()) * 100)
                    else:
                        each.sendall(post(deaf.path, deaf.connecting()) * 100)
                before = megabytes(pid)
                await update_all(client)
                assert [b"HTTP"] * NEVER_READ == [each.recv(4, socket.MSG_PEEK) for each in connections]
                assert NEVER_READ + 1 == (await client.state())["cometd_clients"]
                assert megabytes(pid) - before < 40

    with served(saved(recorded(), tmp_path / "large.yaml")) as (url, pid):
        run(lambda: conversation(url, pid))
