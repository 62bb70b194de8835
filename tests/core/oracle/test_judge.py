"""The verdict on userData operations: correct ones pass, wrong servers are found, doubt is reported."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core import json_compare as change
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.causes import attribute
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle import checks as views
from gws_replay.core.oracle import effects as written
from gws_replay.core.oracle.judge import Update
from gws_replay.core.oracle.timeline import Write
from tests.support.builders import HOST, SESSIONS, Server, Step, cassette, get, growth, operation, push, steps, update

BEFORE = {"A": 1, "B": "two", "N": None, "L": [1, {"x": 1}]}


def only(*moments: Exchange | Notification) -> Update:
    """The verdict on the one operation of a cassette."""
    (found,) = cassette(*moments).updates()
    return found


def judged(sent: Exchange, notified: dict[str, Any], then: dict[str, Any] | None = None) -> Update:
    """The verdict on an operation between a GET and its notification, with another GET after it."""
    return only(
        get(BEFORE, began=0),
        sent,
        push(notified, seen=3),
        get(notified if then is None else then, began=4),
    )


RIGHT: dict[str, tuple[Exchange, dict[str, Any]]] = {
    "attach": (operation("AttachUserData", began=2, userData={"C": 3}), {**BEFORE, "C": 3}),
    "update": (update({"A": 2, "C": {"y": []}}, began=2), {**BEFORE, "A": 2, "C": {"y": []}}),
    "update to null": (update({"A": None}, began=2), {**BEFORE, "A": None}),
    "update of nothing": (update({}, began=2), BEFORE),
    "update to the same": (update({"A": 1}, began=2), BEFORE),
    "delete": (operation("DeleteUserData", began=2, keys=["A", "N"]), {"B": "two", "L": [1, {"x": 1}]}),
    "delete what is not there": (operation("DeleteUserData", began=2, keys=["Z"]), BEFORE),
    "disposition with key": (
        operation("SetDisposition", began=2, disposition="Done", dispositionKey="Code"),
        {**BEFORE, "Code": "Done"},
    ),
    "disposition without key": (operation("SetDisposition", began=2, disposition="Done"), {**BEFORE, "Any": "Done"}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_correct_operation_passes(case: str) -> None:
    """Exactly the written keys changed, in the notification and in the GET."""
    sent, after = RIGHT[case]
    found = judged(sent, dict(reversed(after.items())))
    assert ("passed", ()) == (found.verdict, found.reasons)
    assert (BEFORE, after) == (found.before and found.before.data, found.after and found.after.data)
    assert (1, "S1") == (found.interaction, found.resource_id)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "extra key changed": (lambda d: {**d, "B": "three"}, 'changed besides: B: "two" -> "three"'),
    "extra key changed inside": (lambda d: {**d, "L": [1, {"x": 2}]}, "changed besides: L[1].x: 1 -> 2"),
    "extra key added": (lambda d: {**d, "Q": None}, "changed besides: Q: added null"),
    "extra key dropped": (lambda d: {k: v for k, v in d.items() if k != "N"}, "changed besides: N: removed"),
    "extra key to another type": (lambda d: {**d, "N": ""}, "changed besides: N: null"),
    "wrong value": (lambda d: {**d, "A": 3}, "A: sent 2 (integer), the notification shows 3 (integer)"),
    "number to string": (lambda d: {**d, "A": "2"}, 'the notification shows "2" (string)'),
    "integer to float": (lambda d: {**d, "A": 2.0}, "the notification shows 2.0 (number)"),
    "boolean": (lambda d: {**d, "A": True}, "the notification shows true (boolean)"),
    "null": (lambda d: {**d, "A": None}, "the notification shows null (null)"),
    "not written": (lambda d: {**d, "A": 1}, "the notification shows 1 (integer)"),
    "deleted": (lambda d: {k: v for k, v in d.items() if k != "A"}, "the notification does not show it"),
    "all gone": (lambda _: {"A": 2}, "changed besides: B: removed"),
    "written under another name": (
        lambda d: {**{k: v for k, v in d.items() if k != "A"}, "a": 2},
        "changed besides: a: added 2",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_server_is_caught_by_its_notification(case: str) -> None:
    """With any additional or missing change, the operation fails and the reason names it."""
    mutate, reason = WRONG[case]
    wrong = mutate({**BEFORE, "A": 2})
    notified = push(wrong, seen=3, reference=9)
    # The response names the notification, so that even one that shows nothing of the update is its response.
    sent = update({"A": 2}, began=2, response={"statusCode": 0, "referenceId": 9})
    found = only(get(BEFORE, began=0), sent, notified)
    assert "failed" == found.verdict
    assert reason in "\n".join(found.reasons)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_server_is_caught_by_the_next_get(case: str) -> None:
    """Without a notification, the GET shows the effect; with one, both must agree."""
    mutate, reason = WRONG[case]
    right = {**BEFORE, "A": 2}
    silent = only(get(BEFORE, began=0), update({"A": 2}, began=2), get(mutate(right), began=4))
    assert "failed" == silent.verdict
    assert reason.replace("the notification", "the next GET") in "\n".join(silent.reasons)
    disagreeing = judged(update({"A": 2}, began=2), right, mutate(right))
    assert "failed" == disagreeing.verdict
    assert all("the next GET (interaction 2) disagrees with the notification" in r for r in disagreeing.reasons)
    assert disagreeing.reasons


@pytest.mark.parametrize(
    ("operation_", "notified", "reason"),
    [
        (operation("DeleteUserData", began=2, keys=["A"]), BEFORE, "A: should be deleted, the notification shows 1"),
        (operation("DeleteUserData", began=2, keys=["A"]), {**BEFORE, "A": None}, "should be deleted"),
        (operation("AttachUserData", began=2, userData={"C": 1}), BEFORE, "C: sent 1, the notification does not show"),
        (operation("SetDisposition", began=2, disposition="D", dispositionKey="K"), BEFORE, 'K: sent "D"'),
        (operation("SetDisposition", began=2, disposition="D"), BEFORE, 'disposition: sent "D"'),
        (
            operation("SetDisposition", began=2, disposition="D", dispositionKey="K"),
            {**BEFORE, "K": "D", "Other": "D"},
            'changed besides: Other: added "D"',
        ),
        (operation("SetDisposition", began=2, disposition="D"), {**BEFORE, "K": "D", "A": 2}, "changed besides: A"),
    ],
)
def test_other_operations_have_their_own_rules(operation_: Exchange, notified: dict[str, Any], reason: str) -> None:
    """What a deletion, an attachment and a disposition must show."""
    reply = json.dumps({"statusCode": 0, "referenceId": 9}).encode()
    sent = replace(operation_, response=replace(operation_.response, body=reply))
    found = only(get(BEFORE, began=0), sent, push(notified, seen=3, reference=9))
    assert "failed" == found.verdict
    assert reason in "\n".join(found.reasons)


@pytest.mark.parametrize("repeated", ['"A":2,"A":2', '"A":2,"A":1', '"A":2,"B":"two","B":"two"'])
def test_repeated_key_is_caught(repeated: str) -> None:
    """A server that writes a key twice is wrong even when the last value is right."""
    session = f'{{"id":"S1","userData":{{{repeated}}}}}'
    data = f'{{"notificationType":"PropertiesUpdated","referenceId":9,"facebooksession":{session}}}'
    notified = replace(push({}, seen=3), data=data)
    sent = update({"A": 2}, began=2, response={"statusCode": 0, "referenceId": 9})
    found = only(get({"A": 1, "B": "two"}, began=0), sent, notified)
    assert "failed" == found.verdict
    assert "repeated key" in "\n".join(found.reasons)


def test_stale_notification_is_caught() -> None:
    """The second update's notification shows what the first one wrote."""
    sent = [update({"A": n}, began=2 * n, response={"statusCode": 0, "referenceId": n}) for n in (1, 2)]
    pushed = [push({"A": 1}, seen=2 * n + 1, reference=n) for n in (1, 2)]
    first, second = cassette(get({"A": 0}, began=0), *sent, *pushed).updates()
    assert ("passed", "failed") == (first.verdict, second.verdict)


def test_update_without_its_notification_is_caught() -> None:
    """A later operation has its notification, so this one was lost. Without a later one it may still come."""
    lost = (
        get({"A": 0}, began=0),
        update({"A": 1}, began=1),
        push({"A": 1}, seen=2),
        update({"A": 2}, began=3),
        get({"A": 2}, began=5),
    )
    found = cassette(*lost, update({"B": 1}, began=6), push({"A": 2, "B": 1}, seen=7)).updates()
    assert ["passed", "failed", "passed"] == [each.verdict for each in found]
    assert ("no notification on /v2/me/facebooksession answers it, though others were recorded",) == found[1].reasons
    assert "unknown" == cassette(*lost).updates()[1].verdict


def test_another_session_that_was_touched_is_caught() -> None:
    """An update of one session must not change the others."""
    both = [get({"A": 0}, began=0, session=name) for name in ("S1", "S2")]
    found = only(
        *both,
        update({"A": 1}, began=2),
        push({"A": 1}, seen=3),
        get({"A": 1}, began=4),
        get({"A": 1}, began=4, session="S2"),
    )
    assert "failed" == found.verdict


@pytest.mark.parametrize(
    ("moments", "why"),
    [
        (
            [update({"A": 1}, began=1), push({"A": 1}, seen=2)],
            "no userData of it was seen before",
        ),
        ([get({"A": 0}, began=0), update({"A": 1}, began=1)], "no notification shows its effect and no GET follows it"),
        ([update({"A": 1}, began=1)], "no notification shows its effect"),
        ([get({"A": 0}, began=0, session="S2"), update({"A": 1}, began=1), push({"A": 1}, seen=2)], "no userData"),
        ([get({"A": 1}, began=0.9, ended=5), update({"A": 1}, began=1), push({"A": 1}, seen=2)], "no userData"),
        ([get({"A": 0}, began=0), update({"A": 1}, began=2), get({"A": 1}, began=1, ended=9)], "no notification"),
    ],
)
def test_unprovable_operation_is_unknown(moments: list[Exchange | Notification], why: str) -> None:
    """Without a snapshot before and one after, it is never "passed"."""
    found = only(*moments)
    assert "unknown" == found.verdict
    assert why in found.reasons[0]


REFUSAL = {"statusCode": 2, "statusMessage": "no"}


@pytest.mark.parametrize(
    ("after", "verdict"), [(BEFORE, "passed"), ({**BEFORE, "A": 2}, "failed"), ({**BEFORE, "Z": 2}, "failed")]
)
def test_refused_operation_must_change_nothing(after: dict[str, Any], verdict: str) -> None:
    """ "You can assume the request failed to modify the data"; and it needs no notification."""
    found = only(get(BEFORE, began=0), update({"A": 2}, began=2, response=REFUSAL), get(after, began=4))
    assert verdict == found.verdict
    assert all("changed though it was refused" in reason for reason in found.reasons)


def test_overlapping_operations_are_judged_by_what_each_wrote() -> None:
    """Both changes show between the same two snapshots; a third change belongs to neither."""
    overlapping = [update({"A": 2}, began=2, ended=5), update({"B": 2}, began=3, ended=4)]
    right, wrong = {"A": 2, "B": 2, "C": 0}, {"A": 2, "B": 2, "C": 9}
    start = get({"A": 0, "B": 0, "C": 0}, began=0)
    for data, verdict in ((right, "passed"), (wrong, "failed")):
        found = cassette(start, *overlapping, push(data, seen=6), push(data, seen=7)).updates()
        assert verdict == found[0].verdict


def test_overlapping_write_of_the_same_key_excuses_its_own_value_only() -> None:
    """The notification of the first may show the second's value, and not a third one."""
    sent = [update({"A": n}, began=1 + n / 10, ended=4, response={"statusCode": 0, "referenceId": n}) for n in (1, 2)]
    for shown, verdict in ((2, "passed"), (3, "failed")):
        pushed = [push({"A": value}, seen=5 + n, reference=n) for n, value in ((1, shown), (2, 2))]
        assert verdict == cassette(get({"A": 0}, began=0), *sent, *pushed).updates()[0].verdict


def test_get_sent_before_an_update_ended_proves_nothing_against_it() -> None:
    """Its response may show an older state than the notification before it."""
    found = only(
        get({"A": 0}, began=0),
        update({"A": 1}, began=1, ended=4),
        push({"A": 1}, seen=3),
        get({"A": 0}, began=2, ended=5),
    )
    assert ("passed", ()) == (found.verdict, found.reasons)


def test_get_that_overlapped_an_update_is_not_a_snapshot_before_the_next() -> None:
    """It was read before the first update, and its response came after the notification."""
    found = cassette(
        get({"A": 0, "B": 0}, began=0),
        update({"A": 1}, began=2, ended=3),
        get({"A": 0, "B": 0}, began=1.9, ended=5),
        push({"A": 1, "B": 0}, seen=4),
        update({"B": 1}, began=6),
        push({"A": 1, "B": 1}, seen=7),
    ).updates()
    assert [(), ()] == [each.reasons for each in found]


def test_updates_are_in_the_order_of_the_cassette() -> None:
    """Across all sessions."""
    sessions = ("S2", "S1", "S2", "S1")
    found = cassette(*(update({"A": 1}, began=n, session=name) for n, name in enumerate(sessions))).updates()
    assert list(zip(range(4), sessions, strict=True)) == [(each.interaction, each.resource_id) for each in found]


NAMES = ["UpdateUserData", "AttachUserData", "DeleteUserData", "SetDisposition", "GET"]
RUNS = st.lists(steps(NAMES, sessions=("S1", "S2"), refusals=True), max_size=12)


def of_one_session(exchange: Exchange) -> Exchange:
    """The same exchange; a GET has the address of the one session that it shows."""
    if exchange.request.method != "GET":
        return exchange
    uri = f"{HOST}{SESSIONS}/{exchange.response_json['facebooksessions'][0]['id']}?fields=*"
    return replace(exchange, request=replace(exchange.request, uri=uri))


def recorded(server: Server) -> Cassette:
    """The cassette of a run of the model server, between a GET of each session before and one after."""
    exchanges, pushed = server.run()
    end = max([0.0, *(e.ended for e in exchanges), *(n.seen for n, _ in pushed)])
    first = [get({"A": 0, "Z": "still"}, began=-1, session=name) for name in ("S1", "S2")]
    start = {"A": 0, "Z": "still"}
    last = [get(server.states.get(name, start), began=end + 1, session=name) for name in ("S1", "S2")]
    moments = sorted(map(of_one_session, [*first, *exchanges, *last]), key=lambda exchange: exchange.began)
    delivered = attribute(moments, [notification for notification, _ in pushed])
    return Cassette(interactions=tuple(moments), notifications=delivered, header={"format": 1})


@given(RUNS, st.booleans())
@settings(max_examples=120)
def test_no_correct_run_fails(sent: list[Step], at_push: bool) -> None:
    """Overlapping operations and GETs, refusals, any delay: each passes, since a GET precedes and follows it.

    A server that shows the state at sending is attributed by counting, so it handles requests in the order of sending.
    """
    server = Server([replace(step, up=1) for step in sent], snapshot="push") if at_push else Server(sent)
    found = recorded(server).updates()
    assert [] == [(each.interaction, each.verdict, each.reasons) for each in found if each.verdict != "passed"]


def test_time_grows_with_the_number_of_operations() -> None:
    """Four times the operations take about four times as long, with or without notifications."""

    def run(count: int, kind: str) -> Cassette:
        sent = [update({"A": n}, began=n, ended=n + 0.1) for n in range(1, count)]
        if kind == "comments":
            sent = [operation("AddComment", began=n, comment=str(n)) for n in range(1, count)]
        shown = [None if kind == "comments" else {"A": n} for n in range(1, count)]
        # One whose notification is lost stays open for ever.
        pushed = [push(data, seen=n + 1.5, comment=str(n + 1), reference=n) for n, data in enumerate(shown) if n]
        return cassette(get({"A": 0}, began=0), *sent, *pushed)

    for kind in ("updates", "comments"):
        recorded_ = {count: run(count, kind) for count in (200, 800)}
        for played in recorded_.values():
            played.updates()  # parses the bodies once
        assert growth(lambda count: recorded_[count].updates(), 200) < 9  # noqa: B023


def silent(count: int) -> Cassette:
    """Updates of one key and of other keys that only a GET shows, and one changed key that no operation wrote."""
    sent = [update({"A": n, f"K{n}": n}, began=n) for n in range(1, count)]
    shown = {"A": count - 1, "besides": 1, **{f"K{n}": n for n in range(1, count)}}
    return cassette(get({"A": 0}, began=0), *sent, get(shown, began=count + 1.0))


def test_work_grows_with_updates_that_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: compared values, and writes that are checked as an explanation of a change."""
    counts: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            counts[name] += 1
            return function(*arguments)

        return call

    monkeypatch.setattr(Write, "wrote", counted("wrote", Write.wrote))
    monkeypatch.setattr(views, "alike", counted("alike", written.alike))
    monkeypatch.setattr(change, "same", counted("same", change.same))
    found = silent(1000).updates()
    assert {("failed", ("changed besides: besides: added 1",))} == {(each.verdict, each.reasons) for each in found}
    assert 999 == len(found)
    assert sum(counts.values()) < 10 * 1000
    assert 1 == len({id(each.changes) for each in found})
