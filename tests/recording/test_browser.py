"""A real browser page with npm's CometD client, recorded from a realistic server, then replayed and verified.

HTTPS by a private CA, a sign-in by absolute redirects, Secure and __Host- cookies, CometD at its own path.
"""

import json
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.authorities import make_authority
from tests.support.builders import bayeux, push
from tests.support.commands import command_line
from tests.support.matrix_clients import CHROMIUM, COMETD_JS, browsing
from tests.support.proxies import GWS, PATIENCE, Running, operations

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.skipif(not COMETD_JS.is_dir(), reason="npm's cometd is not installed: make test installs it"),
]
COMETD, SESSIONS, CHANNEL = "/genesys/cometd", "/api/v2/me/facebooksessions", "/v2/me/facebooksession"
COOKIES = ("SID=n0de-abc-123; Path=/; Secure; HttpOnly; SameSite=None", "__Host-CSRF=t0ken-xyz-789; Path=/; Secure")
PAGE = """<!doctype html><script type="module">
import {CometD} from "/cometd/cometd.js";
const send = (path, body) => fetch(path, {method: "POST", body: JSON.stringify(body),
  headers: {"Content-Type": "application/json"}});
const cometd = new CometD();
cometd.unregisterTransport("websocket");
cometd.configure({url: location.origin + "%(cometd)s"});
try {
  const sessions = await (await fetch("%(sessions)s?fields=*")).json();
  let updated;
  const pushed = new Promise(resolve => cometd.addListener("/meta/connect", () => {
    cometd.clearListeners();
    cometd.subscribe("%(channel)s", message => resolve(message.data), () => updated =
      send(sessions.facebooksessions[0].uri, {operationName: "UpdateUserData", userData: {Note: "second"}}));
  }));
  cometd.handshake();
  const data = await pushed;
  await (await updated).text();  // the notification may come first
  send("/done", {pushed: data, port: location.port});
} catch (error) { send("/done", {error: String(error)}); }
</script>"""
for name, value in (("cometd", COMETD), ("sessions", SESSIONS), ("channel", CHANNEL)):
    PAGE = PAGE.replace(f"%({name})s", value)


class Staging:
    """A server with one page and one agent; `done` holds what the page sends at its end."""

    def __init__(self) -> None:
        self.url = ""
        self.done: queue.Queue[Any] = queue.Queue()
        self.pushes: queue.Queue[Any] = queue.Queue()
        self.user_data: dict[str, Any] = {"Note": "first"}

    def response(self, method: str, path: str, sent: Any, cookies: str) -> tuple[int, list[tuple[str, str]], Any]:
        """Status, header fields and body of a response."""
        pages: dict[str, tuple[int, list[tuple[str, str]], Any]] = {
            "/": (302, [("Location", f"{self.url}/sign-in")], b""),
            "/sign-in": (302, [*(("Set-Cookie", each) for each in COOKIES), ("Location", f"{self.url}/page")], b""),
            "/page": (200, [("Content-Type", "text/html")], PAGE.encode()),
            "/done": (200, [], {}),
        }
        if path == "/done":
            self.done.put(sent)
        if path.startswith("/cometd/"):
            return 200, [("Content-Type", "text/javascript")], (COMETD_JS / Path(path).name).read_bytes()
        return pages[path] if path in pages else self._api(method, path, sent, cookies)

    def _api(self, method: str, path: str, sent: Any, cookies: str) -> tuple[int, list[tuple[str, str]], Any]:
        if not all(each.partition(";")[0] in cookies for each in COOKIES):
            return 403, [], {"statusCode": 3}
        if path.startswith(COMETD):
            return 200, [], [reply for message in sent for reply in self._bayeux(message)]
        if method == "POST":
            self.user_data |= sent["userData"]
            self.pushes.put(bayeux(push(self.user_data, seen=0)))
            return 200, [], {"statusCode": 0}
        shown = {"id": "S1", "uri": f"{self.url}{SESSIONS}/S1", "userData": self.user_data}
        return 200, [], {"statusCode": 0, "facebooksessions": [shown]}

    def _bayeux(self, message: Any) -> Iterator[Any]:
        reply = {"channel": message["channel"], "id": message["id"], "successful": True}
        if message["channel"] == "/meta/handshake":
            reply |= {"clientId": "client-1-of-one", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        elif message["channel"] == "/meta/subscribe":
            reply |= {"subscription": message["subscription"]}
        elif "advice" not in message:
            with suppress(queue.Empty):
                yield self.pushes.get(timeout=1)
        yield reply


@contextmanager
def staging(context: ssl.SSLContext) -> Iterator[Staging]:
    """The server, over HTTPS."""
    state = Staging()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            path = self.path.partition("?")[0]
            status, fields, body = state.response(self.command, path, sent, self.headers.get("Cookie", ""))
            if not isinstance(body, bytes):
                body, fields = json.dumps(body).encode(), [*fields, ("Content-Type", "application/json")]
            self.send_response(status)
            for field in (*fields, ("Content-Length", str(len(body)))):
                self.send_header(*field)
            with suppress(OSError):  # a page that was closed
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        state.url = f"https://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def test_a_browser_is_recorded_replayed_and_verified(tmp_path: Path) -> None:
    """On the first attempt, with no option but the CA."""
    authority = make_authority(tmp_path)
    cassette = tmp_path / "page.yaml"
    with staging(authority.server) as server:
        settings = Settings(cassette=cassette, upstream=server.url, upstream_ca=authority.ca)
        with Recorder(settings) as recorder, browsing(recorder.url, tmp_path / "profile"):
            shown = server.done.get(timeout=PATIENCE)
    assert {"Note": "second"} == shown["pushed"]["facebooksession"]["userData"], shown
    assert recorder.url == f"http://localhost:{shown['port']}"
    recorded = load_cassette(cassette)
    assert [f"GET {SESSIONS}", "UpdateUserData"] == operations(recorded)
    assert [(CHANNEL, 1)] == [(each.channel, each.cause and each.cause.interaction) for each in recorded.notifications]
    assert 0 == command_line("verify", cassette).code
    with Running([*GWS, "serve", str(cassette)]) as replay:
        url = replay.line("http")
        assert {"Note": "second"} == _played(url)


def _played(url: str) -> Any:
    """The userData that a client in another language receives when it sends the same requests as the page."""
    with requests.Session() as agent:
        agent.trust_env = False

        def send(path: str, body: Any) -> Any:
            return agent.post(url + path, json=body, timeout=PATIENCE).json()

        agent.get(f"{url}{SESSIONS}?fields=*", timeout=PATIENCE)
        handshake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        client = {"clientId": send(COMETD, [handshake])[0]["clientId"], "connectionType": "long-polling"}
        send(COMETD, [{"channel": "/meta/subscribe", "subscription": CHANNEL, **client}])
        send(f"{SESSIONS}/S1", {"operationName": "UpdateUserData", "userData": {"Note": "second"}})
        for _ in range(5):
            for message in send(COMETD, [{"channel": "/meta/connect", **client}]):
                if message["channel"] == CHANNEL:
                    return message["data"]["facebooksession"]["userData"]
    return None
