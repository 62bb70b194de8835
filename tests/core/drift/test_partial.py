"""A comparison with a run that did not ask everything."""

from collections.abc import Collection

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.drift.partial import NOT_SENT, sent_part
from gws_replay.core.model import Exchange
from tests.support.builders import cassette, exchange, get, push, update

BASELINE = cassette(
    get({"A": 1}, began=0.0),
    update({"A": 2}, began=1.0),
    push({"A": 2}, seen=2.0),
    get({"A": 2}, began=3.0),
    get({"A": 5}, began=3.5, session="S2"),
    push({"A": 5}, seen=4.0, session="S2"),
)


def findings(
    candidate: Cassette, requested: set[int], not_received: Collection[int] = ()
) -> list[tuple[str, str | None, str]]:
    """What is found: the kind, where in the baseline, and why it does not count."""
    part = sent_part(BASELINE, requested, not_received)
    found = part.findings(diff(part.part, candidate), candidate)
    return [(each.kind, each.place[0], each.suppressed) for each in found]


def test_requests_that_were_not_sent_are_not_missed() -> None:
    """Nor what it caused; what the resource shows later does not count, what others show does, at its own place."""
    candidate = cassette(get({"A": 1}, began=0.0), get({"A": 1}, began=3.0), get({"A": 6}, began=3.5, session="S2"))
    assert [("value", "interaction 2", NOT_SENT), ("value", "interaction 3", "")] == findings(candidate, {0, 2, 3}, {1})


def test_a_resource_differs_before_the_operation() -> None:
    """That is a finding: nothing that was left out explains it."""
    candidate = cassette(get({"A": 7}, began=0.0), get({"A": 2}, began=3.0), get({"A": 5}, began=3.5, session="S2"))
    assert ("value", "interaction 0", "") in findings(candidate, {0, 2, 3}, {1})


def test_notifications_without_a_subscription_are_not_missed() -> None:
    """Others are, and have the places of the whole baseline."""
    candidate = cassette(get({"A": 1}, began=0.0), get({"A": 5}, began=3.5, session="S2"))
    assert [("removed", "notification 1", "")] == findings(candidate, {0, 3})
    assert [] == findings(candidate, {0, 3}, {1})
    everything = sent_part(BASELINE, {0, 1, 2, 3})
    assert BASELINE == everything.part
    more = cassette(get({"A": 1}, began=0.0), get({"A": 5}, began=3.5, session="S2"), push({}, seen=9.0, session="S2"))
    assert ("added", None, "") in findings(more, {0, 3}, {1})


def test_what_is_no_interaction() -> None:
    """A device is known by its id in the path, and in a list."""
    device, other = "41cc5016-2d18-4a91", "41cc5016-2d18-4a92"

    def devices(state: str, began: float) -> Exchange:
        shown = [{"id": each, "state": state} for each in (device, other)]
        return exchange("GET", "/api/v2/me/devices", None, {"devices": shown}, began=began)

    def one(state: str, began: float) -> Exchange:
        return exchange("GET", f"/api/v2/me/devices/{device}", None, {"state": state}, began=began)

    requested = exchange(
        "POST", f"/api/v2/me/devices/{device}", {"operationName": "Dial"}, {"statusCode": 0}, began=2.0
    )
    whole = cassette(one("Ready", 1.0), requested, one("Busy", 3.0), devices("Busy", 4.0))
    candidate = cassette(one("Ready", 1.0), one("Ready", 3.0), devices("Ready", 4.0))
    part = sent_part(whole, {0, 2, 3})
    found = part.findings(diff(part.part, candidate), candidate)
    assert [("interaction 2", NOT_SENT), ("interaction 3", NOT_SENT), ("interaction 3", "")] == [
        (each.place[0], each.suppressed) for each in found
    ]
