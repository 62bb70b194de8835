"""A long-polling client against our own Bayeux server core, and against invalid replies."""

from typing import Any

import pytest

from gws_replay.core.bayeux.subscriber import Subscriber
from gws_replay.errors import GwsReplayError

SHAKEN = {
    "channel": "/meta/handshake",
    "successful": True,
    "clientId": "c1",
    "advice": {"interval": 0, "timeout": 25000},
}
SUBSCRIBED = {"channel": "/meta/subscribe", "successful": True, "subscription": "/a"}
TAKEN = {"channel": "/meta/connect", "successful": True}
LOST = {"channel": "/meta/connect", "successful": False, "error": "402::unknown"}


def posted(subscriber: Subscriber) -> list[Any]:
    """The channels of the next messages."""
    return [each["channel"] for each in subscriber.next_messages()]


def subscribed() -> Subscriber:
    """A client with a subscription."""
    subscriber = Subscriber(["/a", "/b"])
    for reply in (SHAKEN, SUBSCRIBED, TAKEN):
        subscriber.receive([reply])
    return subscriber


def test_the_order_of_a_session() -> None:
    """Handshake, subscriptions, a connect that returns at once, held connects, disconnect."""
    subscriber = Subscriber(["/a", "/b"])
    assert [] == subscriber.last_messages()
    assert ["/meta/handshake"] == posted(subscriber)
    subscriber.receive([SHAKEN])
    assert ["/meta/subscribe"] * 2 == posted(subscriber)
    subscriber.receive([SUBSCRIBED])
    assert [{"timeout": 0}] == [each["advice"] for each in subscriber.next_messages()]
    assert not subscriber.ready
    subscriber.receive([TAKEN, {"channel": "/a", "data": {}}, "no message"])
    assert subscriber.ready
    held = subscriber.next_messages()[0]
    assert ("c1", "long-polling", False) == (held["clientId"], held["connectionType"], "advice" in held)
    assert 25.0 == subscriber.held
    assert ["/meta/disconnect"] == [each["channel"] for each in subscriber.last_messages()]


def test_a_forgotten_client_shakes_hands_again() -> None:
    """And subscribes again, after the advised pause."""
    subscriber = subscribed()
    subscriber.receive([{**LOST, "advice": {"reconnect": "handshake", "interval": 2000}}])
    assert ["/meta/handshake"] == posted(subscriber)
    assert 0 < subscriber.pause
    subscriber.receive([SHAKEN])
    assert ["/meta/subscribe"] * 2 == posted(subscriber)


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        (
            [{"channel": "/meta/handshake", "successful": False, "error": "403::denied"}],
            "handshake was refused: 403::denied",
        ),
        ([SHAKEN, {**SUBSCRIBED, "successful": False}], "/a was refused: no reason was given"),
        ([SHAKEN, SUBSCRIBED, {**LOST, "advice": {"reconnect": "none"}}], "the server ended it: 402::unknown"),
        ([SHAKEN, SUBSCRIBED, LOST, LOST, LOST], "3 requests in a row"),
        ([{"channel": "/a"}, "no message", {"channel": None}], "3 requests in a row"),
    ],
)
def test_refusal_ends_the_session_with_its_reason(replies: list[Any], message: str) -> None:
    """A connect may fail twice."""
    subscriber = Subscriber(["/a"])
    for reply in replies[:-1]:
        subscriber.receive([reply])
    with pytest.raises(GwsReplayError, match=message):
        subscriber.receive(replies[-1:])


def test_success_resets_the_failure_count() -> None:
    """Only failures in a row count."""
    subscriber = subscribed()
    for _ in range(5):
        subscriber.fail()
        subscriber.receive([TAKEN])
    assert subscriber.ready
