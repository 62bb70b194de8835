"""Recordings that users have reported:

two agents, two tabs, a notification before its response, stale and several ones.
"""

import json
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange, Recording
from tests.core.compile.test_users import basic
from tests.support.builders import exchange

NOTIFICATIONS = "/api/v2/notifications"
Push = tuple[str, dict[str, Any]]


def request(
    user: str, began: float, path: str, sent: Any = None, *, response: Any = None, took: float = 0.05
) -> Exchange:
    """A REST request of a user: a POST if it sends something."""
    response = {"statusCode": 0} if response is None else response
    method = "GET" if sent is None else "POST"
    headers = [basic(user)]
    return exchange(method, f"/api/v2{path}", sent, response, began=began, ended=began + took, request_headers=headers)


def comet(user: str, client: str, began: float, channel: str, ended: float, *pushes: Push, **more: str) -> Exchange:
    """A CometD request of a client, and what its response brings."""
    sent = {"channel": channel, **({} if channel == "/meta/handshake" else {"clientId": client})}
    reply = {"channel": channel, "successful": True, **more}
    messages = [*({"channel": topic, "data": data} for topic, data in pushes), reply]
    return exchange("POST", NOTIFICATIONS, [sent], messages, began=began, ended=ended, request_headers=[basic(user)])


def opened(user: str, client: str, at: float) -> Exchange:
    """A handshake."""
    return comet(user, client, at, "/meta/handshake", at + 0.05, clientId=client)


def polled(user: str, client: str, began: float, ended: float, *pushes: Push) -> Exchange:
    """A held connect that returned notifications."""
    return comet(user, client, began, "/meta/connect", ended, *pushes)


def pushed(topic: str, key: str, id_: str, user_data: dict[str, Any], reference: int) -> Push:
    """A notification of changed userData."""
    shown = {"id": id_, "state": "Processing", "userData": user_data}
    return topic, {"referenceId": reference, "notificationType": "PropertiesUpdated", key: shown}


def update(user_data: dict[str, Any]) -> dict[str, Any]:
    """The body of an UpdateUserData."""
    return {"operationName": "UpdateUserData", "userData": user_data}


def compiled(*exchanges: Exchange) -> Cassette:
    """The cassette of a recording."""
    return compile_recording(Recording(exchanges=exchanges)).cassette


def causes(cassette: Cassette) -> list[int | None]:
    """The interaction that each notification answers."""
    return [each.cause.interaction if each.cause else None for each in cassette.notifications]


def test_two_agents_of_one_consultation() -> None:
    """Each has requests, a CometD client and a notification of its own."""
    topic = "/v2/me/facebooksession"
    cassette = compiled(
        request("bob.fischer", 0.0, "/me", response={"statusCode": 0, "user": {"id": "u-bob"}}),
        request("ann.keller", 0.2, "/me", response={"statusCode": 0, "user": {"id": "u-ann"}}),
        opened("bob.fischer", "kbob", 0.4),
        opened("ann.keller", "kann", 0.6),
        request("bob.fischer", 1.0, "/me/facebooksessions/0002XB", update({"K": "b"}), took=0.2),
        polled("bob.fischer", "kbob", 0.8, 1.4, pushed(topic, "facebooksession", "0002XB", {"K": "b"}, 31)),
        request("ann.keller", 1.1, "/me/facebooksessions/0002XA", update({"K": "a"}), took=0.2),
        polled("ann.keller", "kann", 0.9, 1.5, pushed(topic, "facebooksession", "0002XA", {"K": "a"}, 32)),
    )
    assert [0, 1, 0, 1] == [each.user for each in cassette.interactions]
    assert [(0, 2), (1, 3)] == [(each.user, each.cause and each.cause.interaction) for each in cassette.notifications]
    assert ["bob.fischer", "ann.keller"] == [user.name for user in cassette.users]


def test_two_tabs_of_one_agent() -> None:
    """Each received the same notification once: one notification, and one user."""
    delivered = pushed("/v2/me/chats", "chat", "0003C2", {"Note": "second"}, 5)
    cassette = compiled(
        opened("emma", "k1", 0.0),
        opened("emma", "k2", 0.2),
        request(
            "emma", 1.0, "/me/chats/0003C2", update({"Note": "second"}), response={"statusCode": 0, "referenceId": 5}
        ),
        polled("emma", "k1", 0.4, 1.300, delivered),
        polled("emma", "k2", 0.5, 1.305, delivered),
    )
    assert ([0], False) == (causes(cassette), "users" in cassette.header)


def test_call_may_be_pushed_before_the_response_to_dial() -> None:
    """No request has its id."""
    call = {"id": "01RCCASE00000S1", "state": "Dialing", "participants": [{"phoneNumber": "5550100"}]}
    dial = {"operationName": "Dial", "destination": {"phoneNumber": "5550100"}}
    cassette = compiled(
        request("henrik", 0.0, "/me"),
        opened("henrik", "k1", 0.2),
        polled("henrik", "k1", 0.4, 2.40, ("/v2/me/calls", {"notificationType": "StatusChange", "call": call})),
        request("henrik", 2.36, "/me/devices/D1", dial, took=0.10),
    )
    (notification,) = cassette.notifications
    assert notification.cause
    assert (1, "creation", "request") == (
        notification.cause.interaction,
        notification.cause.rule,
        notification.cause.after,
    )


def test_stale_notifications_keep_their_cause_and_fail() -> None:
    """They belong to the operations before them, and none of those passes."""
    path = "/me/facebooksessions"

    def shown(value: int) -> dict[str, Any]:
        return {"id": "0002DaAVKCASE41", "state": "Processing", "userData": {"Kept": "yes", "UserData1": value}}

    exchanges = [opened("jonas", "k", 0.0)]
    exchanges.append(
        request("jonas", 0.5, path, response={"statusCode": 0, "facebooksessions": [shown(100)]}),
    )
    for k in (1, 2, 3):
        stale = {"referenceId": 15 + k, "notificationType": "PropertiesUpdated", "facebooksession": shown(99 + k)}
        sent = update({"UserData1": 100 + k})
        exchanges += [
            request("jonas", k, f"{path}/0002DaAVKCASE41", sent, took=0.02),
            polled("jonas", "k", k - 0.8, k + 0.15, ("/v2/me/facebooksession", stale)),
        ]
    exchanges.append(request("jonas", 5.0, path, response={"statusCode": 0, "facebooksessions": [shown(103)]}))
    cassette = compiled(*exchanges)
    assert [1, 2, 3] == causes(cassette)
    assert ["failed"] * 3 == [each.verdict for each in cassette.updates()]


@pytest.mark.parametrize("count", [2, 3])
def test_a_server_that_pushes_each_change_several_times(count: int) -> None:
    """Each time with the next reference."""
    exchanges, reference, last = [opened("karla", "k", 0.0)], 10, 0.2
    for k, value in enumerate(("one", "two", "three")):
        exchanges.append(request("karla", 1.0 + k, "/me/chats/0001aXCASE51", update({"Note": value})))
        for copy in range(count):
            reference += 1
            seen = 1.0 + k + 0.2 + 0.1 * copy
            change = pushed("/v2/me/chats", "chat", "0001aXCASE51", {"Note": value}, reference)
            exchanges.append(polled("karla", "k", last, seen, change))
            last = seen + 0.01
    cassette = compiled(*exchanges)
    assert [k for k in (0, 1, 2) for _ in range(count)] == causes(cassette)
    assert all(json.loads(each.data)["referenceId"] for each in cassette.notifications)
