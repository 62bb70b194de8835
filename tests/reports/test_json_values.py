"""What programs read, where the commands' tests do not show it already."""

import json

import pytest

from gws_replay.reports import json_values as as_json
from tests.support.builders import CAPTURES, cassette, exchange, push, update
from tests.support.commands import captured, of_two_users, small


def test_unknown_verdict_has_no_places() -> None:
    """before and after are null, and the reason is there."""
    alone = as_json.update(cassette(update({"A": 2}, began=1.0)).updates()[0])
    assert ("unknown", None, None, []) == (alone["verdict"], alone["before"], alone["after"], alone["changes"])
    assert 1 == len(alone["reasons"])


def test_missing_cause_and_body_that_is_not_json_are_null() -> None:
    """Both are null."""
    shown = as_json.cassette(cassette(exchange("GET", "/x", None, b"\xff"), push(None, seen=1.0, kind="StatusChange")))
    assert ([None], [None]) == (
        [each["cause"] for each in shown["notifications"]],
        [each["answer"] for each in shown["interactions"]],
    )


def test_users_are_numbered_if_there_are_several() -> None:
    """In exchanges and notifications; a cassette of one user has none."""
    shown = as_json.cassette(of_two_users())
    assert [0, 0, 1] == [each["user"] for each in shown["interactions"]]
    assert [0, 1] == [each["user"] for each in shown["notifications"]]
    assert "user" not in as_json.cassette(small())["interactions"][0]


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_is_json_and_complete(name: str) -> None:
    """Every interaction, notification and verdict of real traffic is written, with the same content."""
    played = captured(name).cassette
    shown = json.loads(json.dumps(as_json.cassette(played), allow_nan=False))
    assert [each.response_json for each in played.interactions] == [each["answer"] for each in shown["interactions"]]
    assert [notification.value for notification in played.notifications] == [
        each["data"] for each in shown["notifications"]
    ]
    assert {"passed"} == {each["verdict"] for each in shown["updates"]}
