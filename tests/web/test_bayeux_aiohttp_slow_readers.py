"""Clients of a WebSocket that do not read: they use bounded memory, and no other client waits for them."""

import asyncio
import base64
import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.support.bayeux_servers import TOPIC, Served, served
from tests.support.sockets import CALM, talking


class Deaf:
    """A WebSocket client that sends, and reads only when the test calls it."""

    def __init__(self, url: str) -> None:
        self.socket = socket.socket()
        self.unsent = b""
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, buffer, 1 << 14)
        self.socket.connect(("127.0.0.1", urlsplit(url).port or 0))
        key = base64.b64encode(os.urandom(16)).decode()
        head = ("GET / HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        self.socket.sendall("\r\n".join([*head, f"Sec-WebSocket-Key: {key}", "", ""]).encode())
        response = b""
        while not response.endswith(b"\r\n\r\n"):
            response += self.socket.recv(1)
        assert response.startswith(b"HTTP/1.1 101 ")

    def flood(self, patience: float) -> bool:
        """Send handshakes until the server stops reading; return whether it read a million of them."""
        text = b'{"channel":"/meta/handshake"}'
        many = (b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text) * 1_000  # a mask of zeros
        self.socket.settimeout(patience)
        try:
            for _ in range(1_000):
                self.unsent = self.unsent or many
                while self.unsent:
                    self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except TimeoutError:
            return False
        return True

    def read_until(self, happened: Callable[[], bool]) -> None:
        """Read until a condition holds."""
        self.socket.settimeout(CALM)
        while not happened():
            assert self.socket.recv(1 << 20)


def padded(_request: web.BaseRequest, message: dict[str, Any]) -> dict[str, Any]:
    """Make responses long, so that unread ones soon fill the sockets."""
    return {**message, "ext": "x" * 50_000}


def test_server_stops_reading_from_a_client_that_does_not_read() -> None:
    """Other clients are served; when it reads, it is served again: memory is bounded."""
    with served(padded) as server:
        deaf = Deaf(server.url)
        assert not deaf.flood(patience=0.5)
        taken = server.core.taken
        assert not deaf.flood(patience=0.2)
        assert taken == server.core.taken < 5_000
        assert 200 == server.post({"channel": "/meta/handshake"}).status_code
        deaf.read_until(lambda: server.core.taken > taken + 100)
        deaf.socket.close()


def test_closing_does_not_wait_for_clients_that_do_not_read() -> None:
    """However many there are; those that read receive close code 1001."""

    async def conversation(server: Served) -> None:
        async with talking(server.url) as talk:
            await talk.shake_hands(TOPIC)
            await talk.hold()
            closing = asyncio.run_coroutine_threadsafe(server.conversations.close(), server.loop)
            assert 1001 == await talk.code()
            await asyncio.wrap_future(closing)

    with served(padded) as server, ExitStack() as cleanup:
        for _ in range(3):
            deaf = Deaf(server.url)
            cleanup.callback(deaf.socket.close)
            assert not deaf.flood(patience=0.1)
        begun = time.monotonic()
        asyncio.run(conversation(server))
        assert time.monotonic() - begun < 9
