"""Cassettes and verdicts as text for a terminal. What was recorded is escaped: it cannot steer the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping

from gws_replay.core import api
from gws_replay.core.change import printable
from gws_replay.core.judge import Update
from gws_replay.core.model import Cassette, Exchange, Notification
from gws_replay.core.userdata import movements

_FACTS = ("api", "server", "recorded", "recorder", "redaction")


def timeline(cassette: Cassette, *, changes: bool = True, bodies: bool = False) -> Iterator[str]:
    """Yield the lines of a cassette in time order: exchanges, notifications with their causes, userData changes."""
    facts = (f"{name} {cassette.header[name]}" for name in _FACTS if cassette.header.get(name))
    yield printable(f"{cassette.source}: {', '.join(facts)}")
    events: list[tuple[float, int, Exchange | Notification]] = [
        *((exchange.began, index, exchange) for index, exchange in enumerate(cassette.interactions)),
        *((told.seen, index, told) for index, told in enumerate(cassette.notifications)),
    ]
    moved = _moves(cassette) if changes else {}
    for at, index, event in sorted(events, key=lambda each: each[0]):
        if isinstance(event, Exchange):
            yield f"{index:>4} {at:>9.3f}  {printable(_exchange(event))}"
            if bodies:
                yield from _body("sent", event.request.body)
                yield from _body("got", event.response.body)
        else:
            yield f"{'':>4} {at:>9.3f}    <- {printable(_notification(event, index))}"
            if bodies:
                yield from _body("data", event.data.encode())
        yield from (
            f"{'':>20}{line}"
            for line in moved.get(f"{'interaction' if isinstance(event, Exchange) else 'notification'} {index}", ())
        )


def verdict(update: Update, source: str, *, details: bool = False) -> Iterator[str]:
    """Yield the lines of one verdict: what changed, and for a failed one why, where, and what shows more."""
    what = printable(f"interaction {update.interaction}  {update.operation} {update.resource_id}")
    changed = ", ".join(sorted(update.changes.keys - set(update.ignored))) or "nothing"
    ignored = f"; ignored: {', '.join(update.ignored)}" if update.ignored else ""
    label = {"passed": "passed", "failed": "FAILED", "unknown": "cannot tell"}[update.verdict]
    passed = f": exactly {changed} changed" if update.verdict == "passed" else ""
    yield f"  {label:<11} {what}{printable(passed + ignored)}"
    indent = " " * 14
    yield from (f"{indent}{printable(reason)}" for reason in update.reasons)
    if details or update.verdict == "failed":
        yield from (f"{indent}{change}" for change in update.changes.entries if update.verdict == "passed")
        if update.before and update.after:
            yield f"{indent}before: {update.before.place}, after: {update.after.place}"
    if update.verdict == "failed":
        yield f"{indent}more: gws-replay show {source}"


def tally(verdicts: Mapping[str, int], cassettes: int) -> str:
    """Say how many operations had which verdict."""
    counts = Counter(verdicts)
    return (
        f"{counts.total()} userData operation{'' if counts.total() == 1 else 's'} in "
        f"{cassettes} cassette{'' if cassettes == 1 else 's'}: "
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['unknown']} cannot tell"
    )


def summary(cassette: Cassette) -> str:
    """Say how much is in a cassette, and over how long a time."""
    ends = [*(each.ended for each in cassette.interactions), *(each.seen for each in cassette.notifications)]
    facts = "".join(f", {name} {cassette.header[name]}" for name in _FACTS if cassette.header.get(name))
    exchanges, told = len(cassette.interactions), len(cassette.notifications)
    return printable(
        f"{exchanges} exchange{'' if exchanges == 1 else 's'} and {told} notification{'' if told == 1 else 's'} "
        f"in {max(ends, default=0.0):.3f} s{facts}"
    )


def _moves(cassette: Cassette) -> Mapping[str, list[str]]:
    """Say what each snapshot shows changed against the one before it, by the place of its message."""
    moves: dict[str, list[str]] = {}
    for before, after, changes in movements(cassette):
        lines = map(str, changes.entries) if before else [f"userData of {after.resource_id}: {len(after.data)} keys"]
        moves.setdefault(after.place, []).extend(map(printable, lines))
    return moves


def _exchange(exchange: Exchange) -> str:
    call = api.call_of(exchange.request, exchange.sent)
    code = api.code_of(exchange.answer)
    what = f"{call.operation} {call.resource_id or exchange.request.path}"
    if not call.operation:
        what = f"{exchange.request.method} {exchange.request.path}"
    said = f"HTTP {exchange.response.status}" + (f", {code}" if code else "")
    return f"{what}  {said}  {(exchange.ended - exchange.began) * 1000:.0f} ms"


def _notification(told: Notification, index: int) -> str:
    subject = api.subject_of(told.value)
    kind = api.kind_of(told.value) or told.channel
    reference = api.spelled_reference(told.value)
    cause = "unsolicited"
    if told.cause:
        cause = f"answers {told.cause.interaction} ({told.cause.rule}, after the {told.cause.after})"
    return f"notification {index}: {kind} {subject.resource_id if subject else ''}{reference}  {cause}"


def _body(label: str, body: bytes) -> Iterator[str]:
    lines = body.decode(errors="backslashreplace").splitlines()
    yield from (f"{'':>16}{label if number == 0 else '':<4} {printable(line)}" for number, line in enumerate(lines))
