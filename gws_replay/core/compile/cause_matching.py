"""The notifications of one resource and kind, matched with the operations that may have caused them.

The evidence: content (the notification shows what the operation wrote), counting (a later operation hides it),
one-to-one (operations and notifications alternate), order (nothing better is known).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from gws_replay.core.api import schema as operations
from gws_replay.core.model import Exchange, Rule

# How many operations of a resource are looked back at for one notification; bounds the work on long recordings.
_WINDOW = 256
# How far apart two notifications may be that are put in the order of their operations.
_NEAR = 32
# How many operations must each have been followed by their notifications before that is taken for a rule.
_FEWEST_TURNS = 2


@dataclass(frozen=True, slots=True)
class CauseCandidate:
    """An operation that the server accepted: a possible cause. Its request is parsed when it is needed."""

    index: int
    began: float
    ended: float
    resource_id: str | None
    has_evidence: bool
    read: Callable[[int], operations.Call]

    @classmethod
    def of(
        cls, index: int, exchange: Exchange, call: operations.Call, read: Callable[[int], operations.Call]
    ) -> "CauseCandidate":
        """Return an exchange as a possible cause; the API's tables say whether a notification shows what it wrote."""
        has_evidence = bool(call.row and (call.row.writes or call.row.shows))
        return cls(index, exchange.began, exchange.ended, call.resource_id, has_evidence, read)

    @property
    def call(self) -> operations.Call:
        """The request as an operation."""
        return self.read(self.index)


@dataclass(frozen=True, slots=True)
class OpenNotification:
    """A notification whose cause is looked for. Its data are parsed when they are needed."""

    index: int
    seen: float
    kind: str
    reference: int | str | None
    read: Callable[[int], operations.Subject | None]

    @property
    def subject(self) -> operations.Subject | None:
        """The resource that it shows."""
        return self.read(self.index)


Found = dict[int, tuple[CauseCandidate, Rule]]
_Evidence = Callable[[CauseCandidate, OpenNotification], bool]
_Pairs = dict[int, CauseCandidate]


def match(group: Sequence[OpenNotification], candidates: Sequence[CauseCandidate]) -> Found:
    """Match the notifications of one resource and kind with the operations that may have caused them."""
    with_evidence = [each for each in candidates if each.has_evidence]
    pairs = _by_content(group, with_evidence)
    turns = _in_turn(group, candidates)
    # Content that does not explain everything is not to explain away what alternates: a server may show old data.
    if turns and (_agree(pairs, turns) or len(pairs) < min(len(group), len(with_evidence))):
        pairs, weaker_rule = turns, "one-to-one"
    else:
        weaker_rule = "counting"
    found: Found = {
        each.index: (cause, "content" if shows(cause, each) else weaker_rule)  # type: ignore[misc]
        for each in group
        if (cause := pairs.get(each.index))
    }
    rest = [each for each in group if each.index not in found]
    answered = {each.index for each in pairs.values()}
    free = [each for each in candidates if each.index not in answered]
    by_order = _matched(rest, free, lambda _candidate, _notification: True)
    return found | {index: (each, "order") for index, each in by_order.items()}


def shows(candidate: CauseCandidate, notification: OpenNotification) -> bool:
    """Return whether a notification shows what an operation wrote."""
    return bool(notification.subject and candidate.call.shown_in(notification.subject))


def shows_or_hides(candidate: CauseCandidate, notification: OpenNotification, later: Sequence[CauseCandidate]) -> bool:
    """Return whether a notification shows what an operation wrote, or what later ones wrote over it."""
    if shows(candidate, notification):
        return True
    user_data = notification.subject.user_data if notification.subject else None
    writes = candidate.call.writes
    if user_data is None or not writes:
        return False
    written = [each.call.writes or {} for each in later]
    return all(
        any(operations.shows_key(user_data, key, values[key]) for values in (writes, *written) if key in values)
        for key in writes
    )


# --- one-to-one


def _in_turn(group: Sequence[OpenNotification], candidates: Sequence[CauseCandidate]) -> _Pairs:
    """Return the operation that each notification followed, if that is regular: the same number after each operation.

    The last operation may have fewer (the recording ended) or more. What came before the first answers none of them.
    After less than half of the operations there may be more: what came at the usual delay is theirs, the rest is
    unsolicited. Operations that the API's tables do not know may be answered by anything or nothing: they do not count.
    """
    usable = [each for each in candidates if each.call.row is not None] or list(candidates)
    began = [each.began for each in usable]
    turns: list[list[OpenNotification]] = [[] for _ in usable]
    for notification in group:
        if place := bisect_right(began, notification.seen):
            turns[place - 1].append(notification)
    while turns and not turns[-1]:
        turns.pop()
    each_time = min(map(len, turns[:-1]), default=0)
    if len(turns) < _FEWEST_TURNS or not each_time or len(turns) < len(usable) - 1:
        return {}
    longer = sum(len(turn) > each_time for turn in turns[:-1])
    if longer and longer * 2 >= len(turns) - 1:
        return {}
    delays = _usual_delays(usable, turns[:-1], each_time)
    return {
        each.index: cause
        for cause, turn in zip(usable, turns, strict=False)
        for each in _own(cause, _at_delays(cause, turn, delays))
    }


def _usual_delays(
    causes: Sequence[CauseCandidate], turns: Sequence[Sequence[OpenNotification]], each_time: int
) -> Sequence[float]:
    """Return how long after an operation its first, second, ... notification comes, where nothing else came."""
    regular = [
        [each.seen - cause.began for each in turn]
        for cause, turn in zip(causes, turns, strict=False)
        if len(turn) == each_time
    ]
    return [median(delays) for delays in zip(*regular, strict=True)]


def _at_delays(
    cause: CauseCandidate, turn: Sequence[OpenNotification], delays: Sequence[float]
) -> Sequence[OpenNotification]:
    """Return those of the notifications after an operation that came nearest to the usual delays, in their order."""
    if len(turn) <= len(delays):
        return turn
    left = list(turn)
    for delay in delays:
        left.remove(min(left, key=lambda each: abs(each.seen - cause.began - delay)))
    return [each for each in turn if each not in left]


def _own(cause: CauseCandidate, turn: Sequence[OpenNotification]) -> Sequence[OpenNotification]:
    """Return the notification of an operation that writes userData; of any other, all that followed it."""
    if not cause.call.writes:
        return turn
    return [next((each for each in turn if shows(cause, each)), turn[0])]


def _agree(pairs: _Pairs, turns: _Pairs) -> bool:
    return all(index in turns and turns[index] is cause for index, cause in pairs.items())


# --- content and counting


def _by_content(group: Sequence[OpenNotification], candidates: Sequence[CauseCandidate]) -> _Pairs:
    pairs = _matched(group, candidates, shows)
    # A server that shows the data as it is when it pushes: an earlier write may be hidden by a later one.
    weaker = _shows_or_hidden_by_later(candidates)
    if len(pairs) < min(len(group), len(candidates)):
        pairs = max(pairs, _matched(group, candidates, weaker), key=len)
    _uncross(pairs, group, weaker if _is_shown_at_the_push(group) else shows)
    return pairs


def _is_shown_at_the_push(group: Sequence[OpenNotification]) -> bool:
    """Return whether a server shows the data as they are when it pushes.

    If its notifications are not simply one operation further each, some operation's was shown by the one before it
    already: two that follow each other are equal.
    """
    shown = [each.subject.user_data for each in group if each.subject]
    return any(one == other for one, other in pairwise(shown) if one is not None)


def _shows_or_hidden_by_later(candidates: Sequence[CauseCandidate]) -> _Evidence:
    def evidence(candidate: CauseCandidate, notification: OpenNotification) -> bool:
        first = bisect_right(candidates, candidate.began, key=lambda each: each.began)
        last = bisect_right(candidates, notification.seen, key=lambda each: each.began)
        return shows_or_hides(candidate, notification, candidates[first:last])

    return evidence


def _matched(group: Sequence[OpenNotification], candidates: Sequence[CauseCandidate], evidence: _Evidence) -> _Pairs:
    """Match each notification with one operation that began before it, as many as can be (augmenting paths).

    The latest that fits is taken first: an operation whose notification was lost must not shift all that follow.
    """
    began = [each.began for each in candidates]
    owners: dict[int, OpenNotification] = {}
    pairs: _Pairs = {}

    def fitting(notification: OpenNotification) -> Iterator[CauseCandidate]:
        last = bisect_right(began, notification.seen)
        if last == len(owners):
            return iter(())
        near = reversed(candidates[max(0, last - _WINDOW) : last])
        return (each for each in near if evidence(each, notification))

    def place(notification: OpenNotification, barred: set[int]) -> bool:
        taken = []
        for each in fitting(notification):
            if each.index not in owners:
                owners[each.index], pairs[notification.index] = notification, each
                return True
            taken.append(each)
        for each in taken:
            if each.index not in barred and len(barred) < _WINDOW:
                barred.add(each.index)
                if place(owners[each.index], barred):
                    owners[each.index], pairs[notification.index] = notification, each
                    return True
        return False

    for notification in group:
        place(notification, set())
    return pairs


def _uncross(pairs: _Pairs, group: Sequence[OpenNotification], evidence: _Evidence) -> None:
    """Let notifications that either operation could have caused answer them in the order of the operations."""
    matched = [each for each in group if each.index in pairs]
    has_changed = True
    while has_changed:
        has_changed = False
        for place, one in enumerate(matched):
            for next_ in matched[place + 1 : place + _NEAR]:
                later, earlier = pairs[one.index], pairs[next_.index]
                if later.began > earlier.began and evidence(later, next_) and evidence(earlier, one):
                    pairs[one.index], pairs[next_.index] = earlier, later
                    has_changed = True
