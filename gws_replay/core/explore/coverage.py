"""How much was explored: which pairs of concurrent events were seen in which order."""

from collections.abc import Iterable, Sequence

from gws_replay.core.explore.deviation import Place
from gws_replay.core.explore.orders import Orders

# What a client saw in one run: the cassette and the event, in order.
Trace = Sequence[tuple[int, Place]]


class Coverage:
    """The orderings of some recordings: two for each pair of events that may come in either order."""

    def __init__(self, orders: Iterable[Orders]) -> None:
        self._pairs = {(each.of, *pair) for each in orders for pair in each.concurrent()}
        self._seen: set[tuple[int, Place, Place]] = set()

    @property
    def possible(self) -> int:
        """How many orderings there are."""
        return 2 * len(self._pairs)

    @property
    def seen(self) -> int:
        """How many of them were seen."""
        return len(self._seen)

    def add(self, trace: Trace) -> int:
        """Take note of what was seen in a run; return how many orderings were new."""
        before = len(self._seen)
        first: dict[tuple[int, Place], int] = {}
        for number, event in enumerate(trace):
            first.setdefault(event, number)
        for of, one, other in self._pairs:
            if (of, one) in first and (of, other) in first:
                pair = (one, other) if first[of, one] < first[of, other] else (other, one)
                self._seen.add((of, *pair))
        return len(self._seen) - before
