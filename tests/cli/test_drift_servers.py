"""`gws-replay drift` against servers that are down, out of order, private, slow, or no CometD."""

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.model import Exchange
from gws_replay.files import load_cassette
from gws_replay.listening import certificate_for
from tests.builders import cassette, exchange, get, told
from tests.commands import drift, refused, saved

OK = {"statusCode": 0}


class _Handler(BaseHTTPRequestHandler):
    """Answers what its server's `answers` say for a path: a status, or a JSON value."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(self)  # type: ignore[attr-defined]
        answer = self.server.answers.get(self.path.partition("?")[0], OK)  # type: ignore[attr-defined]
        if callable(answer):
            answer = answer()
        body = json.dumps(answer).encode()
        if isinstance(answer, int):
            self.send_response(answer)
        else:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # who asked has not waited
            self.end_headers()
            self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def answering(answers: Mapping[str, Any], tls: ssl.SSLContext | None = None) -> Iterator[Any]:
    """A server; `url` is its address, `seen` what it was asked."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https" if tls else "http"
        vars(server).update(answers=answers, seen=[], url=f"{scheme}://localhost:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asking(path: Path, *moments: Exchange) -> Path:
    """A cassette of exchanges."""
    return saved(cassette(*moments), path / "x.yaml")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Nobody listens, or it is out of order: one sentence, and nothing is left behind."""
    path = asking(tmp_path, exchange())
    assert "http://127.0.0.1:1 cannot be asked: " in refused(drift(path, "http://127.0.0.1:1"))
    with answering({"/api/v2/me": 503}) as server:
        said = refused(drift(path, server.url))
        assert f"{server.url} is not in order: it answers 503 to GET /api/v2/me, the first request" == said
    assert [path] == list(tmp_path.iterdir())


def test_an_error_later_is_a_finding(tmp_path: Path) -> None:
    """A status is an answer; redirects are not followed."""
    path = asking(tmp_path, exchange("GET", "/api/v2/a", None, OK), exchange("GET", "/api/v2/b", None, OK, began=1.0))
    with answering({"/api/v2/b": 500}) as server:
        ended = drift(path, server.url)
    assert 1 == ended.code
    assert "answer.status: 200 -> 500  [interaction 1]" in ended.out


def test_certificates(tmp_path: Path) -> None:
    """Verified, by the CA that is named, unless that is not wanted."""
    context, ca = certificate_for("localhost", tmp_path)
    path = asking(tmp_path, exchange("GET", "/api/v2/me", None, OK))
    with answering({}, context) as server:
        said = refused(drift(path, server.url))
        assert f"{server.url} cannot be asked: its certificate is not trusted (" in said
        assert "give its CA with --upstream-ca" in said
        assert 0 == drift(path, server.url, "--upstream-ca", ca).code
        assert 0 == drift(path, server.url, "--insecure", "--force").code


def test_what_overlapped_overlaps(tmp_path: Path) -> None:
    """Two questions are answered only when both have come; the third comes after both, and its recorded pause."""
    both = threading.Barrier(2)

    def meet() -> Any:
        both.wait(60)
        return OK

    path = asking(
        tmp_path,
        exchange("GET", "/api/v2/a", None, OK, began=0.0, ended=2.0),
        exchange("GET", "/api/v2/b", None, OK, began=1.0, ended=3.0),
        exchange("GET", "/api/v2/c", None, OK, began=5.0),
    )
    with answering({"/api/v2/a": meet, "/api/v2/b": meet}) as server:
        begun = time.monotonic()
        assert 0 == drift(path, server.url, "--timing", "0.1").code
        assert 0.3 <= time.monotonic() - begun
        assert ["/api/v2/c"] == [each.path for each in server.seen][2:]


@pytest.mark.parametrize(
    ("comet", "said"),
    [
        (404, "/api/v2/notifications is no CometD for us: it answers 404"),
        (
            [{"channel": "/meta/handshake", "successful": False, "error": "403::no"}],
            "CometD: the handshake was refused: 403::no",
        ),
        ([], "has not let us subscribe within 0.2 seconds"),
    ],
)
def test_a_server_that_tells_nothing(tmp_path: Path, comet: Any, said: str) -> None:
    """One sentence says why; what was asked before can be gone on with."""
    path = saved(cassette(get({}, began=0.0), told({}, seen=1.0), get({}, began=2.0)), tmp_path / "x.yaml")

    def slowly() -> Any:
        time.sleep(0.01)
        return comet

    with answering({"/api/v2/notifications": slowly}) as server:
        told_us = refused(drift(path, server.url, "--wait", "0.2"))
    assert said in told_us
    assert "after 1 of 2 questions: go on with --resume" in told_us


def test_headers(tmp_path: Path) -> None:
    """Those of the recording, less those of its session; the credentials are the live ones."""
    recorded = [
        ("Accept", "application/json"),
        ("Authorization", "Basic old"),
        ("Cookie", "a=old"),
        ("X-Secret", "old"),
    ]
    path = asking(tmp_path, exchange("GET", "/api/v2/me", None, OK, asked_with=recorded))
    with answering({}) as server:
        token = {"GWS_REPLAY_USER": "", "GWS_REPLAY_PASSWORD": "", "GWS_REPLAY_TOKEN": "t0ken-of-today"}
        assert 0 == drift(path, server.url, **token).code
        headers = dict(server.seen[0].headers)
    assert ("application/json", "Bearer t0ken-of-today") == (headers["Accept"], headers["Authorization"])
    assert not {"Cookie", "X-Secret"} & headers.keys()
    assert "t0ken-of-today" not in (tmp_path / "x.drift.yaml").read_text()
    assert "gws-replay" in load_cassette(tmp_path / "x.drift.yaml").header["recorder"]
