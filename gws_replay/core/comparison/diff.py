"""The differences between a candidate recording and a baseline, operation by operation.

Each is a finding: values of requests, responses and notifications by path, what only one side has, causes, the order
of what did not overlap, verdicts, and (for information) times. If later messages show a difference of userData again,
only the first finding counts. diff(a, b) mirrors diff(b, a).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.finding import SEVERITY, SHOWN_BEFORE, VOLATILE, Finding, Kind, Severity, spelled
from gws_replay.core.comparison.id_mapping import namings
from gws_replay.core.comparison.pairing import (
    Item,
    NamedExchange,
    NamedNotification,
    Pair,
    named_exchanges,
    named_notifications,
    pair_exchanges,
    pair_notifications,
)
from gws_replay.core.comparison.volatile import Step, Volatile
from gws_replay.core.json_paths import NOTHING, Place, differences
from gws_replay.core.lossless_json import canonical
from gws_replay.core.oracle.judge import Update

# How much longer something must take, by factor and in seconds, to be a finding.
SLOWER, SECONDS = 3.0, 1.0
UNSOLICITED = "(unsolicited)"


def diff(
    baseline: Cassette, candidate: Cassette, *, severity: Mapping[Kind, Severity] | None = None
) -> tuple[Finding, ...]:
    """Return what differs, in the order of the recordings; the suppressed findings too.

    `severity` overrides that of single kinds.
    """
    return Comparison(baseline, candidate, {**SEVERITY, **(severity or {})}).findings()


def operations(cassette: Cassette) -> list[str]:
    """Return what findings call each exchange of a recording, in order."""
    return [each.operation for each in named_exchanges(cassette, namings(cassette, cassette)[0])]


class Comparison:
    """Two recordings, the names of each (`names`), and what is paired: `exchanges`, and `notifications`."""

    def __init__(self, baseline: Cassette, candidate: Cassette, severity: Mapping[Kind, Severity]) -> None:
        self._severity = severity
        self._cassettes = baseline, candidate
        self.names = names = namings(baseline, candidate)
        self._resources = names[0].resources | names[1].resources
        self._things = names[0].things | names[1].things
        self._named = named_exchanges(baseline, names[0]), named_exchanges(candidate, names[1])
        self.exchanges = pair_exchanges(*self._named)
        notifications = named_notifications(baseline, names[0]), named_notifications(candidate, names[1])
        self.notifications = pair_notifications(*notifications, self.exchanges)
        written = {
            key for each in (*self._named[0], *self._named[1]) for key in each.call.writes or () if isinstance(key, str)
        }
        self._volatile = Volatile(written)

    def findings(self) -> tuple[Finding, ...]:
        """Return everything that was found."""
        found = [*self._of_exchanges(), *self._of_notifications(), *self._of_order(), *self._of_verdicts()]
        found.sort(key=self._rank)
        return tuple(self._shown_once(found))

    def _of_exchanges(self) -> Iterator[Finding]:
        for pair in self.exchanges:
            mine, theirs = pair
            if mine is None or theirs is None:
                yield self._only_one(pair, ())
                continue
            yield from self._values(pair, ("request",), mine.sent, theirs.sent)
            yield from self._values(pair, ("answer",), mine.answer, theirs.answer)
            yield from self._slower(
                pair, ("answer",), *(each.exchange.ended - each.exchange.began for each in (mine, theirs))
            )

    def _of_notifications(self) -> Iterator[Finding]:
        numbers = [{each.index: n for n, pair in enumerate(self.exchanges) if (each := pair[side])} for side in (0, 1)]
        for pair in self.notifications:
            mine, theirs = pair
            top = (f"notification {next(each.kind for each in pair if each)}",)
            if mine is None or theirs is None:
                yield self._only_one(pair, top)
                continue
            yield from self._values(pair, top, mine.data, theirs.data)
            causes = [
                None if each.cause is None else numbers[side][each.cause] for side, each in enumerate((mine, theirs))
            ]
            if causes[0] != causes[1]:
                shown = [self._operation(side, each) for side, each in enumerate((mine, theirs))]
                yield self._finding(pair, (*top, "cause"), "cause", *shown)
            elif causes[0] is not None:
                began = [self._named[side][each.cause or 0].exchange.began for side, each in enumerate((mine, theirs))]
                yield from self._slower(
                    pair, top, mine.notification.seen - began[0], theirs.notification.seen - began[1]
                )

    def _values(self, pair: Pair[Item], top: tuple[Step, ...], before: Any, after: Any) -> Iterator[Finding]:
        for each in differences(before, after):
            path = (*top, *each.path)
            found = self._finding(pair, path, each.kind, each.before, each.after)
            written = self._volatile.is_written(path)
            hidden = VOLATILE if self._is_volatile(each, path) else ""
            yield replace(found, resource=self._owner(path) or found.resource, suppressed=hidden, written=written)

    def _is_volatile(self, place: Place, path: tuple[Step, ...]) -> bool:
        """Tell another value of a volatile attribute, which is not a finding; that it appears or goes is one."""
        inside = any(path[:end] in self._volatile for end in range(2, len(path)))
        return inside or (place.kind == "value" and path in self._volatile)

    def _owner(self, path: tuple[Step, ...]) -> str | None:
        return next((str(step) for step in path if step in self._resources), None)

    def _only_one(self, pair: Pair[Item], path: tuple[Step, ...]) -> Finding:
        shown = [NOTHING if each is None else each.summary for each in pair]
        return self._finding(pair, path, "added" if pair[0] is None else "removed", *shown)

    def _slower(self, pair: Pair[Item], top: tuple[Step, ...], before: float, after: float) -> Iterator[Finding]:
        small, great = sorted((before, after))
        if great - small > SECONDS and great > SLOWER * small:
            yield self._finding(pair, (*top, "seconds"), "timing", round(before, 3), round(after, 3))

    def _of_order(self) -> Iterator[Finding]:
        """Yield neighbours of one recording that the other has in the opposite order, and that overlap in neither."""
        pairs = [(mine, theirs) for mine, theirs in self.exchanges if mine and theirs]
        reordered = set()
        for side in (0, 1):
            ordered = sorted(pairs, key=lambda pair: pair[side].index)
            for one, other in pairwise(ordered):
                first, second = sorted((one, other), key=lambda pair: pair[0].index)
                if first[1].index < second[1].index:
                    continue
                if _ended_before(first[0], second[0]) and _ended_before(second[1], first[1]):
                    reordered.add((first[0].index, second[0].index))
        by_index = {pair[0].index: pair for pair in pairs}
        for first_index, second_index in sorted(reordered):
            first, second = sorted((by_index[first_index], by_index[second_index]), key=_symmetric)
            names = [f"{pair[0].operation} {pair[0].resource}".strip() for pair in (first, second)]
            orders = [names if first[side].index < second[side].index else names[::-1] for side in (0, 1)]
            yield self._finding(first, ("order",), "order", *(" then ".join(order) for order in orders))

    def _of_verdicts(self) -> Iterator[Finding]:
        updates: list[dict[int, Update]] = [
            {each.interaction: each for each in one.updates()} for one in self._cassettes
        ]
        for pair in self.exchanges:
            verdicts = [updates[side].get(each.index) if each else None for side, each in enumerate(pair)]
            if verdicts[0] and verdicts[1] and verdicts[0].verdict != verdicts[1].verdict:
                yield self._finding(pair, ("verdict",), "verdict", *(_verdict(each) for each in verdicts if each))

    def _operation(self, side: int, each: NamedExchange | NamedNotification) -> str:
        if isinstance(each, NamedExchange):
            return each.operation
        return UNSOLICITED if each.cause is None else self._named[side][each.cause].operation

    def _finding(self, pair: Pair[Item], path: tuple[Step, ...], kind: Kind, before: Any, after: Any) -> Finding:
        names = {self._operation(side, each) for side, each in enumerate(pair) if each}
        names = names - {UNSOLICITED} or names
        return Finding(
            operation=" / ".join(sorted(names)),
            resource=next(each.resource for each in pair if each),
            path=path,
            before=before,
            after=after,
            kind=kind,
            severity=self._severity[kind],
            place=(pair[0].place if pair[0] else None, pair[1].place if pair[1] else None),
            pattern=spelled("*" if isinstance(step, int) or step in self._things else step for step in path),
        )

    def _rank(self, finding: Finding) -> tuple[Any, ...]:
        at = sorted(self._at(side, place) for side, place in enumerate(finding.place) if place)
        places = sorted(place or "" for place in finding.place)
        # What tells two findings apart must not depend on which recording is the baseline.
        shown = zip(
            map(_spelling, (finding.before, finding.after)), (place or "" for place in finding.place), strict=True
        )
        return (
            *at[:1],
            places,
            spelled(finding.path),
            finding.operation,
            finding.resource,
            sorted(shown),
            finding.kind,
        )

    def _at(self, side: int, place: str) -> float:
        what, _, index = place.partition(" ")
        cassette = self._cassettes[side]
        if what == "interaction":
            return cassette.interactions[int(index)].began
        return cassette.notifications[int(index)].seen

    def _shown_once(self, found: Sequence[Finding]) -> Iterator[Finding]:
        """Suppress a difference in a resource that an earlier message about it shows."""
        shown: set[tuple[str, ...]] = set()
        for each in found:
            inside = self._inside_resource(each.path)
            if not inside or each.suppressed:
                yield each
                continue
            difference = (
                each.resource,
                spelled(inside),
                each.kind,
                *(_spelling(value) for value in (each.before, each.after)),
            )
            yield replace(each, suppressed=SHOWN_BEFORE) if difference in shown else each
            shown.add(difference)

    def _inside_resource(self, path: tuple[Step, ...]) -> tuple[Step, ...]:
        """Return the rest of a path that leads into a resource; empty for any other."""
        if path[:2] == ("request", "body"):
            return path[2:] if not api.USER_DATA.isdisjoint(path[2:-1]) else ()
        tops = [place for place, step in enumerate(path) if step in self._resources or step in api.RESOURCE_NAMES]
        if not tops:
            return ()
        inside = path[tops[0] + 1 :]
        return inside[1:] if inside and inside[0] in self._resources else inside


def _ended_before(earlier: NamedExchange, later: NamedExchange) -> bool:
    """Tell whether one ended before the other began: only then do they have an order."""
    return earlier.exchange.ended <= later.exchange.began


def _symmetric(pair: tuple[NamedExchange, NamedExchange]) -> tuple[Any, ...]:
    places = sorted(each.index for each in pair)
    return (places, pair[0].operation, pair[0].resource, sorted((each.whole(), each.index) for each in pair))


def _verdict(update: Update) -> str:
    return "; ".join((update.verdict, *update.reasons[:1]))


def _spelling(value: Any) -> str:
    return "" if value is NOTHING else canonical(value)
