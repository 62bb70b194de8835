"""Cassettes and verdicts as text for a terminal. What was recorded is escaped: it cannot steer the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping

from gws_replay.core import api
from gws_replay.core.change import compare_userdata, printable
from gws_replay.core.judge import Update
from gws_replay.core.model import Cassette, Exchange, Notification
from gws_replay.core.userdata import Snapshot, history


def timeline(cassette: Cassette, *, changes: bool = True, bodies: bool = False) -> Iterator[str]:
    """Yield the lines of a cassette in time order: exchanges, notifications with their causes, userData changes."""
    facts = {name: cassette.header.get(name) for name in ("api", "server", "recorded", "recorder", "redaction")}
    yield printable(f"{cassette.source}: {', '.join(f'{name} {value}' for name, value in facts.items() if value)}")
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
        yield from (f"{'':>20}{line}" for line in moved.get((isinstance(event, Exchange), index), ()))


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


def _moves(cassette: Cassette) -> Mapping[tuple[bool, int], list[str]]:
    """Say what each snapshot shows changed against the one before it; keyed by (is exchange, index)."""
    moves: dict[tuple[bool, int], list[str]] = {}
    for group in history(cassette).values():
        last: Snapshot | None = None
        for snapshot in group:
            place = (snapshot.interaction is not None, snapshot.interaction or snapshot.notification or 0)
            if last is None:
                lines = [f"userData of {snapshot.resource_id}: {len(snapshot.data)} keys"]
            else:
                lines = [str(change) for change in compare_userdata(last.data, snapshot.data).entries]
            moves.setdefault(place, []).extend(map(printable, lines))
            last = snapshot
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
