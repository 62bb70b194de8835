"""What plain vcrpy records loads here, whichever client it recorded and in whatever form it wrote the bodies."""

import asyncio
import gzip
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests
import urllib3
import vcr
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import jsonserializer, yamlserializer

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support.builders import push, update

PLAIN = '{"statusCode":0,"name":"ä"}'
ANSWERS: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "/json": (PLAIN.encode(), [("Content-Type", "application/json")]),
    "/text": ("äöü\r\n\u2028line\n".encode(), [("Content-Type", "text/plain; charset=utf-8")]),
    "/binary": (bytes(range(256)), [("Content-Type", "application/octet-stream")]),
    "/gzip": (gzip.compress(PLAIN.encode(), mtime=0), [("Content-Encoding", "gzip")]),
    "/cookies": (b"", [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("X-Empty", "")]),
    "/empty": (b"", []),
}
SENT = {"operationName": "UpdateUserData", "userData": {"A": 1.5, "B": "ä", "C": None}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer by path."""
        if "chunked" in (self.headers["Transfer-Encoding"] or ""):
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        body, headers = ANSWERS[self.path.partition("?")[0]]
        self.send_response(200)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def recorded(path: Path, play: Callable[[], object]) -> Exchange:
    """What plain vcrpy writes of one request, loaded."""
    with vcr.VCR(record_mode="all").use_cassette(str(path)):
        play()
    (found,) = load_cassette(path).interactions
    return found


# vcrpy cannot write a binary body as JSON.
FORMS = [(reply, suffix) for reply in ANSWERS for suffix in ("yaml", "json") if (reply, suffix) != ("/binary", "json")]


@pytest.mark.parametrize(("reply", "suffix"), FORMS)
def test_responses_load(reply: str, suffix: str, url: str, tmp_path: Path) -> None:
    """Text, binary, packed, empty, with repeated headers."""

    def play() -> None:
        requests.get(url + reply + "?x=1", timeout=5).close()

    path = tmp_path / f"c.{suffix}"
    if suffix == "json":
        with vcr.VCR(record_mode="all", serializer="json", decode_compressed_response=True).use_cassette(str(path)):
            play()
        (found,) = load_cassette(path).interactions
    else:
        found = recorded(path, play)
    body, headers = ANSWERS[reply]
    plain = gzip.decompress(body) if reply == "/gzip" else body
    same = json.loads(plain) == found.response_json if plain.startswith(b"{") else plain == found.response.body
    assert same
    assert (200, "OK", f"{url}{reply}?x=1") == (found.response.status, found.response.reason, found.request.uri)
    expected = [pair for pair in headers if pair[0] != "Content-Encoding"]
    # vcrpy keeps the order of a header's values, not that of the headers.
    kept = [pair for pair in found.response.headers.pairs if pair in expected]
    assert sorted(expected) == sorted(kept)
    assert [pair for pair in expected if pair[0] == "Set-Cookie"] == [p for p in kept if p[0] == "Set-Cookie"]


def _aiohttp(url: str, **body: object) -> None:
    async def post() -> None:
        async with aiohttp.ClientSession() as session, session.post(url, **body) as reply:  # type: ignore[arg-type]
            await reply.read()

    asyncio.run(post())


TEXT = json.dumps(SENT)
JSON_CLIENTS: dict[str, Callable[[str], object]] = {
    "requests json": lambda url: requests.post(url, json=SENT, timeout=5).close(),
    "requests text": lambda url: requests.post(url, data=TEXT.encode(), timeout=5).close(),
    "requests file": lambda url: requests.post(url, data=io.BytesIO(TEXT.encode()), timeout=5).close(),
    "requests generator": lambda url: requests.post(
        url, data=iter([TEXT[:9].encode(), TEXT[9:].encode()]), timeout=5
    ).close(),
    "urllib3": lambda url: urllib3.request("POST", url, body=TEXT.encode()).close(),
    "httpx": lambda url: httpx.post(url, json=SENT, trust_env=False),
    "aiohttp json": lambda url: _aiohttp(url, json=SENT),
    "aiohttp text": lambda url: _aiohttp(url, data=TEXT),
}


@pytest.mark.parametrize("client", JSON_CLIENTS)
def test_json_requests_load(client: str, url: str, tmp_path: Path) -> None:
    """As the mapping that aiohttp hands to vcrpy, as a file, in pieces: the body is what went over the wire."""
    found = recorded(tmp_path / "c.yaml", lambda: JSON_CLIENTS[client](f"{url}/json"))
    assert SENT == found.request_json
    assert {"statusCode": 0, "name": "ä"} == found.response_json


OTHER_CLIENTS: dict[str, tuple[Callable[[str], object], bytes]] = {
    "requests form": (lambda url: requests.post(url, data={"a": "1", "b": "ä"}, timeout=5).close(), b"a=1&b=%C3%A4"),
    "requests binary": (lambda url: requests.post(url, data=b"\xff\x00", timeout=5).close(), b"\xff\x00"),
    "requests nothing": (lambda url: requests.post(url, timeout=5).close(), b""),
    "aiohttp binary": (lambda url: _aiohttp(url, data=b"\xff\x00"), b"\xff\x00"),
    "aiohttp json list": (lambda url: _aiohttp(url, json=[1, "a"]), b'[1, "a"]'),
}


@pytest.mark.parametrize("client", OTHER_CLIENTS)
def test_other_requests_load(client: str, url: str, tmp_path: Path) -> None:
    """Forms, binary and empty bodies."""
    play, body = OTHER_CLIENTS[client]
    assert body == recorded(tmp_path / "c.yaml", lambda: play(f"{url}/empty")).request.body


def test_header_values_in_bytes_load(url: str, tmp_path: Path) -> None:
    """A client may give them so, and vcrpy writes them so."""

    def play() -> None:
        requests.get(f"{url}/empty", headers={"X-A": b"value"}, timeout=5).close()

    assert "value" == recorded(tmp_path / "c.yaml", play).request.headers.get("x-a")


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_vcrpy_loads_users_outcomes_and_several_causes(ending: str, tmp_path: Path) -> None:
    """They stand where vcrpy does not look: it sees the requests, and for a missing response a placeholder."""
    first, second = update({"A": 1}, began=0), replace(update({"A": 2}, began=1), user=1, outcome="silence")
    cause = Cause(interaction=1, also=(0,), rule="counting", after="request")
    pushed = replace(push({"A": 2}, seen=2), user=1, cause=cause)
    header = {"format": 1, "users": [{"name": "anna"}, {}]}
    path = tmp_path / f"c.{ending}"
    save_cassette(Cassette(interactions=(first, second), notifications=(pushed,), header=header), path)
    serializer = yamlserializer if ending == "yaml" else jsonserializer
    requests, responses = FilesystemPersister.load_cassette(path, serializer)
    assert [first.request.uri, second.request.uri] == [request.uri for request in requests]
    assert [200, 200] == [response["status"]["code"] for response in responses]


REQUEST = "request: {method: GET, uri: 'http://h/api/v2/me', body: null, headers: {}}"


def test_a_file_without_a_version_is_read_as_vcrpy_reads_it() -> None:
    """Other tools write such files."""
    text = (
        f"interactions:\n- {REQUEST}\n"
        "  response: {status: {code: 201, message: Made}, headers: {}, body: {string: x}}\n"
    )
    (exchange,) = vcr_yaml.load(text, "a.yaml").interactions
    assert (201, "Made", b"x") == (exchange.response.status, exchange.response.reason, exchange.response.body)


@pytest.mark.parametrize(
    ("content", "body"), [("'{\"a\": 7}'", b'{"a": 7}'), ("!!binary AP8=", b"\x00\xff"), ("''", b"")]
)
def test_the_old_layout_of_the_httpx_stub_is_read(content: str, body: bytes) -> None:
    """`content` and `status_code`, text or binary."""
    response = f"{{content: {content}, headers: {{A: [b]}}, http_version: HTTP/1.1, status_code: 404}}"
    (exchange,) = vcr_yaml.load(
        f"version: 1\ninteractions:\n- {REQUEST}\n  response: {response}\n", "a.yaml"
    ).interactions
    assert (404, body, "b") == (exchange.response.status, exchange.response.body, exchange.response.headers.get("a"))


def test_a_custom_serializer_is_named() -> None:
    """vcrpy lets people write files in any format."""
    with pytest.raises(CassetteError, match="or written by a custom serializer of vcrpy"):
        vcr_yaml.load("\x1f\x02 not yaml: [", "a.yaml")
