"""Which request a notification answers: each rule by example, then against a model of a server, then its cost."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.api import schema as operations
from gws_replay.core.compile.causes import attribute
from gws_replay.core.model import Cause, Exchange, Notification
from tests.support.builders import Server, Step, growth, operation, push, steps, update


def causes(exchanges: list[Exchange], notifications: list[Notification]) -> list[tuple[int, str] | None]:
    """The request and rule found for each notification."""
    return [
        (each.cause.interaction, each.cause.rule) if each.cause else None
        for each in attribute(exchanges, notifications)
    ]


def test_content_tells_overlapping_updates_apart() -> None:
    """The second update was asked before the first was answered; the latest request is not the cause."""
    asked = [update({"A": 1}, began=0, ended=3), update({"B": 2}, began=1, ended=2)]
    pushed = [push({"A": 1}, seen=4), push({"A": 1, "B": 2}, seen=5)]
    assert [(0, "content"), (1, "content")] == causes(asked, pushed)


def test_content_counts_only_on_the_same_resource() -> None:
    """Two sessions are updated alike at the same time."""
    asked = [update({"A": 1}, began=0, session="S1"), update({"A": 1}, began=0.05, session="S2")]
    pushed = [push({"A": 1}, seen=1, session="S2"), push({"A": 1}, seen=2, session="S1")]
    assert [(1, "content"), (0, "content")] == causes(asked, pushed)


def test_a_reordering_server_is_followed_by_content() -> None:
    """The second update is applied, and pushed, before the first."""
    asked = [update({"A": 1}, began=0), update({"A": 2}, began=0.01)]
    assert [(1, "content"), (0, "content")] == causes(asked, [push({"A": 2}, seen=1), push({"A": 1}, seen=2)])


def test_equal_updates_are_answered_in_their_order() -> None:
    """Where nothing tells them apart, the first notification answers the first request."""
    asked = [update({"A": 1}, began=began) for began in (0, 0.01, 0.02)]
    pushed = [push({"A": 1}, seen=seen) for seen in (1, 2, 3)]
    assert [(0, "content"), (1, "content"), (2, "content")] == causes(asked, pushed)


def test_a_deletion_does_not_take_a_notification_from_before_its_key_came() -> None:
    """The key is absent before its first update too: that notification answers the first operation."""
    asked = [
        update({"A": 1}, began=0),
        update({"B": 1}, began=0.01),
        operation("DeleteUserData", began=0.02, keys=["B"]),
    ]
    pushed = [push({"A": 1}, seen=1), push({"A": 1, "B": 1}, seen=2), push({"A": 1}, seen=3)]
    assert [0, 1, 2] == [found and found[0] for found in causes(asked, pushed)]


@pytest.mark.parametrize("lost", range(4))
def test_a_lost_notification_does_not_shift_those_that_follow(lost: int) -> None:
    """Each of the others still answers its own request, also when updates write alike values."""
    asked = [update({"A": index}, began=index) for index in range(4)]
    pushed = [push({"A": index}, seen=index + 0.5) for index in range(4) if index != lost]
    assert [(index, "content") for index in range(4) if index != lost] == causes(asked, pushed)
    alike = [update({"A": 0}, began=index) for index in range(4)]
    pushed = [push({"A": 0}, seen=index + 0.5) for index in range(4) if index != lost]
    assert [(index, "content") for index in range(4) if index != lost] == causes(alike, pushed)


def test_a_server_that_shows_the_data_at_the_push_is_counted() -> None:
    """Both notifications show the second value; the first of them answers the first update."""
    asked = [update({"A": 1}, began=0), update({"A": 2}, began=0.01)]
    assert [(0, "counting"), (1, "content")] == causes(asked, [push({"A": 2}, seen=1), push({"A": 2}, seen=2)])


def test_counting_follows_a_chain_of_hidden_writes() -> None:
    """The second update hides the first, and is half hidden by the third."""
    asked = [update({"A": 1}, began=0), update({"A": 2, "B": 2}, began=0.01), update({"B": 3}, began=0.02)]
    pushed = [push({"A": 2, "B": 3}, seen=seen) for seen in (1, 2, 3)]
    assert [0, 1, 2] == [found and found[0] for found in causes(asked, pushed)]


def test_a_deletion_hides_an_update() -> None:
    """Counting takes a deleted key for written over."""
    asked = [update({"A": 1}, began=0), operation("DeleteUserData", began=0.01, keys=["A"])]
    assert [(0, "counting"), (1, "content")] == causes(asked, [push({}, seen=1), push({}, seen=2)])


def test_the_reference_id_of_a_response_comes_first() -> None:
    """It beats content, which would pair the two the other way."""
    asked = [
        update({"A": 1}, began=index / 100, answer={"statusCode": 0, "referenceId": 7 + index}) for index in range(2)
    ]
    pushed = [push({"A": 1}, seen=1, reference=8), push({"A": 1}, seen=2, reference=7)]
    assert [(1, "referenceId"), (0, "referenceId")] == causes(asked, pushed)


@pytest.mark.parametrize(
    "other", [{"session": "S2"}, {"kind": "StatusChange"}, {"seen": -1}, {"reference": 8}], ids=lambda o: next(iter(o))
)
def test_a_reference_id_is_believed_only_where_it_fits(other: dict[str, Any]) -> None:
    """Another session, another kind, an earlier time or another number: not this request."""
    asked = [update({"A": 1}, began=0, answer={"statusCode": 0, "referenceId": 7})]
    assert (0, "referenceId") not in causes(asked, [push({"Z": 1}, **{"seen": 1, "reference": 7, **other})])


@pytest.mark.parametrize("reference", [[7], {"a": 7}, "7", 7.5, True], ids=repr)
def test_an_odd_reference_id_is_no_evidence(reference: Any) -> None:
    """Anything may stand in a notification; only the same integer counts."""
    asked = [update({"A": 1}, began=0, answer={"statusCode": 0, "referenceId": 1})]
    assert [(0, "order")] == causes(asked, [push({"Z": 1}, seen=1, reference=reference)])


def test_an_operation_with_its_reference_id_found_answers_nothing_more() -> None:
    """A later, unsolicited notification still shows the written value; it is not another answer."""
    asked = [update({"A": 1}, began=0, answer={"statusCode": 0, "referenceId": 7})]
    pushed = [push({"A": 1}, seen=1, reference=7), push({"A": 1, "Z": 2}, seen=2)]
    assert [(0, "referenceId"), None] == causes(asked, pushed)


def test_a_pin_stays() -> None:
    """A person knew better than the evidence."""
    asked = [update({"A": 1}, began=0), update({"A": 2}, began=1)]
    pin = Cause(interaction=0, rule="pin", after="request")
    pinned = replace(push({"A": 2}, seen=2), cause=pin)
    assert pin == attribute(asked, [pinned])[0].cause


def test_a_pinned_operation_answers_nothing_more() -> None:
    """Of two equal updates the pinned one is taken; the other notification answers the other update."""
    asked = [update({"A": 1}, began=0), update({"A": 1}, began=0.01)]
    pinned = replace(push({"A": 1}, seen=1), cause=Cause(interaction=1, rule="pin", after="response"))
    assert [(1, "pin"), (0, "content")] == causes(asked, [pinned, push({"A": 1}, seen=2)])


def test_other_causes_are_found_anew() -> None:
    """Only a pin is a person's word."""
    stale = replace(push({"A": 2}, seen=2), cause=Cause(interaction=0, rule="order", after="request"))
    assert [(1, "content")] == causes([update({"A": 1}, began=0), update({"A": 2}, began=1)], [stale])
    unsolicited = replace(stale, data=push({"Z": 1}, seen=2, session="S2").data)
    assert [None] == causes([update({"A": 1}, began=0)], [unsolicited])


@pytest.mark.parametrize(
    ("name", "fields", "kind", "resource", "rule"),
    [
        ("AddComment", {"comment": "x"}, "PropertiesUpdated", {"comment": "x"}, "content"),
        ("Complete", {}, "StatusChange", {"state": "Completed"}, "content"),
        ("Accept", {"nickname": "x"}, "StatusChange", {"state": "Chatting"}, "order"),
        ("SendMessage", {"text": "x"}, "NewMessages", {}, "order"),
        ("SomethingNew", {}, "Whatever", {}, "order"),
    ],
)
def test_operations_besides_user_data(
    name: str, fields: dict[str, Any], kind: str, resource: dict[str, Any], rule: str
) -> None:
    """Content where there is something to look for, else the order of requests."""
    asked = [operation(name, began=0, **fields)]
    assert [(0, rule)] == causes(asked, [push(None, seen=1, kind=kind, **resource)])


def test_order_takes_the_latest_request() -> None:
    """Of two messages begun before it, the later."""
    asked = [operation("SendMessage", began=began, text=str(began)) for began in (0, 1, 3)]
    assert [(1, "order")] == causes(asked, [push(None, seen=2, kind="NewMessages")])


@pytest.mark.parametrize(
    "pushed",
    [
        push(None, seen=2, kind="StatusChange", state="Chatting"),
        push({"A": 1}, seen=2, session="S2"),
        push({"A": 1}, seen=0.5),
        Notification(channel="/v2/me", data='["not an object"]', seen=2),
        Notification(channel="/v2/me", data="null", seen=2),
    ],
)
def test_what_nobody_asked_for_has_no_cause(pushed: Notification) -> None:
    """Another kind, another session, or seen before the request began."""
    assert [None] == causes([update({"A": 1}, began=1)], [pushed])


@pytest.mark.parametrize("shown", [{"Z": 1}, {"A": "1"}, None])
def test_what_shows_nothing_written_is_taken_by_order(shown: dict[str, Any] | None) -> None:
    """A wrong server's notification is held against the one operation that it can answer."""
    assert [(0, "order")] == causes([update({"A": 1}, began=1)], [push(shown, seen=2)])


@pytest.mark.parametrize("answer", [{"statusCode": 2}, {"statusCode": 20, "statusMessage": "Access denied"}])
def test_a_refused_operation_is_no_cause(answer: dict[str, Any]) -> None:
    """The server changed nothing for it; nor is a failed HTTP status a success."""
    refused = update({"A": 1}, began=1, answer=answer)
    failed = update({"A": 1}, began=1)
    failed = replace(failed, response=replace(failed.response, status=500))
    for asked in (refused, failed):
        assert [None] == causes([asked], [push({"A": 1}, seen=2)])
        assert [(0, "content")] == causes([update({"A": 1}, began=0), asked], [push({"A": 1}, seen=2)])


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_operation_without_response_from_the_server_may_be_a_cause(status: int) -> None:
    """The gateway gave up: the server may have carried it out all the same."""
    unclear = update({"A": 1}, began=1)
    unclear = replace(unclear, response=replace(unclear.response, status=status, body=b""))
    assert [(0, "content")] == causes([unclear], [push({"A": 1}, seen=2)])


@pytest.mark.parametrize(("seen", "after"), [(1.0, "request"), (1.9, "request"), (2.0, "response"), (9.0, "response")])
def test_a_push_may_come_before_the_response(seen: float, after: str) -> None:
    """Replay must not hold back a notification that the client waits for before it reads the answer."""
    found = attribute([update({"A": 1}, began=1, ended=2)], [push({"A": 1}, seen=seen)])[0].cause
    assert found
    assert after == found.after


def measured(server: Server) -> tuple[Counter[str], list[tuple[int, int | None]]]:
    """Run the server, attribute what it pushed; return hits and misses, and the wrong ones."""
    exchanges, truth = server.run()
    order = sorted(range(len(exchanges)), key=lambda index: exchanges[index].began)
    found = attribute([exchanges[index] for index in order], [notification for notification, _ in truth])
    named = [order[each.cause.interaction] if each.cause else None for each in found]
    wrong = [(cause, name) for (_, cause), name in zip(truth, named, strict=True) if cause != name]
    return Counter(right=len(truth) - len(wrong), wrong=len(wrong)), wrong


UPDATES = st.lists(steps(["UpdateUserData", "AttachUserData"], sessions=("S1", "S2"), refusals=True), max_size=12)


@given(UPDATES, st.booleans())
@settings(max_examples=60)
def test_every_cause_is_found_whatever_the_delays(asked: list[Step], reordered: bool) -> None:
    """Unique values, data as each operation left them, any delay on any leg: nothing is missed or mistaken."""
    assert [] == measured(Server(asked, reordered=reordered))[1]


@given(UPDATES, st.sets(st.integers(0, 11)), st.booleans())
@settings(max_examples=60)
def test_every_cause_is_found_though_notifications_are_lost(asked: list[Step], lost: set[int], reordered: bool) -> None:
    """Requests arrive in the order in which they were asked; those that get through are all right."""
    in_order = [replace(step, up=1) for step in asked]
    assert [] == measured(Server(in_order, lost=frozenset(lost), reordered=reordered))[1]


@given(UPDATES)
@settings(max_examples=60)
def test_every_cause_is_found_of_data_shown_at_the_push(asked: list[Step]) -> None:
    """The k-th notification answers the k-th operation, however much of it later ones have hidden."""
    assert [] == measured(Server([replace(step, up=1) for step in asked], snapshot="push"))[1]


def sequential(count: int) -> tuple[list[Exchange], list[Notification]]:
    """Updates of one resource, each answered before the next."""
    return (
        [update({"A": index}, began=index, ended=index + 0.1) for index in range(count)],
        [push({"A": index}, seen=index + 0.5) for index in range(count)],
    )


def test_5000_updates_are_attributed_with_little_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each notification looks at a few requests, not at all of them."""
    looks: Counter[str] = Counter()
    shows_key = operations.shows_key

    def counted(user_data: Any, key: operations.Key, value: Any) -> bool:
        looks["looked"] += 1
        return shows_key(user_data, key, value)

    monkeypatch.setattr(operations, "shows_key", counted)
    asked, pushed = sequential(5000)
    assert [(index, "content") for index in range(5000)] == causes(asked, pushed)
    assert looks["looked"] <= 4 * 5000


def test_the_time_grows_with_the_number_of_updates() -> None:
    """Four times the updates take about four times as long, not sixteen."""
    recordings = {count: sequential(count) for count in (1250, 5000)}
    for asked, pushed in recordings.values():
        attribute(asked, pushed)  # parses the bodies once
    assert growth(lambda count: attribute(*recordings[count]), 1250) < 9


def test_many_equal_updates_with_a_lost_and_an_extra_notification() -> None:
    """A long chain of pairs that could each be another's does not exhaust the stack."""
    count = 3000
    asked = [update({"A": 1}, began=index) for index in range(count)]
    pushed = [push({"A": 1}, seen=index + 0.5) for index in range(1, count)]
    found = causes(asked, [*pushed, push({"A": 1}, seen=count)])
    assert count - 1 <= sum(each is not None for each in found)
