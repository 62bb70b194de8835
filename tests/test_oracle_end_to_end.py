"""Faults of the sandbox found through real sockets, as a user would record them; a correct sandbox passes.

All faults on all channels are in `test_fault_catalogue`, without sockets.
"""

import threading
import time
from typing import Any

import pytest
import requests

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange, Headers, Recording, Request, Response
from gws_replay.core.oracle.judge import Update
from gws_replay.sandbox.server import RunningSandbox, serving
from tests.support.redactors import redactor

SESSION = "/api/v2/me/facebooksessions/0002DaAVKJ0V0095"
COMETD = "/api/v2/notifications"
UPDATE = {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}

# The reason, or a part of it, that the verdict must give for a fault.
NAMED = {
    "number-to-string": 'UserData1: sent 987654321 (integer), the notification shows "987654321" (string)',
    "key-twice": "repeated key",
    "lost-update": "UserData1: sent 987654321",
    "other-session": "session 0002DaAVKJ0V0097 changed too",
    "refused-written": "changed though it was refused: UserData1",
    "not-notified": "no notification on /v2/me/facebooksession answers it",
}


class Desktop:
    """A client of an agent that records its traffic, as a proxy would."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.exchanges: list[Exchange] = []
        self.commented = threading.Event()
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send one request on a connection of its own, and record the exchange."""
        began = time.monotonic()
        with requests.request(
            method,
            self.sandbox.url + path,
            json=body,
            headers=self.headers,
            cookies=self.cookies,
            auth=(self.sandbox.user, self.sandbox.password),
            timeout=60,
        ) as reply:
            self.exchanges.append(
                Exchange(
                    request=Request(
                        method=method,
                        uri=self.sandbox.url + path,
                        headers=Headers(tuple(reply.request.headers.items())),
                        body=reply.request.body or b"",  # type: ignore[arg-type]
                    ),
                    response=Response(status=reply.status_code, body=reply.content),
                    began=began,
                    ended=time.monotonic(),
                )
            )
            return reply

    def run(self) -> Recording:
        """Log in, subscribe, update two keys, add a comment, read the session.

        The notification of the comment comes last, so all notifications before it have arrived.
        """
        me = self.send("GET", "/api/v2/me")
        self.headers = {me.headers["X-CSRF-HEADER"]: me.headers["X-CSRF-TOKEN"]}
        self.cookies = dict(me.cookies)
        client = self.send("POST", COMETD, [{"channel": "/meta/handshake", "version": "1.0", "id": "1"}]).json()[0]
        meta = {"clientId": client["clientId"], "connectionType": "long-polling"}
        self.send("POST", COMETD, [{"channel": "/meta/subscribe", "subscription": "/v2/me/facebooksession", **meta}])
        self.send("POST", COMETD, [{"channel": "/meta/connect", **meta}])
        poller = threading.Thread(target=self.poll, args=(meta,))
        poller.start()
        self.send("GET", "/api/v2/me/facebooksessions?fields=*")
        self.send("POST", SESSION, {"operationName": "UpdateUserData", "userData": UPDATE})
        self.send("POST", SESSION, {"operationName": "AddComment", "comment": "the last"})
        assert self.commented.wait(30)
        self.send("GET", "/api/v2/me/facebooksessions?fields=*")
        self.send("POST", COMETD, [{"channel": "/meta/disconnect", **meta}])
        poller.join(30)
        return Recording(exchanges=tuple(self.exchanges))

    def poll(self, meta: dict[str, str]) -> None:
        """Keep a connect at the server until it is disconnected."""
        while True:
            for message in self.send("POST", COMETD, [{"channel": "/meta/connect", **meta}]).json():
                if message.get("data", {}).get("facebooksession", {}).get("comment") == "the last":
                    self.commented.set()
                if message.get("advice", {}).get("reconnect") in ("none", "handshake"):
                    return


def recorded(fault: str | None = None) -> Cassette:
    """Record a session with a sandbox that has a fault, or none."""
    with serving(fault=fault, push_delay=0.01) as sandbox:
        recording = Desktop(sandbox).run()
    return compile_recording(redactor().recording(recording)).cassette


def verdict(fault: str | None) -> Update:
    """Judge the one update of a session with a sandbox that has a fault."""
    update, comment = recorded(fault).updates()
    assert "AddComment" == comment.operation
    return update


def test_correct_sandbox_passes() -> None:
    """Exactly the two keys changed."""
    update = verdict(None)
    assert ("passed", ()) == (update.verdict, update.reasons)
    assert set(UPDATE) == update.changes.keys


def test_two_sessions_with_one_build_have_no_findings() -> None:
    """Port, login and times differ: a comparison has no warning."""
    found = [each for each in diff(recorded(), recorded()) if not each.suppressed and each.severity != "info"]
    assert [] == found


@pytest.mark.parametrize("fault", NAMED)
def test_fault_is_caught_and_named(fault: str) -> None:
    """Whatever the server returns, the verdict is "failed", and gives the reason."""
    update = verdict(fault)
    assert "failed" == update.verdict
    assert any(NAMED[fault] in reason for reason in update.reasons), update.reasons
