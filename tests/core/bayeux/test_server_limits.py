"""The Bayeux server core: silent clients are forgotten, and a client that reads nothing cannot fill the memory."""

from typing import Any

import pytest

from gws_replay.core.bayeux import server as bayeux
from gws_replay.core.bayeux.messages import Message
from gws_replay.core.bayeux.server import MAX_QUEUE, MAX_SUBSCRIPTIONS, BayeuxServer
from tests.support.bayeux_by_hand import CHANNEL, connect, connected, data_of, hold, numbered_ids, response, subscribe


@pytest.fixture
def server() -> BayeuxServer:
    """A server with ids that a test can predict."""
    return BayeuxServer(new_id=numbered_ids())


def reply_to(server: BayeuxServer, message: Message) -> Message:
    """The only reply to a message."""
    (reply,) = response(server.receive([message], 6.0)).messages
    return reply


def test_a_silent_client_expires_but_not_one_with_a_held_connect() -> None:
    """The time starts with the response to the connect."""
    server = BayeuxServer(new_id=numbered_ids(), timeout=30, max_silence=10)
    silent, waiting = connected(server), connected(server)
    held = hold(server.receive([connect(waiting)], 0.0))
    assert () == server.expire(10.0)
    assert (silent,) == server.expire(10.5)
    server.release(held.ticket, 30.0)
    assert () == server.expire(40.0)
    assert (waiting,) == server.expire(40.5)
    assert () == server.deliver(CHANNEL, 1)
    assert () == server.clients


def test_any_message_and_a_lost_connect_restart_the_timeout() -> None:
    """Each shows that the client was there."""
    server = BayeuxServer(new_id=numbered_ids(), max_silence=10)
    client_id = connected(server)
    server.receive([subscribe(client_id)], 8.0)
    assert () == server.expire(18.0)
    held = hold(server.receive([connect(client_id)], 18.0))
    server.abandon(held.ticket, 40.0)
    assert () == server.expire(50.0)
    assert (client_id,) == server.expire(50.5)


def test_client_that_reads_nothing_is_forgotten(server: BayeuxServer) -> None:
    """After MAX_QUEUE notifications; it must send a new handshake, and other clients lose nothing."""
    deaf, quick = connected(server), connected(server)
    for number in range(MAX_QUEUE):
        server.deliver(CHANNEL, number)
    assert (deaf, quick) == server.clients
    taken = response(server.receive([connect(quick)], 5.0))
    server.deliver(CHANNEL, MAX_QUEUE)
    assert (quick,) == server.clients
    reply = reply_to(server, connect(deaf))
    assert ("402::Unknown client", "handshake") == (reply["error"], reply["advice"]["reconnect"])
    assert list(range(MAX_QUEUE)) == data_of(taken.messages)
    assert [MAX_QUEUE] == data_of(response(server.receive([connect(quick)], 6.0)).messages)


def test_a_client_that_never_acknowledges_is_forgotten(server: BayeuxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unconfirmed notifications count too; a held connect returns at once."""
    monkeypatch.setattr(bayeux, "MAX_QUEUE", 5)
    client_id = connected(server, acknowledges=True)
    for number in range(5):
        server.deliver(CHANNEL, number)
    server.receive([connect(client_id)], 5.0)
    held = hold(server.receive([connect(client_id)], 5.0))
    assert (held.ticket,) == server.deliver(CHANNEL, 5)
    assert ((), False) == (server.clients, server.has_subscriber(CHANNEL))
    assert "/meta/connect" == server.release(held.ticket, 5.0).messages[-1]["channel"]
    assert "402::Unknown client" == reply_to(server, connect(client_id))["error"]


@pytest.mark.parametrize("at_once", [True, False])
def test_number_of_subscriptions_is_limited(server: BayeuxServer, at_once: bool) -> None:
    """In one message or in many; earlier ones stay."""
    client_id = connected(server)
    patterns = [f"/v2/{number}" for number in range(MAX_SUBSCRIPTIONS - 1)]
    for subscription in [patterns] if at_once else patterns:
        assert reply_to(server, subscribe(client_id, subscription))["successful"]
    refused = reply_to(server, subscribe(client_id, "/v2/more"))
    assert ("403::Too many subscriptions", "/v2/more") == (refused["error"], refused["subscription"])
    assert (True, True, False) == (
        server.has_subscriber(CHANNEL),
        server.has_subscriber("/v2/0"),
        server.has_subscriber("/v2/more"),
    )


def test_too_many_subscriptions_at_once_are_refused_as_a_whole(server: BayeuxServer) -> None:
    """So the client knows that it has none of them."""
    client_id = connected(server)
    patterns = [f"/v2/{number}" for number in range(MAX_SUBSCRIPTIONS)]
    assert "403::Too many subscriptions" == reply_to(server, subscribe(client_id, patterns))["error"]
    assert (True, False) == (server.has_subscriber(CHANNEL), server.has_subscriber("/v2/0"))


@pytest.mark.parametrize("again", [CHANNEL, [CHANNEL, "/v2/0", "/v2/0"]])
def test_subscribing_again_does_not_count_twice(server: BayeuxServer, again: Any) -> None:
    """Clients subscribe again after every handshake, and some whenever they like."""
    client_id = connected(server)
    patterns = [f"/v2/{number}" for number in range(MAX_SUBSCRIPTIONS - 1)]
    assert reply_to(server, subscribe(client_id, patterns))["successful"]
    assert reply_to(server, subscribe(client_id, again))["successful"]
