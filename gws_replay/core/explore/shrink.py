"""The smallest part of a failing set of deviations that still fails."""

from collections.abc import Callable, Sequence
from itertools import combinations

from gws_replay.core.explore.deviation import Deviation

# Up to so many deviations, all smaller sets are tried, the smallest first.
_FEW = 4


def smallest(deviations: Sequence[Deviation], fails: Callable[[Sequence[Deviation]], bool]) -> tuple[Deviation, ...]:
    """Return the smallest set that fails, of a set that does.

    Of more than four deviations, the result is one from which none can be left out: they are left out in halves, then
    one by one.
    """
    found = tuple(deviations)
    size = len(found) // 2
    while len(found) > _FEW and size:
        parts = [found[at : at + size] for at in range(0, len(found), size)]
        rests = (tuple(each for each in found if each not in part) for part in parts)
        smaller = next((rest for rest in rests if rest and fails(rest)), None)
        if smaller is None:
            size //= 2
        else:
            found, size = smaller, min(size, max(1, len(smaller) // 2))
    if len(found) > _FEW:
        return found
    sets = (each for count in range(1, len(found)) for each in combinations(found, count))
    return next((each for each in sets if fails(each)), found)
