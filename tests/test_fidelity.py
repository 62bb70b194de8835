"""A cassette that plain vcrpy recorded gives a client the same through vcrpy and through us: status, headers, bytes."""

import asyncio
import gzip
import io
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import vcr

from gws_replay.files import load_cassette
from gws_replay.playback import Playback
from gws_replay.vcr_adapter import replaying
from tests.proxies import PATIENCE, Asked, answered, upstream

JSON = '{"statusCode":0, "name":"ä",\n "n":1.50, "n":1}'.encode()
BINARY = bytes(range(256))
TYPE = "Content-Type: application/json"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
ANSWERS = {
    "json": answered(JSON),
    "json-latin": answered('{"a":"ä"}'.encode("latin-1"), "200 OK", "Content-Type: application/json; charset=latin-1"),
    "text": answered("äöü\r\n\u2028line\n\n".encode(), "200 OK", "Content-Type: text/plain; charset=utf-8"),
    "spaces": answered(b"  two  \n\n ", "200 OK", "Content-Type: text/plain"),
    "binary": answered(BINARY, "200 OK", "Content-Type: application/octet-stream"),
    "gzip": answered(gzip.compress(JSON, mtime=0), "200 OK", "Content-Encoding: gzip", TYPE),
    "gzip-binary": answered(gzip.compress(BINARY, mtime=0), "200 OK", "Content-Encoding: gzip"),
    "gzip-empty": answered(b"", "200 OK", "Content-Encoding: gzip"),
    "deflate": answered(zlib.compress(JSON), "200 OK", "Content-Encoding: deflate", TYPE),
    "empty": answered(b""),
    "cookies": answered(b"{}", "200 OK", "Set-Cookie: a=1; Path=/", "set-cookie: b=2", "X-Empty: ", "X-B: 1", "x-b: 2"),
    "latin": answered(b"{}", "200 OK", "X-Name: M\u00fcller", "ETag: W/\"a,b\""),
    "chunked": CHUNKED + b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n',
    "none": b"HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n",
    "unchanged": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    "gone": answered(b'{"statusCode": 6}', "404 Not Here, Sorry"),
    "failed": answered(b"", "500 Internal Server Error"),
    "moved": answered(b"moved", "302 Found", "Location: /api/v2/json?moved=1"),
    "moved-on": answered(b"", "307 Temporary Redirect", "Location: /api/v2/binary"),
}
FILE = {"file": ("ä.bin", BINARY, "application/octet-stream")}
# Name: method, answer, and how the body is given, by client.
Call = tuple[str, str, dict[str, Any]]
CALLS: dict[str, Call] = {
    **{f"get {name}": ("GET", name, {}) for name in ANSWERS},
    "head": ("HEAD", "json", {}),
    "head gzip": ("HEAD", "gzip", {}),
    "delete": ("DELETE", "none", {}),
    "post json": ("POST", "json", {"json": {"a": "ä", "b": [1.5, None]}}),
    "post text": ("POST", "json", {"data": '{"a": "ä"}'.encode()}),
    "post binary": ("POST", "binary", {"data": b"\xff\x00"}),
    "post form": ("POST", "json", {"data": {"a": "1", "b": "ä"}}),
    "post file": ("POST", "json", {"data": b"in a file"}),
    "post pieces": ("POST", "json", {"data": [b"in ", b"pieces"]}),
    "post multipart": ("POST", "json", {"files": FILE}),
    "put nothing": ("PUT", "empty", {}),
}
Seen = tuple[int, str, list[tuple[str, str]], bytes]
Client = Callable[[str], Iterator[tuple[str, Seen]]]


def seen(status: int, reason: str | None, headers: list[tuple[str, str]], body: bytes) -> Seen:
    """What a client was given."""
    return status, reason or "", sorted((name.lower(), value) for name, value in headers), body


def by_requests(url: str) -> Iterator[tuple[str, Seen]]:
    """Make all calls with requests."""
    with requests.Session() as session:
        session.trust_env = False
        for name, (method, answer, how) in CALLS.items():
            body = dict(how)
            if name == "post file":
                body["data"] = io.BytesIO(how["data"])
            if name == "post pieces":
                body["data"] = iter(how["data"])
            got = session.request(method, f"{url}/{answer}?{name.replace(' ', '-')}", timeout=PATIENCE, **body)
            history = [(old.status_code, old.headers.get("location")) for old in got.history]
            yield name, (*seen(got.status_code, got.reason, list(got.raw.headers.items()), got.content), history)


def by_httpx(url: str) -> Iterator[tuple[str, Seen]]:
    """Make all calls with httpx."""
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=PATIENCE) as session:
        for name, (method, answer, how) in CALLS.items():
            body = {"content" if key == "data" and not isinstance(value, dict) else key: value for key, value in how.items()}
            if name == "post pieces":
                body["content"] = iter(how["data"])
            got = session.request(method, f"{url}/{answer}?{name.replace(' ', '-')}", **body)
            history = [(old.status_code, old.headers.get("location")) for old in got.history]
            yield name, (*seen(got.status_code, got.reason_phrase, got.headers.multi_items(), got.content), history)


def by_aiohttp(url: str) -> Iterator[tuple[str, Seen]]:
    """Make all calls with aiohttp."""

    async def play() -> list[tuple[str, Seen]]:
        answers = []
        async with aiohttp.ClientSession() as session:
            for name, (method, answer, how) in CALLS.items():
                body = dict(how)
                if name == "post pieces":
                    body["data"] = b"".join(how["data"])
                if name == "post multipart":
                    body = {"data": aiohttp.FormData()}
                    body["data"].add_field("file", BINARY, filename="ä.bin")
                async with session.request(method, f"{url}/{answer}?{name.replace(' ', '-')}", **body) as got:
                    history = [(old.status, old.headers.get("location")) for old in got.history]
                    answers.append((name, (*seen(got.status, got.reason, list(got.headers.items()), await got.read()), history)))
        return answers

    return iter(asyncio.run(play()))


CLIENTS: dict[str, Client] = {"requests": by_requests, "httpx": by_httpx, "aiohttp": by_aiohttp}


@pytest.mark.parametrize("client", CLIENTS)
def test_both_give_a_client_the_same(client: str, tmp_path: Path) -> None:
    """Every kind of answer and body."""
    path = tmp_path / "c.yaml"

    def answer(asked: Asked) -> bytes:
        told = ANSWERS[asked.path.split("/")[3].partition("?")[0]]
        return told.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if asked.head.startswith(b"HEAD") else told

    with upstream(answer) as server:
        url = f"{server.url}/api/v2"
        with vcr.VCR(record_mode="all").use_cassette(str(path)):
            recorded = dict(CLIENTS[client](url))
    with plain.use_cassette(str(path)):
        theirs = dict(CLIENTS[client](url))
    playback = Playback(load_cassette(path))
    with replaying(playback):
        ours = dict(CLIENTS[client](url))
    for n in theirs:
        if ours[n] != theirs[n]:
            print(client, n, "\n   theirs", theirs[n], "\n   ours  ", ours[n])
    assert [] == playback.misses
    assert theirs == ours
