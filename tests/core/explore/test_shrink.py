"""Shrinking: the result still fails, and no smaller set does."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.explore.deviation import Deviation
from gws_replay.core.explore.shrink import smallest

NUMBERS = st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=12)


def deviations(numbers: Sequence[int]) -> tuple[Deviation, ...]:
    return tuple(Deviation("n", each, "q0") for each in numbers)


@given(NUMBERS, st.data())
def test_what_is_left_fails_and_nothing_can_be_left_out(numbers: list[int], data: st.DataObject) -> None:
    """The failure needs some of the deviations, all of them together."""
    needed = set(deviations(data.draw(st.lists(st.sampled_from(numbers), unique=True, min_size=1))))

    def fails(found: Sequence[Deviation]) -> bool:
        return needed <= set(found)

    assert needed == set(smallest(deviations(numbers), fails))


def test_the_smallest_of_several_reasons_is_found() -> None:
    """Two deviations fail together, and a third one alone."""
    one, two, three = deviations((1, 2, 3))
    assert smallest((one, two, three), lambda found: three in found or {one, two} <= set(found)) == (three,)


def test_a_failure_that_needs_all_keeps_all() -> None:
    three = deviations((1, 2, 3))
    assert smallest(three, lambda found: len(found) == 3) == three
