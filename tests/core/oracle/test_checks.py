"""Each view of an operation: which response or notification belongs to it, and what stays in doubt."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gws_replay.core.model import Cause, Exchange, Notification
from gws_replay.core.oracle.judge import Update
from tests.support.builders import TOPIC, cassette, get, operation, push, update

BEFORE = {"A": 1, "B": "two"}
AFTER = {**BEFORE, "A": 2}
START = get(BEFORE, began=0)
TAKEN = {"statusCode": 0}


def verdicts(*moments: Exchange | Notification, **more: Any) -> list[str]:
    """The verdicts on all operations."""
    return [each.verdict for each in cassette(*moments).updates(**more)]


def only(*moments: Exchange | Notification, **more: Any) -> Update:
    """The verdict on the one operation."""
    (found,) = cassette(*moments).updates(**more)
    return found


def pinned(notification: Notification, interaction: int) -> Notification:
    """A notification whose cause a user has pinned."""
    return replace(notification, cause=Cause(interaction=interaction, rule="pin", after="response"))


Moments = list[Exchange | Notification]
PARTLY = {
    "all written": ({"A": 2, "B": "b"}, "passed", ()),
    "one written": (
        {"A": 2, "B": "two"},
        "unknown",
        ("B: not written, and partial success (statusCode 7) allows that",),
    ),
    "another value": ({"A": 3, "B": "b"}, "failed", ("A: sent 2 (integer), the notification shows 3 (integer)",)),
    "another key": ({"A": 2, "B": "b", "Z": 1}, "failed", ("changed besides: Z: added 1",)),
}


@pytest.mark.parametrize("case", PARTLY)
def test_partial_success_may_have_written_any_of_the_keys(case: str) -> None:
    """StatusCode 7: an unwritten key is in doubt, a wrong value is a failure, nothing else may change."""
    after, verdict, reasons = PARTLY[case]
    sent = update({"A": 2, "B": "b"}, began=1, response={"statusCode": 7})
    found = only(START, sent, push(after, seen=2))
    assert (verdict, reasons) == (found.verdict, found.reasons)


@pytest.mark.parametrize(
    ("after", "verdict"), [(BEFORE, "passed"), (AFTER, "failed"), ({**BEFORE, "Z": 1}, "failed"), (None, "unknown")]
)
def test_operation_that_failed_later_must_change_nothing(after: dict[str, Any] | None, verdict: str) -> None:
    """The response was 0, and a notification of type Error revoked it (ChatMessageType)."""
    error = push(None, seen=2, kind="Error")
    moments: Moments = [START, update({"A": 2}, began=1), error, *([get(after, began=3)] if after else [])]
    found = only(*moments)
    assert verdict == found.verdict, found.reasons
    assert all("refused" in reason for reason in found.reasons)


def test_error_belongs_to_the_operation_without_a_notification() -> None:
    """The first update was notified; the error is about the second."""
    played = cassette(
        START,
        update({"A": 2}, began=1),
        update({"B": 2}, began=1.1),
        push(AFTER, seen=2),
        push(None, seen=2.1, kind="Error"),
        get(AFTER, began=3),
    )
    assert [1, 2] == [each.cause and each.cause.interaction for each in played.notifications]
    assert ["passed", "passed"] == [each.verdict for each in played.updates()]


def test_error_that_names_no_resource_leaves_a_silent_operation_in_doubt() -> None:
    """It may have been refused; a user can decide by a pin."""
    error = Notification(channel="/v2/me/devices", data='{"errorMessage": "no"}', seen=2)
    later = (update({"B": 3}, began=5), push({**BEFORE, "B": 3}, seen=6))
    found = cassette(START, update({"B": 2}, began=1), error, get({**BEFORE, "B": 2}, began=3), *later).updates()[0]
    assert "unknown" == found.verdict
    assert "notification 0 is an error that names no resource" in found.reasons[0]


def test_every_notification_of_an_operation_must_show_it() -> None:
    """Two with the same referenceId from a server that sends twice; the second differs."""
    for second, verdict in ((AFTER, "passed"), ({**AFTER, "B": 3}, "failed")):
        found = only(
            START, update({"A": 2}, began=1), *(push(d, seen=2 + n, reference=9) for n, d in enumerate((AFTER, second)))
        )
        assert verdict == found.verdict
        assert all(each.startswith("notification 1 answers it too: changed besides: B") for each in found.reasons)


def test_wrong_one_of_two_may_be_the_first() -> None:
    """The reference joins them, whichever shows what was written."""
    found = only(START, update({"A": 2}, began=1), push(BEFORE, seen=2, reference=9), push(AFTER, seen=3, reference=9))
    assert "failed" == found.verdict


def test_reference_that_is_counted_anew_is_another_operation() -> None:
    """After a new login the server starts at 1 again."""
    played = cassette(
        START,
        update({"A": 2}, began=1),
        push(AFTER, seen=2, reference=5),
        update({"A": 3}, began=3),
        push({**BEFORE, "A": 3}, seen=4, reference=1),
        update({"A": 4}, began=5),
        push({**BEFORE, "A": 4}, seen=6, reference=5),
    )
    assert ["passed"] * 3 == [each.verdict for each in played.updates()]


@pytest.mark.parametrize("order", [(AFTER, {**AFTER, "B": 3}), ({**AFTER, "B": 3}, AFTER)], ids=["second", "first"])
def test_second_notification_without_a_reference_is_in_doubt(order: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """It may belong to the operation, or be a change by the server.

    A pin or `ignore` decides, and a GET may prove it wrong.
    """
    moments: Moments = [START, update({"A": 2}, began=1), *(push(data, seen=2 + n) for n, data in enumerate(order))]
    wrong = order.index({**AFTER, "B": 3})
    right = moments[3 - wrong]
    assert isinstance(right, Notification)
    moments[3 - wrong] = pinned(right, 1)
    assert "unknown" == only(*moments).verdict
    found = only(*moments, ignore=["B"])
    assert "passed" == found.verdict
    if wrong == 1:
        assert "failed" == only(*moments, get(AFTER, began=9)).verdict


def test_change_that_something_unsolicited_showed_is_in_doubt() -> None:
    """Another agent may have made it: it is reported, and is not a certain failure of this operation."""
    between = push({**BEFORE, "B": 3}, seen=1.5, reference=7)
    reply = push({**AFTER, "B": 3}, seen=2, reference=8)
    found = only(START, update({"A": 2}, began=1), pinned(reply, 1), between)
    assert ("unknown", 1) == (found.verdict, len(found.reasons))
    assert "notification 0, which answers no operation, shows it" in found.reasons[0]
    assert "passed" == only(START, update({"A": 2}, began=1), pinned(reply, 1), between, ignore=["B"]).verdict


def test_change_during_another_operation_is_in_doubt() -> None:
    """Accepting a session writes the server's own keys; a message does not."""
    for name, verdict in (("Accept", "unknown"), ("SomethingNew", "unknown"), ("SendMessage", "failed")):
        found = only(
            START,
            operation(name, began=0.5, ended=1.5),
            update({"A": 2}, began=1),
            push({**AFTER, "LCA_x": 1}, seen=2),
            get({**AFTER, "LCA_x": 1}, began=3),
        )
        assert verdict == found.verdict
    assert ["passed"] == verdicts(
        START,
        operation("Accept", began=0.5),
        update({"A": 2}, began=1),
        push({**AFTER, "L_x": 1}, seen=2),
        ignore=["L*"],
    )


def test_userdata_attached_by_another_operation_is_explained_by_it() -> None:
    """Complete and Reply may carry userData: they explain those changes, and are not judged themselves."""
    found = only(
        START,
        operation("Complete", began=1, ended=1.5, userData={"Reason": "done"}),
        update({"A": 2}, began=1.1),
        push({**AFTER, "Reason": "done"}, seen=2),
    )
    assert ("passed", "UpdateUserData") == (found.verdict, found.operation)


NAMED = {
    "stale": (BEFORE, "the notification is stale: it shows userData as interaction 0 did"),
    "another's": ({**BEFORE, "B": 9}, "the notification shows what interaction 2 wrote"),
}


@pytest.mark.parametrize("case", NAMED)
def test_reason_says_what_a_wrong_notification_shows(case: str) -> None:
    """The state before, or the value of another operation."""
    shown, reason = NAMED[case]
    played = cassette(
        START,
        update({"A": 2}, began=1, response={**TAKEN, "referenceId": 1}),
        update({"B": 9}, began=3, response={**TAKEN, "referenceId": 2}),
        push(shown, seen=2, reference=1),
        push({**AFTER, "B": 9}, seen=4, reference=2),
    )
    assert reason == played.updates()[0].reasons[0]


def test_change_by_a_refused_operation_fails_only_that_operation() -> None:
    """The next operation's notification shows the change; that operation passes."""
    refused = update({"B": 3}, began=1, response={"statusCode": 2})
    found = cassette(START, refused, update({"A": 2}, began=2), push({**AFTER, "B": 3}, seen=3)).updates()
    assert ["failed", "passed"] == [each.verdict for each in found]
    assert 'changed though it was refused: B: "two" -> 3 (string to integer)' in found[0].reasons


COMMENTS: dict[str, tuple[list[Exchange | Notification], str, str]] = {
    "as sent": ([push(None, seen=2, comment="hi")], "passed", ""),
    "another": ([push(None, seen=2, comment="ho")], "failed", 'comment: sent "hi", notification 0 shows "ho"'),
    "none": ([push(None, seen=2)], "failed", 'comment: sent "hi", notification 0 does not show it'),
    "silence": ([get(BEFORE, began=3)], "unknown", "comment: no notification shows it, nor does interaction 2"),
    "nothing": ([], "unknown", "no notification shows its effect and no GET follows it"),
    "userData changed": (
        [push(None, seen=2, comment="hi"), get(AFTER, began=3)],
        "failed",
        "changed besides: A: 1 -> 2",
    ),
    "userData too": ([push(BEFORE, seen=2, comment="hi")], "passed", ""),
    "userData changed there": ([push(AFTER, seen=2, comment="hi")], "failed", "changed besides: A: 1 -> 2"),
}


@pytest.mark.parametrize("case", COMMENTS)
def test_comment_is_as_sent_and_changes_no_user_data(case: str) -> None:
    """A PropertiesUpdated without userData means that they are unchanged (FacebookPMAddComment)."""
    moments, verdict, reason = COMMENTS[case]
    moments = [pinned(each, 1) if isinstance(each, Notification) else each for each in moments]
    found = only(START, operation("AddComment", began=1, comment="hi"), *moments)
    assert verdict == found.verdict, found.reasons
    assert any(reason in each for each in found.reasons) == bool(reason)


def test_comment_needs_no_snapshot_before_it() -> None:
    """Its own notification is enough."""
    assert ["passed"] == verdicts(operation("AddComment", began=1, comment="hi"), push(None, seen=2, comment="hi"))


def test_disposition_may_be_notified_alone() -> None:
    """The sample shows one key of userData: the others are not gone, the next GET must show that."""
    sent = operation("SetDisposition", began=1, disposition="Done", dispositionKey="K")
    part, whole = push({"K": "Done"}, seen=2), {**BEFORE, "K": "Done"}
    assert "unknown" == only(START, sent, part).verdict
    assert "passed" == only(START, sent, part, get(whole, began=3)).verdict
    assert "failed" == only(START, sent, part, get({"K": "Done"}, began=3)).verdict
    wrong = only(START, sent, pinned(push({"K": "Open"}, seen=2), 1), get(whole, began=3))
    assert ("failed", ('K: sent "Done" (string), notification 0 shows "Open" (string)',)) == (
        wrong.verdict,
        wrong.reasons,
    )
    assert "passed" == only(get({"K": "Open"}, began=0), sent, part).verdict


def test_what_is_ignored_is_reported_and_what_was_written_is_not_ignored() -> None:
    """By exact name or pattern, and only if it changed."""
    moments = (START, update({"A": 2}, began=1), push({**AFTER, "B": 3, "LCA_x": 1}, seen=2))
    found = only(*moments, ignore=["B", "LCA_*", "Z*"])
    assert ("passed", ("B", "LCA_x")) == (found.verdict, found.ignored)
    assert "failed" == only(*moments, ignore=["LCA_*"]).verdict
    assert "failed" == only(START, update({"A": 2}, began=1), push(BEFORE, seen=2), ignore=["*"]).verdict


def test_failure_is_seen_though_nothing_was_shown_before() -> None:
    """Without a snapshot before, an operation can fail for certain, and never pass."""
    for shown, verdict in (({"A": 2}, "unknown"), ({"A": 3}, "failed")):
        assert verdict == only(update({"A": 2}, began=1), push(shown, seen=2)).verdict


def test_late_notification_passes() -> None:
    """It came after that of a later operation, and shows the state after its own one."""
    sent = [update({"A": n}, began=1 + n / 10, response={**TAKEN, "referenceId": n}) for n in (1, 2)]
    late = [push({"A": 2}, seen=3, reference=2), push({"A": 1}, seen=4, reference=1)]
    assert ["passed", "passed"] == verdicts(get({"A": 0}, began=0), *sent, *late)


def test_missing_last_notification_is_not_a_failure() -> None:
    """The GET shows the change; the recording ended before the notification."""
    found = only(START, update({"A": 2}, began=1), push(None, seen=0.5, kind="StatusChange"), get(AFTER, began=2))
    assert ("unknown", (f"no notification on {TOPIC} answers it: record until it has come",)) == (
        found.verdict,
        found.reasons,
    )
    assert json.loads(json.dumps(found.changes.as_json())) == found.changes.as_json()


def test_overlapping_operations_with_the_same_effect_pass() -> None:
    """The disposition had this value before: the notification of an attachment is attributed to it."""
    disposition = operation("SetDisposition", began=1, ended=9, disposition="")
    nothing = [operation("AttachUserData", began=began, ended=9, userData={}) for began in (1.1, 3)]
    before = {"A": ""}
    pushed = [push(before, seen=2), push(before, seen=4), push({"A": "", "Code": ""}, seen=5)]
    played = cassette(get(before, began=0), disposition, *nothing, *pushed)
    assert [1, 2, 3] == [each.cause and each.cause.interaction for each in played.notifications]
    assert ["passed"] * 3 == [each.verdict for each in played.updates()], [each.reasons for each in played.updates()]


def test_comment_at_once_leaves_a_notification_without_user_data_in_doubt() -> None:
    """It may be the comment's; alone, an attachment's notification has to show them."""
    comments = [operation("AddComment", began=1 + n / 10, ended=9, comment=str(n)) for n in (1, 2)]
    attached = [operation("AttachUserData", began=1.5 + n / 10, ended=9, userData={"B": n}) for n in (1, 2)]
    after = {**BEFORE, "B": 1}
    # All is shown as it is at the push: of each two operations, the one that was carried out first does not show.
    shown = [push(None, seen=2, comment="2"), push(None, seen=3, comment="2"), push(after, seen=4), push(after, seen=5)]
    assert "failed" not in verdicts(START, *comments, *attached, *shown, get(after, began=10))
    alone = (START, attached[0], pinned(shown[0], 1), get(after, began=10))
    assert "failed" == only(*alone).verdict


def test_get_after_what_may_write_keys_of_its_own_is_in_doubt() -> None:
    """Completing a session is notified without userData; a key of the server changes in the next GET."""
    done = (operation("Complete", began=3), push(None, seen=4, kind="StatusChange", state="Completed"))
    moments = (START, update({"A": 2}, began=1), push(AFTER, seen=2))
    found = only(*moments, *done, get({**AFTER, "LCA_x": 1}, began=5))
    assert ("unknown", True) == (found.verdict, "interaction 2 (Complete) was under way" in found.reasons[0])
    ignoring = only(*moments, *done, get({**AFTER, "LCA_x": 1}, began=5), ignore=["LCA_*"])
    assert ("passed", ("LCA_x",)) == (ignoring.verdict, ignoring.ignored)
    assert "failed" == only(*moments, get({**AFTER, "LCA_x": 1}, began=5)).verdict


def test_notifications_to_others_are_proof_once_the_effect_was_seen() -> None:
    """An operation on another session may just have been quicker, unless it was sent after a GET showed the effect."""
    silent = (START, update({"A": 2}, began=1), get(AFTER, began=3))
    for began, verdict in ((2, "unknown"), (4, "failed")):
        other = (update({"Z": 1}, began=began, session="S2"), push({"Z": 1}, seen=5, session="S2"))
        assert verdict == cassette(*silent, *other).updates()[0].verdict
