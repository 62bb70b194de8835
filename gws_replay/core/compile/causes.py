"""Which request each notification answers, found by evidence and written down with the rule that found it.

The rules in their order: a person's pin, referenceId, content, counting, order. "The latest request before it" alone is
wrong as soon as two operations overlap, so it comes last and is warned about.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from heapq import merge

from gws_replay.core.api import dialects as api
from gws_replay.core.api import schema as operations
from gws_replay.core.api.schema import ERROR
from gws_replay.core.compile.cause_matching import CauseCandidate, Told, pair
from gws_replay.core.model import Cause, Exchange, Moment, Notification, Rule

# How many parsed bodies are kept: those of a long recording would not fit into memory.
_PARSED = 256


def attribute(exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> tuple[Notification, ...]:
    """Give each notification its cause, or none where nothing speaks for one (unsolicited).

    Both sequences are in time order. Pinned causes stay as they are.
    """
    found = causes_of(exchanges, notifications)
    return tuple(replace(told, cause=cause) for told, cause in zip(notifications, found, strict=True))


def causes_of(exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> list[Cause | None]:
    """Return the cause of each notification. What the sequences give is looked at, and not kept."""
    run = _Run(exchanges, notifications)
    run.sort_by_reference()
    for group in sorted(run.groups.values(), key=lambda each: each[0].kind == ERROR):
        run.sort_by_evidence(group)
    for index, (asked, rule) in run.found.items():
        after: Moment = "response" if notifications[index].seen >= exchanges[asked.index].ended else "request"
        run.causes[index] = Cause(interaction=asked.index, rule=rule, after=after)
    return run.causes


class _Run:
    """One search for the causes of all notifications: what was asked, and what was found so far."""

    def __init__(self, exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> None:
        self.causes: list[Cause | None] = [None] * len(notifications)
        self.found: dict[int, tuple[CauseCandidate, Rule]] = {}
        # What no reference settles, by resource and kind.
        self.groups: dict[tuple[str | int, ...], list[Told]] = {}
        self._notifications = notifications
        self._settled: set[tuple[int, str]] = set()
        self._by_reference: dict[tuple[int, int | str], CauseCandidate] = {}
        self._by_resource: dict[tuple[int, str | None], list[CauseCandidate]] = {}
        self._call_of = lru_cache(_PARSED)(lambda at: api.call_of(exchanges[at].request, exchanges[at].request_json))
        self._subject_of = lru_cache(_PARSED)(lambda at: api.subject_of(notifications[at].value))
        for index, exchange in enumerate(exchanges):
            call = self._call_of(index)
            if call.operation and api.may_be_done(exchange.response.status, exchange.response_json):
                self._add(CauseCandidate.of(index, exchange.began, call, self._call_of), call, exchange)

    def _add(self, asked: CauseCandidate, call: operations.Call, exchange: Exchange) -> None:
        self._by_resource.setdefault((exchange.user, call.resource_id), []).append(asked)
        # The response names a referenceId, as those of workitems and open media do; or the request an operationId.
        for reference in (api.reference_of(exchange.response_json), api.reference_of(call.sent)):
            if reference is not None:
                self._by_reference[exchange.user, reference] = asked

    def sort_by_reference(self) -> None:
        """Settle what a person has pinned and what a reference names; the rest comes into groups."""
        for index, notification in enumerate(self._notifications):
            data = notification.value
            kind = api.kind_of(data)
            reference = api.reference_of(data)
            told = Told(index, notification.seen, kind, reference, self._subject_of)
            named = self._by_reference.get((notification.user, reference)) if reference is not None else None
            if notification.cause and notification.cause.rule == "pin":
                self.causes[index] = notification.cause
                self._settled.add((notification.cause.interaction, kind))
            elif named and named.began <= told.seen and (_may_answer(named, told) or _has_own_id(named, told)):
                self.found[index] = (named, "referenceId")
                self._settled.add((named.index, kind))
            else:
                subject = told.subject
                resource = (subject.channel.key, subject.resource_id) if subject else ()
                self.groups.setdefault((notification.user, *resource, kind), []).append(told)

    def sort_by_evidence(self, group: Sequence[Told]) -> None:
        """Find the causes of a group."""
        kind, user = group[0].kind, self._notifications[group[0].index].user
        open_ = [
            each
            for each in self._possible(user, group[0].subject)
            if (each.index, kind) not in self._settled and _may_answer(each, group[0])
        ]
        if kind == ERROR:  # it says that an operation failed: one that nothing else has answered
            answered = {each.index for each, _ in self.found.values()}
            open_ = [each for each in open_ if each.index not in answered]
        once, again = _told_again(group)
        self.found.update(pair(once, open_))
        repeated = ((index, first) for index, first in again.items() if first in self.found)
        self.found.update({index: (self.found[first][0], "referenceId") for index, first in repeated})

    def _possible(self, user: int, subject: operations.Subject | None) -> Iterator[CauseCandidate]:
        """Yield the operations that can be about a resource, in their order; all where none is shown."""
        by_resource = self._by_resource
        groups: Iterable[Sequence[CauseCandidate]] = (each for key, each in by_resource.items() if key[0] == user)
        if subject:
            groups = (by_resource.get((user, subject.resource_id), ()), by_resource.get((user, None), ()))
        return merge(*groups, key=lambda each: each.index)


def _may_answer(asked: CauseCandidate, told: Told) -> bool:
    """Tell whether an operation can be about the notification's resource, and be answered by its kind."""
    call, subject = asked.call, told.subject
    if subject and (call.channel is not subject.channel or call.resource_id not in (None, subject.resource_id)):
        return False
    return call.answered_by(told.kind) or (told.kind == ERROR and subject is not None)


def _has_own_id(asked: CauseCandidate, told: Told) -> bool:
    """Tell whether a notification bears the id that a client gave its operation: then its kind does not matter."""
    same_resource = told.subject is not None and asked.call.resource_id == told.subject.resource_id
    return same_resource and isinstance(told.reference, str)


def _told_again(group: Sequence[Told]) -> tuple[list[Told], dict[int, int]]:
    """Part a group into first notifications and those (by index) that repeat the reference of one before them.

    Both answer the same operation. A number that comes again after a smaller one is another's: the server has begun
    to count anew.
    """
    once: list[Told] = []
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
