"""When a notification may leave: after its cause, in recorded order, past what was passed by, at the chosen pace."""

from collections.abc import Sequence

import pytest

from gws_replay.core.replay.push_schedule import GAP, INSTANT, RECORDED, PushSchedule
from tests.support.cassette_indexes import Pushed, Span, cassette_index, in_a_row, times

FOREVER = float("inf")


def begun(spans: Sequence[Span], *pushed: Pushed, factor: float = INSTANT, start: float = 0.0) -> PushSchedule:
    """A run that has just begun."""
    return PushSchedule(cassette_index(spans, pushed), factor=factor, start=start)


def exactly(*expected: tuple[float, int]) -> list[tuple[object, int]]:
    """Times are sums of floats."""
    return [(pytest.approx(at, abs=1e-9), index) for at, index in expected]


def test_after_a_response_it_waits_for_the_gap() -> None:
    """Asking is not enough, and neither is the very moment of the response: two sockets have no order of their own."""
    pushes = begun(in_a_row(1), (0.7, 0, "response"))
    pushes.asked(0, 10.0)
    assert pushes.next_at is None
    pushes.answered(0, 20.0)
    assert () == pushes.take_due(20.0)
    assert 20.0 + GAP == pushes.next_at
    assert (0,) == pushes.take_due(20.0 + GAP)
    assert ((), None) == (pushes.take_due(FOREVER), pushes.next_at)


def test_after_a_request_it_is_due_at_once() -> None:
    """It was recorded before the response, which may be waiting for it."""
    pushes = begun(in_a_row(1), (0.2, 0, "request"))
    assert () == pushes.take_due(FOREVER)
    pushes.asked(0, 10.0)
    assert (0,) == pushes.take_due(10.0)
    pushes.answered(0, 20.0)
    assert () == pushes.take_due(FOREVER)


def test_an_answer_of_an_earlier_run_opens_nothing() -> None:
    """Its client was waiting when this run began."""
    pushes = begun(in_a_row(1), (0.7, 0, "response"))
    pushes.answered(0, 1.0)
    pushes.asked(0, 2.0)
    assert (None, ()) == (pushes.next_at, pushes.take_due(FOREVER))
    pushes.answered(0, 3.0)
    assert (0,) == pushes.take_due(FOREVER)


def test_an_unsolicited_one_with_nothing_before_it_is_due_at_the_start() -> None:
    """It waits for nobody, and counts as shown."""
    pushes = begun(in_a_row(1), (0.1, None, "response"), start=5.0)
    assert ((0,), 5.0) == (pushes.start(), pushes.next_at)
    assert ((0,), ()) == (pushes.take_due(5.0), pushes.not_shown)


def test_an_unsolicited_one_follows_the_operation_before_it() -> None:
    """And those that were seen before it."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (0.8, None, "response"), (1.7, 1, "response"))
    pushes.asked(0, 1.0)
    pushes.answered(0, 1.0)
    assert exactly((1 + GAP, 0), (1 + GAP, 1)) == times(pushes)


def test_one_counts_as_shown_when_its_cause_is_asked() -> None:
    """Though it is delivered after the response; those behind it count then too."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (1.2, 1, "request"), (1.3, None, "response"))
    assert ((), (0, 1, 2)) == (pushes.start(), pushes.not_shown)
    assert ((0,), (1, 2)) == (pushes.asked(0, 1.0), pushes.not_shown)
    assert ((1, 2), ()) == (pushes.asked(1, 2.0), pushes.not_shown)


def test_it_waits_for_those_before_it_though_its_own_cause_is_answered() -> None:
    """Updates that overlap keep the recorded order of their notifications, whichever is asked first."""
    pushes = begun([(0, 3), (1, 2)], (4, 0, "response"), (5, 1, "response"))
    for index in (1, 0):
        pushes.asked(index, 1.0)
    pushes.answered(1, 2.0)
    assert () == pushes.take_due(FOREVER)
    pushes.answered(0, 3.0)
    assert (0, 1) == pushes.take_due(FOREVER)


def test_one_whose_cause_was_passed_by_holds_up_nobody() -> None:
    """An operation that began after that cause had ended shows that the client does not make it."""
    pushes = begun(in_a_row(3), (0.7, 0, "response"), (1.7, 1, "response"), (2.7, 2, "response"))
    assert (1,) == pushes.asked(1, 1.0)
    pushes.answered(1, 1.0)
    assert (1,) == pushes.take_due(FOREVER)
    assert (0, 2) == pushes.not_shown


@pytest.mark.parametrize(("began", "passes"), [(0.4, False), (0.5, True), (0.6, True)])
def test_a_cause_is_passed_by_only_after_its_answer(began: float, passes: bool) -> None:
    """Of two that overlap, the other may still be asked."""
    pushes = begun([(0, 0.5), (began, 1.0)], (1.1, 0, "response"), (1.2, 1, "response"))
    pushes.asked(1, 1.0)
    pushes.answered(1, 1.0)
    assert ((1,) if passes else ()) == pushes.take_due(FOREVER)


def test_a_cause_that_was_asked_is_not_passed_by() -> None:
    """Its answer is on its way."""
    pushes = begun(in_a_row(2), (0.7, 0, "response"), (1.7, 1, "response"))
    pushes.asked(0, 1.0)
    pushes.asked(1, 2.0)
    pushes.answered(1, 3.0)
    assert () == pushes.take_due(FOREVER)
    pushes.answered(0, 4.0)
    assert (0, 1) == pushes.take_due(FOREVER)


def test_a_late_cause_gets_its_notifications_at_once() -> None:
    """In their order; others that were passed by stay."""
    pushes = begun(in_a_row(3), (0.7, 0, "response"), (0.8, 1, "response"), (0.9, 0, "response"), (2.7, 2, "response"))
    pushes.asked(2, 1.0)
    pushes.answered(2, 1.0)
    assert (3,) == pushes.take_due(FOREVER)
    assert (0, 2) == pushes.asked(0, 2.0)
    assert () == pushes.take_due(FOREVER)
    pushes.answered(0, 3.0)
    assert exactly((3 + GAP, 0), (3 + GAP, 2)) == times(pushes)
    assert (1,) == pushes.not_shown


@pytest.mark.parametrize("factor", [RECORDED, 0.5, 3.0])
def test_the_recorded_distance_from_the_cause_is_kept_or_scaled(factor: float) -> None:
    """From the response, or from the request, of this run."""
    pushes = begun(in_a_row(2), (0.9, 0, "response"), (1.3, 1, "request"), factor=factor, start=100.0)
    pushes.asked(0, 110.0)
    pushes.answered(0, 117.0)
    assert exactly((117 + 0.4 * factor, 0)) == times(pushes)
    pushes.asked(1, 120.0)
    assert exactly((120 + 0.3 * factor, 1)) == times(pushes)


def test_the_gap_is_kept_though_the_recording_had_less() -> None:
    """A microsecond on one machine is no order on another; what a person pinned may even be before its cause."""
    pushes = begun(in_a_row(2), (0.500001, 0, "response"), (0.6, 1, "request"), factor=RECORDED)
    pushes.asked(0, 1.0)
    pushes.answered(0, 2.0)
    pushes.asked(1, 3.0)
    assert exactly((2 + GAP, 0), (3, 1)) == times(pushes)


def test_one_that_had_to_wait_is_timed_by_its_own_cause() -> None:
    """A recording that is played exactly as it was recorded has its notifications when they were recorded."""
    pushes = begun([(0, 3), (1, 2)], (4, 0, "response"), (5, 1, "response"), factor=RECORDED)
    for index, now in ((0, 0.0), (1, 1.0)):
        pushes.asked(index, now)
    for index, now in ((1, 2.0), (0, 3.0)):
        pushes.answered(index, now)
    assert exactly((4, 0), (5, 1)) == times(pushes)


def test_none_is_due_before_the_one_that_went_before_it() -> None:
    """Order comes first: a slow cause delays those after it."""
    pushes = begun([(0, 1), (0.5, 1.2)], (3, 0, "response"), (3.1, 1, "response"), factor=RECORDED)
    pushes.asked(0, 0.0)
    pushes.asked(1, 0.0)
    pushes.answered(1, 0.0)
    pushes.answered(0, 10.0)
    assert exactly((12, 0), (12, 1)) == times(pushes)


@pytest.mark.parametrize("factor", [RECORDED, 2.0])
def test_an_unsolicited_one_keeps_its_distance_from_what_was_last_recorded_before_it(factor: float) -> None:
    """A request, an answer or another notification, at the time when that came in this run; or the beginning."""
    pushes = begun(
        in_a_row(1),
        *((-0.0, None, "response"), (0.7, 0, "response"), (0.9, None, "response"), (1.9, None, "response")),
        factor=factor,
        start=100.0,
    )
    assert exactly((100, 0)) == times(pushes)
    pushes.asked(0, 110.0)
    pushes.answered(0, 120.0)
    assert exactly(*((120 + after * factor, index) for index, after in ((1, 0.2), (2, 0.4), (3, 1.4)))) == times(pushes)


def test_an_early_unsolicited_one_is_timed_from_the_start() -> None:
    """Nothing else was recorded before it."""
    pushes = begun([(5, 6)], (2.5, None, "response"), factor=2.0, start=100.0)
    assert exactly((105, 0)) == times(pushes)
