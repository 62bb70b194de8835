"""The live lines of a recording, and the summary at its end."""

import json
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import Compiled
from gws_replay.core.model import Cause, Notification
from gws_replay.recording.live_lines import exchange_line, failure_line, notification_lines, summary
from tests.support.builders import SESSIONS, bayeux, exchange, operation, push
from tests.support.commands import captured

STEERING = "\x1b[31m\x9b2J\r\x07"


@pytest.mark.parametrize(
    ("recorded", "line"),
    [
        (operation("UpdateUserData", began=0.0), "--> UpdateUserData S1  statusCode 0  12 ms"),
        (
            operation("UpdateUserData", began=0.0, response={"statusCode": 7}),
            "--> UpdateUserData S1  statusCode 7  12 ms",
        ),
        (
            operation("UpdateUserData", began=0.0, response={"statusCode": 2}),
            "!!! UpdateUserData S1  statusCode 2  12 ms",
        ),
        (operation("UpdateUserData", began=0.0, response=b"<html>"), "--> UpdateUserData S1  HTTP 200  12 ms"),
        (
            operation("UpdateUserData", began=0.0, response={"statusCode": "0"}),
            '!!! UpdateUserData S1  statusCode "0"  12 ms',
        ),
        (
            exchange("POST", "/api/v2/me", {"operationName": "StartContactCenterSession"}, {"statusCode": 0}),
            "--> StartContactCenterSession /api/v2/me  statusCode 0  12 ms",
        ),
        (exchange("POST", "/api/v2/me", {"operationName": 5}, {}), "--> POST /api/v2/me  HTTP 200  12 ms"),
        (exchange("GET", f"{SESSIONS}?fields=*", None, {}), f"--> GET {SESSIONS}  HTTP 200  12 ms"),
        (exchange("GET", "/x", None, b"", status=401), "!!! GET /x  HTTP 401  12 ms"),
    ],
    ids=["taken", "partly", "refused", "not JSON", "odd code", "no resource", "odd name", "no operation", "HTTP error"],
)
def test_an_exchange_is_a_line(recorded: Any, line: str) -> None:
    """The operation and its resource instead of the URL; the result; the duration."""
    assert line == exchange_line(recorded.request, recorded.response, 0.0123)


def test_notifications_are_lines() -> None:
    """One each, with type, resource, channel and reference; control messages have none."""
    messages = [
        {"channel": "/meta/connect", "successful": True, "data": {}},
        bayeux(push({"A": 1}, seen=0.0, reference=16)),
        {"channel": "/v2/me/other", "data": {"messageType": "Hello"}},
        {"channel": "/v2/me/other", "data": [1]},
    ]
    assert [
        "<-- PropertiesUpdated S1  on /v2/me/facebooksession referenceId 16",
        "<-- Hello  on /v2/me/other",
        "<-- notification  on /v2/me/other",
    ] == list(notification_lines(json.dumps(messages)))
    assert [] == list(notification_lines(b"not Bayeux"))


def test_request_without_a_response_is_a_line() -> None:
    """With the reason that the proxy gave."""
    assert "!!! GET /x  no response: timed out" == failure_line(exchange(path="/x").request, "timed out")


@pytest.mark.parametrize(
    ("interactions", "causes", "message"),
    [
        (1, [], "saved x.yaml: 1 exchange, 0 notifications"),
        (2, ["content"], "saved x.yaml: 2 exchanges, 1 notification (1 content)"),
        (
            0,
            ["order", "content", None, "content"],
            "saved x.yaml: 0 exchanges, 4 notifications (2 content, 1 order, 1 unsolicited)",
        ),
    ],
)
def test_the_summary_counts(interactions: int, causes: list[Any], message: str) -> None:
    """Exchanges, notifications, and the evidence for their causes."""
    notifications = tuple(
        Notification(
            channel="/x", data="{}", seen=0.0, cause=Cause(interaction=0, rule=rule, after="response") if rule else None
        )
        for rule in causes
    )
    cassette = Cassette(interactions=(exchange(),) * interactions, notifications=notifications)
    assert message == summary(Compiled(cassette=cassette), "x.yaml")


def test_the_summary_of_a_capture() -> None:
    """Real traffic: seven notifications, all attributed by their content."""
    assert "saved x.yaml: 13 exchanges, 7 notifications (7 content)" == summary(
        captured("longpoll-js-family"), "x.yaml"
    )


def test_notes_follow_the_summary() -> None:
    """One line each."""
    compiled = Compiled(cassette=Cassette(interactions=()), notes=("check this", "and that"))
    assert ["note: check this", "note: and that"] == summary(compiled, "x.yaml").splitlines()[1:]


@pytest.mark.parametrize(
    "shown",
    [
        exchange_line(operation(STEERING, began=0.0).request, exchange().response, 0.0),
        exchange_line(exchange(path=f"/{STEERING}").request, exchange().response, 0.0),
        exchange_line(
            operation("UpdateUserData", began=0.0).request, exchange(response={"statusCode": STEERING}).response, 0.0
        ),
        *notification_lines(json.dumps([{"channel": f"/{STEERING}", "data": {"notificationType": STEERING}}])),
        failure_line(exchange(path="/x").request, STEERING),
        summary(Compiled(cassette=Cassette(interactions=()), notes=(STEERING,)), "x.yaml").partition("\n")[2],
    ],
    ids=["operation", "path", "code", "notification", "failure", "note"],
)
def test_nothing_seen_can_steer_a_terminal(shown: str) -> None:
    """What the server or the client sent is escaped before it is shown."""
    assert shown.isprintable()
    assert "\\u001b" in shown or "%1B" in shown
