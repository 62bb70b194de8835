"""The longest common subsequence: as long as can be, ascending, and the same from both sides."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.comparison.lcs import common, gaps

SEQUENCES = st.lists(st.sampled_from("abc"), max_size=7)


@given(SEQUENCES, SEQUENCES)
def test_nothing_longer_is_common(one: list[str], other: list[str]) -> None:
    """Against every subsequence of the one that is one of the other."""
    places = common(one, other)
    assert all(one[mine] == other[theirs] for mine, theirs in places)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(places))
    mine = {each for size in range(len(one) + 1) for each in combinations(one, size)}
    theirs = {each for size in range(len(other) + 1) for each in combinations(other, size)}
    assert max(map(len, mine & theirs)) == len(places)
    assert [(b, a) for a, b in places] == common(other, one)


def test_gaps_are_all_that_is_not_common() -> None:
    """Before, between and behind."""
    assert [(range(1), range(0)), (range(1 + 1, 2), range(1, 3)), (range(3, 3), range(4, 5))] == list(
        gaps([(1, 0), (2, 3)], (3, 5))
    )


def test_very_long_sequences_are_compared_place_by_place() -> None:
    """Rather than for minutes."""
    one = [str(n % 7) for n in range(1000)]
    other = [str(n % 5) for n in range(1001)]
    places = common(one, other)
    assert all(one[mine] == other[theirs] for mine, theirs in places)
    assert all(mine == theirs for mine, theirs in places[:-1])
