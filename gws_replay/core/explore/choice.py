"""Which variants are tried, in what order: near deviations alone, then pairs, then larger sets that are drawn."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from gws_replay.core.explore.deviation import Deviation
from gws_replay.core.explore.orders import Choice

# The part of the variants that are single deviations, where there are more than can be tried.
_SINGLE = 0.5
_MOST_DRAWN = 5
_TRIES = 200
Deviations = tuple[Deviation, ...]


def chosen(
    choices: Sequence[Choice], *, count: int, draw: Callable[[], float], agree: Callable[[Deviations], bool]
) -> Iterator[Deviations]:
    """Yield up to `count` different sets of deviations that `agree`; the same ones for the same numbers.

    Small schedules are gone through: every deviation, then every pair, near ones first. Of larger ones, the nearest
    deviations come first, then sets of two to five that are drawn: `draw` returns numbers from 0 to 1, without 1.
    """
    singles = [each.deviation for each in sorted(choices)]
    alone = singles if len(singles) <= count else singles[: max(1, round(count * _SINGLE))]
    yield from ((each,) for each in alone)
    left = count - len(alone)
    pairs = len(singles) * (len(singles) - 1) // 2
    done: set[frozenset[Deviation]] = set()
    if pairs <= left:
        for pair in sorted(combinations(range(len(singles)), 2), key=lambda each: (sum(each), each)):
            found = (singles[pair[0]], singles[pair[1]])
            if agree(found):
                done.add(frozenset(found))
                left -= 1
                yield found
    yield from _drawn(singles, left, draw, agree, done)


def _drawn(
    singles: Sequence[Deviation],
    count: int,
    draw: Callable[[], float],
    agree: Callable[[Deviations], bool],
    done: set[frozenset[Deviation]],
) -> Iterator[Deviations]:
    """Draw sets of deviations, near ones more often."""
    tries = 0
    while count > 0 and tries < _TRIES and len(singles) > 1:
        tries += 1
        size = min(2 + int(draw() ** 2 * (_MOST_DRAWN - 1)), len(singles))
        found = tuple(dict.fromkeys(singles[int(draw() ** 1.5 * len(singles))] for _ in range(size)))
        if len(found) > 1 and frozenset(found) not in done and agree(found):
            done.add(frozenset(found))
            count, tries = count - 1, 0
            yield found
