"""Small clients that poll by CometD in a thread: a correct one, and others with one planted race each.

They need the standard library only, so that one starts fast as a command: python -m tests.support.racing_clients NAME
"""

import http.client
import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

SESSIONS = "/api/v2/me/facebooksessions"
BROKEN = (OSError, http.client.HTTPException)
Message = dict[str, Any]


class Client:
    """A correct client: what a push or a GET shows is its state, and it asks for nothing but that state."""

    def __init__(self, url: str, patience: float) -> None:
        self.host = urlsplit(url).netloc
        self.patience = patience
        self.state: dict[str, dict[str, Any]] = defaultdict(dict)
        self.received: list[str] = []
        self.pending: dict[tuple[str, str], Any] = {}
        self.changed = threading.Condition()
        self.problem = ""
        self.over = False
        self.ack = 0
        self.token = ""
        self.shake_hands()
        self.thread = threading.Thread(target=self.poll, daemon=True)

    def __enter__(self) -> Self:
        self.connect()  # the first one returns at once
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        with suppress(*BROKEN):
            self.send("/meta/disconnect", clientId=self.id)
        self.thread.join(self.patience)

    # CometD

    def send(self, channel: str, **fields: Any) -> list[Message]:
        found: list[Message] = self.http("POST", "/api/v2/notifications", [{"channel": channel, **fields}])[1]
        return found

    def shake_hands(self) -> None:
        types = ["long-polling"]
        (reply,) = self.again(
            lambda: self.send("/meta/handshake", version="1.0", supportedConnectionTypes=types, ext={"ack": True})
        )
        self.id = reply["clientId"]
        self.ack = 0
        self.subscribe()

    def subscribe(self) -> None:
        (reply,) = self.again(lambda: self.send("/meta/subscribe", clientId=self.id, subscription="/**"))
        if not reply["successful"]:
            self.shake_hands()

    def again(self, send: Callable[[], list[Message]]) -> list[Message]:
        """Send what does no harm when it is sent twice."""
        try:
            return send()
        except BROKEN:
            return send()

    def poll(self) -> None:
        while not self.over and not self.problem:
            self.connect()

    def connect(self) -> None:
        try:
            self.take(
                self.send("/meta/connect", clientId=self.id, connectionType="long-polling", ext={"ack": self.ack})
            )
        except BROKEN:
            pass  # the next one is sent at once
        except Exception as error:  # noqa: BLE001 (what a poll dies of fails the client)
            self.fail(repr(error))

    def fail(self, problem: str) -> None:
        with self.changed:
            self.problem = self.problem or problem
            self.changed.notify_all()

    def take(self, messages: list[Message]) -> None:
        for each in messages:
            if each.get("data"):
                self.push(each["data"]["facebooksession"])
        for each in messages:
            if each["channel"] != "/meta/connect":
                continue
            if each["successful"]:
                self.ack = each.get("ext", {}).get("ack", self.ack)
            elif not self.over:
                self.start_again()

    def start_again(self) -> None:
        """What came meanwhile may be lost: a GET shows it."""
        self.shake_hands()
        self.look()

    def push(self, shown: Message) -> None:
        with self.changed:
            self.received.append(shown["id"])
            self.apply(shown)
            self.changed.notify_all()

    def apply(self, shown: Message) -> None:
        """Show what the server shows, but for what it does not know yet."""
        for key, value in shown.get("userData", {}).items():
            waits_for = self.pending.get((shown["id"], key), value)
            if waits_for == value:
                self.pending.pop((shown["id"], key), None)
                self.state[shown["id"]][key] = value

    # REST

    def http(self, method: str, path: str, sent: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.host, timeout=self.patience + 5)
        try:
            body = None if sent is None else json.dumps(sent)
            connection.request(method, path, body, {"X-CSRF-TOKEN": self.token} if self.token else {})
            response = connection.getresponse()
            text = response.read()
            self.token = response.headers.get("X-CSRF-TOKEN", self.token)
            return response.status, json.loads(text) if text and response.status == http.client.OK else None
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        try:
            return self.http("GET", path)[1]
        except BROKEN:
            return self.http("GET", path)[1]

    def look(self) -> None:
        for shown in self.get(f"{SESSIONS}?fields=*")["facebooksessions"]:
            with self.changed:
                self.apply(shown)
                self.changed.notify_all()

    def me(self) -> None:
        self.get("/api/v2/me")

    def update(self, session: str, key: str, value: Any) -> None:
        with self.changed:
            self.pending[session, key] = value
        self.write(session, key, value)
        with self.changed:
            self.state[session][key] = value

    def write(self, session: str, key: str, value: Any) -> None:
        """Write once: after a broken connection, look whether the server has carried it out."""
        try:
            status = self.post(session, key, value)
        except BROKEN:
            self.look()
            if self.state[session].get(key) == value:
                return
            status = self.post(session, key, value)
        if status == http.client.FORBIDDEN:
            self.me()  # its response has a new token
            status = self.post(session, key, value)
        assert status == http.client.OK, f"{status} for {session}"

    def post(self, session: str, key: str, value: Any) -> int:
        sent = {"operationName": "UpdateUserData", "userData": {key: value}}
        return self.http("POST", f"{SESSIONS}/{session}", sent)[0]

    def wait(self, what: Callable[[], bool], name: str) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.problem or what(), self.patience)
            assert not self.problem, self.problem
            assert what(), f"waited for {name}"

    def wait_for(self, session: str, key: str, value: Any) -> None:
        self.wait(lambda: self.state[session].get(key) == value, f"{session} {key}")

    def wait_for_push(self, session: str) -> None:
        self.wait(lambda: session in self.received, f"a push of {session}")

    def play(self) -> None:
        """What the recorded client did."""
        self.look()
        self.update("S1", "A", 2)
        self.wait_for("S1", "A", 2)
        self.me()
        self.update("S2", "B", 1)
        self.wait_for("S2", "B", 1)
        self.look()
        self.wait(lambda: not self.pending, "what was written")


class AssumesThePushFollows(Client):
    """Begins to look for the push when the response is there."""

    def play(self) -> None:
        for session, key, value in (("S1", "A", 2), ("S2", "B", 1)):
            self.update(session, key, value)
            self.received.clear()
            self.wait_for_push(session)
            self.me()


class OlderOverNewer(Client):
    """Takes each push for the newest state, though it has written something since."""

    def apply(self, shown: Message) -> None:
        self.state[shown["id"]].update(shown["userData"])

    def play(self) -> None:
        self.update("S1", "A", 2)
        self.me()
        self.update("S1", "A", 3)
        self.me()
        assert self.state["S1"]["A"] == 3, "an older push is shown"


class FirstOfABatch(Client):
    """Takes the first event of a response only."""

    def take(self, messages: list[Message]) -> None:
        events = [each for each in messages if each.get("data")]
        super().take([*events[:1], *(each for each in messages if not each.get("data"))])

    def play(self) -> None:
        self.update("S1", "A", 2)
        self.me()
        self.update("S2", "B", 1)
        self.wait(lambda: {"S1", "S2"} <= {*self.received}, "both")


class LosesWhatCameMeanwhile(Client):
    """Begins a new CometD session without a look at what it has missed."""

    def start_again(self) -> None:
        self.shake_hands()

    def play(self) -> None:
        self.update("S1", "A", 2)
        self.wait(lambda: ("S1", "A") not in self.pending, "the push of S1")
        self.me()
        self.update("S2", "B", 1)
        self.wait(lambda: ("S2", "B") not in self.pending, "the push of S2")


class CountsTwice(Client):
    """Counts an event that is delivered again."""

    def play(self) -> None:
        self.look()
        for session, key, value in (("S1", "A", 2), ("S2", "B", 1)):
            self.update(session, key, value)
            self.wait_for_push(session)
            self.me()
        assert len(self.received) == len({*self.received}), self.received


class LatestOperation(Client):
    """Takes a push for that of the operation that was answered last."""

    latest = ""

    def push(self, shown: Message) -> None:
        if shown["id"] != self.latest:
            self.fail(f"a push of {shown['id']} for {self.latest}")
        super().push(shown)

    def post(self, session: str, key: str, value: Any) -> int:
        status = super().post(session, key, value)
        self.latest = session
        return status

    def play(self) -> None:
        for session, key, value in (("S1", "A", 2), ("S2", "B", 1)):
            self.update(session, key, value)
            self.wait_for_push(session)
            self.me()


class WaitsInACallback(Client):
    """Waits for a push of S1 in the callback of S2: the thread that would take it is the one that waits."""

    def push(self, shown: Message) -> None:
        super().push(shown)
        if shown["id"] == "S2":
            with self.changed:
                if not self.changed.wait_for(lambda: "S1" in self.received, self.patience / 2):
                    self.fail("no push of S1")

    def play(self) -> None:
        self.update("S1", "A", 2)
        self.me()
        self.update("S2", "B", 1)
        self.wait(lambda: {"S1", "S2"} <= {*self.received}, "both")


class WritesAgain(Client):
    """Sends a write again after a broken connection, though it may have been carried out."""

    def write(self, session: str, key: str, value: Any) -> None:
        try:
            self.post(session, key, value)
        except BROKEN:
            self.post(session, key, value)


class SubscribesOnce(Client):
    """Does not subscribe again in a new CometD session."""

    subscribed = False

    def subscribe(self) -> None:
        if not self.subscribed:
            self.subscribed = True
            super().subscribe()

    play = LosesWhatCameMeanwhile.play

    def look(self) -> None:
        """This one never looks."""


class KeepsTheToken(Client):
    """Goes on with the CSRF token that it has, whatever the server says."""

    def write(self, session: str, key: str, value: Any) -> None:
        if self.post(session, key, value) == http.client.FORBIDDEN:
            assert self.post(session, key, value) == http.client.OK


class ByArrival(Client):
    """Expects the pushes of two sessions in the order in which it wrote to them."""

    def play(self) -> None:
        self.update("S1", "A", 2)
        self.me()
        self.update("S2", "B", 1)
        self.wait(lambda: len(self.received) > 1, "two pushes")
        assert self.received[:2] == ["S1", "S2"], self.received


class FailsWhenEmpty(Client):
    """Takes a connect that times out without an event for an error; the first one always returns at once."""

    connects = 0

    def take(self, messages: list[Message]) -> None:
        self.connects += 1
        assert self.over or len(messages) > 1 or self.connects == 1 or not messages[0]["successful"], "nothing came"
        super().take(messages)


class ReplyLast(Client):
    """Takes the last message for the reply to its connect."""

    play = LosesWhatCameMeanwhile.play

    def take(self, messages: list[Message]) -> None:
        *events, reply = messages
        super().take([*events, {"successful": True, "ext": {}, **reply, "channel": "/meta/connect", "data": None}])


def play(kind: type[Client], url: str, patience: float) -> str:
    """Let a client play; return what went wrong, empty for nothing."""
    try:
        with kind(url, patience) as client:
            client.play()
    except Exception as error:  # noqa: BLE001 (whatever it is, the client has failed)
        return repr(error)
    return client.problem


if __name__ == "__main__":
    sys.exit(play(globals()[sys.argv[1]], os.environ["GWS_REPLAY_URL"], 2.0) or 0)
