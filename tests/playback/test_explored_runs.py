"""Interruptions as a real client meets them: in process with requests, and over sockets."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import aiohttp
import pytest
import requests

from gws_replay.core.explore.plan import Plan
from gws_replay.core.explore.space import Space, Traffic
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.explored_run import explored_run
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.server import ServedRun, serving
from tests.support.builders import HOST, NOTIFICATIONS, SESSIONS, cassette, get, push, update

RECORDED = cassette(
    get({"A": 1}, began=0),
    update({"A": 2}, began=1),
    push({"A": 2}, seen=1.5),
    get({"A": 2}, began=2),
    update({"A": 3}, began=3),
    push({"A": 3}, seen=3.5),
)
UPDATES = [{"operationName": "UpdateUserData", "userData": {"A": value}} for value in (2, 3)]
Messages = list[dict[str, Any]]


class Client:
    """A CometD client that does nothing by itself."""

    def __init__(self, url: str, *, ack: bool = False) -> None:
        self.url, self.ack, self.batch = url, ack, 0
        self.rest, self.comet = requests.Session(), requests.Session()

    def begin(self) -> None:
        """Shake hands, subscribe, and connect for the first time."""
        ext = {"ext": {"ack": True}} if self.ack else {}
        wanted = {"version": "1.0", "supportedConnectionTypes": ["long-polling"], **ext}
        self.id = self.send("/meta/handshake", **wanted)[-1]["clientId"]
        self.send("/meta/subscribe", clientId=self.id, subscription="/**")

    def send(self, channel: str, **fields: Any) -> Messages:
        found: Messages = self.comet.post(
            self.url + NOTIFICATIONS, json=[{"channel": channel, **fields}], timeout=9
        ).json()
        return found

    def connect(self) -> Messages:
        ext = {"ext": {"ack": self.batch}} if self.ack else {}
        found = self.send("/meta/connect", clientId=self.id, connectionType="long-polling", **ext)
        self.batch = max([self.batch, *(each["ext"]["ack"] for each in found if "ext" in each)])
        return found

    def look(self) -> Any:
        return self.rest.get(f"{self.url}{SESSIONS}?fields=*", timeout=9).json()

    def update(self, number: int = 0) -> requests.Response:
        return self.rest.post(f"{self.url}{SESSIONS}/S1", json=UPDATES[number], timeout=9)


def values(messages: Messages) -> list[int]:
    """The values of A in the notifications."""
    return [each["data"]["facebooksession"]["userData"]["A"] for each in messages if "data" in each]


@contextmanager
def in_process(texts: str) -> Iterator[tuple[str, Plan]]:
    run, plan = explored_run(ReplayRun, space(), variant(texts))
    with replaying(run):
        yield HOST, plan


@contextmanager
def served(texts: str) -> Iterator[tuple[str, Plan]]:
    run, plan = explored_run(ServedRun, space(), variant(texts))
    with serving(run):
        yield run.url, plan


def space() -> Space:
    return Space([CassetteIndex(RECORDED)], "faults", Traffic({0: 9}, {0: 9}))


def variant(texts: str) -> Any:
    return space().parse(f"@v1:{space().digest}:{texts}")


Way = Any
WAYS = pytest.mark.parametrize("way", [in_process, served])


@WAYS
def test_a_connect_that_is_not_read_can_be_sent_again(way: Way) -> None:
    with way("c2:before") as (url, plan):
        client = Client(url)
        client.begin()
        client.connect()
        client.look()
        client.update()
        with pytest.raises(requests.ConnectionError):
            client.connect()
        assert [2] == values(client.connect())
        assert () == plan.unused


@WAYS
def test_what_was_cut_off_comes_again(way: Way) -> None:
    with way("c2:middle") as (url, _):
        client = Client(url)
        client.begin()
        client.connect()
        client.look()
        client.update()
        with pytest.raises(requests.RequestException):
            client.connect()
        assert [2] == values(client.connect())


@WAYS
def test_a_response_that_has_arrived_is_not_repeated(way: Way) -> None:
    with way("c2:after") as (url, _):
        client = Client(url)
        client.begin()
        client.connect()
        client.look()
        client.update()
        assert [2] == values(client.connect())
        client.look()
        client.update(1)
        assert [3] == values(client.connect())


@WAYS
def test_a_connect_times_out_empty_at_once(way: Way) -> None:
    with way("c2:empty") as (url, _):
        client = Client(url)
        client.begin()
        client.connect()
        (reply,) = client.connect()
        assert reply["successful"]


@WAYS
@pytest.mark.parametrize(("what", "received"), [("402", [2]), ("402-lost", [])])
def test_after_402_the_new_subscription_gets_what_is_not_lost(way: Way, what: str, received: list[int]) -> None:
    """What is lost, a GET shows."""
    with way(f"m4:{what}+c3:empty") as (url, _):
        client = Client(url)
        client.begin()
        client.connect()
        client.look()
        client.update()
        (reply,) = client.connect()
        assert reply["error"] == "402::Unknown client"
        assert reply["advice"]["reconnect"] == "handshake"
        client.begin()
        assert received == values(client.connect())
        assert client.look()["facebooksessions"][0]["userData"] == {"A": 2}


@WAYS
def test_what_was_acknowledged_comes_again(way: Way) -> None:
    with way("c3:redelivered") as (url, _):
        client = Client(url, ack=True)
        client.begin()
        client.connect()
        client.look()
        client.update()
        assert [2] == values(client.connect())
        assert [2] == values(client.connect())


@WAYS
def test_a_request_that_was_not_read_can_be_sent_again(way: Way) -> None:
    with way("q1:broken") as (url, _):
        client = Client(url)
        client.look()
        with pytest.raises(requests.ConnectionError, match="q1:broken" if way is in_process else "."):
            client.update()
        assert client.update().json() == {"statusCode": 0}


@WAYS
def test_a_write_without_a_response_was_carried_out(way: Way) -> None:
    """Who looks sees it, who writes again is told."""
    with way("q1:unanswered") as (url, _):
        client = Client(url)
        client.look()
        with pytest.raises(requests.ConnectionError):
            client.update()
        assert client.look()["facebooksessions"][0]["userData"] == {"A": 2}
        if way is served:
            assert client.update().status_code == 501
        else:
            with pytest.raises(ReplayMiss, match="every recording of it has been played"):
                client.update()


@WAYS
def test_a_fault_refuses_once(way: Way) -> None:
    with way("q1:csrf-403") as (url, _):
        client = Client(url)
        client.look()
        refused = client.update()
        assert (refused.status_code, refused.text) == (403, "Missing or invalid Csrf token")
        assert client.update().json() == {"statusCode": 0}


@WAYS
def test_notifications_come_one_by_one_after_the_reply(way: Way) -> None:
    with way("n0:r3+replies:apart+replies:meta-first") as (url, plan):
        client = Client(url)
        client.begin()
        client.connect()
        client.look()
        client.update()
        client.look()
        client.update(1)
        first, second = client.connect(), client.connect()
        assert [values(first), values(second)] == [[2], [3]]
        assert first[0]["channel"] == "/meta/connect"
        assert [str(place) for _, place in plan.seen] == ["q0", "r0", "q1", "r1", "q2", "r2", "q3", "r3", "n0", "n1"]


def test_a_websocket_is_closed() -> None:
    async def conversation(url: str) -> list[aiohttp.WSMsgType]:
        kinds = []
        async with aiohttp.ClientSession() as session:
            for _ in range(2):
                async with session.ws_connect(url + NOTIFICATIONS) as socket:
                    await socket.send_json([{"channel": "/meta/handshake", "supportedConnectionTypes": ["websocket"]}])
                    (reply,) = await socket.receive_json()
                    connect = {"channel": "/meta/connect", "clientId": reply["clientId"], "connectionType": "websocket"}
                    await socket.send_json([connect])
                    kinds.append((await socket.receive(timeout=9)).type)
        return kinds

    with served("c1:before") as (url, _):
        assert asyncio.run(conversation(url)) == [aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.TEXT]


def test_hundreds_of_variants_leave_no_thread_behind() -> None:
    before = threading.active_count()
    found = space()
    for choice in found.choices * 3:
        way: AbstractContextManager[tuple[str, Plan]] = in_process(str(choice.deviation))
        with way as (url, _):
            client = Client(url)
            try:
                client.begin()
                client.connect()
                client.look()
            except requests.RequestException:
                pass
    assert threading.active_count() <= before
