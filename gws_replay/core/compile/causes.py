"""Which request each notification answers, found by evidence and written down with the rule that found it.

The rules in their order: a person's pin, referenceId, one-to-one, content, counting, creation, order. "The latest
request before it" alone is wrong as soon as two operations overlap, so order comes last and is warned about. Only
requests of the user who received a notification are looked at.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from heapq import merge

from gws_replay.core.api import dialects as api
from gws_replay.core.api import schema as operations
from gws_replay.core.api.schema import ERROR
from gws_replay.core.compile.cause_matching import CauseCandidate, Found, OpenNotification, match
from gws_replay.core.compile.several import answered_together, repeated
from gws_replay.core.model import Cause, Exchange, Moment, Notification

# How many parsed bodies are kept: those of a long recording would not fit into memory.
_PARSED = 256
# How long after the response of an operation the resource that it created may show itself, in seconds.
_SOON = 5.0


def attribute(exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> tuple[Notification, ...]:
    """Give each notification its cause, or none where nothing speaks for one (unsolicited).

    Both sequences are in time order. Pinned causes stay as they are.
    """
    causes = causes_of(exchanges, notifications)
    return tuple(replace(each, cause=cause) for each, cause in zip(notifications, causes, strict=True))


def causes_of(exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> list[Cause | None]:
    """Return the cause of each notification. The items of the sequences are read one by one and not kept."""
    search = _Search(exchanges, notifications)
    search.by_reference()
    for group in sorted(search.groups.values(), key=lambda each: each[0].kind == ERROR):
        search.by_evidence(group)
    for group in search.groups.values():
        search.several(group)
    search.by_creation()
    for index, (cause, rule) in search.found.items():
        after: Moment = "response" if notifications[index].seen >= cause.ended else "request"
        also = search.also.get(index, ())
        search.causes[index] = Cause(interaction=cause.index, rule=rule, after=after, also=also)
    return search.causes


class _Search:
    """One search for the causes of all notifications."""

    def __init__(self, exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> None:
        self.causes: list[Cause | None] = [None] * len(notifications)
        self.found: Found = {}
        # Of a notification that answers several operations, all but the last.
        self.also: dict[int, tuple[int, ...]] = {}
        # What no reference settles, by user, resource and kind.
        self.groups: dict[tuple[str | int, ...], list[OpenNotification]] = {}
        self._notifications = notifications
        self._exchanges = exchanges
        self._settled: set[tuple[int, str]] = set()
        self._possible_of: dict[int, list[CauseCandidate]] = {}
        self._by_reference: dict[tuple[int, int | str], CauseCandidate] = {}
        self._by_resource: dict[tuple[int, str | None], list[CauseCandidate]] = {}
        self._creating: dict[int, list[CauseCandidate]] = {}
        self._operations: dict[int, list[float]] = {}
        self._call_of = lru_cache(_PARSED)(lambda at: api.call_of(exchanges[at].request, exchanges[at].request_json))
        self._subject_of = lru_cache(_PARSED)(lambda at: api.subject_of(notifications[at].value))
        for index, exchange in enumerate(exchanges):
            call = self._call_of(index)
            if call.operation and _may_have_effects(exchange):
                self._add(CauseCandidate.of(index, exchange, call, self._call_of), call, exchange)

    def _add(self, candidate: CauseCandidate, call: operations.Call, exchange: Exchange) -> None:
        user, creates = exchange.user, call.operation in api.CREATING_OPERATIONS
        self._operations.setdefault(user, []).append(exchange.began)
        if creates:
            self._creating.setdefault(user, []).append(candidate)
        if not creates or call.resource_id is not None:
            self._by_resource.setdefault((user, call.resource_id), []).append(candidate)
        # The response names a referenceId, as those of workitems and open media do; or the request an operationId.
        for reference in (api.reference_of(exchange.response_json), api.reference_of(call.sent)):
            if reference is not None:
                self._by_reference[user, reference] = candidate

    def by_reference(self) -> None:
        """Settle what a person has pinned and what a reference names; the rest comes into groups."""
        for index, notification in enumerate(self._notifications):
            data = notification.value
            kind, reference = api.kind_of(data), api.reference_of(data)
            each = OpenNotification(index, notification.seen, kind, reference, self._subject_of)
            named = self._by_reference.get((notification.user, reference)) if reference is not None else None
            if notification.cause and notification.cause.rule == "pin":
                self.causes[index] = notification.cause
                self._settled.update((cause, kind) for cause in notification.cause.interactions)
            elif named and named.began <= each.seen and (_may_answer(named, each) or _has_own_id(named, each)):
                self.found[index] = (named, "referenceId")
                self._settled.add((named.index, kind))
                self._group(each, notification.user)
            else:
                self._group(each, notification.user)

    def by_evidence(self, group: Sequence[OpenNotification]) -> None:
        """Find the causes of a group."""
        kind = group[0].kind
        free = [each for each in self._possible(group[0]) if (each.index, kind) not in self._settled]
        group = [each for each in group if each.index not in self.found]
        if kind == ERROR:  # it says that an operation failed: one that nothing else has answered
            answered = {each.index for each, _ in self.found.values()}
            free = [each for each in free if each.index not in answered]
        first, again = _repeated_references(group)
        self.found.update(match(first, free))
        repetitions = ((index, of) for index, of in again.items() if of in self.found)
        self.found.update({index: (self.found[of][0], "referenceId") for index, of in repetitions})

    def several(self, group: Sequence[OpenNotification]) -> None:
        """Find further notifications of operations that have one, and the notifications that answer several."""
        candidates = self._possible(group[0])
        answered = {self.found[each.index][0].index for each in group if each.index in self.found}
        if any(each.index not in self.found for each in group):
            self.found.update(repeated(group, candidates, self.found))
        if all(each.index in answered for each in candidates):
            return
        unsettled = [each for each in candidates if (each.index, group[0].kind) not in self._settled]
        self.also.update(answered_together(group, unsettled, self.found))

    def by_creation(self) -> None:
        """Give the first notification of a resource to the operation that created it, or brought it to the user."""
        seen: set[tuple[int, str]] = set()
        created: set[int] = set()
        for index, notification in enumerate(self._notifications if self._creating else ()):
            subject = self._subject_of(index)
            if subject is None or (notification.user, subject.resource_id) in seen:
                continue
            seen.add((notification.user, subject.resource_id))
            is_guessed = index not in self.found or self.found[index][1] == "order"
            if is_guessed and self.causes[index] is None:
                cause = self._creator(notification, subject, created)
                if cause is not None:
                    created.add(cause.index)
                    self.found[index] = (cause, "creation")

    def _creator(
        self, notification: Notification, subject: operations.Subject, created: set[int]
    ) -> CauseCandidate | None:
        """Return the operation that created a resource: its response names it, or it was under way or just over."""
        creating = self._creating.get(notification.user, [])
        begun = creating[: bisect_right(creating, notification.seen, key=lambda each: each.began)]
        free = [each for each in reversed(begun) if each.index not in created and _may_create(each, subject)]
        for each in free:
            if subject.resource_id.encode() in self._exchanges[each.index].response.body:
                return each
        for each in free:
            began = self._operations[notification.user]
            is_latest = bisect_right(began, notification.seen) == bisect_right(began, each.began)
            if each.ended > notification.seen or (is_latest and notification.seen - each.ended < _SOON):
                return each
        return None

    def _group(self, notification: OpenNotification, user: int) -> None:
        subject = notification.subject
        resource = (subject.channel.key, subject.resource_id) if subject else ()
        self.groups.setdefault((user, *resource, notification.kind), []).append(notification)

    def _possible(self, notification: OpenNotification) -> list[CauseCandidate]:
        """Return the operations that a notification can answer, in order; of any resource, if it shows none."""
        if notification.index not in self._possible_of:
            self._possible_of[notification.index] = list(self._find_possible(notification))
        return self._possible_of[notification.index]

    def _find_possible(self, notification: OpenNotification) -> Iterator[CauseCandidate]:
        user, subject = self._notifications[notification.index].user, notification.subject
        by_resource = self._by_resource
        lists: Iterable[Sequence[CauseCandidate]] = (each for (who, _), each in by_resource.items() if who == user)
        if subject:
            lists = (by_resource.get((user, subject.resource_id), ()), by_resource.get((user, None), ()))
        found = merge(*lists, key=lambda each: each.index)
        return (each for each in found if _may_answer(each, notification))


def _may_have_effects(exchange: Exchange) -> bool:
    """Return whether notifications may answer a request: unless the server refused it."""
    return exchange.outcome != "response" or api.may_be_done(exchange.response.status, exchange.response_json)


def _may_answer(candidate: CauseCandidate, notification: OpenNotification) -> bool:
    """Return whether an operation can be about the notification's resource, and be answered by its kind."""
    call, subject = candidate.call, notification.subject
    if subject and (call.channel is not subject.channel or call.resource_id not in (None, subject.resource_id)):
        return False
    return call.answered_by(notification.kind) or (notification.kind == ERROR and subject is not None)


def _may_create(candidate: CauseCandidate, subject: operations.Subject) -> bool:
    """Return whether an operation can create a resource of a channel: any can that is not of another channel."""
    channel = candidate.call.channel
    return channel is None or channel is subject.channel


def _has_own_id(candidate: CauseCandidate, notification: OpenNotification) -> bool:
    """Return whether a notification bears the id that a client gave its operation: then its kind does not matter."""
    subject = notification.subject
    same_resource = subject is not None and candidate.call.resource_id == subject.resource_id
    return same_resource and isinstance(notification.reference, str)


def _repeated_references(group: Sequence[OpenNotification]) -> tuple[list[OpenNotification], dict[int, int]]:
    """Part a group into first notifications and those (by index) that repeat the reference of one before them.

    Both answer the same operation. A number that comes again after a smaller one is another's: the server has begun
    to count anew.
    """
    once: list[OpenNotification] = []
    again: dict[int, int] = {}
    first: dict[int | str, int] = {}
    numbers: list[int] = []
    for each in group:
        reference = each.reference
        while isinstance(reference, int) and numbers and numbers[-1] > reference:
            first.pop(numbers.pop())
        if reference is None or reference not in first:
            once.append(each)
            if reference is not None:
                first[reference] = each.index
            if isinstance(reference, int):
                numbers.append(reference)
        else:
            again[each.index] = first[reference]
    return once, again
