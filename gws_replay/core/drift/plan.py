"""Which recorded requests are sent to a live system again, and what each of them waits for.

Without permission only requests that change nothing are sent. A request waits for the responses and the notifications
that had come before it in the recording, except for notifications whose cause is not sent.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import texts_in
from gws_replay.core.drift.live_values import SECRET, LiveValues
from gws_replay.core.model import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """A recorded request to be sent; `name` is for messages, `index` its place in the cassette.

    `waits_for` are the notifications that had come since the request before it, by their places; `pause` is how many
    seconds it came after the last thing that had happened. `reads` says that it changes nothing.
    """

    index: int
    name: str
    exchange: Exchange
    reads: bool
    waits_for: tuple[int, ...]
    pause: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The requests in their order, and the writing operations that are skipped, by their places.

    `needs_cometd` says whether there are notifications that no skipped operation causes.
    """

    requests: tuple[PlannedRequest, ...]
    skipped: tuple[int, ...]
    needs_cometd: bool

    def skipped_names(self, baseline: Cassette) -> Counter[str]:
        """Count what is skipped by its name."""
        return Counter(name_of(baseline.interactions[index]) for index in self.skipped)


def plan(baseline: Cassette, *, writes: bool) -> Plan:
    """Plan what is sent; without `writes` only what changes nothing."""
    skipped = () if writes else tuple(n for n, each in enumerate(baseline.interactions) if not reads(each))
    notifications = sorted(range(len(baseline.notifications)), key=lambda n: baseline.notifications[n].seen)
    left_out = set(skipped)
    requests: list[PlannedRequest] = []
    at, last = 0, 0.0
    under_way: list[float] = []
    for index, exchange in enumerate(baseline.interactions):
        if index in left_out:
            continue
        start, began = at, exchange.began
        while at < len(notifications) and baseline.notifications[notifications[at]].seen <= began:
            at += 1
        waits_for = tuple(n for n in notifications[start:at] if not _is_left_out(baseline, n, left_out))
        over = (each for each in under_way if each <= began)
        last = max((last, *over, *(baseline.notifications[n].seen for n in waits_for))) if requests else began
        requests.append(
            PlannedRequest(
                index=index,
                name=name_of(exchange),
                exchange=exchange,
                reads=reads(exchange),
                waits_for=waits_for,
                pause=began - last,
            )
        )
        under_way = [*(each for each in under_way if each > began), exchange.ended]
        last = began
    needs_cometd = not all(_is_left_out(baseline, n, left_out) for n in notifications)
    return Plan(requests=tuple(requests), skipped=skipped, needs_cometd=needs_cometd)


def reads(exchange: Exchange) -> bool:
    """Tell whether a request changes nothing: a GET, or an operation that is known to change nothing."""
    if exchange.request.is_safe:
        return True
    call = api.call_of(exchange.request, exchange.request_json)
    return call.row is not None and call.row.reads


def name_of(exchange: Exchange) -> str:
    """Return the name of a request for messages: its operation, or method and path, without a session in the path."""
    call = api.call_of(exchange.request, exchange.request_json)
    return call.operation or f"{exchange.request.method} {exchange.request.path.partition(';')[0]}"


def refused(baseline: Cassette, requests: Sequence[PlannedRequest], values: LiveValues) -> str | None:
    """Say why a writing request can never be sent: it holds a redacted value that no response before it shows."""
    sent = {each.index for each in requests}
    messages = [
        *((each.ended, each.response_json) for n, each in enumerate(baseline.interactions) if n in sent),
        *((each.seen, each.value) for each in baseline.notifications),
    ]
    messages.sort(key=lambda each: each[0])
    shown: set[str] = set()
    at = 0
    for planned in requests:
        while at < len(messages) and messages[at][0] <= planned.exchange.began:
            shown.update(values.stand_ins.intersection(texts_in(messages[at][1])))
            at += 1
        for stand_in in () if planned.reads else values.needed(planned.index):
            if stand_in == SECRET or (stand_in in values.stand_ins and stand_in not in shown):
                return f"interaction {planned.index} ({planned.name}) cannot be sent: {why_missing(stand_in)}"
    return None


def why_missing(stand_in: str) -> str:
    """Say what a request lacks: the live value of an id or a stand-in, or a secret."""
    if stand_in == SECRET:
        return "it holds a secret, which was redacted"
    return f"no earlier response shows what {stand_in!r} stands for: give it with --bind {stand_in!r}=LIVE"


def _is_left_out(baseline: Cassette, notification: int, left_out: set[int]) -> bool:
    cause = baseline.notifications[notification].cause
    return cause is not None and cause.interaction in left_out
