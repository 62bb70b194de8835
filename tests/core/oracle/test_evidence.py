"""The evidence for a verdict lists everything that was compared."""

from dataclasses import replace

from gws_replay.core.cassette import Cassette
from gws_replay.core.oracle.judge import Update
from tests.support.builders import cassette, get, operation, push, update

START = {"Tier": "silver", "Zip": 1}
AFTER = {"Tier": "gold", "Zip": 1}


def lines(update_: Update) -> list[str]:
    """The evidence, a line each."""
    return [f"{each.about}: {each.text}" for each in update_.evidence()]


def test_each_view_is_compared_with_the_snapshot_before() -> None:
    """The notification, and the next GET."""
    played = cassette(get(START, began=0), update({"Tier": "gold"}, began=1), push(AFTER, seen=2), get(AFTER, began=3))
    its_own = "notification 0, its notification (cause found by content)"
    assert lines(played.updates()[0]) == [
        'sent: UpdateUserData at 1.000 s: Tier = "gold"',
        "response: accepted",
        'before: interaction 0, seen at 0.100 s, 2 keys: Tier "silver"',
        f"view: {its_own}, seen at 2.000 s, against before: " + 'Tier: "silver" -> "gold"',
        'view: interaction 2, the next GET, seen at 3.100 s, against before: Tier: "silver" -> "gold"',
        "other: no other operation wrote to it at that time",
        "verdict: every view agrees: exactly Tier changed",
    ]


def test_what_others_wrote_is_named_with_their_user() -> None:
    """Another agent, and an operation that may write the server's own keys."""
    other = replace(update({"Zip": 2}, began=1.1, ended=1.5), user=1)
    accept = operation("Accept", began=1.2)
    after = {"Tier": "gold", "Zip": 2}
    sent = update({"Tier": "gold"}, began=1, ended=1.6)
    played = cassette(get(START, began=0), sent, other, accept, push(after, seen=2, reference=1))
    found = lines(played.updates()[0])
    assert "other: interaction 2 of another user (1), UpdateUserData at 1.100 s: Zip = 2" in found
    assert "other: interaction 3, Accept, may write keys of its own" in found


def test_later_changes_are_shown_until_the_next_operation() -> None:
    """An unsolicited notification, and a change that nothing explains."""
    moments = (
        get(START, began=0),
        update({"Tier": "gold"}, began=1),
        push(AFTER, seen=2),
        push({**AFTER, "Zip": 7}, seen=3),
    )
    found = lines(cassette(*moments, get({**AFTER, "Zip": 8}, began=4)).updates()[0])
    assert (
        "later: notification 1, which answers no operation, seen at 3.000 s, against notification 0: Zip: 1 -> 7"
        in found
    )
    assert "later: interaction 2, seen at 4.100 s, against notification 1: Zip: 7 -> 8" in found
    assert found[-1].startswith("verdict: changed later, from notification 1 to interaction 2")
    assert "Zip: 7 -> 8" in found[-1]


def missing() -> Cassette:
    """An operation that no view shows."""
    return cassette(operation("DeleteUserData", began=1, keys=["Tier"], response={"statusCode": 2}))


def test_missing_views_are_named() -> None:
    """No snapshot before, no notification, and a refusal."""
    found = lines(missing().updates()[0])
    assert found[:4] == [
        "sent: DeleteUserData at 1.000 s: Tier deleted",
        "response: refused: nothing may change",
        "before: no userData was seen before it",
        "view: no notification answers it",
    ]


def test_request_without_a_response_may_have_been_carried_out() -> None:
    """The connection broke; the GET shows that it was."""
    sent = replace(update({"Tier": "gold"}, began=1), outcome="broken")
    sent = replace(sent, response=replace(sent.response, status=502, body=b""))
    played = cassette(get(START, began=0), sent, push(AFTER, seen=2), get(AFTER, began=3))
    found = played.updates()[0]
    assert "passed" == found.verdict
    assert "response: a gateway, or nobody, responded: it may have been carried out or not" in lines(found)
