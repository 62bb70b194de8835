"""The Bayeux server core, driven by hand: messages in, answers out, time as a number."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.bayeux import Answer, BayeuxServer, Hold, Message, matching_patterns

CHANNEL = "/v2/me/facebooksession"
ADVICE = {"reconnect": "retry", "interval": 0, "timeout": 30000}
HANDSHAKE_AGAIN = {"reconnect": "handshake", "interval": 0}


def numbered_ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"client{next(numbers)}"


@pytest.fixture
def server() -> BayeuxServer:
    return BayeuxServer(new_id=numbered_ids())


def handshake(server: BayeuxServer, now: float = 0.0) -> str:
    reply = answer(server.receive([{"channel": "/meta/handshake"}], now)).messages[0]
    assert isinstance(reply["clientId"], str)
    return reply["clientId"]


def connect(client_id: str, **fields: Any) -> Message:
    return {"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling", **fields}


def subscribe(client_id: str, subscription: Any = CHANNEL) -> Message:
    return {"channel": "/meta/subscribe", "clientId": client_id, "subscription": subscription}


def answer(result: Answer | Hold) -> Answer:
    assert isinstance(result, Answer)
    return result


def hold(result: Answer | Hold) -> Hold:
    assert isinstance(result, Hold)
    return result


def connected(server: BayeuxServer, *, subscription: Any = CHANNEL) -> str:
    """A client that has subscribed and made its first connect."""
    client_id = handshake(server)
    answer(server.receive([subscribe(client_id, subscription)], 0.0))
    answer(server.receive([connect(client_id)], 0.0))
    return client_id


def test_handshake_gives_each_client_an_id_and_advice(server: BayeuxServer) -> None:
    message = {"id": "1", "channel": "/meta/handshake", "supportedConnectionTypes": ["websocket", "long-polling"]}

    replies = [answer(server.receive([message], 0.0)).messages for _ in range(2)]

    assert replies[0] == (
        {
            "id": "1",
            "channel": "/meta/handshake",
            "successful": True,
            "clientId": "client1",
            "version": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "advice": ADVICE,
        },
    )
    assert replies[1][0]["clientId"] == "client2"


def test_first_connect_is_answered_at_once_with_advice(server: BayeuxServer) -> None:
    client_id = handshake(server)

    result = server.receive([connect(client_id, id="2")], 1.0)

    assert result == Answer(messages=({"id": "2", "channel": "/meta/connect", "successful": True, "advice": ADVICE},))


def test_later_connect_is_held_for_the_advised_timeout(server: BayeuxServer) -> None:
    client_id = connected(server)

    held = hold(server.receive([connect(client_id, id="3")], 5.0))

    assert (client_id, 35.0) == (held.client_id, held.until)
    assert server.release(held.ticket, 35.0) == Answer(
        messages=({"id": "3", "channel": "/meta/connect", "successful": True},)
    )


@pytest.mark.parametrize(("asked", "until"), [(1500, 6.5), (60_000, 35.0), (10**400, 35.0), ("0", 35.0), (True, 35.0)])
def test_client_can_ask_for_a_shorter_hold(server: BayeuxServer, asked: Any, until: float) -> None:
    client_id = connected(server)

    assert until == hold(server.receive([connect(client_id, advice={"timeout": asked})], 5.0)).until


@pytest.mark.parametrize("asked", [0, -1, -(10**400)])
def test_connect_that_asks_for_no_hold_is_answered_at_once(server: BayeuxServer, asked: int) -> None:
    client_id = connected(server)

    result = answer(server.receive([connect(client_id, advice={"timeout": asked})], 5.0))

    assert result.messages == ({"channel": "/meta/connect", "successful": True},)


def test_connect_in_a_batch_is_never_held(server: BayeuxServer) -> None:
    client_id = connected(server)

    result = answer(server.receive([subscribe(client_id, "/v2/me/chats"), connect(client_id)], 5.0))

    assert [message["channel"] for message in result.messages] == ["/meta/subscribe", "/meta/connect"]


def test_push_makes_a_held_connect_ready_and_goes_before_its_reply(server: BayeuxServer) -> None:
    client_id = connected(server)
    held = hold(server.receive([connect(client_id, id="3")], 5.0))

    assert server.deliver(CHANNEL, {"referenceId": 11}) == (held.ticket,)
    server.deliver(CHANNEL, {"referenceId": 12})

    assert server.release(held.ticket, 6.0).messages == (
        {"channel": CHANNEL, "data": {"referenceId": 11}},
        {"channel": CHANNEL, "data": {"referenceId": 12}},
        {"id": "3", "channel": "/meta/connect", "successful": True},
    )
    assert server.release(held.ticket, 6.0).messages == ()


def test_push_without_a_connect_waits_for_the_next(server: BayeuxServer) -> None:
    client_id = connected(server)

    assert server.deliver(CHANNEL, 1) == ()

    assert answer(server.receive([connect(client_id)], 5.0)).messages[0] == {"channel": CHANNEL, "data": 1}


def test_second_connect_ends_the_first_and_takes_its_notifications(server: BayeuxServer) -> None:
    client_id = connected(server)
    first = hold(server.receive([connect(client_id, id="3")], 5.0))

    second = hold(server.receive([connect(client_id, id="4")], 6.0))

    assert second.ready == (first.ticket,)
    assert server.deliver(CHANNEL, 1) == (second.ticket,)
    assert server.release(first.ticket, 6.0).messages == ({"id": "3", "channel": "/meta/connect", "successful": True},)
    assert server.release(second.ticket, 6.0).messages[0] == {"channel": CHANNEL, "data": 1}


def test_disconnect_ends_the_held_connect_and_forgets_the_client(server: BayeuxServer) -> None:
    client_id = connected(server)
    held = hold(server.receive([connect(client_id)], 5.0))

    result = answer(server.receive([{"channel": "/meta/disconnect", "clientId": client_id}], 6.0))

    assert result == Answer(messages=({"channel": "/meta/disconnect", "successful": True},), ready=(held.ticket,))
    assert server.release(held.ticket, 6.0).messages[0]["advice"] == {"reconnect": "none"}
    assert answer(server.receive([connect(client_id)], 7.0)).messages[0]["error"] == "402::Unknown client"


def test_abandoned_connect_keeps_its_notifications_for_the_next(server: BayeuxServer) -> None:
    client_id = connected(server)
    held = hold(server.receive([connect(client_id)], 5.0))

    server.deliver(CHANNEL, 1)
    server.abandon(held.ticket, 6.0)

    assert server.deliver(CHANNEL, 2) == ()
    again = answer(server.receive([connect(client_id)], 7.0))
    assert [message.get("data") for message in again.messages] == [1, 2, None]


def test_abandoning_a_replaced_connect_leaves_the_newer_one(server: BayeuxServer) -> None:
    client_id = connected(server)
    first = hold(server.receive([connect(client_id)], 5.0))
    second = hold(server.receive([connect(client_id)], 6.0))

    server.abandon(first.ticket, 6.0)

    assert server.deliver(CHANNEL, 1) == (second.ticket,)


def test_answer_that_was_not_written_is_put_back_in_front(server: BayeuxServer) -> None:
    client_id = connected(server)
    server.deliver(CHANNEL, 1)
    server.deliver(CHANNEL, 2)
    lost = answer(server.receive([connect(client_id)], 5.0))
    held = hold(server.receive([connect(client_id)], 6.0))
    server.deliver(CHANNEL, 3)

    assert server.put_back(lost) == (held.ticket,)

    assert [message.get("data") for message in server.release(held.ticket, 6.0).messages] == [1, 2, 3, None]


def test_silent_client_expires_but_not_one_with_a_held_connect() -> None:
    server = BayeuxServer(new_id=numbered_ids(), timeout=30, max_silence=10)
    silent, waiting = connected(server), connected(server)
    held = hold(server.receive([connect(waiting)], 0.0))

    assert server.expire(10.0) == ()
    assert server.expire(10.5) == (silent,)

    server.release(held.ticket, 30.0)
    assert server.expire(40.0) == ()
    assert server.expire(40.5) == (waiting,)
    assert server.deliver(CHANNEL, 1) == ()


def test_any_message_and_a_lost_connect_break_the_silence() -> None:
    server = BayeuxServer(new_id=numbered_ids(), max_silence=10)
    client_id = connected(server)

    server.receive([subscribe(client_id)], 8.0)
    assert server.expire(18.0) == ()

    held = hold(server.receive([connect(client_id)], 18.0))
    server.abandon(held.ticket, 40.0)
    assert server.expire(50.0) == ()
    assert server.expire(50.5) == (client_id,)


@pytest.mark.parametrize(
    ("subscription", "channel", "reached"),
    [
        (CHANNEL, CHANNEL, True),
        ("/v2/me/*", CHANNEL, True),
        ("/v2/me/**", CHANNEL, True),
        ("/v2/**", CHANNEL, True),
        ("/**", CHANNEL, True),
        ("/*", "/v2", True),
        (["/v2/me/chats", CHANNEL], CHANNEL, True),
        ("/v2/*", CHANNEL, False),
        ("/*", CHANNEL, False),
        ("/v2/me/facebook", CHANNEL, False),
        ("/v2/me/facebooksession/*", CHANNEL, False),
        ("/v2/me/facebooksession/**", CHANNEL, False),
        (["/v2/me/chats", "/v2/me/calls"], CHANNEL, False),
    ],
)
def test_subscription_reaches_its_channels_and_no_others(
    server: BayeuxServer, subscription: Any, channel: str, reached: bool
) -> None:
    client_id = connected(server, subscription=subscription)

    server.deliver(channel, 1)

    messages = answer(server.receive([connect(client_id, advice={"timeout": 0})], 5.0)).messages
    assert reached == ({"channel": channel, "data": 1} in messages)


def test_overlapping_subscriptions_deliver_once(server: BayeuxServer) -> None:
    client_id = connected(server, subscription=[CHANNEL, "/v2/me/*", "/**"])

    server.deliver(CHANNEL, 1)

    assert len(answer(server.receive([connect(client_id)], 5.0)).carried) == 1


def test_unsubscribe_ends_delivery(server: BayeuxServer) -> None:
    client_id = connected(server, subscription=[CHANNEL, "/v2/me/chats"])

    message = {"channel": "/meta/unsubscribe", "clientId": client_id, "subscription": [CHANNEL], "id": "4"}
    result = answer(server.receive([message], 5.0))

    assert result.messages == (
        {"id": "4", "channel": "/meta/unsubscribe", "successful": True, "subscription": [CHANNEL]},
    )
    hold(server.receive([connect(client_id)], 6.0))
    assert server.deliver(CHANNEL, 1) == ()
    assert len(server.deliver("/v2/me/chats", 2)) == 1


def test_publish_is_acknowledged_and_reaches_subscribers(server: BayeuxServer) -> None:
    listener, publisher = connected(server, subscription="/team/*"), connected(server)
    held = hold(server.receive([connect(listener)], 5.0))

    result = answer(
        server.receive([{"channel": "/team/news", "clientId": publisher, "data": {"a": 1}, "id": "9"}], 5.0)
    )

    assert result == Answer(messages=({"id": "9", "channel": "/team/news", "successful": True},), ready=(held.ticket,))
    assert server.release(held.ticket, 5.0).messages[0] == {"channel": "/team/news", "data": {"a": 1}}


def test_publish_to_a_service_channel_is_not_routed(server: BayeuxServer) -> None:
    client_id = connected(server, subscription="/**")
    hold(server.receive([connect(client_id)], 5.0))

    result = answer(server.receive([{"channel": "/service/echo", "clientId": client_id, "data": 1}], 5.0))

    assert result == Answer(messages=({"channel": "/service/echo", "successful": True},))


@pytest.mark.parametrize(
    ("message", "error", "advice"),
    [
        ("text", "400::Message is not an object", None),
        ({}, "400::Missing channel", None),
        ({"channel": 7}, "400::Missing channel", None),
        ({"channel": "news", "clientId": "client1"}, "400::Missing channel", None),
        ({"channel": "/meta/unheard", "clientId": "client1"}, "404::Unknown meta channel", None),
        (
            {"channel": "/meta/handshake", "supportedConnectionTypes": ["websocket"]},
            "400::No supported connection type",
            {"reconnect": "none"},
        ),
        (
            {"channel": "/meta/handshake", "supportedConnectionTypes": "long-polling"},
            "400::No supported connection type",
            {"reconnect": "none"},
        ),
        ({"channel": "/meta/connect"}, "401::No client ID", HANDSHAKE_AGAIN),
        ({"channel": "/meta/connect", "clientId": "nobody"}, "402::Unknown client", HANDSHAKE_AGAIN),
        ({"channel": "/meta/connect", "clientId": ["client1"]}, "402::Unknown client", HANDSHAKE_AGAIN),
        ({"channel": "/team/news", "data": 1}, "401::No client ID", HANDSHAKE_AGAIN),
        ({"channel": "/team/news", "clientId": "client1"}, "400::Missing data", None),
        ({"channel": "/team/*", "clientId": "client1", "data": 1}, "403::Publish denied", None),
        ({"channel": "/meta/subscribe", "clientId": "client1"}, "400::Missing subscription", None),
        ({"channel": "/meta/subscribe", "clientId": "client1", "subscription": []}, "400::Missing subscription", None),
        ({"channel": "/meta/subscribe", "clientId": "client1", "subscription": [1]}, "400::Missing subscription", None),
        (
            {"channel": "/meta/subscribe", "clientId": "client1", "subscription": "/meta/connect"},
            "403::Subscription denied",
            None,
        ),
        ({"channel": "/meta/unsubscribe", "clientId": "client1"}, "400::Missing subscription", None),
    ],
)
def test_malformed_message_is_refused_by_name(
    server: BayeuxServer, message: Any, error: str, advice: Message | None
) -> None:
    connected(server)
    if isinstance(message, dict):
        message = {**message, "id": "5"}

    (reply,) = answer(server.receive([message], 5.0)).messages

    assert (False, error, advice) == (reply["successful"], reply["error"], reply.get("advice"))
    if isinstance(message, dict):
        assert reply["id"] == "5"
        assert reply.get("channel") == message.get("channel")


def test_malformed_message_does_not_spoil_its_batch(server: BayeuxServer) -> None:
    client_id = handshake(server)

    result = answer(server.receive([7, subscribe(client_id)], 0.0))

    assert [message["successful"] for message in result.messages] == [False, True]


def test_pattern_of_the_root_channel() -> None:
    assert matching_patterns("/a/b") == {"/a/b", "/a/*", "/a/**", "/**"}


class Wire:
    """A transport for the property: keeps each client's connection, answers what is ready, and notes what arrives."""

    def __init__(self) -> None:
        self.server = BayeuxServer(new_id=numbered_ids(), max_silence=float("inf"))
        self.clients = [handshake(self.server), handshake(self.server)]
        self.subscribed = dict.fromkeys(self.clients, False)
        self.due: dict[str, list[int]] = {client: [] for client in self.clients}
        self.got: dict[str, list[int]] = {client: [] for client in self.clients}
        self.open: dict[int, str] = {}
        self.losing = False
        self.numbers = count(1)

    def receive(self, *messages: Message) -> None:
        result = self.server.receive(messages, 0.0)
        if isinstance(result, Hold):
            self.open[result.ticket] = result.client_id
        else:
            self.written(result)
        self.answer(result.ready)

    def answer(self, tickets: tuple[int, ...]) -> None:
        for ticket in tickets:
            if self.open.pop(ticket, None):
                self.written(self.server.release(ticket, 0.0))

    def written(self, result: Answer) -> None:
        if self.losing:
            self.losing = False
            self.answer(self.server.put_back(result))
            return
        for client, message in result.carried:
            assert message in result.messages
            self.got[client].append(message["data"])
            assert self.got[client] == self.due[client][: len(self.got[client])]

    def step(self, action: str, client: str) -> None:
        match action:
            case "subscribe":
                self.subscribed[client] = True
                self.receive(subscribe(client))
            case "unsubscribe":
                self.subscribed[client] = False
                self.receive({"channel": "/meta/unsubscribe", "clientId": client, "subscription": CHANNEL})
            case "push":
                self.push()
            case "connect":
                self.receive(connect(client))
            case "batch":
                self.receive(connect(client), subscribe(client))
                self.subscribed[client] = True
            case "time out":
                self.answer(tuple(ticket for ticket, owner in self.open.items() if owner == client))
            case "hang up":
                for ticket in [ticket for ticket, owner in self.open.items() if owner == client]:
                    del self.open[ticket]
                    self.server.abandon(ticket, 0.0)
            case "lose the next answer":
                self.losing = True

    def push(self) -> None:
        number = next(self.numbers)
        for client, subscribed in self.subscribed.items():
            if subscribed:
                self.due[client].append(number)
        self.answer(self.server.deliver(CHANNEL, number))


ACTIONS = ["subscribe", "unsubscribe", "push", "connect", "batch", "time out", "hang up", "lose the next answer"]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from([0, 1])), max_size=60))
def test_every_notification_arrives_once_in_order_and_never_early(schedule: list[tuple[str, int]]) -> None:
    wire = Wire()

    for action, index in schedule:
        wire.step(action, wire.clients[index])
    wire.losing = False
    for client in wire.clients:
        wire.receive(connect(client))
        wire.receive(connect(client))

    assert wire.got == wire.due
    assert set(wire.open.values()) == set(wire.clients)
