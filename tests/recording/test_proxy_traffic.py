"""Recording changes nothing: the same bytes pass through the recorder as through a mitmdump without our addon."""

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.proxies import ReceivedRequest, Upstream, answered, mitmdump, raw_exchange, upstream

BINARY = bytes(range(256)) * 8
LARGE = random.Random(7).randbytes(3 * 2**20)
JSON = b'{"statusCode": 0,\n "b": 1.0, "a": 1.0}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
CHUNKS = b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'
CONNECT = b'[{"channel": "/meta/connect",  "clientId": "1qazxsw2", "data": {"b":1,"a":2}}]'
ANSWERS = {
    "json": answered(JSON, "200 OK", "content-TYPE: application/json", "X-Order: 1", "a-first: 2"),
    "bayeux": answered(CONNECT),
    "binary": answered(BINARY, "200 Fine with us", "Content-Type: application/octet-stream"),
    "gzip": answered(gzip.compress(JSON, mtime=0), "200 OK", "Content-Encoding: gzip"),
    "no-gzip": answered(b"torn", "200 OK", "Content-Encoding: gzip"),
    "chunked": CHUNKED + CHUNKS,
    "large": answered(LARGE),
    "empty": answered(b""),
    "none": b"HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n",
    "unchanged": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    "duplicates": answered(b"{}", "200 OK", "Set-Cookie: a=1; Path=/", "set-cookie: b=2", "X-B: 1", "x-b: 1"),
    "latin": answered(b"{}", "200 OK", "X-Name: M\u00fcller", "X-Empty: "),
    "error": answered(b'{"statusCode": 6}', "502 Bad Gateway"),
}
REQUESTS = {
    "post": (b"POST", b"Content-Length: %d\r\nX-odd-CASE: a\r\nx-odd-case: b\r\n" % len(JSON), JSON),
    "post-chunked": (b"POST", b"Transfer-Encoding: chunked\r\n", CHUNKS),
    "post-large": (b"POST", b"Content-Length: %d\r\n" % len(LARGE), LARGE),
    "post-binary": (b"PUT", b"Content-Length: %d\r\n" % len(BINARY), BINARY),
    "delete": (b"DELETE", b"", b""),
    "secrets": (b"GET", b"Authorization: Basic YWdlbnQxOnNhbmRib3g=\r\nCookie: JSESSIONID=0a1qazxsw2; x=y\r\n", b""),
}
SAME = [
    *((name, "get") for name in ANSWERS),
    ("json", "head"),
    ("large", "head"),
    *(("json", name) for name in REQUESTS),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    """Returns the response that the path names."""

    def reply(received: ReceivedRequest) -> bytes:
        returned = ANSWERS[received.path.split("/")[3]]
        return returned.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if received.head.startswith(b"HEAD") else returned

    with upstream(reply) as running:
        yield running


@pytest.fixture(scope="module")
def plain(server: Upstream) -> Iterator[str]:
    """The URL of a mitmdump without the addon, with the options of the recorder."""
    with mitmdump("--mode", f"reverse:{server.url}", "--set", "connection_strategy=lazy") as (_, url):
        yield url


@pytest.fixture(scope="module")
def recorder(server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A recorder in front of the same server."""
    cassette = tmp_path_factory.mktemp("traffic") / "c.yaml"
    with Recorder(Settings(cassette=cassette, upstream=server.url)) as running:
        yield running


def request_for(reply: str, how: str) -> bytes:
    """Return the bytes of a request for one of the responses."""
    method, headers, body = REQUESTS.get(how, (how.upper().encode(), b"", b""))
    target = f"/api/v2/{reply}/a%20b/%2F?q=%C3%A4&q=&empty".encode()
    return b"%b %b HTTP/1.1\r\nhost: gws.example\r\n%bConnection: close\r\n\r\n%b" % (method, target, headers, body)


@pytest.mark.parametrize(("reply", "how"), SAME, ids=str)
def test_no_byte_is_changed(server: Upstream, plain: str, recorder: Recorder, reply: str, how: str) -> None:
    """What the client and the server receive: status line, header fields in order and case, body."""
    request = request_for(reply, how)
    server.requests.clear()
    through_plain = raw_exchange(plain, request)
    through_recorder = raw_exchange(recorder.url, request)

    assert through_plain.startswith(b"HTTP/1.1 ")
    assert through_plain == through_recorder
    assert server.requests[0] == server.requests[1]


def test_every_kind_of_response_is_recorded(server: Upstream, tmp_path: Path) -> None:
    """With its status; bodies that are not JSON byte for byte."""
    with Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=server.url)) as recorder:
        for reply, how in SAME:
            raw_exchange(recorder.url, request_for(reply, how))

    passed = [f"{reply}-{how}" for reply, how in SAME if reply != "bayeux"]
    found = dict(zip(passed, load_cassette(tmp_path / "c.yaml").interactions, strict=True))
    status = {name: int(ANSWERS[name.rpartition("-")[0]].split()[1]) for name in passed if name.endswith("-get")}
    assert status == {name: exchange.response.status for name, exchange in found.items() if name.endswith("-get")}
    bodies = [found[f"{name}-get"].response.body for name in ("binary", "large", "none", "no-gzip")]
    assert [BINARY, LARGE, b"", b"torn"] == bodies
    assert [BINARY, LARGE] == [found[f"json-{name}"].request.body for name in ("post-binary", "post-large")]
    assert "<redacted:authorization>" == found["json-secrets"].request.headers.get("authorization")
