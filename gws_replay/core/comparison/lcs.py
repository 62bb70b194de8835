"""What two sequences of JSON values have in common, in the same order: the longest common subsequence.

Aligning one with another is aligning the other with one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from gws_replay.core.json_compare import same
from gws_replay.core.lossless_json import canonical

_CELLS = 500_000  # beyond it what stands at the same place is compared, and nothing else
Places = list[tuple[int, int]]


def common(one: Sequence[Any], other: Sequence[Any]) -> Places:
    """Return the places (in one, in the other) of a longest common subsequence, ascending."""
    start = 0
    while start < min(len(one), len(other)) and same(one[start], other[start]):
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and same(one[-1 - end], other[-1 - end]):
        end += 1
    # Spelling costs more than comparing twice, so that only what lies between is spelled.
    mine, theirs = ([canonical(value) for value in each[start : len(each) - end]] for each in (one, other))
    if mine > theirs:  # which way round must not matter where there are several
        found = [(start + a, start + b) for b, a in _longest(theirs, mine)]
    else:
        found = [(start + a, start + b) for a, b in _longest(mine, theirs)]
    tail = [(len(one) - n, len(other) - n) for n in range(end, 0, -1)]
    return [*((n, n) for n in range(start)), *found, *tail]


def gaps(places: Places, sizes: tuple[int, int]) -> Iterator[tuple[range, range]]:
    """Yield what lies before, between and after common places."""
    mine, theirs = 0, 0
    for one, other in [*places, sizes]:
        yield range(mine, one), range(theirs, other)
        mine, theirs = one + 1, other + 1


def _longest(one: Sequence[str], other: Sequence[str]) -> Places:
    if len(one) * len(other) > _CELLS:
        return [(n, n) for n, (a, b) in enumerate(zip(one, other, strict=False)) if a == b]
    # lengths[i][j]: how long what one[i:] and other[j:] have in common is.
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(other) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if one[i] == other[j] else max(below[j], row[j + 1])
    found: Places = []
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return found
