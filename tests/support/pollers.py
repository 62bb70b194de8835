"""A minimal CometD client that polls in a thread, and the cassettes that are replayed to it in this process."""

import threading
import time
from collections.abc import Callable
from typing import Any, Self

import httpx
import requests

from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import TOPIC, cassette, get, push, update

URL = "http://gws.example"
COMETD = f"{URL}/api/v2/notifications"
SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}
CALM = 20


def recorded(**options: Any) -> ReplayRun:
    """A GET, an update of A to 2 and its notification."""
    moments = get({"A": 1}, began=0.0), update({"A": 2}, began=1.0, ended=1.2), push({"A": 2}, seen=1.5)
    return ReplayRun(cassette(*moments).named("some.yaml"), **options)


Post = Callable[[str, Any], Any]


def by_requests() -> Post:
    """A session of requests."""
    session = requests.Session()
    return lambda url, sent: session.post(url, json=sent, timeout=CALM).json()


def by_httpx() -> Post:
    """A client of httpx."""
    client = httpx.Client(verify=False, timeout=CALM)
    return lambda url, sent: client.post(url, json=sent).json()


class Poller:
    """A CometD client that polls in a thread of its own, as clients on requests do."""

    def __init__(self, post: Post) -> None:
        self.post = post
        (self.hello,) = post(COMETD, [{"channel": "/meta/handshake", "supportedConnectionTypes": ["long-polling"]}])
        self.client_id = self.hello["clientId"]
        post(COMETD, [{"channel": "/meta/subscribe", "clientId": self.client_id, "subscription": TOPIC}])
        self.got: list[Any] = []
        self.connects: list[float] = []
        self.arrived = threading.Condition()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.post(COMETD, [{"channel": "/meta/disconnect", "clientId": self.client_id}])
        self.thread.join(CALM)
        assert not self.thread.is_alive()

    def connect(self) -> list[Any]:
        """Poll once; return the data of what was pushed."""
        message = {"channel": "/meta/connect", "clientId": self.client_id, "connectionType": "long-polling"}
        return [each["data"] for each in self.post(COMETD, [message]) if each["channel"] == TOPIC]

    def run(self) -> None:
        """Poll until the end."""
        while not self.ended.is_set():
            self.connects.append(time.monotonic())
            got = self.connect()
            with self.arrived:
                self.got += got
                self.arrived.notify_all()

    def wait_for(self, count: int) -> list[Any]:
        """Wait until so many notifications have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, CALM), self.got
            return list(self.got)


def changed(notifications: list[Any]) -> list[Any]:
    """The userData that notifications show."""
    return [each["facebooksession"]["userData"] for each in notifications]
