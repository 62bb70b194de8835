"""Which request each notification answers, found by evidence and written down with the rule that found it.

The rules in their order: a person's pin, referenceId, content, counting, order. "The latest request before it" alone is
wrong as soon as two operations overlap, so it comes last and is warned about.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gws_replay.core import api, operations
from gws_replay.core.model import Cause, Exchange, Moment, Notification, Rule

# How many operations of a resource are looked back at for one notification; bounds the work on long recordings.
_WINDOW = 256
# How far apart two notifications may be that are put in the order of their operations.
_NEAR = 32


@dataclass(frozen=True, slots=True)
class _Asked:
    """A modifying request that the server took: a possible cause."""

    index: int
    call: operations.Call
    began: float

    @property
    def has_evidence(self) -> bool:
        """Whether the tables say how a notification shows what the operation wrote."""
        return bool(self.call.row and (self.call.row.writes or self.call.row.shows))


@dataclass(frozen=True, slots=True)
class _Told:
    """A notification whose cause is looked for."""

    index: int
    seen: float
    kind: str
    subject: operations.Subject | None
    reference: int | str | None


_Evidence = Callable[[_Asked, _Told], bool]
_Pairs = dict[int, _Asked]


def attribute(exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> tuple[Notification, ...]:
    """Give each notification its cause, or none where nothing speaks for one (unsolicited).

    Both sequences are in time order. Pinned causes stay as they are.
    """
    asked = [
        _Asked(index, call, exchange.began)
        for index, exchange in enumerate(exchanges)
        if (call := api.call_of(exchange.request, exchange.sent)).operation
        and api.succeeded(exchange.response.status, exchange.answer)
    ]
    by_reference = _by_reference(asked, exchanges)
    found: dict[int, tuple[_Asked, Rule]] = {}
    settled: set[tuple[int, str]] = set()
    groups: dict[tuple[str, ...], list[_Told]] = {}
    for index, notification in enumerate(notifications):
        data = notification.value
        kind = api.kind_of(data)
        reference = api.reference_of(data)
        told = _Told(index, notification.seen, kind, api.subject_of(data), reference)
        named = by_reference.get(reference) if reference is not None else None
        if notification.cause and notification.cause.rule == "pin":
            settled.add((notification.cause.interaction, kind))
        elif named and named.began <= told.seen and (_may_answer(named, told) or _has_own_id(named, told)):
            found[index] = (named, "referenceId")
            settled.add((named.index, kind))
        else:
            resource = (told.subject.channel.key, told.subject.resource_id) if told.subject else ()
            groups.setdefault((*resource, kind), []).append(told)
    for group in sorted(groups.values(), key=lambda each: each[0].kind == api.ERROR):
        open_ = [each for each in asked if (each.index, group[0].kind) not in settled and _may_answer(each, group[0])]
        if group[0].kind == api.ERROR:  # it says that an operation failed: one that nothing else has answered
            answered = {each.index for each, _ in found.values()}
            open_ = [each for each in open_ if each.index not in answered]
        once, again = _told_again(group)
        found.update(_pair(once, open_))
        found.update({index: (found[first][0], "referenceId") for index, first in again.items() if first in found})
    return tuple(_with_cause(told, exchanges, found.get(index)) for index, told in enumerate(notifications))


def _by_reference(asked: Sequence[_Asked], exchanges: Sequence[Exchange]) -> dict[int | str, _Asked]:
    """Index the operations whose response names a referenceId, as workitems and open media do, or an operationId."""
    found: dict[int | str, _Asked] = {}
    for each in asked:
        for reference in (api.reference_of(exchanges[each.index].answer), api.reference_of(each.call.sent)):
            if reference is not None:
                found[reference] = each
    return found


def _may_answer(asked: _Asked, told: _Told) -> bool:
    """Tell whether an operation can be about the notification's resource, and be answered by its kind."""
    call, subject = asked.call, told.subject
    if subject and (call.channel is not subject.channel or call.resource_id not in (None, subject.resource_id)):
        return False
    return call.answered_by(told.kind) or (told.kind == api.ERROR and subject is not None)


def _has_own_id(asked: _Asked, told: _Told) -> bool:
    """Tell whether a notification bears the id that a client gave its operation: then its kind does not matter."""
    same_resource = told.subject is not None and asked.call.resource_id == told.subject.resource_id
    return same_resource and isinstance(told.reference, str)


def _told_again(group: Sequence[_Told]) -> tuple[list[_Told], dict[int, int]]:
    """Part a group into first notifications and those (by index) that repeat the reference of one before them.

    Both answer the same operation. A number that comes again after a smaller one is another's: the server has begun
    to count anew.
    """
    once: list[_Told] = []
    again: dict[int, int] = {}
    first: dict[int | str, int] = {}
    numbers: list[int] = []
    for told in group:
        reference = told.reference
        while isinstance(reference, int) and numbers and numbers[-1] > reference:
            first.pop(numbers.pop())
        if reference is None or reference not in first:
            once.append(told)
            if reference is not None:
                first[reference] = told.index
            if isinstance(reference, int):
                numbers.append(reference)
        else:
            again[told.index] = first[reference]
    return once, again


def _pair(group: Sequence[_Told], asked: Sequence[_Asked]) -> dict[int, tuple[_Asked, Rule]]:
    """Pair the notifications of one resource and kind with the operations that may have caused them."""
    known = [each for each in asked if each.has_evidence]
    # A server that shows the data as it is when it pushes: an earlier write may be hidden by a later one.
    weaker = _shows_or_hidden(known)
    paired = _match(group, known, _shows)
    if len(paired) < min(len(group), len(known)):
        paired = max(paired, _match(group, known, weaker), key=len)
    _uncross(paired, group, weaker if _shown_at_the_push(group) else _shows)
    found: dict[int, tuple[_Asked, Rule]] = {
        told.index: (each, "content" if _shows(each, told) else "counting")
        for told in group
        if (each := paired.get(told.index))
    }
    rest = [told for told in group if told.index not in found]
    answered = {each.index for each in paired.values()}
    by_order = _match(rest, [each for each in asked if each.index not in answered], lambda _asked, _told: True)
    return found | {index: (each, "order") for index, each in by_order.items()}


def _shown_at_the_push(group: Sequence[_Told]) -> bool:
    """Tell whether a server shows the data as it is when it pushes.

    If its notifications are not simply one operation further each, some operation's was shown by the one before it
    already: two that follow each other are equal.
    """
    shown = [told.subject.user_data for told in group if told.subject]
    return any(one == other for one, other in pairwise(shown) if one is not None)


def _shows(asked: _Asked, told: _Told) -> bool:
    return bool(told.subject and asked.call.shown_in(told.subject))


def _shows_or_hidden(known: Sequence[_Asked]) -> _Evidence:
    """Return evidence that also accepts a key which a later operation wrote over, if the notification shows that."""

    def evidence(asked: _Asked, told: _Told) -> bool:
        if _shows(asked, told):
            return True
        user_data = told.subject.user_data if told.subject else None
        writes = asked.call.writes
        if user_data is None or not writes:
            return False
        later = [each.call.writes or {} for each in known if asked.began < each.began <= told.seen]
        return all(
            any(operations.shows_key(user_data, key, wrote[key]) for wrote in (writes, *later) if key in wrote)
            for key in writes
        )

    return evidence


def _match(group: Sequence[_Told], asked: Sequence[_Asked], evidence: _Evidence) -> _Pairs:
    """Match each notification with one operation begun before it, as many as can be (augmenting paths).

    The latest that fits is taken first: an operation whose notification was lost must not shift all that follow.
    """
    begun = [each.began for each in asked]
    taken: dict[int, _Told] = {}
    paired: _Pairs = {}

    def candidates(told: _Told) -> Iterator[_Asked]:
        last = bisect_right(begun, told.seen)
        if last == len(taken):
            return iter(())
        return (each for each in reversed(asked[max(0, last - _WINDOW) : last]) if evidence(each, told))

    def place(told: _Told, barred: set[int]) -> bool:
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


def _uncross(paired: _Pairs, group: Sequence[_Told], evidence: _Evidence) -> None:
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


def _with_cause(told: Notification, exchanges: Sequence[Exchange], found: tuple[_Asked, Rule] | None) -> Notification:
    if told.cause and told.cause.rule == "pin":
        return told
    if found is None:
        return replace(told, cause=None)
    asked, rule = found
    after: Moment = "response" if told.seen >= exchanges[asked.index].ended else "request"
    return replace(told, cause=Cause(interaction=asked.index, rule=rule, after=after))
