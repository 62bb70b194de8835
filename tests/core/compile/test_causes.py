"""The cause of a notification: each rule by example, then against a model of a server, then its cost."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.api import schema as operations
from gws_replay.core.compile.causes import attribute
from gws_replay.core.model import Cause, Exchange, Notification
from tests.support.builders import Server, Step, exchange, growth, operation, push, steps, update


def causes(exchanges: list[Exchange], notifications: list[Notification]) -> list[tuple[int, str] | None]:
    """The request and rule found for each notification."""
    return [
        (each.cause.interaction, each.cause.rule) if each.cause else None
        for each in attribute(exchanges, notifications)
    ]


def test_content_decides_between_overlapping_updates() -> None:
    """The second update was sent before the response to the first; the latest request is not the cause."""
    requested = [update({"A": 1}, began=0, ended=3), update({"B": 2}, began=1, ended=2)]
    pushed = [push({"A": 1}, seen=4), push({"A": 1, "B": 2}, seen=5)]
    assert [(0, "content"), (1, "content")] == causes(requested, pushed)


def test_content_counts_only_on_the_same_resource() -> None:
    """Two sessions are updated alike at the same time."""
    requested = [update({"A": 1}, began=0, session="S1"), update({"A": 1}, began=0.05, session="S2")]
    pushed = [push({"A": 1}, seen=1, session="S2"), push({"A": 1}, seen=2, session="S1")]
    assert [(1, "content"), (0, "content")] == causes(requested, pushed)


def test_content_decides_if_the_server_reorders() -> None:
    """The second update is applied, and notified, before the first."""
    requested = [update({"A": 1}, began=0), update({"A": 2}, began=0.01)]
    assert [(1, "content"), (0, "content")] == causes(requested, [push({"A": 2}, seen=1), push({"A": 1}, seen=2)])


def test_notifications_of_equal_updates_keep_their_order() -> None:
    """Without a difference, the first notification belongs to the first request."""
    requested = [update({"A": 1}, began=began) for began in (0, 0.01, 0.02)]
    pushed = [push({"A": 1}, seen=seen) for seen in (1, 2, 3)]
    assert [(0, "content"), (1, "content"), (2, "content")] == causes(requested, pushed)


def test_deletion_is_not_the_cause_of_a_notification_before_its_key_was_set() -> None:
    """The key is missing before its first update too: that notification belongs to the first operation."""
    requested = [
        update({"A": 1}, began=0),
        update({"B": 1}, began=0.01),
        operation("DeleteUserData", began=0.02, keys=["B"]),
    ]
    pushed = [push({"A": 1}, seen=1), push({"A": 1, "B": 1}, seen=2), push({"A": 1}, seen=3)]
    assert [0, 1, 2] == [found and found[0] for found in causes(requested, pushed)]


@pytest.mark.parametrize("lost", range(4))
def test_a_lost_notification_does_not_shift_those_that_follow(lost: int) -> None:
    """Each of the others keeps its own request, also if updates write similar values."""
    requested = [update({"A": index}, began=index) for index in range(4)]
    pushed = [push({"A": index}, seen=index + 0.5) for index in range(4) if index != lost]
    assert [(index, "content") for index in range(4) if index != lost] == causes(requested, pushed)
    alike = [update({"A": 0}, began=index) for index in range(4)]
    pushed = [push({"A": 0}, seen=index + 0.5) for index in range(4) if index != lost]
    assert [(index, "content") for index in range(4) if index != lost] == causes(alike, pushed)


def test_notifications_are_counted_if_the_server_shows_the_state_at_sending() -> None:
    """Both notifications show the second value; the first of them belongs to the first update."""
    requested = [update({"A": 1}, began=0), update({"A": 2}, began=0.01)]
    assert [(0, "counting"), (1, "content")] == causes(requested, [push({"A": 2}, seen=1), push({"A": 2}, seen=2)])


def test_counting_follows_a_chain_of_hidden_writes() -> None:
    """The second update hides the first, and is half hidden by the third."""
    requested = [update({"A": 1}, began=0), update({"A": 2, "B": 2}, began=0.01), update({"B": 3}, began=0.02)]
    pushed = [push({"A": 2, "B": 3}, seen=seen) for seen in (1, 2, 3)]
    assert [0, 1, 2] == [found and found[0] for found in causes(requested, pushed)]


def test_a_deletion_hides_an_update() -> None:
    """A deleted key counts as overwritten."""
    requested = [update({"A": 1}, began=0), operation("DeleteUserData", began=0.01, keys=["A"])]
    assert [(0, "counting"), (1, "content")] == causes(requested, [push({}, seen=1), push({}, seen=2)])


def test_the_reference_id_of_a_response_comes_first() -> None:
    """It counts more than content, which would pair the two the other way."""
    requested = [
        update({"A": 1}, began=index / 100, response={"statusCode": 0, "referenceId": 7 + index}) for index in range(2)
    ]
    pushed = [push({"A": 1}, seen=1, reference=8), push({"A": 1}, seen=2, reference=7)]
    assert [(1, "referenceId"), (0, "referenceId")] == causes(requested, pushed)


@pytest.mark.parametrize(
    "other", [{"session": "S2"}, {"kind": "StatusChange"}, {"seen": -1}, {"reference": 8}], ids=lambda o: next(iter(o))
)
def test_reference_id_counts_only_if_everything_else_fits(other: dict[str, Any]) -> None:
    """Another session, another kind, an earlier time or another number: not this request."""
    requested = [update({"A": 1}, began=0, response={"statusCode": 0, "referenceId": 7})]
    assert (0, "referenceId") not in causes(requested, [push({"Z": 1}, **{"seen": 1, "reference": 7, **other})])


@pytest.mark.parametrize("reference", [[7], {"a": 7}, "7", 7.5, True], ids=repr)
def test_only_an_integer_reference_id_is_evidence(reference: Any) -> None:
    """A notification may hold any value; only the same integer counts."""
    requested = [update({"A": 1}, began=0, response={"statusCode": 0, "referenceId": 1})]
    assert [(0, "order")] == causes(requested, [push({"Z": 1}, seen=1, reference=reference)])


def test_operation_found_by_reference_id_causes_no_other_notification() -> None:
    """A later, unsolicited notification still shows the written value."""
    requested = [update({"A": 1}, began=0, response={"statusCode": 0, "referenceId": 7})]
    pushed = [push({"A": 1}, seen=1, reference=7), push({"A": 1, "Z": 2}, seen=2)]
    assert [(0, "referenceId"), None] == causes(requested, pushed)


def test_pinned_cause_is_kept() -> None:
    """The user decided against the evidence."""
    requested = [update({"A": 1}, began=0), update({"A": 2}, began=1)]
    pin = Cause(interaction=0, rule="pin", after="request")
    pinned = replace(push({"A": 2}, seen=2), cause=pin)
    assert pin == attribute(requested, [pinned])[0].cause


def test_pinned_operation_causes_no_other_notification() -> None:
    """Of two equal updates the pinned one is used; the other notification belongs to the other update."""
    requested = [update({"A": 1}, began=0), update({"A": 1}, began=0.01)]
    pinned = replace(push({"A": 1}, seen=1), cause=Cause(interaction=1, rule="pin", after="response"))
    assert [(1, "pin"), (0, "content")] == causes(requested, [pinned, push({"A": 1}, seen=2)])


def test_causes_that_are_not_pinned_are_found_again() -> None:
    """Only a pin is a decision of the user."""
    stale = replace(push({"A": 2}, seen=2), cause=Cause(interaction=0, rule="order", after="request"))
    assert [(1, "content")] == causes([update({"A": 1}, began=0), update({"A": 2}, began=1)], [stale])
    unsolicited = replace(stale, data=push({"Z": 1}, seen=2, session="S2").data)
    assert [None] == causes([update({"A": 1}, began=0)], [unsolicited])


@pytest.mark.parametrize(
    ("name", "fields", "kind", "resource", "rule"),
    [
        ("AddComment", {"comment": "x"}, "PropertiesUpdated", {"comment": "x"}, "content"),
        ("Complete", {}, "StatusChange", {"state": "Completed"}, "content"),
        ("Accept", {"nickname": "x"}, "StatusChange", {"state": "Chatting"}, "creation"),
        ("Leave", {}, "StatusChange", {"state": "Completed"}, "order"),
        ("SendMessage", {"text": "x"}, "NewMessages", {}, "order"),
        ("SomethingNew", {}, "Whatever", {}, "order"),
    ],
)
def test_operations_besides_user_data(
    name: str, fields: dict[str, Any], kind: str, resource: dict[str, Any], rule: str
) -> None:
    """By content if there is any, else by the order of requests."""
    requested = [operation(name, began=0, **fields)]
    assert [(0, rule)] == causes(requested, [push(None, seen=1, kind=kind, **resource)])


def test_order_takes_the_latest_request() -> None:
    """Of two messages begun before it, the later."""
    requested = [operation("SendMessage", began=began, text=str(began)) for began in (0, 1, 3)]
    assert [(1, "order")] == causes(requested, [push(None, seen=2, kind="NewMessages")])


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
def test_an_unsolicited_notification_has_no_cause(pushed: Notification) -> None:
    """Another kind, another session, or seen before the request began."""
    assert [None] == causes([update({"A": 1}, began=1)], [pushed])


@pytest.mark.parametrize("shown", [{"Z": 1}, {"A": "1"}, None])
def test_notification_without_the_written_value_is_attributed_by_order(shown: dict[str, Any] | None) -> None:
    """A wrong server's notification is judged against the one operation that can be its cause."""
    assert [(0, "order")] == causes([update({"A": 1}, began=1)], [push(shown, seen=2)])


@pytest.mark.parametrize("reply", [{"statusCode": 2}, {"statusCode": 20, "statusMessage": "Access denied"}])
def test_a_refused_operation_causes_nothing(reply: dict[str, Any]) -> None:
    """The server changed nothing; a failed HTTP status is not a success either."""
    refused = update({"A": 1}, began=1, response=reply)
    failed = update({"A": 1}, began=1)
    failed = replace(failed, response=replace(failed.response, status=500))
    for requested in (refused, failed):
        assert [None] == causes([requested], [push({"A": 1}, seen=2)])
        assert [(0, "content")] == causes([update({"A": 1}, began=0), requested], [push({"A": 1}, seen=2)])


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_operation_without_response_from_the_server_may_be_a_cause(status: int) -> None:
    """After a timeout of the gateway: the server may have carried it out."""
    unclear = update({"A": 1}, began=1)
    unclear = replace(unclear, response=replace(unclear.response, status=status, body=b""))
    assert [(0, "content")] == causes([unclear], [push({"A": 1}, seen=2)])


@pytest.mark.parametrize(("seen", "after"), [(1.0, "request"), (1.9, "request"), (2.0, "response"), (9.0, "response")])
def test_a_push_may_come_before_the_response(seen: float, after: str) -> None:
    """Replay must not hold back a notification that the client waits for before it reads the response."""
    found = attribute([update({"A": 1}, began=1, ended=2)], [push({"A": 1}, seen=seen)])[0].cause
    assert found
    assert after == found.after


def measured(server: Server) -> tuple[Counter[str], list[tuple[int, int | None]]]:
    """Run the server, attribute its notifications; return hits and misses, and the wrong ones."""
    exchanges, truth = server.run()
    order = sorted(range(len(exchanges)), key=lambda index: exchanges[index].began)
    found = attribute([exchanges[index] for index in order], [notification for notification, _ in truth])
    named = [order[each.cause.interaction] if each.cause else None for each in found]
    wrong = [(cause, name) for (_, cause), name in zip(truth, named, strict=True) if cause != name]
    return Counter(right=len(truth) - len(wrong), wrong=len(wrong)), wrong


UPDATES = st.lists(steps(["UpdateUserData", "AttachUserData"], sessions=("S1", "S2"), refusals=True), max_size=12)


@given(UPDATES, st.booleans())
@settings(max_examples=60)
def test_every_cause_is_found_whatever_the_delays(requested: list[Step], reordered: bool) -> None:
    """Unique values, data as each operation left them, any delay of each part: all causes are found and correct."""
    assert [] == measured(Server(requested, reordered=reordered))[1]


@given(UPDATES, st.sets(st.integers(0, 11)), st.booleans())
@settings(max_examples=60)
def test_every_cause_is_found_though_notifications_are_lost(
    requested: list[Step], lost: set[int], reordered: bool
) -> None:
    """Requests arrive in the order of sending; every notification that arrives has the correct cause."""
    in_order = [replace(step, up=1) for step in requested]
    assert [] == measured(Server(in_order, lost=frozenset(lost), reordered=reordered))[1]


@given(UPDATES)
@settings(max_examples=60)
def test_every_cause_is_found_of_data_shown_at_the_push(requested: list[Step]) -> None:
    """The k-th notification belongs to the k-th operation, however many of its values were overwritten."""
    assert [] == measured(Server([replace(step, up=1) for step in requested], snapshot="push"))[1]


def sequential(count: int) -> tuple[list[Exchange], list[Notification]]:
    """Updates of one resource, each answered before the next."""
    return (
        [update({"A": index}, began=index, ended=index + 0.1) for index in range(count)],
        [push({"A": index}, seen=index + 0.5) for index in range(count)],
    )


def test_attribution_of_5000_updates_reads_few_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each notification is compared with a few requests, not with all."""
    looks: Counter[str] = Counter()
    shows_key = operations.shows_key

    def counted(user_data: Any, key: operations.Key, value: Any) -> bool:
        looks["looked"] += 1
        return shows_key(user_data, key, value)

    monkeypatch.setattr(operations, "shows_key", counted)
    requested, pushed = sequential(5000)
    assert [(index, "content") for index in range(5000)] == causes(requested, pushed)
    assert looks["looked"] <= 4 * 5000


def test_the_time_grows_with_the_number_of_updates() -> None:
    """Four times the updates take about four times as long, not sixteen."""
    recordings = {count: sequential(count) for count in (1250, 5000)}
    for requested, pushed in recordings.values():
        attribute(requested, pushed)  # parses the bodies once
    assert growth(lambda count: attribute(*recordings[count]), 1250) < 9


def test_many_equal_updates_with_a_lost_and_an_extra_notification() -> None:
    """A long chain of ambiguous pairs does not overflow the stack."""
    count = 3000
    requested = [update({"A": 1}, began=index) for index in range(count)]
    pushed = [push({"A": 1}, seen=index + 0.5) for index in range(1, count)]
    found = causes(requested, [*pushed, push({"A": 1}, seen=count)])
    assert count - 1 <= sum(each is not None for each in found)


def stale(values: Sequence[int], *, began: float = 1.0, references: bool = True) -> list[Notification]:
    """The notification of a wrong server after each update of A: it shows the value before."""
    return [
        push({"A": before, "Z": 1}, seen=began + number + 0.3, reference=20 + number if references else None)
        for number, before in enumerate(values)
    ]


@pytest.mark.parametrize("references", [True, False])
@pytest.mark.parametrize("values", [[7, 8], [5, 5, 6], [0, 1, 2, 3, 4]])
def test_stale_notifications_belong_to_the_operations_they_followed(values: list[int], references: bool) -> None:
    """Each shows the value before its own operation: content would give it to the operation before."""
    written = [*values[1:], 99]
    requested = [update({"A": value}, began=1 + number) for number, value in enumerate(written)]
    found = causes(requested, stale(values, references=references))
    assert list(range(len(values))) == [each and each[0] for each in found]


def test_a_stale_notification_says_by_its_rule_that_content_does_not_agree() -> None:
    """A notification that shows the write is found by content, a stale one by order alone."""
    requested = [update({"A": value}, began=value) for value in (1, 2, 3)]
    pushed = [push({"A": shown}, seen=at + 0.5) for at, shown in ((1, 1), (2, 1), (3, 3))]
    assert [(0, "content"), (1, "one-to-one"), (2, "content")] == causes(requested, pushed)


@pytest.mark.parametrize("delay", [0.1, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_something_unsolicited_does_not_make_stale_notifications_right(turn: int, delay: float) -> None:
    """Neither before nor after the stale one: what came at the usual delay is the operation's."""
    requested = [update({"A": value}, began=value) for value in (1, 2, 3, 4)]
    other = push({"A": turn, "Z": 2}, seen=1 + turn + delay)
    pushed = sorted([*stale([0, 1, 2, 3], references=False), other], key=lambda each: each.seen)
    found = causes(requested, pushed)
    assert [0, 1, 2, 3] == [each and each[0] for each, of in zip(found, pushed, strict=True) if of is not other]
    assert found[pushed.index(other)] in (None, (turn, "one-to-one"))


def test_what_was_pushed_before_the_first_operation_does_not_disturb_the_order() -> None:
    """And the last operation may still be without its notification when the recording ends."""
    requested = [update({"A": value}, began=value) for value in (1, 2, 3)]
    pushed = [push({"A": 0}, seen=0.5), *stale([0, 1])]
    assert [None, 0, 1] == [each and each[0] for each in causes(requested, pushed)]


def test_slow_notifications_are_not_taken_for_stale_ones() -> None:
    """Two operations without a notification between them: content decides."""
    requested = [update({"A": value}, began=value) for value in (1, 2, 3)]
    pushed = [push({"A": value}, seen=value + 1.5) for value in (1, 2, 3)]
    assert [(0, "content"), (1, "content"), (2, "content")] == causes(requested, pushed)


def test_something_unsolicited_between_two_operations_does_not_shift_their_notifications() -> None:
    """Each write is shown by its own notification, so content explains everything."""
    requested = [update({"A": value}, began=value) for value in (1, 2, 3)]
    pushed = [push({"A": value}, seen=value + 0.5) for value in (1, 2, 3)]
    other = push({"A": 1, "Z": 5}, seen=1.7)
    assert [(0, "content"), None, (1, "content"), (2, "content")] == causes(requested, [pushed[0], other, *pushed[1:]])


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("by_reference", [False, True])
def test_several_notifications_of_an_operation_all_have_it_as_cause(count: int, by_reference: bool) -> None:
    """The same state once more, with the next reference; the first may be named by the response."""
    requested, pushed, reference = [], [], 40
    for number, value in enumerate(("one", "two", "one")):
        reference += 1
        reply = {"statusCode": 0, **({"referenceId": reference} if by_reference else {})}
        requested.append(update({"N": value}, began=float(number), response=reply))
        pushed += [
            push({"N": value}, seen=number + 0.2 + copy / 10, reference=reference + copy) for copy in range(count)
        ]
        reference += count
    assert [n for n in range(3) for _ in range(count)] == [each and each[0] for each in causes(requested, pushed)]


def test_one_operation_may_have_two_notifications() -> None:
    """Nothing needs to be regular: the second shows the same, whatever its counters say."""
    pushed = [push({"A": 1}, seen=1, index=1, duration="3"), push({"A": 1}, seen=2, index=2, duration="4")]
    assert [(0, "content"), (0, "content")] == causes([update({"A": 1}, began=0)], pushed)


def test_a_first_notification_may_show_the_state_before() -> None:
    """Stale first, then correct: both belong to the operation."""
    pushed = [push({"A": 0, "Z": 1}, seen=1), push({"A": 1, "Z": 1}, seen=2)]
    assert [(0, "one-to-one"), (0, "content")] == causes([update({"A": 1}, began=0)], pushed)


@pytest.mark.parametrize(
    "later", [{"A": 1, "Z": 2}, {"A": 5}, {"A": 1, "New": 1}], ids=["another key", "written again", "a new key"]
)
def test_a_later_change_is_not_another_notification_of_the_operation(later: dict[str, Any]) -> None:
    """Another change is unsolicited."""
    pushed = [push({"A": 1}, seen=1), push(later, seen=2)]
    assert [(0, "content"), None] == causes([update({"A": 1}, began=0)], pushed)


def test_one_notification_may_have_several_causes() -> None:
    """Operations sent in quick succession, shown together."""
    requested = [update({key: 1}, began=at, ended=at + 0.05) for key, at in (("A", 0), ("B", 0.06), ("C", 0.12))]
    (found,) = attribute(requested, [push({"A": 1, "B": 1, "C": 1}, seen=0.5)])
    assert found.cause == Cause(interaction=2, also=(0, 1), rule="content", after="response")


def test_later_notification_does_not_replace_a_lost_one() -> None:
    """The previous operation had its response long before the next one was sent."""
    requested = [update({"A": 1}, began=0, ended=0.1), update({"B": 1}, began=5)]
    (found,) = attribute(requested, [push({"A": 1, "B": 1}, seen=5.3)])
    assert found.cause == Cause(interaction=1, rule="content", after="response")


def call_push(id_: str, seen: float, state: str = "Dialing") -> Notification:
    """A notification about a call."""
    data = {"notificationType": "StatusChange", "call": {"id": id_, "state": state}}
    return Notification(channel="/v2/me/calls", data=json.dumps(data), seen=seen)


def dial(began: float, ended: float, reply: Any = None, name: str = "Dial") -> Exchange:
    """A new call."""
    reply = {"statusCode": 0} if reply is None else reply
    return exchange("POST", "/api/v2/me/devices/D1", {"operationName": name}, reply, began=began, ended=ended)


@pytest.mark.parametrize(
    ("seen", "after"), [(1.2, "request"), (1.8, "response"), (4.0, "response")], ids=["before", "after", "later"]
)
@pytest.mark.parametrize("name", ["Dial", "MakeCall", "InitiateConference"])
def test_the_first_notification_of_a_new_resource_answers_the_operation_that_created_it(
    seen: float, after: str, name: str
) -> None:
    """Seen before its response, or right after it; later ones about the call have no cause."""
    found = attribute([dial(1.0, 1.5, name=name)], [call_push("C1", seen), call_push("C1", seen + 1, "Established")])
    assert found[0].cause == Cause(interaction=0, rule="creation", after=after)  # type: ignore[arg-type]
    assert found[1].cause is None


def test_call_is_created_by_a_dial_on_the_collection() -> None:
    """And not by a call that comes in much later."""
    built = replace(dial(1.0, 1.5), request=replace(dial(1.0, 1.5).request, uri="http://gws.example/api/v2/me/calls"))
    pushed = [call_push("C1", 1.2), call_push("C1", 2, "Established"), call_push("C2", 90, "Ringing")]
    assert [(0, "creation"), None, None] == causes([built], pushed)


def test_accept_does_not_create_a_call_that_was_seen_before() -> None:
    """The invitation comes first; the state after Accept still belongs to Accept."""
    accept = operation("Accept", began=2)
    pushed = [push(None, seen=1, kind="StatusChange", state="Invited"), push(None, seen=3, kind="StatusChange")]
    assert [None, (0, "order")] == causes([accept], pushed)


def test_the_response_names_the_resource_that_was_created() -> None:
    """Two calls at once: the ids decide, not the order."""
    requested = [dial(1, 1.5, {"statusCode": 0, "call": {"id": call}}) for call in ("C1", "C2")]
    assert [(1, "creation"), (0, "creation")] == causes(requested, [call_push("C2", 2), call_push("C1", 2.1)])


@pytest.mark.parametrize(
    ("requested", "seen"),
    [
        ([dial(1, 1.5)], 0.9),
        ([dial(1, 1.5)], 60),
        ([dial(1, 1.5), update({"A": 1}, began=2)], 3),
        ([dial(1, 1.5, {"statusCode": 2})], 1.6),
        ([dial(1, 1.5, name="SetForward")], 1.6),
    ],
    ids=["earlier", "long after", "another operation between", "refused", "creates nothing"],
)
def test_incoming_call_has_no_cause(requested: list[Exchange], seen: float) -> None:
    """It came in."""
    assert [None] == causes(requested, [call_push("C9", seen)])


def test_causes_are_sought_among_the_requests_of_the_same_user() -> None:
    """Two agents write the same at the same time, each to a session of the same id."""
    requested = [update({"A": 1}, began=0), replace(update({"A": 1}, began=0.01), user=1)]
    pushed = [replace(push({"A": 1}, seen=1), user=1), push({"A": 1}, seen=2)]
    assert [(1, "content"), (0, "content")] == causes(requested, pushed)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["S1", "S2"]), st.integers(1, 3)), min_size=1, max_size=10),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_each_user_has_the_causes_of_its_own_requests(sent: list[tuple[int, str, int]], is_stale: bool) -> None:
    """1 to 3 users, 1 to 3 notifications per operation, overlapping between users: every cause is right."""
    requested, truth = [], []
    state: dict[tuple[int, str], str] = {}
    for number, (user, session, count) in enumerate(sent):
        began = number * 0.3 if user else float(number * 10)
        requested.append((began, user, session, count, f"value {number}"))
    requested.sort()
    exchanges = [
        replace(update({"A": value}, began=began, session=session), user=user)
        for began, user, session, _, value in requested
    ]
    counts = {0: 1} if is_stale else {}
    ends = {index: _end_of_turn(requested, index) for index in range(len(requested))}
    for index, (began, user, session, count, value) in enumerate(requested):
        shown = state.get((user, session), "first") if is_stale else value
        state[user, session] = value
        for copy in range(counts.get(0, count)):
            seen = began + (ends[index] - began) * (copy + 1) / 5
            truth.append((seen, replace(push({"A": shown}, seen=seen, session=session), user=user), index))
    truth.sort(key=lambda each: each[0])
    found = causes(exchanges, [notification for _, notification, _ in truth])
    assert [index for _, _, index in truth] == [each and each[0] for each in found]


def _end_of_turn(requested: list[tuple[float, int, str, int, str]], index: int) -> float:
    """When the next operation of the same user and session begins."""
    _, user, session, _, _ = requested[index]
    return next((each[0] for each in requested[index + 1 :] if each[1:3] == (user, session)), requested[index][0] + 1)
