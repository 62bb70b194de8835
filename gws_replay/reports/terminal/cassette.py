"""Cassettes and verdicts as text for a terminal. Recorded text is escaped, so that it cannot steer the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.counted import counted
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Exchange, Notification, WebSocketMessage
from gws_replay.core.oracle.history import movements
from gws_replay.core.oracle.judge import Update, Verdict
from gws_replay.reports.terminal.style import PLAIN, Kind, Look

# The columns before an exchange, a notification, and the changes that they show.
_EXCHANGE, _NOTIFICATION, _INDENT = 16, 21, 20
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
    events: list[tuple[float, int, Exchange | Notification | WebSocketMessage]] = [
        *((exchange.began, index, exchange) for index, exchange in enumerate(cassette.interactions)),
        *((each.seen, index, each) for index, each in enumerate(cassette.notifications)),
        *((each.seen, index, each) for index, each in enumerate(cassette.messages)),
    ]
    changed = _changes(cassette, look) if changes else {}
    names = cassette.user_names
    for at, index, event in sorted(events, key=lambda each: each[0]):
        time = look.paint(f"{at:>9.3f}", "quiet")
        user = printable(names[event.user]) if names else ""
        if isinstance(event, Exchange):
            place = f"interaction {index}"
            yield f"{index:>4} {time}  {_exchange(event, look, user)}"
            if bodies:
                yield from _body("sent", event.request.body)
                yield from _body("received", event.response.body)
        elif isinstance(event, WebSocketMessage):
            place = f"websocket message {index}"
            yield f"{'':>4} {time}    {_websocket_message(event, index, look, user)}"
            if bodies:
                yield from _body("sent" if event.from_client else "received", event.as_bytes)
        else:
            place = f"notification {index}"
            yield f"{'':>4} {time}    {look.paint('<-', 'push')} {_notification(event, index, look, user)}"
            if bodies:
                yield from _body("data", event.data.encode())
        yield from changed.get(place, ())
    for sentence in cassette.not_replayed:
        yield from look.sentence(printable(f"note: {sentence}"), 0)


def verdict(update: Update, source: str, *, details: bool = False, look: Look = PLAIN) -> Iterator[str]:
    """Yield the lines of one verdict: what changed; for a failed one also why, where, and which command shows more."""
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
    """Return a line with the number of operations of each verdict."""
    counts = Counter(verdicts)
    return (
        f"{counted(counts.total(), 'userData operation')} in {counted(cassettes, 'cassette')}: "
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['unknown']} cannot tell"
    )


def summary(cassette: Cassette) -> str:
    """Return a line with the contents of a cassette and its duration."""
    ends = [
        *(each.ended for each in cassette.interactions),
        *(each.seen for each in cassette.notifications),
        *(each.seen for each in cassette.messages),
    ]
    facts = "".join(f", {name} {cassette.header[name]}" for name in _FACTS if cassette.header.get(name))
    return printable(
        f"{counted(len(cassette.interactions), 'exchange')} and {counted(len(cassette.notifications), 'notification')} "
        f"in {max(ends, default=0.0):.3f} s{facts}"
    )


def _changes(cassette: Cassette, look: Look) -> Mapping[str, list[str]]:
    """Return lines for the userData changes that each message shows, by its place."""
    found: dict[str, list[str]] = {}
    for before, after, changes in movements(cassette):
        first = printable(f"userData of {after.resource_id}: {len(after.data)} keys")
        lines = [look.change(each, _INDENT) for each in changes.entries] if before else [f"{'':>{_INDENT}}{first}"]
        found.setdefault(after.place, []).extend(lines)
    return found


def _exchange(exchange: Exchange, look: Look, user: str) -> str:
    call = api.call_of(exchange.request, exchange.request_json)
    code = api.code_of(exchange.response_json)
    what = f"{call.operation} {call.resource_id or exchange.request.path}"
    if not call.operation:
        what = f"{exchange.request.method} {exchange.request.path}"
    status = printable(f"HTTP {exchange.response.status}" + (f", {code}" if code else ""))
    took = f"{(exchange.ended - exchange.began) * 1000:.0f} ms" + (f"  {user}" if user else "")
    result = look.cut(status, _EXCHANGE + len(took) + 2 + 12)
    shown = look.cut(printable(what), _EXCHANGE + len(result) + len(took) + 4, keep="both")
    refused = not api.succeeded(exchange.response.status, exchange.response_json)
    return (
        f"{look.paint(shown, 'strong')}  {look.paint(result, 'bad' if refused else None)}  {look.paint(took, 'quiet')}"
    )


def _notification(notification: Notification, index: int, look: Look, user: str) -> str:
    subject = api.subject_of(notification.value)
    kind = api.kind_of(notification.value) or notification.channel
    reference = api.spelled_reference(notification.value)
    what = printable(f"notification {index}: {kind} {subject.resource_id if subject else ''}{reference}")
    cause, how = "unsolicited", ""
    if found := notification.cause:
        cause = f"answers {' and '.join(map(str, found.interactions))}" + (
            ", guessed: pin it" if found.is_guessed else ""
        )
        how = f" ({found.rule}, after the {found.after})"
    cause = f"{user}  {cause}" if user else cause
    room = look.room(_NOTIFICATION + len(what) + 2 + len(cause))
    if room is not None and len(how) > room:
        how = ""
    return f"{look.cut(what, _NOTIFICATION + 2 + len(cause), keep='both')}  {look.paint(cause + how, 'quiet')}"


def _websocket_message(message: WebSocketMessage, index: int, look: Look, user: str) -> str:
    arrow = look.paint("->" if message.from_client else "<-", "push")
    size = f"{len(message.content)} {'characters' if isinstance(message.content, str) else 'bytes'}"
    what = printable(f"websocket message {index} of connection {message.connection}: {message.path}")
    end = f"{user}  {size}" if user else size
    return f"{arrow} {look.cut(what, _NOTIFICATION + 2 + len(end), keep='both')}  {look.paint(end, 'quiet')}"


def _body(label: str, body: bytes) -> Iterator[str]:
    lines = body.decode(errors="backslashreplace").splitlines()
    yield from (
        f"{'':>16}{label if number == 0 else ' ' * len(label)} {printable(line)}" for number, line in enumerate(lines)
    )
