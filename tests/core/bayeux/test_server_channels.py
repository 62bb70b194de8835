"""The Bayeux server core: subscriptions, what a client may publish, and how invalid messages are refused."""

import json
from typing import Any

import pytest

from gws_replay.core.bayeux.messages import Message, Verbatim, encoded
from gws_replay.core.bayeux.server import BayeuxServer, Replies
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

HANDSHAKE_AGAIN = {"reconnect": "handshake", "interval": 0}
SUBSCRIBED_CHANNELS = [
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
]


@pytest.fixture
def server() -> BayeuxServer:
    """A server with ids that a test can predict."""
    return BayeuxServer(new_id=numbered_ids())


@pytest.mark.parametrize(("subscription", "channel", "reached"), SUBSCRIBED_CHANNELS)
def test_a_subscription_reaches_its_channels_and_no_others(
    server: BayeuxServer, subscription: Any, channel: str, reached: bool
) -> None:
    """One channel, several, one level of them, or all below."""
    client_id = connected(server, subscription=subscription)
    server.deliver(channel, 1)
    messages = response(server.receive([connect(client_id, advice={"timeout": 0})], 5.0)).messages
    assert ([1] if reached else []) == data_of(messages)


@pytest.mark.parametrize(("subscription", "channel", "reached"), SUBSCRIBED_CHANNELS)
def test_channel_has_a_subscriber_exactly_when_a_push_is_delivered(
    server: BayeuxServer, subscription: Any, channel: str, reached: bool
) -> None:
    """By any client, until that client ends."""
    assert not server.has_subscriber(channel)
    connected(server, subscription="/elsewhere")
    client_id = connected(server, subscription=subscription)
    assert reached is server.has_subscriber(channel)
    server.receive([{"channel": "/meta/disconnect", "clientId": client_id}], 6.0)
    assert not server.has_subscriber(channel)


def test_overlapping_subscriptions_deliver_once(server: BayeuxServer) -> None:
    """However many patterns match."""
    client_id = connected(server, subscription=[CHANNEL, "/v2/me/*", "/**"])
    server.deliver(CHANNEL, 1)
    assert 1 == len(response(server.receive([connect(client_id)], 5.0)).carried)


def test_unsubscribing_ends_delivery(server: BayeuxServer) -> None:
    """Of that channel alone."""
    client_id = connected(server, subscription=[CHANNEL, "/v2/me/chats"])
    message = {"channel": "/meta/unsubscribe", "clientId": client_id, "subscription": [CHANNEL], "id": "4"}
    expected = {"id": "4", "channel": "/meta/unsubscribe", "successful": True, "subscription": [CHANNEL]}
    assert (expected,) == response(server.receive([message], 5.0)).messages
    hold(server.receive([connect(client_id)], 6.0))
    assert () == server.deliver(CHANNEL, 1)
    assert 1 == len(server.deliver("/v2/me/chats", 2))


def test_a_publish_is_confirmed_and_reaches_subscribers(server: BayeuxServer) -> None:
    """As JSON text, which is written as it stands."""
    listener, publisher = connected(server, subscription="/team/*"), connected(server)
    held = hold(server.receive([connect(listener)], 5.0))
    result = server.receive([{"channel": "/team/news", "clientId": publisher, "data": {"a": [1]}, "id": "9"}], 5.0)
    expected = Replies(messages=({"id": "9", "channel": "/team/news", "successful": True},), ready=(held.ticket,))
    assert expected == result
    delivered = server.release(held.ticket, 5.0).messages
    assert [Verbatim('{"a":[1]}')] == data_of(delivered)
    assert isinstance(delivered[0]["data"], Verbatim)
    assert {"channel": "/team/news", "data": {"a": [1]}} == json.loads(encoded(delivered))[0]


def test_a_publish_to_a_service_channel_is_not_routed(server: BayeuxServer) -> None:
    """It is for the server (Bayeux 1.0, section 2.2.3)."""
    client_id = connected(server, subscription="/**")
    hold(server.receive([connect(client_id)], 5.0))
    result = server.receive([{"channel": "/service/echo", "clientId": client_id, "data": 1}], 5.0)
    assert Replies(messages=({"channel": "/service/echo", "successful": True},)) == result


def test_data_nested_too_deeply_to_be_written_are_refused(server: BayeuxServer) -> None:
    """They are not delivered: the message of one client must not break the responses to others."""
    client_id = connected(server, subscription="/team/*")
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    (reply,) = response(server.receive([{"channel": "/team/x", "clientId": client_id, "data": deep}], 5.0)).messages
    assert (False, "400::Data nested too deeply") == (reply["successful"], reply["error"])
    hold(server.receive([connect(client_id)], 6.0))


@pytest.mark.parametrize("nothing", [None, {"a": 1}, ["1"]])
def test_id_that_is_not_text_or_a_number_is_not_returned(server: BayeuxServer, nothing: Any) -> None:
    """It could be of any kind and size; the message is handled all the same."""
    assert ({"channel": "/meta/connect", "successful": True},) == tuple(
        {name: reply[name] for name in reply if name != "advice"}
        for reply in response(server.receive([connect(handshake(server), id=nothing)], 0.0)).messages
    )


@pytest.mark.parametrize("scalar", ["1", "", 7, 1.5])
def test_id_is_returned_unchanged(server: BayeuxServer, scalar: Any) -> None:
    """Clients compare it with the one they sent."""
    (reply,) = response(server.receive([connect(handshake(server), id=scalar)], 0.0)).messages
    assert (scalar, type(scalar)) == (reply["id"], type(reply["id"]))


@pytest.mark.parametrize(
    ("message", "error", "advice"),
    [
        ("text", "400::Message is not an object", None),
        ({}, "400::Missing channel", None),
        ({"channel": 7}, "400::Missing channel", None),
        ({"channel": "news", "clientId": "client1"}, "400::Missing channel", None),
        ({"channel": "/meta/unheard", "clientId": "client1"}, "404::Unknown meta channel", None),
        (
            {"channel": "/meta/handshake", "supportedConnectionTypes": ["pigeon"]},
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
        (
            {"channel": "/meta/subscribe", "clientId": "client1", "subscription": ["/v2/me/chats", "chats"]},
            "403::Subscription denied",
            None,
        ),
        ({"channel": "/meta/unsubscribe", "clientId": "client1"}, "400::Missing subscription", None),
    ],
)
def test_invalid_message_is_refused_with_its_id_and_channel(
    server: BayeuxServer, message: Any, error: str, advice: Message | None
) -> None:
    """With the advice to send a new handshake if that helps."""
    connected(server)
    if isinstance(message, dict):
        message = {**message, "id": "5"}
    (reply,) = response(server.receive([message], 5.0)).messages
    assert (False, error, advice) == (reply["successful"], reply["error"], reply.get("advice"))
    if isinstance(message, dict):
        assert "5" == reply["id"]
        assert message.get("channel") == reply.get("channel")


def test_invalid_message_does_not_affect_its_batch(server: BayeuxServer) -> None:
    """Each message has its reply, in its place."""
    result = response(server.receive([7, subscribe(handshake(server))], 0.0))
    assert [False, True] == [message["successful"] for message in result.messages]
