"""The time of a notification: after its cause, in recorded order, without skipped ones, at the chosen pace."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.push_schedule import GAP, INSTANT, RECORDED, OutOfOrder
from tests.support.cassette_indexes import Pushed, Scheduled, Span, cassette_index, in_a_row

FOREVER = float("inf")


def begun(
    spans: Sequence[Span],
    *pushed: Pushed,
    factor: float = INSTANT,
    start: float = 0.0,
    also: tuple[int, ...] = (),
    silent: int | None = None,
) -> Scheduled:
    """A run that has just begun; causes are `also` other requests, and a `silent` one got no response."""
    index = cassette_index(spans, pushed)
    due = [replace(each, cause=each.cause and replace(each.cause, also=also)) for each in index.cassette.notifications]
    exchanges = [
        replace(each, outcome="silence" if number == silent else "response")
        for number, each in enumerate(index.interactions)
    ]
    cassette = replace(index.cassette, interactions=tuple(exchanges), notifications=tuple(due))
    return Scheduled(CassetteIndex(cassette), factor=factor, start=start)


def exactly(*expected: tuple[float, int]) -> list[tuple[object, int]]:
    """Times are sums of floats."""
    return [(pytest.approx(at, abs=1e-9), index) for at, index in expected]


def test_after_a_response_it_waits_for_the_gap() -> None:
    """Not after the request, and not at the moment of the response: two sockets have no common order."""
    pushes = begun(in_a_row(1), (0.7, 0, "response"))
    pushes.sent(0, 10.0)
    assert pushes.next_at is None
    pushes.responded(0, 20.0)
    assert () == pushes.take_due(20.0)
    assert 20.0 + GAP == pushes.next_at
    assert (0,) == pushes.take_due(20.0 + GAP)
    assert ((), None) == (pushes.take_due(FOREVER), pushes.next_at)


def test_after_a_request_it_is_due_at_once() -> None:
    """It was recorded before the response, which may be waiting for it."""
    pushes = begun(in_a_row(1), (0.2, 0, "request"))
    assert () == pushes.take_due(FOREVER)
    pushes.sent(0, 10.0)
    assert (0,) == pushes.take_due(10.0)
    pushes.responded(0, 20.0)
    assert () == pushes.take_due(FOREVER)


def test_an_unsolicited_one_with_nothing_before_it_is_due_at_the_start() -> None:
    """It waits for no request, and counts as shown."""
    pushes = begun([(1, 1.5)], (0.1, None, "response"), start=5.0)
    assert ((0,), 5.0) == (pushes.schedule.start(), pushes.next_at)
    assert ((0,), ()) == (pushes.take_due(5.0), pushes.schedule.not_shown)


def test_an_unsolicited_one_follows_the_operation_before_it() -> None:
    """And the notifications seen before it."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (0.8, None, "response"), (1.7, 1, "response"))
    pushes.sent(0, 1.0)
    pushes.responded(0, 1.0)
    assert exactly((1 + GAP, 0), (1 + GAP, 1)) == pushes.times()


def test_notification_counts_as_shown_when_its_cause_is_sent() -> None:
    """Though it is delivered after the response; those after it count then too."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (1.2, 1, "request"), (1.3, None, "response"))
    assert ((), (0, 1, 2)) == (pushes.schedule.start(), pushes.schedule.not_shown)
    assert ((0,), (1, 2)) == (pushes.sent(0, 1.0), pushes.schedule.not_shown)
    assert ((1, 2), ()) == (pushes.sent(1, 2.0), pushes.schedule.not_shown)


def test_notification_waits_for_earlier_ones_after_its_own_cause() -> None:
    """Updates that overlap keep the recorded order of their notifications, whichever is sent first."""
    pushes = begun([(0, 3), (1, 2)], (4, 0, "response"), (5, 1, "response"))
    for index in (1, 0):
        pushes.sent(index, 1.0)
    pushes.responded(1, 2.0)
    assert () == pushes.take_due(FOREVER)
    pushes.responded(0, 3.0)
    assert (0, 1) == pushes.take_due(FOREVER)


def test_skipped_notification_does_not_delay_others() -> None:
    """An operation that began after the end of its cause shows that the client does not send the cause."""
    pushes = begun(in_a_row(3), (0.7, 0, "response"), (1.7, 1, "response"), (2.7, 2, "response"))
    assert (1,) == pushes.sent(1, 1.0)
    pushes.responded(1, 1.0)
    assert (1,) == pushes.take_due(FOREVER)
    assert (0, 2) == pushes.schedule.not_shown


@pytest.mark.parametrize(("began", "passes"), [(0.4, False), (0.5, True), (0.6, True)])
def test_cause_is_skipped_only_after_its_response(began: float, passes: bool) -> None:
    """Of two operations that overlap, the other may still be sent."""
    pushes = begun([(0, 0.5), (began, 1.0)], (1.1, 0, "response"), (1.2, 1, "response"))
    pushes.sent(1, 1.0)
    pushes.responded(1, 1.0)
    assert ((1,) if passes else ()) == pushes.take_due(FOREVER)


def test_sent_cause_is_not_skipped() -> None:
    """Its response is still to come."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (1.7, 1, "response"))
    pushes.sent(0, 1.0)
    pushes.sent(1, 2.0)
    pushes.responded(1, 3.0)
    assert () == pushes.take_due(FOREVER)
    pushes.responded(0, 4.0)
    assert (0, 1) == pushes.take_due(FOREVER)


def test_a_late_cause_gets_its_notifications_at_once() -> None:
    """In their order; other skipped ones stay skipped."""
    pushes = begun(in_a_row(3), (0.7, 0, "response"), (0.8, 1, "response"), (0.9, 0, "response"), (2.7, 2, "response"))
    pushes.sent(2, 1.0)
    pushes.responded(2, 1.0)
    assert (3,) == pushes.take_due(FOREVER)
    assert (0, 2) == pushes.sent(0, 2.0)
    assert () == pushes.take_due(FOREVER)
    pushes.responded(0, 3.0)
    assert exactly((3 + GAP, 0), (3 + GAP, 2)) == pushes.times()
    assert (1,) == pushes.schedule.not_shown


@pytest.mark.parametrize("factor", [RECORDED, 0.5, 3.0])
def test_the_recorded_distance_from_the_cause_is_kept_or_scaled(factor: float) -> None:
    """From the response, or from the request, of this run."""
    pushes = begun(in_a_row(2), (0.9, 0, "response"), (1.3, 1, "request"), factor=factor, start=100.0)
    pushes.sent(0, 110.0)
    pushes.responded(0, 117.0)
    assert exactly((117 + 0.4 * factor, 0)) == pushes.times()
    pushes.sent(1, 120.0)
    assert exactly((120 + 0.3 * factor, 1)) == pushes.times()


def test_the_gap_is_kept_though_the_recording_had_less() -> None:
    """A microsecond on one machine is not an order on another.

    A pinned cause may even be later than its notification.
    """
    pushes = begun(in_a_row(2), (0.500001, 0, "response"), (0.6, 1, "request"), factor=RECORDED)
    pushes.sent(0, 1.0)
    pushes.responded(0, 2.0)
    pushes.sent(1, 3.0)
    assert exactly((2 + GAP, 0), (3, 1)) == pushes.times()


def test_one_that_had_to_wait_is_timed_by_its_own_cause() -> None:
    """A recording that is replayed exactly has its notifications at the recorded times."""
    pushes = begun([(0, 3), (1, 2)], (4, 0, "response"), (5, 1, "response"), factor=RECORDED)
    for index, now in ((0, 0.0), (1, 1.0)):
        pushes.sent(index, now)
    for index, now in ((1, 2.0), (0, 3.0)):
        pushes.responded(index, now)
    assert exactly((4, 0), (5, 1)) == pushes.times()


def test_none_is_due_before_an_earlier_one() -> None:
    """Order comes first: a slow cause delays later ones."""
    pushes = begun([(0, 1), (0.5, 1.2)], (3, 0, "response"), (3.1, 1, "response"), factor=RECORDED)
    pushes.sent(0, 0.0)
    pushes.sent(1, 0.0)
    pushes.responded(1, 0.0)
    pushes.responded(0, 10.0)
    assert exactly((12, 0), (12, 1)) == pushes.times()


@pytest.mark.parametrize("factor", [RECORDED, 2.0])
def test_an_unsolicited_one_keeps_its_distance_from_what_was_last_recorded_before_it(factor: float) -> None:
    """From a request, a response or another notification, at its time in this run; or from the start."""
    pushes = begun(
        [(0.25, 0.5)],
        *((0.0, None, "response"), (0.7, 0, "response"), (0.9, None, "response"), (1.9, None, "response")),
        factor=factor,
        start=100.0,
    )
    assert exactly((100, 0)) == pushes.times()
    pushes.sent(0, 110.0)
    pushes.responded(0, 120.0)
    assert (
        exactly(*((120 + after * factor, index) for index, after in ((1, 0.2), (2, 0.4), (3, 1.4)))) == pushes.times()
    )


def test_an_early_unsolicited_one_is_timed_from_the_start() -> None:
    """Nothing else was recorded before it."""
    pushes = begun([(5, 6)], (2.5, None, "response"), factor=2.0, start=100.0)
    assert exactly((105, 0)) == pushes.times()


def test_an_unsolicited_one_waits_for_every_request_that_had_begun() -> None:
    """It shows the state after them; a response that was still missing when it was recorded need not come."""
    pushes = begun([(0, 0.5), (1, 3)], (2, None, "response"))
    pushes.sent(1, 1.0)
    pushes.responded(1, 2.0)
    assert ((), ()) == (pushes.waits(), pushes.take_due(FOREVER))
    pushes.sent(0, 3.0)
    assert () == pushes.take_due(FOREVER)
    pushes.responded(0, 4.0)
    assert (0,) == pushes.take_due(FOREVER)


def test_the_recorded_order_gives_way_to_a_client_that_only_waits() -> None:
    """The first notification that only the order delays is released, then those after it.

    It is counted, with the reason.
    """
    pushes = begun([(0, 0.5), (0.2, 0.7)], (1, None, "response"), (2, 0, "response"), (3, 1, "response"))
    pushes.sent(0, 1.0)
    pushes.responded(0, 1.0)
    assert () == pushes.take_due(FOREVER)
    assert (1,) == pushes.waits()
    assert (1,) == pushes.take_due(FOREVER)
    assert [OutOfOrder(1, request=1)] == pushes.schedule.out_of_order
    pushes.sent(1, 2.0)
    pushes.responded(1, 2.0)
    assert (0, 2) == pushes.take_due(FOREVER)
    assert [OutOfOrder(1, request=1), OutOfOrder(0, after=1)] == pushes.schedule.out_of_order


def test_schedule_waits_only_once_for_a_missing_request() -> None:
    """Later notifications behind the same request follow at once."""
    pushes = begun([(0, 0.5), (0.2, 0.7)], (2, 0, "response"), (3, 0, "response"))
    pushes.sent(0, 1.0)
    pushes.responded(0, 1.0)
    pushes.waits()
    assert (0, 1) == pushes.take_due(FOREVER)


def test_order_is_kept_for_a_channel_without_a_subscriber() -> None:
    """For the clients that subscribe later."""
    pushes = begun([(0, 0.5), (0.2, 0.7)], (2, 0, "response"))
    pushes.sent(0, 1.0)
    pushes.responded(0, 1.0)
    assert pushes.schedule.waiting(lambda _channel: False) is None


def test_a_cause_of_several_requests_needs_all_of_them() -> None:
    """And the response to the last one."""
    pushes = begun(in_a_row(2), (1.7, 1, "response"), also=(0,))
    pushes.sent(1, 1.0)
    pushes.responded(1, 1.0)
    assert ({0: (0,)}, ()) == (pushes.schedule.not_released, pushes.take_due(FOREVER))
    pushes.sent(0, 2.0)
    pushes.responded(0, 3.0)
    assert (0,) == pushes.take_due(FOREVER)


def test_request_without_a_recorded_response_delays_nothing() -> None:
    """No response will come."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (1.7, 1, "response"), silent=0)
    for index in (0, 1):
        pushes.sent(index, 1.0)
    pushes.responded(1, 2.0)
    assert (0, 1) == pushes.take_due(FOREVER)


def test_times_that_contradict_the_cause_are_moved() -> None:
    """In an edited file: to a time between the cause and its response, or after the response."""
    pushes = begun(in_a_row(2), (9.0, 0, "request"), (0.1, 1, "response"))
    pushes.sent(0, 1.0)
    assert (0,) == pushes.take_due(FOREVER)
    for step in (pushes.responded, pushes.sent):
        step(0 if step == pushes.responded else 1, 2.0)
    assert () == pushes.take_due(FOREVER)
    pushes.responded(1, 3.0)
    assert (1,) == pushes.take_due(FOREVER)
