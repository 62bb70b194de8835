"""Side effects: changes of attributes and other resources that no operation explains."""

import json
from typing import Any

import pytest

from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.judge import Update
from tests.support.builders import SESSIONS, TOPIC, cassette, exchange, operation, push, update

DATA = {"A": 1}
AFTER = {"A": 2}


def shown(user_data: dict[str, Any], *, began: float, session: str = "S1", **attributes: Any) -> Exchange:
    """A GET that shows a session with attributes."""
    resource = {"id": session, "userData": user_data, **attributes}
    return exchange("GET", f"{SESSIONS}?fields=*", None, {"facebooksessions": [resource]}, began=began)


def first(*moments: Exchange | Notification, **more: Any) -> Update:
    """The verdict on the first operation."""
    return cassette(*moments).updates(**more)[0]


UPDATE = update(AFTER, began=1)
MOVED: dict[str, tuple[list[Exchange | Notification], str]] = {
    "from GET to notification": (
        [shown(DATA, began=0, state="Chatting"), push(AFTER, seen=2, state="Completed")],
        'attribute state: "Chatting" -> "Completed", from interaction 0 to notification 0',
    ),
    "from notification to notification": (
        [
            shown(DATA, began=0),
            push(DATA, seen=0.5, kind="StatusChange", participants=["a"]),
            push(AFTER, seen=2, participants=["a", "b"]),
        ],
        'attribute participants: ["a"] -> ["a", "b"], from notification 0 to notification 1',
    ),
    "from GET to GET": (
        [shown(DATA, began=0, capabilities=["X"]), push(AFTER, seen=2), shown(AFTER, began=3, capabilities=[])],
        'attribute capabilities: ["X"] -> [], from interaction 0 to interaction 2',
    ),
    "nested": (
        [
            shown(DATA, began=0, owner={"name": "a", "uri": "u"}),
            push(AFTER, seen=2),
            shown(AFTER, began=3, owner={"name": "b", "uri": "v"}),
        ],
        "attribute owner",
    ),
    "type": ([shown(DATA, began=0, count=1), push(AFTER, seen=2, count="1")], 'attribute count: 1 -> "1"'),
}


@pytest.mark.parametrize("case", MOVED)
def test_unexplained_attribute_change_fails(case: str) -> None:
    """In every kind of message; unless it is ignored, or declared volatile."""
    moments, reason = MOVED[case]
    found = first(UPDATE, *moments)
    assert ("failed", 1) == (found.verdict, len(found.reasons)), found.reasons
    assert reason in found.reasons[0]
    name = found.reasons[0].split()[1].rstrip(":")
    ignoring = first(UPDATE, *moments, ignore=[name])
    assert ("passed", (name,)) == (ignoring.verdict, ignoring.ignored)
    assert "passed" == first(UPDATE, *moments, volatile=[name, "uri"]).verdict


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"uri": "http://a/1"}, {"uri": "http://b/1"}),
        ({"deviceUri": "a", "suggestedQueueUris": ["a"]}, {"deviceUri": "b", "suggestedQueueUris": ["b"]}),
        ({"duration": "63"}, {"duration": "775"}),
        ({"timestampSeconds": 1, "receivedDate": "x"}, {"timestampSeconds": 2, "receivedDate": "y"}),
        ({"capabilities": ["A", "B"]}, {"capabilities": ["B", "A"]}),
        ({"state": " Talking"}, {"state": "Talking"}),
        ({"participants": [{"id": "p", "uri": "a"}]}, {"participants": [{"uri": "b", "id": "p"}]}),
        ({"comment": "only here"}, {}),
        ({}, {"comment": "only there"}),
    ],
)
def test_difference_without_a_change_of_state_is_no_side_effect(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Hosts, clocks and counters, the order of a list, and a missing attribute."""
    found = first(shown(DATA, began=0, **before), UPDATE, push(AFTER, seen=2, **after), shown(AFTER, began=3, **after))
    assert ("passed", ()) == (found.verdict, found.reasons)


def test_lists_are_not_compared_across_kinds_of_messages() -> None:
    """The documented update has no capabilities in a session that has them: a notification may leave a list empty."""
    found = first(
        shown(DATA, began=0, capabilities=["X"]),
        UPDATE,
        push(AFTER, seen=2, capabilities=[]),
        shown(AFTER, began=3, capabilities=["X"]),
    )
    assert ("passed", ()) == (found.verdict, found.reasons)


REASONS: dict[str, list[Exchange | Notification]] = {
    "an operation that moves it": [operation("Complete", began=1.1), push(AFTER, seen=2, state="Completed")],
    "an operation that nobody knows": [operation("SomethingNew", began=1.1), push(AFTER, seen=2, state="Completed")],
    "an unsolicited notification before": [
        push(DATA, seen=1.5, kind="StatusChange", state="Completed"),
        push(AFTER, seen=2, state="Completed"),
    ],
    "an unsolicited notification after": [
        push(AFTER, seen=2, state="Completed"),
        push(AFTER, seen=2.5, kind="StatusChange", state="Completed"),
    ],
}


@pytest.mark.parametrize("case", REASONS)
def test_explained_change_passes(case: str) -> None:
    """By an operation at the same time, or by its own notification."""
    found = first(
        shown(DATA, began=0, state="Chatting"), UPDATE, *REASONS[case], shown(AFTER, began=3, state="Completed")
    )
    assert ("passed", ()) == (found.verdict, found.reasons)


@pytest.mark.parametrize(
    "other",
    [
        operation("SendMessage", began=1.1, text="x"),
        operation("Complete", began=1.1, response={"statusCode": 3}),
        operation("Complete", began=1.1, session="S2"),
        operation("AddComment", began=1.1, comment="x"),
    ],
    ids=["moves nothing", "refused", "of another session", "moves something else"],
)
def test_unrelated_operation_explains_nothing(other: Exchange) -> None:
    """It is not documented to change the attribute, or was refused, or was on another resource."""
    found = first(shown(DATA, began=0, state="Chatting"), UPDATE, other, push(AFTER, seen=2, state="Completed"))
    assert "failed" == found.verdict


def test_get_on_its_way_proves_nothing() -> None:
    """It was sent before the session was completed, and its response came after that notification."""
    late = shown(DATA, began=0.2, state="Chatting")
    late = Exchange(request=late.request, response=late.response, began=0.2, ended=2.5)
    found = first(
        shown(DATA, began=0, state="Chatting"),
        operation("Complete", began=0.3),
        push(DATA, seen=0.9, kind="StatusChange", state="Completed"),
        late,
        UPDATE,
        push(AFTER, seen=2, state="Completed"),
        shown(AFTER, began=3, state="Completed"),
    )
    assert ("passed", ()) == (found.verdict, found.reasons)


def test_change_without_recorded_notifications_is_in_doubt() -> None:
    """A notification might explain it."""
    found = first(shown(DATA, began=0, state="Chatting"), UPDATE, shown(AFTER, began=3, state="Completed"))
    assert ("unknown", 1) == (found.verdict, len(found.reasons))


def test_comment_moves_with_its_operation() -> None:
    """And only with it."""
    moments = (shown(DATA, began=0, comment="a"), operation("AddComment", began=1, comment="b"))
    assert "passed" == first(*moments, push(None, seen=2, comment="b"), shown(DATA, began=3, comment="b")).verdict
    refused = operation("AddComment", began=1, comment="b", response={"statusCode": 2})
    status = push(DATA, seen=0.5, kind="StatusChange", comment="a")
    found = first(moments[0], status, refused, shown(DATA, began=3, comment="b"))
    assert ("failed", True) == (found.verdict, "attribute comment" in found.reasons[0])


def both(began: float, other: dict[str, Any], data: dict[str, Any], **attributes: Any) -> Exchange:
    """A GET of two sessions."""
    sessions = [{"id": "S1", "userData": data}, {"id": "S2", "userData": other, **attributes}]
    return exchange("GET", f"{SESSIONS}?fields=*", None, {"facebooksessions": sessions}, began=began)


def test_change_of_another_session_fails() -> None:
    """Of userData and attributes; the operation with the same value fails, not a later one."""
    first_, later = update(AFTER, began=1), update({"B": 1}, began=2.5)
    notifications = (push(AFTER, seen=2), push({**AFTER, "B": 1}, seen=3))
    played = cassette(both(0, DATA, DATA), first_, later, *notifications, both(5, AFTER, {**AFTER, "B": 1}))
    found = played.updates()
    assert [("failed", 1), ("passed", 0)] == [(each.verdict, len(each.reasons)) for each in found]
    assert "Facebook session S2 changed too, from interaction 0 to interaction 3: A: 1 -> 2" == found[0].reasons[0]
    moved = first(both(0, DATA, DATA, state="x"), UPDATE, notifications[0], both(5, DATA, AFTER, state="y"))
    assert ("failed", True) == (moved.verdict, "S2 changed too: attribute state" in moved.reasons[0])


def test_another_session_that_changes_by_itself_is_in_doubt() -> None:
    """Its own notification shows a change that this operation did not write; ignored, it is reported."""
    alone = push({"A": 1, "Z": 9}, seen=1.5, session="S2")
    moments = (both(0, DATA, DATA), UPDATE, alone, push(AFTER, seen=2), both(5, {"A": 1, "Z": 9}, AFTER))
    found = first(*moments)
    assert ("unknown", True) == (found.verdict, "no operation on it does that" in found.reasons[0])
    assert ("passed", ("Z",)) == ((ignoring := first(*moments, ignore=["Z"])).verdict, ignoring.ignored)


def test_operation_on_the_other_session_accounts_for_it() -> None:
    """Both sessions have open operations, one of them not judged."""
    accepted = (
        operation("Accept", began=1.1, session="S2"),
        push({"A": 1, "L": 1}, seen=1.5, session="S2", kind="StatusChange"),
    )
    found = first(both(0, DATA, DATA), UPDATE, *accepted, push(AFTER, seen=2), both(5, {"A": 1, "L": 1}, AFTER))
    assert ("passed", ()) == (found.verdict, found.reasons)


def test_resource_may_have_odd_attributes() -> None:
    """Nothing that a server can send ends in a traceback."""
    odd = {"id": "S1", "": None, "x": [[], {}, [1, "a", None]], "userData": DATA}
    notification = Notification(channel=TOPIC, data=json.dumps({"facebooksession": odd}), seen=0.5)
    changed = Notification(channel=TOPIC, data=json.dumps({"facebooksession": {**odd, "x": [1, None]}}), seen=0.7)
    assert "passed" == first(notification, changed, UPDATE, push(AFTER, seen=2)).verdict


def test_without_notifications_another_session_is_in_doubt() -> None:
    """Another agent may have changed it; the same value as in this operation is not a coincidence."""
    for other, verdict in (({"A": 1, "Z": 9}, "unknown"), (AFTER, "failed")):
        assert verdict == first(both(0, DATA, DATA), UPDATE, both(5, other, AFTER)).verdict


def test_what_an_operation_on_a_resource_showed_is_no_fault_of_another_resource() -> None:
    """The response to an operation on the second session shows a new state."""
    sent = (
        operation("SendMessage", began=1.1, session="S2"),
        push({"A": 1}, seen=1.5, session="S2", kind="NewMessages", state="y"),
    )
    found = first(both(0, DATA, DATA, state="x"), UPDATE, *sent, push(AFTER, seen=2))
    assert ("passed", ()) == (found.verdict, found.reasons)


@pytest.mark.parametrize("notified", [True, False])
def test_message_log_grows_by_its_own_notifications(notified: bool) -> None:
    """The log, and its count; without a notification of a message, the growth is unexplained."""
    message = Notification(
        channel=TOPIC,
        data=json.dumps({"notificationType": "NewMessages", "facebooksession": {"id": "S1"}, "messages": [{"n": 7}]}),
        seen=2.5,
    )
    before = shown(DATA, began=0, messages=[{"n": 6}], lastMessageIndex=6, unreadMessages=0)
    after = shown(AFTER, began=3, messages=[{"n": 6}, {"n": 7}], lastMessageIndex=7, unreadMessages=1)
    found = first(before, UPDATE, push(AFTER, seen=2), *([message] if notified else []), after)
    assert ("passed" if notified else "failed") == found.verdict, found.reasons


def test_list_that_an_unsolicited_notification_shows_in_its_own_way_may_have_changed() -> None:
    """The participants of a session: the notification has fewer fields than the GET."""
    joined = push(None, seen=1.5, kind="ParticipantsUpdated", participants=[{"nick": "a"}, {"nick": "b"}])
    before, after = (
        shown(data, began=began, participants=[{"nick": nick, "since": 5} for nick in names])
        for data, began, names in ((DATA, 0, "a"), (AFTER, 3, "ab"))
    )
    moments = (before, UPDATE, push(AFTER, seen=2), after)
    assert "passed" == first(*moments, joined).verdict
    status = push(None, seen=1.5, kind="ParticipantsUpdated", state="x")
    assert "failed" == first(*moments, status).verdict
