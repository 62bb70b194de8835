"""HTTP clients of every kind behind one signature, a live server that counts, and swarms of requests."""

import asyncio
import functools
import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpcore  # noqa: F401 (httpx imports it late; a pytest run inside pytest would forget it, and httpx not)
import httpx
import requests
import urllib3

PATIENCE = 10
ANYWHERE = "http://gws.example"


@dataclass(frozen=True)
class Answer:
    """A response as a client showed it."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """All values of a field, joined as HTTP joins them."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


Ask = Callable[[str, str, bytes | None, Mapping[str, str]], Answer]


def by_requests_function(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """requests.request(...)"""
    got = requests.request(method, url, data=body, headers=dict(headers), timeout=PATIENCE, allow_redirects=True)
    return Answer(got.status_code, got.reason, tuple(got.headers.items()), got.content)


def by_requests_session(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """requests.Session"""
    with requests.Session() as session:
        got = session.request(method, url, data=body, headers=headers, timeout=PATIENCE, allow_redirects=True)
        return Answer(got.status_code, got.reason, tuple(got.headers.items()), got.content)


def by_httpx(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """httpx.Client"""
    with httpx.Client(verify=False, follow_redirects=True) as client:
        got = client.request(method, url, content=body, headers=headers)
        return Answer(got.status_code, got.reason_phrase, tuple(got.headers.multi_items()), got.content)


def by_httpx_async(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """httpx.AsyncClient"""

    async def ask() -> Answer:
        async with httpx.AsyncClient(verify=False, follow_redirects=True) as client:
            got = await client.request(method, url, content=body, headers=headers)
            return Answer(got.status_code, got.reason_phrase, tuple(got.headers.multi_items()), await got.aread())

    return asyncio.run(ask())


def by_aiohttp(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """aiohttp.ClientSession"""

    async def ask() -> Answer:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as got,
        ):
            return Answer(got.status, got.reason or "", tuple(got.headers.items()), await got.read())

    return asyncio.run(ask())


def by_urllib3(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """urllib3.PoolManager"""
    with urllib3.PoolManager() as pool:
        got = pool.request(method, url, body=body, headers=headers, timeout=PATIENCE)
        return Answer(got.status, got.reason or "", tuple(got.headers.items()), got.data)


def by_urllib3_stream(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """urllib3.PoolManager without preloading"""
    with urllib3.PoolManager() as pool:
        got = pool.request(method, url, body=body, headers=headers, timeout=PATIENCE, preload_content=False)
        content = b"".join(got.stream(7))
        got.release_conn()
        return Answer(got.status, got.reason or "", tuple(got.headers.items()), content)


def by_http_client(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """http.client, which follows no redirect"""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE)
    connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, dict(headers))
    got = connection.getresponse()
    response = Answer(got.status, got.reason, tuple(got.getheaders()), got.read())
    connection.close()
    return response


def by_urllib(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """urllib.request"""
    request = urllib.request.Request(url, body, dict(headers), method=method)
    try:
        got = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        got = error
    with got:
        return Answer(got.status, got.reason, tuple(got.headers.items()), got.read())


CLIENTS: dict[str, Ask] = {
    "requests functions": by_requests_function,
    "requests session": by_requests_session,
    "httpx": by_httpx,
    "httpx async": by_httpx_async,
    "aiohttp": by_aiohttp,
    "urllib3": by_urllib3,
    "urllib3 stream": by_urllib3_stream,
    "http.client": by_http_client,
    "urllib": by_urllib,
}
FOLLOWING = tuple(name for name in CLIENTS if name != "http.client")


class LiveServer:
    """A real server on 127.0.0.1 that answers everything with {"from": "live"} and counts what reaches it."""

    def __init__(self) -> None:
        hits: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hits.append(self.path)
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(200)
                self.send_header("content-length", "16")
                self.end_headers()
                self.wfile.write(b'{"from": "live"}')

            do_POST = do_GET  # noqa: N815 (http.server's name)

            def log_message(self, *args: object) -> None:
                """Log nothing."""

        self.hits = hits
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"


@contextmanager
def live_server() -> Iterator[LiveServer]:
    """Run a live server as long as the block lasts."""
    live = LiveServer()
    thread = threading.Thread(target=live.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield live
    finally:
        live.server.shutdown()
        live.server.server_close()
        thread.join()


@dataclass(frozen=True)
class Tally:
    """The result of a swarm: responses that belong to another request, and requests that ended in an error."""

    request_count: int
    wrong: int
    errors: tuple[str, ...]


Post = Callable[[str, bytes], Any]


def _post_by_session(session: requests.Session, url: str, body: bytes) -> Any:
    return session.post(url, data=body, timeout=PATIENCE).json()


def _posts(kind: str, cleanup: ExitStack) -> Post:
    if kind == "requests.post":
        return lambda url, body: requests.post(url, data=body, timeout=PATIENCE).json()
    if kind == "requests, a session per thread":
        own = threading.local()

        def by_own(url: str, body: bytes) -> Any:
            if not hasattr(own, "session"):
                own.session = requests.Session()
                cleanup.callback(own.session.close)
            return _post_by_session(own.session, url, body)

        return by_own
    if kind == "requests, one session":
        return functools.partial(_post_by_session, cleanup.enter_context(requests.Session()))
    if kind == "httpx":
        client = cleanup.enter_context(httpx.Client(verify=False))
        return lambda url, body: client.post(url, content=body).json()
    if kind == "urllib3":
        pool = cleanup.enter_context(urllib3.PoolManager())
        return lambda url, body: pool.request("POST", url, body=body, timeout=PATIENCE).json()
    assert kind == "http.client"
    return lambda url, body: by_http_client("POST", url, body, {}).json()


def _outcome(post: Post, url: str, n: int) -> str:
    """Send the n-th request; return an empty text when its response is right."""
    try:
        got = post(f"{url}/api/v2/me/{n}", b'{"n": %d}' % n)
    except Exception as error:  # noqa: BLE001 (what went wrong is what is counted)
        return f"error {type(error).__name__}: {error}"
    return "" if got == {"from": "cassette", "n": n} else f"wrong {got}"


async def _by_tasks(url: str, numbers: Sequence[int], tasks: int) -> list[str]:
    waiting = iter(numbers)

    async def work(session: aiohttp.ClientSession) -> list[str]:
        outcomes = []
        for n in waiting:
            try:
                async with session.post(f"{url}/api/v2/me/{n}", json={"n": n}) as got:
                    value = await got.json(content_type=None)
                outcomes.append("" if value == {"from": "cassette", "n": n} else f"wrong {value}")
            except Exception as error:  # noqa: BLE001 (as above)
                outcomes.append(f"error {type(error).__name__}: {error}")
            await asyncio.sleep(0)
        return outcomes

    async with aiohttp.ClientSession() as session:
        return [outcome for done in await asyncio.gather(*(work(session) for _ in range(tasks))) for outcome in done]


SWARMS = (
    "requests.post",
    "requests, a session per thread",
    "requests, one session",
    "httpx",
    "urllib3",
    "http.client",
    "aiohttp tasks",
)


def swarm(kind: str, url: str, count: int, *, at_once: int = 8) -> Tally:
    """Send the requests of `numbered(count)` from several threads (aiohttp: tasks) at once."""
    if kind == "aiohttp tasks":
        outcomes = asyncio.run(_by_tasks(url, range(count), at_once))
    else:
        with ExitStack() as cleanup, ThreadPoolExecutor(at_once) as threads:
            post = _posts(kind, cleanup)
            outcomes = list(threads.map(lambda n: _outcome(post, url, n), range(count)))
    return Tally(
        request_count=len(outcomes),
        wrong=sum(outcome.startswith("wrong") for outcome in outcomes),
        errors=tuple(outcome for outcome in outcomes if outcome.startswith("error")),
    )
