"""A cassette that plain vcrpy recorded replays the same through vcrpy and through gws_replay:

status, headers, bytes.
"""

import asyncio
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import vcr

from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.storage.files import load_cassette
from tests.support.proxies import PATIENCE, ReceivedRequest, answered, upstream

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
    "latin": answered(b"{}", "200 OK", "X-Name: M\u00fcller", 'ETag: W/"a,b"'),
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
# Bodies that vcrpy cannot write or read again; and a form of aiohttp, which vcrpy writes like JSON.
NOT_BY_VCRPY = {"requests": {"get latin"}, "httpx": {"get latin"}, "aiohttp": {"post multipart", "post form"}}
# The fields that name the coding of a body: gws_replay decodes it on loading, see docs/replay.md.
OF_THE_CODING = {"content-encoding", "content-length"}
UNPACKED = {"get gzip", "get gzip-binary", "get deflate"}
Seen = tuple[int, str, list[tuple[str, str]], bytes, list[int]]
Answers = dict[str, Seen]


def seen(status: int, reason: str | None, headers: Iterable[tuple[str, str]], body: bytes, passed: list[int]) -> Seen:
    """What a client received; `passed` are the redirects that it followed."""
    return status, reason or "", sorted((name.lower(), value) for name, value in headers), body, passed


def by_requests(url: str, calls: Mapping[str, Call]) -> Answers:
    """Make the calls with requests."""
    responses = {}
    with requests.Session() as session:
        session.trust_env = False
        for name, (method, reply, how) in calls.items():
            body = {key: _handed(name, value) for key, value in how.items()}
            got = session.request(method, f"{url}/{reply}?{name.replace(' ', '-')}", timeout=PATIENCE, **body)
            passed = [old.status_code for old in got.history]
            responses[name] = seen(got.status_code, got.reason, got.raw.headers.items(), got.content, passed)
    return responses


def by_httpx(url: str, calls: Mapping[str, Call]) -> Answers:
    """Make the calls with httpx."""
    responses = {}
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=PATIENCE) as session:
        for name, (method, reply, how) in calls.items():
            body = {
                "content" if key == "data" and not isinstance(value, dict) else key: _handed(name, value)
                for key, value in how.items()
            }
            got = session.request(method, f"{url}/{reply}?{name.replace(' ', '-')}", **body)
            passed = [old.status_code for old in got.history]
            responses[name] = seen(got.status_code, got.reason_phrase, got.headers.multi_items(), got.content, passed)
    return responses


def by_aiohttp(url: str, calls: Mapping[str, Call]) -> Answers:
    """Make the calls with aiohttp."""

    async def play() -> Answers:
        responses = {}
        async with aiohttp.ClientSession() as session:
            for name, (method, reply, how) in calls.items():
                body: Any = {key: b"".join(value) if isinstance(value, list) else value for key, value in how.items()}
                async with session.request(method, f"{url}/{reply}?{name.replace(' ', '-')}", **body) as got:
                    passed = [old.status for old in got.history]
                    responses[name] = seen(got.status, got.reason, got.headers.items(), await got.read(), passed)
        return responses

    return asyncio.run(play())


def _handed(name: str, body: Any) -> Any:
    """Return a body as a file or an iterator if the name of the call demands it."""
    if name == "post file":
        return io.BytesIO(body)
    return iter(body) if name == "post pieces" else body


CLIENTS: dict[str, Callable[[str, Mapping[str, Call]], Answers]] = {
    "requests": by_requests,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
}


def response(received: ReceivedRequest) -> bytes:
    """The response that the path names."""
    reply = ANSWERS[received.path.split("/")[3].partition("?")[0]]
    return reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if received.head.startswith(b"HEAD") else reply


@pytest.mark.parametrize("client", CLIENTS)
def test_both_give_a_client_the_same(client: str, tmp_path: Path) -> None:
    """Every kind of response and body."""
    path = tmp_path / "c.yaml"
    calls = {name: call for name, call in CALLS.items() if name not in NOT_BY_VCRPY.get(client, ())}
    with upstream(response) as server:
        url = f"{server.url}/api/v2"
        with vcr.VCR(record_mode="all").use_cassette(str(path)):
            CLIENTS[client](url, calls)
    with vcr.VCR(record_mode="none").use_cassette(str(path)):
        theirs = CLIENTS[client](url, calls)
    playback = ReplayRun(load_cassette(path))
    with replaying(playback):
        ours = CLIENTS[client](url, calls)
    assert [] == [*playback.misses, *playback.unplayed]
    assert {name: plain(name, reply) for name, reply in theirs.items()} == {
        name: plain(name, reply) for name, reply in ours.items()
    }


def plain(name: str, reply: Seen) -> Seen:
    """A response without the fields that name its coding."""
    status, reason, headers, body, passed = reply
    kept = [pair for pair in headers if name not in UNPACKED or pair[0] not in OF_THE_CODING]
    return status, reason, kept, body, passed
