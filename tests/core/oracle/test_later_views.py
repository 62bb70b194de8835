"""Changes in later snapshots count, in every session."""

from dataclasses import replace
from typing import Any

import pytest

from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.judge import Update
from tests.support.builders import SESSIONS, cassette, exchange, get, operation, push, update

START = {"City": "Rome", "Zip": 100}
CHANGED = {"City": "Oslo", "Zip": 100}


def only(*moments: Exchange | Notification, **more: Any) -> Update:
    """The verdict on the one operation."""
    (found,) = cassette(*moments).updates(**more)
    return found


def both(began: float, one: dict[str, Any], other: dict[str, Any]) -> Exchange:
    """A GET of two sessions."""
    shown = [{"id": "S1", "userData": one}, {"id": "S2", "userData": other}]
    return exchange("GET", f"{SESSIONS}?fields=*", None, {"statusCode": 0, "facebooksessions": shown}, began=began)


SETTLED = (get(START, began=0), update({"City": "Oslo"}, began=1), push(CHANGED, seen=2), get(CHANGED, began=3))


@pytest.mark.parametrize(
    "later",
    [{"City": "Oslo", "Zip": "100"}, {"City": "Oslo"}, {"City": "Bern", "Zip": 100}, {**CHANGED, "New": None}, {}],
)
def test_change_in_a_later_get_fails_the_last_operation(later: dict[str, Any]) -> None:
    """However many GETs agreed before; the reason names both places."""
    found = only(*SETTLED, get(CHANGED, began=4), get(later, began=50))
    assert "failed" == found.verdict
    assert "changed later, from interaction 3 to interaction 4, and no operation or notification" in found.reasons[0]


def test_later_notification_that_reverts_a_change_fails_its_operation() -> None:
    """The second operation's notification shows another key as it was before the first."""
    again = (update({"Zip": 200}, began=4), push({"City": "Rome", "Zip": 200}, seen=5))
    first, second = cassette(*SETTLED, *again).updates()
    assert ("passed", "failed") == (first.verdict, second.verdict)


def test_late_change_of_another_session_fails_the_last_operation() -> None:
    """Its own GETs agreed before; without notifications of the channel, another agent may have changed it."""
    done = (update({"City": "Oslo"}, began=1), push(CHANGED, seen=2))
    start = both(0, START, {"k": 1})
    found = only(start, *done, both(3, CHANGED, {"k": 1}), both(4, CHANGED, {"k": 2}))
    assert ("failed", ("Facebook session S2 changed too, from interaction 2 to interaction 3: k: 1 -> 2",)) == (
        found.verdict,
        found.reasons,
    )
    silent = only(start, done[0], both(3, CHANGED, {"k": 1}), both(4, CHANGED, {"k": 2}))
    assert "unknown" == silent.verdict


def test_unsolicited_notification_explains_a_change() -> None:
    """A colleague changes another key later, and reverts it; the next GET agrees each time."""
    other, back = {**CHANGED, "Zip": 7}, {**CHANGED, "Zip": 8}
    moments = (*SETTLED, push(other, seen=6), get(other, began=7), push(back, seen=8), get(back, began=9))
    assert ("passed", ()) == ((found := only(*moments)).verdict, found.reasons)


def test_operation_under_way_leaves_a_later_change_in_doubt() -> None:
    """A transfer may write the server's own keys."""
    moved = (operation("Transfer", began=3.5), get({**CHANGED, "LCA": 1}, began=5))
    found = only(*SETTLED, *moved)
    assert ("unknown", True) == (found.verdict, "interaction 3 (Transfer) was under way" in found.reasons[0])


def test_change_between_two_notifications_is_found_though_operations_overlap() -> None:
    """The GET before shows by chance what the second notification shows."""
    sent = [update({"City": name}, began=1 + n / 10, ended=1.05 + n / 10) for n, name in enumerate(("Oslo", "Bern"))]
    shown = [push({"City": "Oslo", "Zip": 9}, seen=2), push({"City": "Bern", "Zip": 100}, seen=3)]
    found = cassette(get(START, began=0), *sent, *shown).updates()
    assert ["failed", "failed"] == [each.verdict for each in found]
    assert "changed besides, from notification 0 to notification 1: Zip: 9 -> 100" in found[1].reasons


def test_what_an_overlapping_operation_wrote_explains_either_order() -> None:
    """A slow GET shows the state before what a notification showed already."""
    slow = get(START, began=0.5, ended=4)
    assert "passed" == only(get(START, began=0), slow, update({"City": "Oslo"}, began=1), push(CHANGED, seen=2)).verdict


def test_ignored_and_coerced_keys_do_not_count_later() -> None:
    """They are reported."""
    found = only(*SETTLED, get({"City": "Oslo", "Zip": "100", "LCA_x": 1}, began=4), ignore=["LCA*"], coerce=["Zip"])
    assert ("passed", ("LCA_x",), ("Zip",)) == (found.verdict, found.ignored, found.coerced)


GATEWAY = [(502, b""), (503, b"Service Unavailable"), (504, b"<html>")]


@pytest.mark.parametrize(("status", "body"), GATEWAY)
@pytest.mark.parametrize(
    ("shown", "then", "verdict"),
    [
        (CHANGED, CHANGED, "passed"),
        (None, CHANGED, "passed"),
        (None, START, "unknown"),
        (None, None, "unknown"),
        (None, {"City": "Bern", "Zip": 100}, "failed"),
        ({**CHANGED, "Zip": 1}, {**CHANGED, "Zip": 1}, "failed"),
    ],
)
def test_gateway_error_leaves_open_what_happened(
    status: int, body: bytes, shown: dict[str, Any] | None, then: dict[str, Any] | None, verdict: str
) -> None:
    """The notification, or the GET, shows whether the operation was carried out; a third state is wrong."""
    sent = update({"City": "Oslo"}, began=1)
    sent = replace(sent, response=replace(sent.response, status=status, body=body))
    more: list[Exchange | Notification] = [push(shown, seen=2)] if shown else []
    more += [get(then, began=3)] if then else []
    other = (get({"x": 1}, began=0, session="S9"), push({"x": 1}, seen=0.5, session="S9", kind="StatusChange"))
    found = only(get(START, began=0), sent, *other, *more)
    assert verdict == found.verdict, found.reasons


def test_request_sent_again_after_a_gateway_error_passes() -> None:
    """One notification belongs to both."""
    lost = update({"City": "Oslo"}, began=1)
    lost = replace(lost, response=replace(lost.response, status=504, body=b""))
    found = cassette(get(START, began=0), lost, update({"City": "Oslo"}, began=2), push(CHANGED, seen=3)).updates()
    assert ["passed", "passed"] == [each.verdict for each in found], [each.reasons for each in found]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_notification_shows_two_overlapping_operations(order: tuple[int, int]) -> None:
    """If a later one has its own notification, an earlier one that ended before has lost its own."""
    sent = [
        update({"City": "Oslo"}, began=1 + order[0] / 10, ended=2),
        update({"Zip": 5}, began=1 + order[1] / 10, ended=1.5),
    ]
    after = {"City": "Oslo", "Zip": 5}
    found = cassette(get(START, began=0), *sent, push(after, seen=3), get(after, began=4)).updates()
    assert ["passed", "passed"] == [each.verdict for each in found], [each.reasons for each in found]
    quick = [update({"City": "Oslo"}, began=1), update({"Zip": 5}, began=1.2)]
    found = cassette(get(START, began=0), *quick, push(after, seen=2), get(after, began=4)).updates()
    assert ["passed", "passed"] == [each.verdict for each in found], [each.reasons for each in found]
    apart = [update({"City": "Oslo"}, began=1), update({"Zip": 5}, began=2.5)]
    lost = cassette(get(START, began=0), *apart, push(after, seen=3), get(after, began=4)).updates()
    assert "failed" == lost[0].verdict
