"""Which deliveries are one notification: several CometD clients of a user, redelivery, and equal notifications."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange, Recording, WebSocketMessage
from tests.core.compile.test_users import basic
from tests.support.builders import TOPIC, bayeux, exchange, push

NOTIFICATIONS = "/api/v2/notifications"


def handshake(client: str, at: float, user: str = "emma") -> Exchange:
    """A client begins."""
    reply = {"channel": "/meta/handshake", "clientId": client, "successful": True}
    return exchange(
        "POST",
        NOTIFICATIONS,
        [{"channel": "/meta/handshake"}],
        [reply],
        began=at,
        ended=at,
        request_headers=[basic(user)],
    )


def connect(client: str, seen: float, *values: int, user: str = "emma", ack: tuple[int, int] | None = None) -> Exchange:
    """A connect that returned notifications; `ack` is the last batch of the client, and the one it receives."""
    request: dict[str, Any] = {"channel": "/meta/connect", "clientId": client}
    reply: dict[str, Any] = {"channel": "/meta/connect", "successful": True}
    if ack:
        request["ext"], reply["ext"] = {"ack": ack[0]}, {"ack": ack[1]}
    messages = [*(bayeux(push({"A": value}, seen=0)) for value in values), reply]
    began = seen - 0.4
    return exchange("POST", NOTIFICATIONS, [request], messages, began=began, ended=seen, request_headers=[basic(user)])


def delivered(*exchanges: Exchange, messages: tuple[WebSocketMessage, ...] = ()) -> list[tuple[float, int]]:
    """The time and the data of each notification of the cassette."""
    cassette = compile_recording(Recording(exchanges=exchanges, messages=messages)).cassette
    return [(each.seen, each.value["facebooksession"]["userData"]["A"]) for each in cassette.notifications]


TABS = (handshake("k1", 0.0), handshake("k2", 0.1))


def test_one_notification_to_two_clients_of_a_user_is_one() -> None:
    """Seen when the first client got it; the order of the polls in the recording does not matter."""
    polls = (connect("k1", 1.0, 1, 2), connect("k2", 1.2, 1, 2))
    assert [(1.0, 1), (1.0, 2)] == delivered(*TABS, *polls)
    assert [(1.0, 1), (1.0, 2)] == delivered(*TABS, *reversed(polls))


def test_equal_notifications_to_one_client_are_several() -> None:
    """The server sent the same twice: two clients received it twice each."""
    polls = (connect("k1", 1.0, 1, 1), connect("k2", 1.2, 1), connect("k2", 1.4, 1))
    assert [(1.0, 1), (1.0, 1)] == delivered(*TABS, *polls)


def test_clients_of_two_users_each_have_their_own() -> None:
    """Two agents in one conference."""
    clients = (handshake("k1", 0.0), handshake("k3", 0.1, "bob"))
    polls = (connect("k1", 1.0, 1), connect("k3", 1.1, 1, user="bob"))
    assert [(1.0, 1), (1.1, 1)] == delivered(*clients, *polls)


def test_later_client_did_not_receive_earlier_notifications() -> None:
    """An equal notification after a new handshake is another one."""
    assert [(1.0, 1), (5.0, 1)] == delivered(
        handshake("k1", 0.0), connect("k1", 1.0, 1), handshake("k2", 2.0), connect("k2", 5.0, 1)
    )


def test_batch_that_is_sent_again_is_one_notification() -> None:
    """Extension "ack": the client names the last batch that it has."""
    polls = (
        connect("k1", 1.0, 1, ack=(0, 1)),
        connect("k1", 2.0, 1, 2, ack=(0, 2)),
        connect("k1", 2.5, 2, 3, ack=(1, 3)),
        connect("k1", 4.0, 3, ack=(3, 4)),
    )
    assert [(1.0, 1), (2.0, 2), (2.5, 3), (4.0, 3)] == delivered(handshake("k1", 0.0), *polls)


def test_two_websockets_of_one_user_are_two_clients() -> None:
    """Each connection is a client; their addresses differ here, as an old journal has them."""
    text = json.dumps([{"channel": TOPIC, "data": bayeux(push({"A": 7}, seen=0))["data"]}])
    hello = json.dumps([{"channel": "/meta/connect", "clientId": "x"}])
    messages = tuple(
        WebSocketMessage(uri=f"ws://h/{tab}", seen=seen, from_client=sent, content=content)
        for seen, sent, content in ((0.5, True, hello), (1.0, False, text))
        for tab in (1, 2)
    )
    assert [(0.5, 7)] == delivered(messages=messages)


@given(
    st.lists(st.integers(1, 2), min_size=1, max_size=6),
    st.lists(st.lists(st.floats(0, 0.9), min_size=6, max_size=6), min_size=1, max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_each_notification_is_in_the_cassette_once(values: list[int], delays: list[list[float]]) -> None:
    """Any notifications, equal or not, to 1 to 3 clients with any delays, each client in the order of the server."""
    exchanges = [handshake(f"k{tab}", -1.0) for tab in range(len(delays))]
    for tab, delay in enumerate(delays):
        exchanges += [connect(f"k{tab}", number + 1 + delay[number], value) for number, value in enumerate(values)]
    assert values == [value for _, value in delivered(*exchanges)]
