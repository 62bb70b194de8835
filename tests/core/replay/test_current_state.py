"""The newest state of resources: notifications replace members of the response, and nothing else changes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gws_replay.core.lossless_json import children, indented
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.replay.current_state import brought_up_to_date
from tests.support.builders import SESSIONS, exchange, push

COLLECTION = """{"statusCode":0,"facebooksessions":[
  {"id":"S1","count":1.50,"odd":1,"odd":2,"userData":{"A":1E5,"B":"\\u0062"},"state":"Invited"},
  {"id":"S2","userData":{"A":0}}, 7, {"no":"id"}],
"other":[1.0,{"id":"S1","userData":{}}]}"""
SINGLE = '{"statusCode":0,"facebooksession":{"id":"S1","userData":{"A":-0},"x":1e1}}'


def answered(body: str) -> Exchange:
    """A GET with a response."""
    length = ("Content-Length", str(len(body.encode())))
    return exchange("GET", SESSIONS, None, body.encode(), response_headers=[("X", "1"), length])


def newest(body: str, since: Mapping[str, Sequence[Notification]]) -> str:
    """The body of the response after some notifications, by resource."""
    updated = brought_up_to_date(answered(body), lambda about: since.get(about, ()))
    text = updated.response.body.decode()
    length = ("content-length", str(len(updated.response.body)))
    assert [("x", "1"), length] == [(name.lower(), value) for name, value in updated.response.headers.pairs]
    assert json.loads(text) == json.loads(
        json.dumps(updated.response_json, default=lambda repeated: repeated.values[-1])
    )
    return text


def pushed(data: str) -> Notification:
    """A notification with data as they are spelled."""
    return replace(push(None, seen=9), data=data)


@pytest.mark.parametrize("body", [COLLECTION, SINGLE, "{}", "[]", "", "7", "\ufeff", "<html>"])
def test_response_without_notifications_is_unchanged(body: str) -> None:
    """Byte for byte."""
    one = answered(body)
    assert one is brought_up_to_date(one, lambda _: ())
    assert one is brought_up_to_date(one, lambda about: [push({"A": 2}, seen=1)] if about == "S9" else [])


def test_only_the_members_that_were_pushed_change_in_a_collection() -> None:
    """Every other token stays: spellings, repeated keys, other resources, similar objects."""
    since = {"S1": [pushed('{"facebooksession":{"id":"S1","userData":{"A":2.0,"C":[1E1]},"new":1e0}}')]}
    expected = COLLECTION.replace(
        '"userData":{"A":1E5,"B":"\\u0062"},"state":"Invited"',
        '"userData":{"A":2.0,"C":[1E1]},"state":"Invited","new":1e0',
    )
    assert indented(expected) == newest(COLLECTION, since)


def test_a_single_resource_changes_too() -> None:
    """Under the key of its channel."""
    since = {"S1": [pushed('{"referenceId":1,"facebooksession":{"id":"S1","userData":{"A":1}}}')]}
    expected = SINGLE.replace('{"A":-0}', '{"A":1}')
    assert indented(expected) == newest(SINGLE, since)


def test_of_several_notifications_the_latest_counts_for_each_member() -> None:
    """userData is always complete, so that a deletion shows too."""
    since = {
        "S1": [
            push({"A": 1, "B": 2}, seen=1, state="Accepted"),
            push({"B": 3}, seen=2),
            push(None, seen=3, kind="StatusChange", state="Completed"),
        ]
    }
    resource = json.loads(newest(SINGLE, since))["facebooksession"]
    assert {"id": "S1", "userData": {"B": 3}, "x": 10.0, "state": "Completed"} == resource


def test_a_comment_leaves_the_user_data() -> None:
    """Its notification has no userData, which means unchanged (FacebookPMAddComment)."""
    since = {"S1": [push(None, seen=1, comment="hello")]}
    resource = json.loads(newest(SINGLE, since))["facebooksession"]
    assert {"id": "S1", "userData": {"A": 0}, "x": 10.0, "comment": "hello"} == resource


def test_each_resource_has_its_own_notifications() -> None:
    """One response may show many."""
    since = {name: [push({"is": name}, seen=1, session=name)] for name in ("S1", "S2")}
    sessions = json.loads(newest(COLLECTION, since))["facebooksessions"]
    assert [{"is": "S1"}, {"is": "S2"}] == [each["userData"] for each in sessions[:2]]
    assert [7, {"no": "id"}] == sessions[2:]


def test_a_notification_without_the_resource_changes_nothing() -> None:
    """MessageLogUpdated names it by its URI alone."""
    since = {"S1": [pushed('{"facebooksessionUri":"http://h/S1","messages":[{"id":"S1","userData":{}}]}')]}
    assert indented(SINGLE) == newest(SINGLE, since)


def test_members_stay_in_their_order() -> None:
    """New ones come last."""
    since = {"S1": [pushed('{"facebooksession":{"new":1,"x":2,"id":"S1"}}')]}
    text = newest(SINGLE, since)
    shown = next(child for key, child in children(text) if key == "facebooksession")
    assert ["id", "userData", "x", "new"] == [key for key, _ in children(shown)]


@pytest.mark.parametrize(
    "body",
    [
        '{"status":{"code":0},"data":{"calls":[{"id":"S1","userData":[1.50],"x":1e1}]}}',
        '{"statusCode":0,"user":{"id":"U1","calls":[{"id":"S1","userData":[1.50],"x":1e1}]}}',
    ],
)
def test_resources_inside_an_envelope_change_too(body: str) -> None:
    """Workspace v3 returns `data`; GWS the user, with the resources in it."""
    since = pushed('{"messageType":"CallStateChanged","call":{"id":"S1","userData":[2.50]}}')
    assert indented(body.replace("1.50", "2.50")) == newest(body, {"S1": [since]})
