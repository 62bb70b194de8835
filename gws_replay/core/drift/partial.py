"""A comparison with a run that did not send everything: what was not sent is not missed, nor what depends on it.

The baseline is compared without the exchanges that were not sent and what they caused. A resource shows other values
after a writing operation than without it: differences there do not count either.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gws_replay.core.api import dialects as api
from gws_replay.core.api.ids import is_long_id
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.finding import Finding
from gws_replay.core.comparison.id_mapping import Naming, namings
from gws_replay.core.drift.counterparts import ids_in
from gws_replay.core.drift.plan import reads
from gws_replay.core.model import Cause

NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class PartialBaseline:
    """The part of a baseline that was sent, and the places of its parts in the whole."""

    whole: Cassette
    part: Cassette
    exchanges: Sequence[int]
    notifications: Sequence[int]

    def findings(self, found: Iterable[Finding], candidate: Cassette) -> tuple[Finding, ...]:
        """Return findings with their places in the whole baseline; those that depend on what was not sent marked."""
        if self.part is self.whole:
            return tuple(found)
        names = namings(self.part, candidate)[0]
        since = {names.of_id(each): at for each, at in self._since().items()}
        return tuple(self._finding(each, since, names) for each in found)

    def _finding(self, finding: Finding, since: Mapping[str, float], names: Naming) -> Finding:
        what, _, number = (finding.place[0] or "").partition(" ")
        if not what:
            return finding
        about = {finding.resource, *map(str, finding.path)}
        if what == "interaction":
            index = self.exchanges[int(number)]
            at = self.whole.interactions[index].began
            about.update(names.path(self.whole.interactions[index].request.path).split("/"))
        else:
            index = self.notifications[int(number)]
            at = self.whole.notifications[index].seen
        depends = not finding.suppressed and any(at >= since[each] for each in about & since.keys())
        return replace(
            finding,
            place=(f"{what} {index}", finding.place[1]),
            suppressed=NOT_SENT if depends else finding.suppressed,
        )

    def _since(self) -> dict[str, float]:
        """Return what a writing operation that was not sent is about, by id, and when that began."""
        sent = set(self.exchanges)
        since: dict[str, float] = {}
        began = {}
        for index, exchange in enumerate(self.whole.interactions):
            if index in sent or reads(exchange):
                continue
            began[index] = exchange.began
            resource_id = api.call_of(exchange.request, exchange.request_json).resource_id
            steps = filter(is_long_id, exchange.request.path.split("/"))
            for each in (*([resource_id] if resource_id else ()), *steps, *ids_in(exchange.response_json)):
                since.setdefault(each, exchange.began)
        for notification in self.whole.notifications:
            subject = api.subject_of(notification.value)
            if subject and notification.cause and notification.cause.interaction in began:
                since.setdefault(subject.resource_id, began[notification.cause.interaction])
        return since


def sent_part(baseline: Cassette, sent: Collection[int], not_received: Collection[int] = ()) -> PartialBaseline:
    """Return the part of a baseline whose requests were `sent`, without the notifications of `not_received`."""
    exchanges = [n for n in range(len(baseline.interactions)) if n in sent]
    place = {index: number for number, index in enumerate(exchanges)}
    notifications = [
        n
        for n, notification in enumerate(baseline.notifications)
        if n not in not_received and (notification.cause is None or notification.cause.interaction in place)
    ]
    if len(exchanges) == len(baseline.interactions) and len(notifications) == len(baseline.notifications):
        return PartialBaseline(baseline, baseline, exchanges, notifications)
    kept = (baseline.notifications[n] for n in notifications)
    part = replace(
        baseline,
        interactions=tuple(baseline.interactions[n] for n in exchanges),
        notifications=tuple(replace(each, cause=_moved(each.cause, place)) if each.cause else each for each in kept),
    )
    return PartialBaseline(baseline, part, exchanges, notifications)


def _moved(cause: Cause, place: Mapping[int, int]) -> Cause:
    also = tuple(place[each] for each in cause.also if each in place)
    return replace(cause, interaction=place[cause.interaction], also=also)
