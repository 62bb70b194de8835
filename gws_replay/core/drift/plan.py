"""What a live system is to be asked again: which recorded requests, and what each of them waited for.

Only what asks and changes nothing is asked by itself; writing operations need leave. An answer is waited for where it
had come before the next request began, a notification likewise, unless what caused it is not asked.
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
class Question:
    """A recorded request to be asked; `name` is what people call it, `index` its place in the cassette.

    `heard` are the notifications that had come since the question before it, by their places; `pause` is how many
    seconds it came after the last thing that had happened.
    """

    index: int
    name: str
    exchange: Exchange
    reads: bool
    heard: tuple[int, ...]
    pause: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The questions in their order, and the writing operations that are left out, by their places.

    `hears` tells whether there are notifications but those of what is left out.
    """

    questions: tuple[Question, ...]
    skipped: tuple[int, ...]
    hears: bool

    def skipped_names(self, baseline: Cassette) -> Counter[str]:
        """Count what is left out by what people call it."""
        return Counter(name_of(baseline.interactions[index]) for index in self.skipped)


def plan(baseline: Cassette, *, writes: bool) -> Plan:
    """Plan what is asked; without `writes` only what changes nothing."""
    skipped = () if writes else tuple(n for n, each in enumerate(baseline.interactions) if not reads(each))
    told = sorted(range(len(baseline.notifications)), key=lambda n: baseline.notifications[n].seen)
    left_out = set(skipped)
    questions: list[Question] = []
    at, last = 0, 0.0
    under_way: list[float] = []
    for index, exchange in enumerate(baseline.interactions):
        if index in left_out:
            continue
        start, began = at, exchange.began
        while at < len(told) and baseline.notifications[told[at]].seen <= began:
            at += 1
        heard = tuple(n for n in told[start:at] if not _is_left_out(baseline, n, left_out))
        over = (each for each in under_way if each <= began)
        last = max((last, *over, *(baseline.notifications[n].seen for n in heard))) if questions else began
        questions.append(
            Question(
                index=index,
                name=name_of(exchange),
                exchange=exchange,
                reads=reads(exchange),
                heard=heard,
                pause=began - last,
            )
        )
        under_way = [*(each for each in under_way if each > began), exchange.ended]
        last = began
    hears = not all(_is_left_out(baseline, n, left_out) for n in told)
    return Plan(questions=tuple(questions), skipped=skipped, hears=hears)


def reads(exchange: Exchange) -> bool:
    """Tell whether a request only asks: a GET, or an operation that is known to change nothing."""
    if exchange.request.is_safe:
        return True
    call = api.call_of(exchange.request, exchange.request_json)
    return call.row is not None and call.row.reads


def name_of(exchange: Exchange) -> str:
    """Return what people call a request: its operation, or method and path, less the session that may stand in it."""
    call = api.call_of(exchange.request, exchange.request_json)
    return call.operation or f"{exchange.request.method} {exchange.request.path.partition(';')[0]}"


def refused(baseline: Cassette, questions: Sequence[Question], values: LiveValues) -> str | None:
    """Say why a writing question can never be asked: it holds what was redacted and no answer before it shows."""
    asked = {each.index for each in questions}
    messages = [
        *((each.ended, each.response_json) for n, each in enumerate(baseline.interactions) if n in asked),
        *((each.seen, each.value) for each in baseline.notifications),
    ]
    messages.sort(key=lambda each: each[0])
    shown: set[str] = set()
    at = 0
    for question in questions:
        while at < len(messages) and messages[at][0] <= question.exchange.began:
            shown.update(values.stand_ins.intersection(texts_in(messages[at][1])))
            at += 1
        for made in () if question.reads else values.needed(question.index):
            if made == SECRET or (made in values.stand_ins and made not in shown):
                return f"interaction {question.index} ({question.name}) cannot be asked: {lacking(made)}"
    return None


def lacking(made: str) -> str:
    """Say what a question lacks: the live value for an id or a stand-in, or a secret."""
    if made == SECRET:
        return "it holds a secret, which was redacted and is never asked for"
    return f"nothing before it shows what {made!r} stands for; say so with --bind {made!r}=LIVE"


def _is_left_out(baseline: Cassette, told: int, left_out: set[int]) -> bool:
    cause = baseline.notifications[told].cause
    return cause is not None and cause.interaction in left_out
