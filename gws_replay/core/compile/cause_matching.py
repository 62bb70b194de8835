"""Notifications of one resource and kind, paired with operations by evidence: content, counting, order."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gws_replay.core.api import schema as operations
from gws_replay.core.model import Rule

# How many operations of a resource are looked back at for one notification; bounds the work on long recordings.
_WINDOW = 256
# How far apart two notifications may be that are put in the order of their operations.
_NEAR = 32


@dataclass(frozen=True, slots=True)
class CauseCandidate:
    """A modifying request that the server took: a possible cause. What it sent is read when it is looked at."""

    index: int
    began: float
    resource_id: str | None
    has_evidence: bool
    read: Callable[[int], operations.Call]

    @classmethod
    def of(
        cls, index: int, began: float, call: operations.Call, read: Callable[[int], operations.Call]
    ) -> "CauseCandidate":
        """Return a call as a possible cause; the tables say whether a notification shows what it wrote."""
        has_evidence = bool(call.row and (call.row.writes or call.row.shows))
        return cls(index, began, call.resource_id, has_evidence, read)

    @property
    def call(self) -> operations.Call:
        """The request as an operation."""
        return self.read(self.index)


@dataclass(frozen=True, slots=True)
class Told:
    """A notification whose cause is looked for. What it shows is read when it is looked at."""

    index: int
    seen: float
    kind: str
    reference: int | str | None
    read: Callable[[int], operations.Subject | None]

    @property
    def subject(self) -> operations.Subject | None:
        """The resource that it shows."""
        return self.read(self.index)


_Evidence = Callable[[CauseCandidate, Told], bool]
_Pairs = dict[int, CauseCandidate]


def pair(group: Sequence[Told], asked: Sequence[CauseCandidate]) -> dict[int, tuple[CauseCandidate, Rule]]:
    """Pair the notifications of one resource and kind with the operations that may have caused them."""
    known = [each for each in asked if each.has_evidence]
    # A server that shows the data as it is when it pushes: an earlier write may be hidden by a later one.
    weaker = _shows_or_hidden(known)
    paired = _match(group, known, _shows)
    if len(paired) < min(len(group), len(known)):
        paired = max(paired, _match(group, known, weaker), key=len)
    _uncross(paired, group, weaker if _shown_at_the_push(group) else _shows)
    found: dict[int, tuple[CauseCandidate, Rule]] = {
        told.index: (each, "content" if _shows(each, told) else "counting")
        for told in group
        if (each := paired.get(told.index))
    }
    rest = [told for told in group if told.index not in found]
    answered = {each.index for each in paired.values()}
    by_order = _match(rest, [each for each in asked if each.index not in answered], lambda _asked, _told: True)
    return found | {index: (each, "order") for index, each in by_order.items()}


def _shown_at_the_push(group: Sequence[Told]) -> bool:
    """Tell whether a server shows the data as it is when it pushes.

    If its notifications are not simply one operation further each, some operation's was shown by the one before it
    already: two that follow each other are equal.
    """
    shown = [told.subject.user_data for told in group if told.subject]
    return any(one == other for one, other in pairwise(shown) if one is not None)


def _shows(asked: CauseCandidate, told: Told) -> bool:
    return bool(told.subject and asked.call.shown_in(told.subject))


def _shows_or_hidden(known: Sequence[CauseCandidate]) -> _Evidence:
    """Return evidence that also accepts a key which a later operation wrote over, if the notification shows that."""

    def evidence(asked: CauseCandidate, told: Told) -> bool:
        if _shows(asked, told):
            return True
        user_data = told.subject.user_data if told.subject else None
        writes = asked.call.writes
        if user_data is None or not writes:
            return False
        first = bisect_right(known, asked.began, key=lambda each: each.began)
        last = bisect_right(known, told.seen, key=lambda each: each.began)
        later = [each.call.writes or {} for each in known[first:last]]
        return all(
            any(operations.shows_key(user_data, key, wrote[key]) for wrote in (writes, *later) if key in wrote)
            for key in writes
        )

    return evidence


def _match(group: Sequence[Told], asked: Sequence[CauseCandidate], evidence: _Evidence) -> _Pairs:
    """Match each notification with one operation begun before it, as many as can be (augmenting paths).

    The latest that fits is taken first: an operation whose notification was lost must not shift all that follow.
    """
    begun = [each.began for each in asked]
    taken: dict[int, Told] = {}
    paired: _Pairs = {}

    def candidates(told: Told) -> Iterator[CauseCandidate]:
        last = bisect_right(begun, told.seen)
        if last == len(taken):
            return iter(())
        return (each for each in reversed(asked[max(0, last - _WINDOW) : last]) if evidence(each, told))

    def place(told: Told, barred: set[int]) -> bool:
        fitting = []
        for each in candidates(told):
            if each.index not in taken:
                taken[each.index], paired[told.index] = told, each
                return True
            fitting.append(each)
        for each in fitting:
            if each.index not in barred and len(barred) < _WINDOW:
                barred.add(each.index)
                if place(taken[each.index], barred):
                    taken[each.index], paired[told.index] = told, each
                    return True
        return False

    for told in group:
        place(told, set())
    return paired


def _uncross(paired: _Pairs, group: Sequence[Told], evidence: _Evidence) -> None:
    """Let notifications that either operation could have caused answer them in the order they were asked."""
    matched = [told for told in group if told.index in paired]
    swapped = True
    while swapped:
        swapped = False
        for place, one in enumerate(matched):
            for next_ in matched[place + 1 : place + _NEAR]:
                later, earlier = paired[one.index], paired[next_.index]
                if later.began > earlier.began and evidence(later, next_) and evidence(earlier, one):
                    paired[one.index], paired[next_.index] = earlier, later
                    swapped = True
