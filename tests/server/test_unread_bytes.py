"""How much of a response a client has not read, and the wait for it."""

import asyncio
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gws_replay.server.unread_bytes import unread, until_read
from tests.support.raw_sockets import on_linux


@pytest.fixture(params=["127.0.0.1", "::1"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with (
        socket.create_server((request.param, 0), family=family) as listening,
        socket.create_connection(listening.getsockname()[:2]) as client,
        listening.accept()[0] as server,
    ):
        yield server, client


def transport(end: socket.socket) -> Any:
    """The parts of a transport that are read."""
    names = {"sockname": end.getsockname, "peername": end.getpeername}
    return SimpleNamespace(get_extra_info=lambda name: names[name](), is_closing=lambda: False)


@on_linux
def test_it_counts_what_the_other_end_has_not_read(ends: tuple[socket.socket, socket.socket]) -> None:
    """In bytes, over IPv4 and IPv6."""
    server, client = ends
    counted = [unread(transport(server))]
    server.send(b"hello")
    counted.append(unread(transport(server)))
    client.recv(3)
    counted.append(unread(transport(server)))
    client.recv(3)
    counted.append(unread(transport(server)))
    assert [0, 5, 2, 0] == counted


@on_linux
def test_waiting_ends_when_everything_has_been_read(ends: tuple[socket.socket, socket.socket]) -> None:
    """And not before, whatever else happens in the meantime."""
    server, client = ends
    happened: list[str] = []

    async def wait() -> None:
        await until_read(transport(server), patience=20)
        happened.append("over")

    async def conversation() -> None:
        server.send(b"hello")
        waiting = asyncio.create_task(wait())
        for _ in range(10):
            await asyncio.sleep(0)
        happened.append("read")
        client.recv(5)
        await waiting

    asyncio.run(conversation())
    assert ["read", "over"] == happened


def test_wait_for_a_client_that_never_reads_is_bounded(ends: tuple[socket.socket, socket.socket]) -> None:
    """It does not delay others for long."""
    ends[0].send(b"hello")
    asyncio.run(asyncio.wait_for(until_read(transport(ends[0]), patience=0.01), 20))


@pytest.mark.parametrize(
    "names",
    [
        {"sockname": None, "peername": None},
        {"sockname": "/tmp/x", "peername": ""},
        {"sockname": ("192.0.2.1", 80), "peername": ("192.0.2.2", 99)},
    ],
    ids=["closed", "no internet", "another machine"],
)
def test_without_knowledge_the_server_does_not_wait(names: dict[str, Any]) -> None:
    """The connection is closed, is none of the internet, or ends elsewhere."""
    assert 0 == unread(SimpleNamespace(get_extra_info=names.get))  # type: ignore[arg-type]
