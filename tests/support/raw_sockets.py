"""Sockets that are read only when a test says so, and what is written to them."""

import json
import os
import socket
import struct
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells what a connection's other end has not read"
)


def connected(url: str, *, receive_buffer: int = 0) -> socket.socket:
    """Connect to a server; the system buffers about so many bytes while the client does not read."""
    built = socket.socket()
    if receive_buffer:
        built.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    built.settimeout(30)
    built.connect(("127.0.0.1", urlsplit(url).port or 80))
    return built


def post(path: str, value: Any) -> bytes:
    """Return the bytes of a POST of JSON."""
    body = json.dumps(value).encode()
    return _request(f"POST {path}", "Content-Type: application/json", f"Content-Length: {len(body)}") + body


def upgrade(path: str) -> bytes:
    """Return the bytes of the request that opens a WebSocket."""
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"
    return _request(f"GET {path}", "Connection: Upgrade", "Upgrade: websocket", *key)


def frame(value: Any) -> bytes:
    """Return the bytes of a short WebSocket message of a client."""
    body, mask = json.dumps(value).encode(), os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))
    return struct.pack("!BBH", 0x81, 0xFE, len(body)) + mask + masked


def _request(what: str, *fields: str) -> bytes:
    return "\r\n".join([f"{what} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()
