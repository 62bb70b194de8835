"""The Bayeux server core without a network: handshakes, held connects, notifications, disconnects."""

from typing import Any

import pytest

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

ADVICE = {"reconnect": "retry", "interval": 0, "timeout": 30000}
OFFERED = ["websocket", "long-polling", "callback-polling"]


@pytest.fixture
def server() -> BayeuxServer:
    """A server with ids that a test can predict."""
    return BayeuxServer(new_id=numbered_ids())


def test_a_handshake_gives_each_client_an_id_and_advice(server: BayeuxServer) -> None:
    """All transports are offered, whichever the client has."""
    message = {"id": "1", "channel": "/meta/handshake", "supportedConnectionTypes": ["websocket", "long-polling"]}
    replies = [response(server.receive([message], 0.0)).messages for _ in range(2)]
    assert (
        {
            "id": "1",
            "channel": "/meta/handshake",
            "successful": True,
            "clientId": "client1",
            "version": "1.0",
            "supportedConnectionTypes": OFFERED,
            "advice": ADVICE,
        },
    ) == replies[0]
    assert "client2" == replies[1][0]["clientId"]
    assert ("client1", "client2") == server.clients


@pytest.mark.parametrize("offered", OFFERED)
def test_one_transport_in_common_is_enough(server: BayeuxServer, offered: str) -> None:
    """A client may have transports that no server knows."""
    assert "client1" == handshake(server, supportedConnectionTypes=["pigeon", offered])


def test_server_offers_the_transports_that_it_is_given() -> None:
    """A client without a common transport is refused with the list of them."""
    server = BayeuxServer(new_id=numbered_ids(), connection_types=["long-polling"])
    message = {"channel": "/meta/handshake", "supportedConnectionTypes": ["websocket"]}
    (reply,) = response(server.receive([message], 0.0)).messages
    assert (False, ["long-polling"]) == (reply["successful"], reply["supportedConnectionTypes"])
    assert () == server.clients


def test_first_connect_returns_at_once_with_advice(server: BayeuxServer) -> None:
    """So that the client sees that its session works."""
    client_id = handshake(server)
    result = server.receive([connect(client_id, id="2")], 1.0)
    assert Replies(messages=({"id": "2", "channel": "/meta/connect", "successful": True, "advice": ADVICE},)) == result


def test_a_later_connect_is_held_for_the_advised_timeout(server: BayeuxServer) -> None:
    """Then an empty response is returned."""
    client_id = connected(server)
    held = hold(server.receive([connect(client_id, id="3")], 5.0))
    assert (client_id, 35.0, 1) == (held.client_id, held.until, server.held)
    empty = Replies(messages=({"id": "3", "channel": "/meta/connect", "successful": True},))
    assert empty == server.release(held.ticket, 35.0)
    assert 0 == server.held


@pytest.mark.parametrize(
    ("timeout", "until"), [(1500, 6.5), (60_000, 35.0), (10**400, 35.0), ("0", 35.0), (True, 35.0)]
)
def test_client_can_shorten_the_hold(server: BayeuxServer, timeout: Any, until: float) -> None:
    """Never lengthen it; a value that is not a number is ignored."""
    client_id = connected(server)
    assert until == hold(server.receive([connect(client_id, advice={"timeout": timeout})], 5.0)).until


@pytest.mark.parametrize("timeout", [0, -1, -(10**400)])
def test_connect_with_timeout_0_returns_at_once(server: BayeuxServer, timeout: int) -> None:
    """Clients send it after they lost the connection."""
    client_id = connected(server)
    result = response(server.receive([connect(client_id, advice={"timeout": timeout})], 5.0))
    assert ({"channel": "/meta/connect", "successful": True},) == result.messages


def test_a_connect_in_a_batch_is_never_held(server: BayeuxServer) -> None:
    """The responses to the rest of the batch would be held with it."""
    client_id = connected(server)
    result = response(server.receive([subscribe(client_id, "/v2/me/chats"), connect(client_id)], 5.0))
    assert ["/meta/subscribe", "/meta/connect"] == [message["channel"] for message in result.messages]


def test_a_push_makes_a_held_connect_ready_and_goes_before_its_reply(server: BayeuxServer) -> None:
    """All notifications so far are sent with it, once."""
    client_id = connected(server)
    held = hold(server.receive([connect(client_id, id="3")], 5.0))
    assert (held.ticket,) == server.deliver(CHANNEL, {"referenceId": 11})
    server.deliver(CHANNEL, {"referenceId": 12})
    assert (
        {"channel": CHANNEL, "data": {"referenceId": 11}},
        {"channel": CHANNEL, "data": {"referenceId": 12}},
        {"id": "3", "channel": "/meta/connect", "successful": True},
    ) == server.release(held.ticket, 6.0).messages
    assert () == server.release(held.ticket, 6.0).messages


def test_a_push_without_a_connect_waits_for_the_next(server: BayeuxServer) -> None:
    """Nothing is ready, and nothing is lost."""
    client_id = connected(server)
    assert () == server.deliver(CHANNEL, 1)
    assert {"channel": CHANNEL, "data": 1} == response(server.receive([connect(client_id)], 5.0)).messages[0]


def test_a_second_connect_ends_the_first_and_takes_its_notifications(server: BayeuxServer) -> None:
    """The client reconnected before the loss of its connection was noticed."""
    client_id = connected(server)
    first = hold(server.receive([connect(client_id, id="3")], 5.0))
    second = hold(server.receive([connect(client_id, id="4")], 6.0))
    assert (first.ticket,) == second.ready
    assert (second.ticket,) == server.deliver(CHANNEL, 1)
    ended = ({"id": "3", "channel": "/meta/connect", "successful": True},)
    assert ended == server.release(first.ticket, 6.0).messages
    assert {"channel": CHANNEL, "data": 1} == server.release(second.ticket, 6.0).messages[0]


def test_a_disconnect_ends_the_held_connect_and_forgets_the_client(server: BayeuxServer) -> None:
    """The response to the connect advises not to reconnect."""
    client_id = connected(server)
    held = hold(server.receive([connect(client_id)], 5.0))
    result = response(server.receive([{"channel": "/meta/disconnect", "clientId": client_id}], 6.0))
    assert Replies(messages=({"channel": "/meta/disconnect", "successful": True},), ready=(held.ticket,)) == result
    assert {"reconnect": "none"} == server.release(held.ticket, 6.0).messages[0]["advice"]
    assert "402::Unknown client" == response(server.receive([connect(client_id)], 7.0)).messages[0]["error"]


def test_an_abandoned_connect_keeps_its_notifications_for_the_next(server: BayeuxServer) -> None:
    """A connection that was lost in the middle of a hold loses nothing."""
    client_id = connected(server)
    held = hold(server.receive([connect(client_id)], 5.0))
    server.deliver(CHANNEL, 1)
    server.abandon(held.ticket, 6.0)
    assert () == server.deliver(CHANNEL, 2)
    again = response(server.receive([connect(client_id)], 7.0))
    assert [1, 2] == data_of(again.messages)


def test_abandoning_a_replaced_connect_leaves_the_newer_one(server: BayeuxServer) -> None:
    """Its loss is noticed late."""
    client_id = connected(server)
    first = hold(server.receive([connect(client_id)], 5.0))
    second = hold(server.receive([connect(client_id)], 6.0))
    server.abandon(first.ticket, 6.0)
    assert (second.ticket,) == server.deliver(CHANNEL, 1)


def test_response_that_was_not_written_is_put_back_in_front(server: BayeuxServer) -> None:
    """Before later notifications."""
    client_id = connected(server)
    server.deliver(CHANNEL, 1)
    server.deliver(CHANNEL, 2)
    lost = response(server.receive([connect(client_id)], 5.0))
    held = hold(server.receive([connect(client_id)], 6.0))
    server.deliver(CHANNEL, 3)
    assert (held.ticket,) == server.put_back(lost)
    assert [1, 2, 3] == data_of(server.release(held.ticket, 6.0).messages)


def test_forgotten_clients_have_to_shake_hands_again(server: BayeuxServer) -> None:
    """Their held connects return at once: with 402, and without undelivered notifications."""
    waiting, behind = connected(server), connected(server, acknowledges=True)
    held = hold(server.receive([connect(waiting)], 4.0))
    server.deliver(CHANNEL, 1)
    assert (held.ticket,) == server.forget()
    assert not server.has_undelivered
    answered = [server.release(held.ticket, 5.0), server.receive([connect(behind, 1)], 5.0)]
    for each in answered:
        assert isinstance(each, Replies)
        (message,) = each.messages
        assert ("402::Unknown client", "handshake") == (message["error"], message["advice"]["reconnect"])
    assert () == server.deliver(CHANNEL, 2)


def test_delivery_is_unconfirmed_until_the_client_connects_again(server: BayeuxServer) -> None:
    """Waiting notifications and those of the last response both count."""
    client_id = connected(server)
    assert not server.has_undelivered
    server.deliver(CHANNEL, 1)
    assert server.has_undelivered
    server.receive([connect(client_id)], 5.0)
    assert server.has_undelivered
    hold(server.receive([connect(client_id)], 5.0))
    assert not server.has_undelivered
