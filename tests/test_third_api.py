"""An API is added by adding its module: an invented one is recorded, shown, judged, replayed, compared and redacted.

The module is copied into a copy of the package; nothing else in it is changed.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.copied_package import CopiedPackage

CLIENT = """
import json, os, sys, urllib.request

def send(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    url, headers = os.environ["GWS_REPLAY_URL"] + path, {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)

def comet(**message):
    return send("POST", "/desk/v1/stream", [message])

client = comet(channel="/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])[0]["clientId"]
connect = {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"}
comet(channel="/meta/subscribe", clientId=client, subscription="/desk/tickets")
comet(**connect)
ticket = send("GET", "/desk/v1/tickets")["tickets"][0]["ticketNo"]
seen = []
for verb, change in (
    ("amend", {"traits": {"colour": "red"}}), ("escalate", {"level": 2}), ("forget", {"names": ["size"]})
):
    seen.append(send("POST", f"/desk/v1/tickets/{ticket}:{verb}", {"change": change})["outcome"])
    messages = comet(**connect)
    seen += [each["data"]["what"] for each in messages if "data" in each]
print(json.dumps(seen))
"""
SEEN = ["accepted", "TraitsAmended", "accepted", "Escalated", "accepted", "TraitsAmended"]


class Desk:
    """The server of the invented API; with `spoils` it changes another trait with each amendment."""

    def __init__(self, number: str, *, spoils: bool = False) -> None:
        self.ticket: dict[str, Any] = {
            "ticketNo": number,
            "level": 1,
            "nickname": "escalate",
            "owner": "Corvina Brightwell",
            "traits": {"colour": "blue", "size": 3, "shape": "round"},
        }
        self.spoils = spoils
        self.links = 0
        self.waiting: list[dict[str, Any]] = []
        self.pushed = threading.Condition()

    def response(self, method: str, path: str, sent: Any) -> Any:
        """Return the response to one request."""
        if path == "/desk/v1/stream":
            return self._bayeux(sent[0])
        if method == "GET":
            return {"outcome": "accepted", "tickets": [self.ticket]}
        return self._operation(path.rpartition(":")[2], sent["change"])

    def _bayeux(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        pushed: list[dict[str, Any]] = []
        if message["channel"] == "/meta/connect":
            with self.pushed:
                self.pushed.wait_for(lambda: self.waiting, timeout=0.5)  # a poll is held for a while
                pushed, self.waiting = self.waiting, []
        reply = {"version": "1.0", "supportedConnectionTypes": ["long-polling"], "id": message.get("id")}
        return [{"channel": message["channel"], "successful": True, "clientId": "c" * 20, **reply}, *pushed]

    def _operation(self, verb: str, change: dict[str, Any]) -> dict[str, Any]:
        self.links += 1
        if verb == "escalate":
            self.ticket["level"] = change["level"]
        traits = {**self.ticket["traits"], **change.get("traits", {})}
        if self.spoils and verb == "amend":
            traits["shape"] = "square"
        self.ticket["traits"] = {name: value for name, value in traits.items() if name not in change.get("names", ())}
        about = {"ticketNo": self.ticket["ticketNo"], "traits": self.ticket["traits"], "level": self.ticket["level"]}
        if verb == "escalate":
            del about["traits"]
        what = "Escalated" if verb == "escalate" else "TraitsAmended"
        data = {"what": what, "link": f"L{self.links}", "at": self.links, "about": about}
        with self.pushed:
            self.waiting.append({"channel": "/desk/tickets", "data": data})
            self.pushed.notify_all()
        return {"outcome": "accepted", "link": f"L{self.links}"}


@contextmanager
def serving(desk: Desk) -> Iterator[str]:
    """Run a server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = json.dumps(desk.response(self.command, self.path, json.loads(body) if body else None)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        do_POST = do_GET  # noqa: N815 (the name that http.server wants)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Tool(CopiedPackage):
    """The command line of a package that has the module of the invented API."""

    def recorded(self, desk: Desk, path: Path) -> Path:
        """Record the client with a server."""
        with serving(desk) as upstream:
            printed = self("record", "--upstream", upstream, "--cassette", path, "--", sys.executable, "-c", CLIENT)
        assert json.loads(printed.splitlines()[0]) == SEEN
        return path

    def replayed(self, path: Path) -> list[str]:
        """Replay a cassette to the client, and return what it saw."""
        command = [sys.executable, "-m", "gws_replay", "serve", str(path)]
        with subprocess.Popen(command, **self.options, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            environment = {**self.options["env"], "GWS_REPLAY_URL": server.stdout.readline().strip()}
            client = [sys.executable, "-c", CLIENT]
            ran = subprocess.run(client, env=environment, capture_output=True, text=True, timeout=120, check=False)
            server.terminate()
        assert ran.returncode == 0, ran.stderr
        found = json.loads(ran.stdout)
        assert isinstance(found, list)
        return found


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """The tool with the invented API."""
    return Tool(tmp_path_factory.mktemp("site"), "tickets_v1.py", into="core/api")


@pytest.fixture(scope="module")
def cassette(tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of it, made with the default filter."""
    return tool.recorded(Desk("T-170004"), tmp_path_factory.mktemp("recorded") / "desk.yaml")


def test_recording_has_each_operation_with_its_notification(tool: Tool, cassette: Path) -> None:
    """`show` names operations, resources, the API's own status, links and causes."""
    shown = json.loads(tool("show", "--json", cassette))
    assert shown["header"]["api"] == "desk-v1"
    operations = [(each["operation"], each["resource"]) for each in shown["interactions"]]
    assert operations == [(None, None), *((verb, "T-170004") for verb in ("amend", "escalate", "forget"))]
    assert [notification["cause"]["interaction"] for notification in shown["notifications"]] == [1, 2, 3]
    assert {notification["cause"]["rule"] for notification in shown["notifications"]} == {"referenceId"}
    text = tool("show", cassette)
    assert 'amend T-170004  HTTP 200, outcome "accepted"' in text
    assert "TraitsAmended T-170004" in text
    assert " link L1" in text


def test_correct_server_passes(tool: Tool, cassette: Path) -> None:
    """Both operations that write userData are judged."""
    assert {"passed": 2, "failed": 0, "unknown": 0, "broken": []} == json.loads(
        tool("verify", "--json", cassette).splitlines()[-1]
    )


def test_server_that_changes_another_trait_fails(tool: Tool, cassette: Path, tmp_path: Path) -> None:
    """The verdict names the trait."""
    spoilt = tool.recorded(Desk("T-170004", spoils=True), tmp_path / "spoilt.yaml")
    assert "shape" in tool("verify", spoilt, status=1)
    assert "shape" in tool("diff", cassette, spoilt, status=1)


def test_replay_gives_what_was_recorded(tool: Tool, cassette: Path) -> None:
    """Responses and notifications, through the replay server."""
    assert tool.replayed(cassette) == SEEN


def test_other_ids_are_no_difference(tool: Tool, cassette: Path, tmp_path: Path) -> None:
    """The ticket of the second recording has another number."""
    tool("diff", cassette, tool.recorded(Desk("T-990021"), tmp_path / "other.yaml"))


def test_drift_sends_the_requests_and_finds_no_difference(tool: Tool, cassette: Path, tmp_path: Path) -> None:
    """It finds the CometD server; a correct server has no finding."""
    with serving(Desk("T-170004")) as upstream:
        tool("drift", cassette, "--upstream", upstream, "--allow-writes", "--candidate", tmp_path / "live.yaml")


def test_verb_is_not_redacted_though_a_person_has_its_name(cassette: Path) -> None:
    """The API says which of its keys are personal, and which words are its own."""
    text = cassette.read_text("utf-8")
    assert "T-170004:escalate\n" in text
    assert '"owner": "' in text
    assert "Corvina" not in text
