"""`gws-replay drift` with a cassette of two users: each is sent with its own credentials, and receives its own."""

import base64
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.settings.upstream import credentials_for
from gws_replay.storage.files import load_cassette
from tests.support.builders import SESSIONS, TOPIC, bayeux, cassette, get, push, update
from tests.support.commands import drift, refused, saved

SECOND = {"GWS_REPLAY_USER_2": "boris", "GWS_REPLAY_PASSWORD_2": "pw2"}


def two_users() -> Cassette:
    """Each reads, updates and is notified; the second one while the first one waits."""
    first = (get({}, began=0.0), update({"A": 1}, began=1.0), push({"A": 1}, seen=2.0))
    second = (get({}, began=0.5), update({"B": 2}, began=1.5), push({"B": 2}, seen=2.5))
    whole = cassette(*first, *(replace(each, user=1) for each in second))
    return replace(whole, header={**whole.header, "users": [{}, {}]})


class Agents:
    """A server of several agents: it keeps userData apart, and pushes to the agent that wrote."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any]] = []
        self.subscribed: set[str] = set()
        self.pushes: dict[str, queue.Queue[Any]] = {"agent1": queue.Queue(), "boris": queue.Queue()}

    def response(self, agent: str, method: str, path: str, sent: Any) -> Any:
        """What an agent receives."""
        if isinstance(sent, list):
            return [reply for message in sent for reply in self._bayeux(agent, message)]
        if method == "POST" and path.startswith(SESSIONS):
            self.written.append((agent, sent["userData"]))
            self.pushes[agent].put(bayeux(push(sent["userData"], seen=0)))
            return {"statusCode": 0}
        return {"statusCode": 0, "facebooksessions": [{"id": "S1", "userData": {}}]}

    def _bayeux(self, agent: str, message: Any) -> Iterator[Any]:
        channel = message["channel"]
        reply = {"channel": channel, "id": message["id"], "successful": True}
        if channel == "/meta/handshake":
            reply |= {"clientId": f"of-{agent}", "supportedConnectionTypes": ["long-polling"]}
        elif channel == "/meta/subscribe":
            self.subscribed.add(agent)
            reply |= {"subscription": message["subscription"]}
        elif channel == "/meta/connect" and "advice" not in message:
            with suppress(queue.Empty):
                yield self.pushes[agent].get(timeout=0.3)
        yield reply


@contextmanager
def agents() -> Iterator[tuple[Agents, str]]:
    """The server, and its address."""
    state = Agents()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

        def do_GET(self) -> None:
            agent = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode().partition(":")[0]
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            body = json.dumps(state.response(agent, self.command, self.path, sent)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):  # a client that has ended does not wait for its last poll
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state, f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_each_user_is_sent_with_its_own_credentials(tmp_path: Path) -> None:
    """And subscribes for itself: both notifications come."""
    path = saved(two_users(), tmp_path / "x.yaml")
    with agents() as (state, url):
        ended = drift(path, url, "--allow-writes", "--wait", "5", **SECOND)
    assert 2 == len(load_cassette(tmp_path / "x.drift.yaml").notifications), ended.out + ended.err
    assert [("agent1", {"A": 1}), ("boris", {"B": 2})] == state.written
    assert {"agent1", "boris"} == state.subscribed
    assert TOPIC in (tmp_path / "x.drift.yaml").read_text()
    assert [] == [secret for secret in ("pw2", "boris") if secret in (tmp_path / "x.drift.yaml").read_text()]


def test_a_user_without_credentials_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    """With the variables and the entry of netrc that would do."""
    path = saved(two_users(), tmp_path / "x.yaml")
    with agents() as (state, url):
        text = refused(drift(path, url, "--allow-writes"))
    assert "has 2 users, and user 2 has no credentials: set GWS_REPLAY_USER_2 and GWS_REPLAY_PASSWORD_2, or " in text
    assert "GWS_REPLAY_TOKEN_2, or add an entry for user2@localhost to ~/.netrc" in text
    assert ([], set()) == (state.written, state.subscribed)


@pytest.mark.parametrize(
    ("user", "source"),
    [(0, "GWS_REPLAY_USER"), (1, "GWS_REPLAY_TOKEN_1"), (2, "netrc"), (3, None)],
)
def test_where_the_credentials_of_a_user_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, source: str | None
) -> None:
    """A variable with its number, an entry of netrc with its number; user 1 has those without a number, too."""
    for name in ("USER", "PASSWORD", "TOKEN", "USER_2", "TOKEN_2"):
        monkeypatch.delenv(f"GWS_REPLAY_{name}", raising=False)
    monkeypatch.setenv("GWS_REPLAY_USER", "anna")
    monkeypatch.setenv("GWS_REPLAY_PASSWORD", "x")
    monkeypatch.setenv("GWS_REPLAY_TOKEN_1", "abc")
    entries = "machine user2@gws.example login boris password y\ndefault login anybody password z\n"
    (tmp_path / "netrc").write_text(entries)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    found = credentials_for("https://gws.example", user)
    assert source == (found and Path(found.source).name)
