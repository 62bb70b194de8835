"""Views that should exist and do not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gws_replay.core.model import Exchange, Headers, Notification
from tests.support.builders import SESSIONS, TOPIC, cassette, exchange, get, operation, push, update

START = {"Name": "Ada"}
AFTER = {"Name": "Eve"}
SENT = (update(AFTER, began=1), push(AFTER, seen=2))


def listed(began: float, *sessions: dict[str, Any], **more: Any) -> Exchange:
    """A GET of a list."""
    return exchange(
        "GET", f"{SESSIONS}?fields=*", None, {"statusCode": 0, "facebooksessions": sessions}, began=began, **more
    )


def first(*moments: Exchange | Notification) -> tuple[str, tuple[str, ...]]:
    """The verdict on the first operation, with its reasons."""
    found = cassette(*moments).updates()[0]
    return found.verdict, found.reasons


BEGIN = listed(0, {"id": "S1", "userData": START}, {"id": "S2", "userData": {}})


def test_session_that_vanishes_from_a_list_leaves_its_last_operation_in_doubt() -> None:
    """The reason says which GET, and what to record."""
    verdict, reasons = first(BEGIN, *SENT, listed(3, {"id": "S2", "userData": {}}))
    assert "unknown" == verdict
    assert "interaction 2 does not show Facebook session S1 any more, as interaction 0 did" in reasons[0]


@pytest.mark.parametrize(
    "why",
    [
        operation("Complete", began=2.5),
        push(None, seen=2.5, kind="StatusChange", state="Completed"),
        exchange("POST", "/api/v2/me", {"operationName": "EndContactCenterSession"}, {"statusCode": 0}, began=2.5),
    ],
)
def test_session_that_was_ended_may_vanish(why: Exchange | Notification) -> None:
    """By an operation on it, by another agent, or with the agent's own session."""
    assert ("passed", ()) == first(BEGIN, *SENT, why, listed(3, {"id": "S2", "userData": {}}))


def test_session_that_a_get_of_its_own_showed_may_vanish_from_a_list() -> None:
    """The list of all sessions does not have it; a filtered list, or one of addresses, proves nothing."""
    alone = exchange(
        "GET", f"{SESSIONS}/S1", None, {"statusCode": 0, "facebooksession": {"id": "S1", "userData": START}}
    )
    assert "unknown" == first(alone, *SENT, listed(3))[0]
    assert "passed" == first(alone, *SENT, listed(3, {"id": "S1"}, {"id": "S1", "userData": AFTER}))[0]
    for path, name in ((f"{SESSIONS}?state=Invited", "facebooksessions"), (SESSIONS, "uris")):
        assert "passed" == first(alone, *SENT, exchange("GET", path, None, {"statusCode": 0, name: []}, began=3))[0]


def test_another_users_list_is_another_list() -> None:
    """A colleague does not see the session at all."""
    other = replace(listed(3, {"id": "S2", "userData": {}}), user=1)
    assert ("passed", ()) == first(BEGIN, *SENT, other)


@pytest.mark.parametrize("status", [304, 401, 500, 503])
def test_failed_get_shows_no_list(status: int) -> None:
    """So no session is missing from it."""
    assert ("passed", ()) == first(BEGIN, *SENT, exchange("GET", f"{SESSIONS}?fields=*", began=3, status=status))


def test_session_whose_get_returns_404_is_in_doubt() -> None:
    """404 means that it was deleted."""
    path = f"{SESSIONS}/S1"
    before = exchange("GET", path, None, {"statusCode": 0, "facebooksession": {"id": "S1", "userData": START}})
    gone = exchange("GET", path, None, {"statusCode": 6}, began=3, status=404)
    assert "unknown" == first(before, *SENT, gone)[0]


def test_unreadable_get_is_reported() -> None:
    """A list that was cut, and one in which userData is a text."""
    cut = exchange("GET", f"{SESSIONS}?fields=*", None, b'{"facebooksessions": [{"id": "S1", "userDa', began=3)
    verdict, reasons = first(BEGIN, *SENT, cut)
    assert ("unknown", True) == (verdict, "interaction 2 cannot be read as JSON" in reasons[0])
    odd = listed(3, {"id": "S1", "userData": "Name=Eve"}, {"id": "S2", "userData": {}})
    verdict, reasons = first(BEGIN, *SENT, odd)
    assert ("unknown", True) == (verdict, "shows userData in a form that cannot be read" in " ".join(reasons))


def test_request_that_cannot_be_read_is_an_operation_all_the_same() -> None:
    """In an unknown encoding, or cut."""
    body = b'{"operationName": "UpdateUserData", "userData": {"Name": "E'
    verdict, reasons = first(BEGIN, exchange("POST", f"{SESSIONS}/S1", body, {"statusCode": 0}, began=1))
    assert ("unknown", True) == (verdict, "cannot be read as JSON" in reasons[0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_bodies_are_read_in_their_encoding(encoding: str) -> None:
    """A change of another key in such a body counts."""
    data = {"Name": "Zoë"}
    raw = json.dumps({"operationName": "UpdateUserData", "userData": data}, ensure_ascii=False).encode(encoding)
    sent = exchange("POST", f"{SESSIONS}/S1", raw, {"statusCode": 0}, began=1)
    if encoding == "latin-1":
        kind = Headers((("Content-Type", "application/json; charset=ISO-8859-1"),))
        sent = replace(sent, request=replace(sent.request, headers=kind))
    assert "passed" == first(get(START, began=0), sent, push(data, seen=2))[0]
    assert "failed" == first(get(START, began=0), sent, push({**data, "B": 1}, seen=2))[0]


def test_nan_is_read_and_compared() -> None:
    """As Python and JavaScript libraries write it."""
    body = b'{"operationName":"UpdateUserData","userData":{"Score":NaN}}'
    sent = exchange("POST", f"{SESSIONS}/S1", body, {"statusCode": 0}, began=1)
    data = '{"notificationType":"PropertiesUpdated","facebooksession":{"id":"S1","userData":{"Name":"Ada","Score":%s}}}'
    for shown, verdict in (("NaN", "passed"), ("0", "failed"), ("Infinity", "failed")):
        notification = Notification(channel=TOPIC, data=data % shown, seen=2)
        assert verdict == first(get(START, began=0), sent, notification)[0]


def test_user_data_may_be_a_list_of_pairs() -> None:
    """In requests, responses and notifications; the order of the pairs does not count, a repeated key does."""

    def pairs(**data: Any) -> list[dict[str, Any]]:
        return [{"key": key, "value": value} for key, value in data.items()]

    start = listed(0, {"id": "S1", "userData": pairs(a=1, b=2)})
    sent = operation("UpdateUserData", began=1, userData=pairs(b=3))

    def notified(user_data: list[dict[str, Any]]) -> Notification:
        return (
            push({"userData": 0}, seen=2)
            if not user_data
            else replace(
                push({}, seen=2),
                data=json.dumps(
                    {"notificationType": "PropertiesUpdated", "facebooksession": {"id": "S1", "userData": user_data}}
                ),
            )
        )

    assert "passed" == first(start, sent, notified(pairs(b=3, a=1)))[0]
    assert "failed" == first(start, sent, notified(pairs(b=3, a=2)))[0]
    assert "failed" == first(start, sent, notified([*pairs(b=3, a=1), *pairs(a=1)]))[0]
