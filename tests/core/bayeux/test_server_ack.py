"""The Bayeux server core: each notification arrives once and in order, though responses are lost.

A lost response is put back if its loss is noticed; a client with the acknowledgement extension names the last batch
that it has, and gets the rest again.
"""

from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.bayeux.messages import Message
from gws_replay.core.bayeux.server import BayeuxServer, Hold, Replies
from tests.support.bayeux_by_hand import (
    CHANNEL,
    connect,
    connected,
    data_of,
    handshake,
    hold,
    numbered_ids,
    response,
    subscribe,
)


@pytest.fixture
def server() -> BayeuxServer:
    """A server with ids that a test can predict."""
    return BayeuxServer(new_id=numbered_ids())


def batch_of(messages: tuple[Message, ...]) -> Any:
    """The batch number in a response to a connect."""
    return messages[-1]["ext"]["ack"]


@pytest.mark.parametrize(
    ("fields", "granted"),
    [
        ({"ext": {"ack": True}}, {"ack": True}),
        ({"ext": {"ack": False}}, None),
        ({"ext": {"other": 1}}, None),
        ({"ext": "ack"}, None),
        ({}, None),
    ],
)
def test_acknowledgement_is_used_if_the_client_supports_it(server: BayeuxServer, fields: Message, granted: Any) -> None:
    """Other clients receive no batch numbers."""
    (reply,) = response(server.receive([{"channel": "/meta/handshake", **fields}], 0.0)).messages
    assert granted == reply.get("ext")
    (first,) = response(server.receive([connect(reply["clientId"])], 0.0)).messages
    assert ({"ack": 1} if granted else None) == first.get("ext")


def test_batches_are_numbered(server: BayeuxServer) -> None:
    """Every response to a connect: with notifications or without, at once or after a hold."""
    client_id = connected(server, acknowledges=True)
    server.deliver(CHANNEL, "a")
    at_once = response(server.receive([connect(client_id, 1)], 1.0)).messages
    held = hold(server.receive([connect(client_id, 2)], 1.0))
    server.deliver(CHANNEL, "b")
    later = server.release(held.ticket, 2.0).messages
    empty = server.release(hold(server.receive([connect(client_id, 3)], 2.0)).ticket, 9.0).messages
    found = [(batch_of(each), data_of(each)) for each in (at_once, later, empty)]
    assert [(2, ["a"]), (3, ["b"]), (4, [])] == found


def test_confirmed_batch_is_not_sent_again(server: BayeuxServer) -> None:
    """Nothing else is sent either."""
    client_id = connected(server, acknowledges=True)
    server.deliver(CHANNEL, "a")
    server.receive([connect(client_id, 1)], 1.0)
    hold(server.receive([connect(client_id, 2)], 1.0))
    assert not server.has_undelivered


def test_lost_response_is_sent_again_before_new_messages(server: BayeuxServer) -> None:
    """The connect that names an older batch gets all since, in order, at once."""
    client_id = connected(server, acknowledges=True)
    server.deliver(CHANNEL, "a")
    server.deliver(CHANNEL, "b")
    server.receive([connect(client_id, 1)], 1.0)
    server.deliver(CHANNEL, "c")
    again = response(server.receive([connect(client_id, 1)], 2.0)).messages
    assert (3, ["a", "b", "c"]) == (batch_of(again), data_of(again))
    still = response(server.receive([connect(client_id, 1)], 3.0)).messages
    assert (4, ["a", "b", "c"]) == (batch_of(still), data_of(still))
    hold(server.receive([connect(client_id, 4)], 4.0))


def test_only_the_batches_that_are_missing_come_again(server: BayeuxServer) -> None:
    """Of two batches in flight the first had arrived."""
    client_id = connected(server, acknowledges=True)
    for data in ("a", "b"):
        server.deliver(CHANNEL, data)
        server.receive([connect(client_id)], 1.0)
    again = response(server.receive([connect(client_id, 2)], 2.0)).messages
    assert ["b"] == data_of(again)


@pytest.mark.parametrize("nonsense", [None, "1", True, 1.0, [1]])
def test_acknowledgement_that_is_not_a_number_is_ignored(server: BayeuxServer, nonsense: Any) -> None:
    """Nothing is sent again either."""
    client_id = connected(server, acknowledges=True)
    server.deliver(CHANNEL, "a")
    server.receive([connect(client_id, 1)], 1.0)
    hold(server.receive([connect(client_id, nonsense)], 2.0))
    assert ["a"] == data_of(response(server.receive([connect(client_id, 1)], 3.0)).messages)


def test_response_put_back_and_not_acknowledged_is_sent_once(server: BayeuxServer) -> None:
    """The server noticed the loss, and the client reports it too."""
    client_id = connected(server, acknowledges=True)
    server.deliver(CHANNEL, "a")
    lost = response(server.receive([connect(client_id, 1)], 1.0))
    assert () == server.put_back(lost)
    assert ["a"] == data_of(response(server.receive([connect(client_id, 1)], 2.0)).messages)


class Wire:
    """A transport for the property: keeps each client's connection, returns what is ready, and records what arrives.

    The second client acknowledges. A lost response to the first client is always noticed, and put back; a lost response
    to the second one may go unnoticed.
    """

    def __init__(self) -> None:
        self.server = BayeuxServer(new_id=numbered_ids(), max_silence=float("inf"))
        self.clients = [handshake(self.server), handshake(self.server, ext={"ack": True})]
        self.has = {self.clients[1]: 0}
        self.subscribed = dict.fromkeys(self.clients, False)
        self.due: dict[str, list[int]] = {client: [] for client in self.clients}
        self.got: dict[str, list[int]] = {client: [] for client in self.clients}
        self.open: dict[int, str] = {}
        self.losing: str | None = None
        self.numbers = count(1)

    def receive(self, client: str, *messages: Message) -> None:
        result = self.server.receive(messages, 0.0)
        if isinstance(result, Hold):
            self.open[result.ticket] = result.client_id
        else:
            self.written(client, result)
        self.response(result.ready)

    def response(self, tickets: tuple[int, ...]) -> None:
        for ticket in tickets:
            if client := self.open.pop(ticket, None):
                self.written(client, self.server.release(ticket, 0.0))

    def written(self, client: str, result: Replies) -> None:
        if self.losing:
            noticed = self.losing == "lose it and notice" or client not in self.has
            self.losing = None
            self.response(self.server.put_back(result) if noticed else ())
            return
        for owner, message in result.carried:
            assert client == owner
            assert message in result.messages
            self.got[client].append(message["data"])
            assert self.due[client][: len(self.got[client])] == self.got[client]
        for message in result.messages:
            if "ack" in message.get("ext", ()) and message["channel"] == "/meta/connect":
                self.has[client] = message["ext"]["ack"]

    def connect(self, client: str) -> Message:
        return connect(client, self.has.get(client))

    def step(self, action: str, client: str) -> None:
        match action:
            case "subscribe":
                self.subscribed[client] = True
                self.receive(client, subscribe(client))
            case "unsubscribe":
                self.subscribed[client] = False
                self.receive(client, {"channel": "/meta/unsubscribe", "clientId": client, "subscription": CHANNEL})
            case "push":
                self.push()
            case "connect":
                self.receive(client, self.connect(client))
            case "batch":
                self.receive(client, self.connect(client), subscribe(client))
                self.subscribed[client] = True
            case "time out":
                self.response(tuple(ticket for ticket, owner in self.open.items() if owner == client))
            case "hang up":
                for ticket in [ticket for ticket, owner in self.open.items() if owner == client]:
                    del self.open[ticket]
                    self.server.abandon(ticket, 0.0)
            case _:
                self.losing = action

    def push(self) -> None:
        number = next(self.numbers)
        for client, subscribed in self.subscribed.items():
            if subscribed:
                self.due[client].append(number)
        self.response(self.server.deliver(CHANNEL, number))


ACTIONS = [
    *("subscribe", "unsubscribe", "push", "connect", "batch", "time out", "hang up"),
    *("lose the next answer", "lose it and notice"),
]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from([0, 1])), max_size=60))
@settings(max_examples=100)
def test_every_notification_arrives_once_in_order_and_never_early(schedule: list[tuple[str, int]]) -> None:
    """Whatever the clients do, and whatever is lost, with and without acknowledgement."""
    wire = Wire()
    for action, index in schedule:
        wire.step(action, wire.clients[index])
    wire.losing = None
    for client in wire.clients:
        wire.receive(client, wire.connect(client))
        wire.receive(client, wire.connect(client))
        wire.receive(client, wire.connect(client))
    assert wire.due == wire.got
    assert set(wire.clients) == set(wire.open.values())
    assert not wire.server.has_undelivered
