"""A client whose session expires, and what the next one gets of what waited for it."""

import pytest

from gws_replay.core.bayeux.server import BayeuxServer
from tests.support.bayeux_by_hand import CHANNEL, connect, connected, data_of, handshake, hold, response, subscribe
from tests.support.bayeux_by_hand import numbered_ids as ids


@pytest.fixture
def server() -> BayeuxServer:
    return BayeuxServer(new_id=ids())


def received(server: BayeuxServer, client: str) -> list[object]:
    return data_of(response(server.receive([connect(client, advice={"timeout": 0})], 0.0)).messages)


def test_the_next_client_gets_what_waited_and_what_came_meanwhile(server: BayeuxServer) -> None:
    first = connected(server)
    server.deliver(CHANNEL, 1)
    assert () == server.expel(first)
    (refusal,) = response(server.receive([connect(first)], 0.0)).messages
    assert refusal["error"] == "402::Unknown client"
    server.deliver(CHANNEL, 2)
    second = handshake(server)
    response(server.receive([subscribe(second)], 0.0))
    assert [1, 2] == received(server, second)


def test_a_held_connect_ends(server: BayeuxServer) -> None:
    first = connected(server)
    ticket = hold(server.receive([connect(first)], 0.0)).ticket
    assert (ticket,) == server.expel(first)
    assert server.release(ticket, 0.0).messages[0]["error"] == "402::Unknown client"


def test_what_is_lost_is_lost(server: BayeuxServer) -> None:
    server.expel(connected(server), lambda message: message["data"] != 1)
    server.deliver(CHANNEL, 1)
    server.deliver(CHANNEL, 2)
    second = handshake(server)
    response(server.receive([subscribe(second)], 0.0))
    assert [2] == received(server, second)


def test_a_client_that_was_there_already_gets_nothing_twice(server: BayeuxServer) -> None:
    first, other = connected(server), connected(server)
    server.expel(first)
    server.deliver(CHANNEL, 1)
    response(server.receive([subscribe(other, "/v2/**")], 0.0))
    assert [1] == received(server, other)


@pytest.mark.parametrize(("acknowledged", "again"), [(1, [1]), (2, []), (None, [])])
def test_only_what_was_not_acknowledged_comes_again(
    server: BayeuxServer, acknowledged: int | None, again: list[int]
) -> None:
    first = connected(server, acknowledges=True)
    server.deliver(CHANNEL, 1)
    assert [1] == data_of(response(server.receive([connect(first, 1)], 0.0)).messages)
    server.expel(first, acknowledged=acknowledged)
    second = handshake(server)
    response(server.receive([subscribe(second)], 0.0))
    assert again == received(server, second)
