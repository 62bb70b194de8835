"""Cassettes and verdicts as text for a terminal. What was recorded is escaped: it cannot steer the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.counted import counted
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.history import movements
from gws_replay.core.oracle.judge import Update, Verdict
from gws_replay.reports.terminal.style import PLAIN, Kind, Look

# How many columns stand before an exchange, a notification, and what they show changed.
_ASKED, _TOLD, _INDENT = 16, 21, 20
_VERDICTS: Mapping[Verdict, tuple[str, Kind]] = {
    "passed": ("passed", "good"),
    "failed": ("FAILED", "bad"),
    "unknown": ("cannot tell", "odd"),
}
_FACTS = ("api", "server", "recorded", "recorder", "redaction")


def timeline(cassette: Cassette, *, changes: bool = True, bodies: bool = False, look: Look = PLAIN) -> Iterator[str]:
    """Yield the lines of a cassette in time order: exchanges, notifications with their causes, userData changes."""
    facts = (f"{name} {cassette.header[name]}" for name in _FACTS if cassette.header.get(name))
    yield from look.sentence(printable(f"{cassette.source}: {', '.join(facts)}"), 0)
    events: list[tuple[float, int, Exchange | Notification]] = [
        *((exchange.began, index, exchange) for index, exchange in enumerate(cassette.interactions)),
        *((told.seen, index, told) for index, told in enumerate(cassette.notifications)),
    ]
    moved = _moves(cassette, look) if changes else {}
    for at, index, event in sorted(events, key=lambda each: each[0]):
        time = look.paint(f"{at:>9.3f}", "quiet")
        if isinstance(event, Exchange):
            place = f"interaction {index}"
            yield f"{index:>4} {time}  {_exchange(event, look)}"
            if bodies:
                yield from _body("sent", event.request.body)
                yield from _body("got", event.response.body)
        else:
            place = f"notification {index}"
            yield f"{'':>4} {time}    {look.paint('<-', 'push')} {_notification(event, index, look)}"
            if bodies:
                yield from _body("data", event.data.encode())
        yield from moved.get(place, ())


def verdict(update: Update, source: str, *, details: bool = False, look: Look = PLAIN) -> Iterator[str]:
    """Yield the lines of one verdict: what changed, and for a failed one why, where, and what shows more."""
    what = printable(f"interaction {update.interaction}  {update.operation} {update.resource_id}")
    changed = ", ".join(sorted(update.changes.keys - {*update.ignored, *update.coerced}))
    not_counted = (("ignored", update.ignored), ("coerced", update.coerced))
    ignored = "".join(f"; {name}: {', '.join(keys)}" for name, keys in not_counted if keys)
    label, kind = _VERDICTS[update.verdict]
    passed = f": {f'exactly {changed}' if changed else 'nothing'} changed" if update.verdict == "passed" else ""
    indent = 14
    first = f"  {look.paint(f'{label:<11}', kind)} "
    yield from look.sentence(what + printable(passed + ignored), indent, first)
    for reason in update.reasons:
        yield from look.sentence(printable(reason), indent)
    if details or update.verdict == "failed":
        yield from (look.change(change, indent) for change in update.changes.entries if update.verdict == "passed")
        if update.before and update.after:
            places = f"before: {update.before.place}, after: {update.after.place}"
            yield from look.sentence(places, indent, kind="quiet")
    if update.verdict == "failed":
        yield f"{' ' * indent}more: gws-replay show {source}"


def explanation(update: Update, *, look: Look = PLAIN) -> Iterator[str]:
    """Yield the lines of the evidence behind a verdict."""
    for each in update.evidence():
        yield from look.sentence(printable(each.text), 14, f"    {look.paint(f'{each.about:<9}', 'quiet')} ")


def tally(verdicts: Mapping[str, int], cassettes: int) -> str:
    """Say how many operations had which verdict."""
    counts = Counter(verdicts)
    return (
        f"{counted(counts.total(), 'userData operation')} in {counted(cassettes, 'cassette')}: "
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['unknown']} cannot tell"
    )


def summary(cassette: Cassette) -> str:
    """Say how much is in a cassette, and over how long a time."""
    ends = [*(each.ended for each in cassette.interactions), *(each.seen for each in cassette.notifications)]
    facts = "".join(f", {name} {cassette.header[name]}" for name in _FACTS if cassette.header.get(name))
    return printable(
        f"{counted(len(cassette.interactions), 'exchange')} and {counted(len(cassette.notifications), 'notification')} "
        f"in {max(ends, default=0.0):.3f} s{facts}"
    )


def _moves(cassette: Cassette, look: Look) -> Mapping[str, list[str]]:
    """Say what each snapshot shows changed against the one before it, by the place of its message."""
    moves: dict[str, list[str]] = {}
    for before, after, changes in movements(cassette):
        known = printable(f"userData of {after.resource_id}: {len(after.data)} keys")
        lines = [look.change(each, _INDENT) for each in changes.entries] if before else [f"{'':>{_INDENT}}{known}"]
        moves.setdefault(after.place, []).extend(lines)
    return moves


def _exchange(exchange: Exchange, look: Look) -> str:
    call = api.call_of(exchange.request, exchange.request_json)
    code = api.code_of(exchange.response_json)
    what = f"{call.operation} {call.resource_id or exchange.request.path}"
    if not call.operation:
        what = f"{exchange.request.method} {exchange.request.path}"
    status = printable(f"HTTP {exchange.response.status}" + (f", {code}" if code else ""))
    took = f"{(exchange.ended - exchange.began) * 1000:.0f} ms"
    said = look.cut(status, _ASKED + len(took) + 2 + 12)
    shown = look.cut(printable(what), _ASKED + len(said) + len(took) + 4, keep="both")
    refused = not api.succeeded(exchange.response.status, exchange.response_json)
    return f"{look.paint(shown, 'strong')}  {look.paint(said, 'bad' if refused else None)}  {look.paint(took, 'quiet')}"


def _notification(told: Notification, index: int, look: Look) -> str:
    subject = api.subject_of(told.value)
    kind = api.kind_of(told.value) or told.channel
    reference = api.spelled_reference(told.value)
    what = printable(f"notification {index}: {kind} {subject.resource_id if subject else ''}{reference}")
    cause, how = "unsolicited", ""
    if told.cause:
        cause, how = f"answers {told.cause.interaction}", f" ({told.cause.rule}, after the {told.cause.after})"
    room = look.room(_TOLD + len(what) + 2 + len(cause))
    if room is not None and len(how) > room:
        how = ""
    return f"{look.cut(what, _TOLD + 2 + len(cause), keep='both')}  {look.paint(cause + how, 'quiet')}"


def _body(label: str, body: bytes) -> Iterator[str]:
    lines = body.decode(errors="backslashreplace").splitlines()
    yield from (f"{'':>16}{label if number == 0 else '':<4} {printable(line)}" for number, line in enumerate(lines))
