"""While requests are recorded, or go to an allowed host, the server receives the same as without the plugin."""

import asyncio
import http.client
import io
import json
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from gws_replay.core.cassette import Cassette
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun

SENT = {"operationName": "Ready", "text": "Grüße"}
BYTES = json.dumps(SENT).encode()
CALM = 20
Seen = tuple[str, str, dict[str, str], bytes]


class _Server(ThreadingHTTPServer):
    """Keeps what it receives."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Seen] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                body += b"[%s]" % self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        boundary = self.headers.get("Content-Type", "").partition("boundary=")[2].encode() or b"\0"
        headers = {name: value.split("boundary=")[0] for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, body.replace(boundary, b"BOUNDARY")))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def chunks() -> Iterator[bytes]:
    yield BYTES[:10]
    yield BYTES[10:]


async def async_chunks() -> AsyncIterator[bytes]:
    for chunk in chunks():
        yield chunk


def by_aiohttp(**given: Callable[[], Any]) -> Callable[[str], None]:
    async def send(url: str) -> None:
        arguments = {name: make() for name, make in given.items()}
        async with aiohttp.ClientSession(base_url=url) as session, session.post("/x?a=1", **arguments) as response:
            assert {} == await response.json()

    return lambda url: asyncio.run(send(url))


def by_requests(**given: Callable[[], Any]) -> Callable[[str], None]:
    return lambda url: print(requests.post(f"{url}/x", timeout=CALM, **{k: make() for k, make in given.items()}).json())


def by_httpx(**given: Callable[[], Any]) -> Callable[[str], None]:
    return lambda url: print(httpx.post(f"{url}/x", verify=False, **{k: make() for k, make in given.items()}).json())


async def _async_httpx(url: str) -> None:
    async with httpx.AsyncClient(verify=False) as client:
        assert {} == (await client.post(f"{url}/x", content=async_chunks())).json()


def by_urllib3(**given: Callable[[], Any]) -> Callable[[str], None]:
    return lambda url: print(urllib3.request("POST", f"{url}/x", **{k: make() for k, make in given.items()}).json())


def by_http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=CALM)
    connection.request("POST", "/x", chunks())
    assert b"{}" == connection.getresponse().read()
    connection.close()


FILES = {"file": ("name.txt", b"content", "text/plain")}
WAYS: dict[str, Callable[[str], None]] = {
    "aiohttp json": by_aiohttp(json=lambda: SENT),
    "aiohttp form": by_aiohttp(data=lambda: {"a": "1", "b": "ü"}),
    "aiohttp bytes": by_aiohttp(data=lambda: BYTES),
    "aiohttp text": by_aiohttp(data=lambda: "text"),
    "aiohttp file": by_aiohttp(data=lambda: io.BytesIO(BYTES)),
    "aiohttp generator": by_aiohttp(data=async_chunks),
    "aiohttp FormData": by_aiohttp(data=lambda: aiohttp.FormData({"a": "1"})),
    "aiohttp multipart": by_aiohttp(data=lambda: {"a": "1", "file": io.BytesIO(b"content")}),
    "aiohttp compressed": by_aiohttp(data=lambda: BYTES, compress=lambda: "deflate"),
    "aiohttp continue": by_aiohttp(data=lambda: BYTES, expect100=lambda: True),
    "aiohttp nothing": by_aiohttp(),
    "requests json": by_requests(json=lambda: SENT),
    "requests form": by_requests(data=lambda: {"a": "1"}),
    "requests file": by_requests(data=lambda: io.BytesIO(BYTES)),
    "requests generator": by_requests(data=chunks),
    "requests multipart": by_requests(files=lambda: FILES),
    "requests nothing": by_requests(),
    "httpx json": by_httpx(json=lambda: SENT),
    "httpx form": by_httpx(data=lambda: {"a": "1"}),
    "httpx generator": by_httpx(content=chunks),
    "httpx multipart": by_httpx(files=lambda: FILES),
    "httpx async generator": lambda url: asyncio.run(_async_httpx(url)),
    "urllib3 json": by_urllib3(json=lambda: SENT),
    "urllib3 fields": by_urllib3(fields=lambda: {"a": "1"}),
    "urllib3 file": by_urllib3(body=lambda: io.BytesIO(BYTES)),
    "urllib3 generator": by_urllib3(body=chunks),
    "urllib.request": lambda url: print(urllib.request.urlopen(f"{url}/x", BYTES, CALM).read()),
    "http.client generator": by_http_client,
}


@pytest.mark.parametrize("send", [pytest.param(send, id=name) for name, send in WAYS.items()])
def test_the_server_receives_the_same(send: Callable[[str], None], server: _Server) -> None:
    """The same method, path, header fields in their order, and bytes, chunk by chunk."""
    url = f"http://127.0.0.1:{server.server_address[1]}"
    send(url)
    with replaying(ReplayRun(Cassette(interactions=())), ["127.0.0.1"]):
        send(url)
    plain, beside = server.seen
    assert plain == beside
    assert list(plain[2]) == list(beside[2])
