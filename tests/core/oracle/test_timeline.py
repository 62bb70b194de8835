"""The operations of a resource in time order, and the snapshots before and after them."""

from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.timeline import NEVER, Activity, InTime, Timeline
from gws_replay.core.oracle.timeline_builder import timelines_of
from tests.support.builders import cassette, get, push, update

TICKS = st.integers(0, 9).map(float)
CALL = api.call_of(update({}, began=0).request, {"operationName": "UpdateUserData"})


def timeline(*moments: Exchange | Notification) -> Timeline:
    """The timeline of the one resource of a recording."""
    return timelines_of(cassette(*moments))["S1"]


@given(st.lists(st.tuples(TICKS, TICKS | st.just(NEVER)), max_size=9), TICKS, TICKS)
def test_operations_are_found_by_the_time_of_their_effect(
    spans: list[tuple[float, float]], one: float, two: float
) -> None:
    """A model: those that began before the later moment, and whose effect had not been shown by the earlier one."""
    items = [
        Activity(index=index, call=CALL, began=began, until=max(began, until), moves=None)
        for index, (began, until) in enumerate(spans)
    ]
    since, until = min(one, two), max(one, two)
    expected = {each.index for each in items if each.began < until and each.until > since}
    found = InTime(items).between(since, until)
    assert expected == {each.index for each in found}
    assert len(expected) == len(found)
    assert sorted(each.began for each in found) == [each.began for each in found]


def test_snapshot_before_an_operation_is_the_last_one_seen_before_it_was_sent() -> None:
    """A GET is seen when its response is complete; one with a later response is not before."""
    found = timeline(get({"A": 1}, began=0), get({"A": 1}, began=0.5, ended=3), update({"A": 2}, began=1))
    before = found.before(found.writes[0])
    assert before is not None
    assert (0.0, 0.1) == (before.began, before.at)
    assert found.seen_by(0.05) is None


def test_snapshot_after_an_operation_is_its_notification() -> None:
    """Without a notification it is the next GET."""
    notified = timeline(get({"A": 1}, began=0), update({"A": 2}, began=1), push({"A": 2}, seen=2)).writes[0]
    silent = timeline(get({"A": 1}, began=0), update({"A": 2}, began=1), get({"A": 2}, began=3)).writes[0]
    assert notified.after is not None
    assert silent.after is not None
    assert (True, 2) == (notified.notified, notified.after.at)
    assert (False, 3) == (silent.notified, silent.after.began)


def test_refused_operation_writes_nothing() -> None:
    """Though its request has the keys."""
    refused = timeline(update({"A": 2}, began=1, response={"statusCode": 1})).writes[0]
    accepted = timeline(update({"A": 2}, began=1)).writes[0]
    assert (True, {}, {"A": 2}) == (refused.refused, refused.writes, refused.intended)
    assert (False, {"A": 2}) == (accepted.refused, accepted.writes)
