"""Edge: what a test's run of its cassettes comes to, as plain JSON data: counts, events, misses, userData.

Only redacted values come here: a cassette's, and those of a `Miss`. Every text is escaped and cut, so that it steers no
terminal and crosses to another process.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from gws_replay.core import gws
from gws_replay.core.change import Change, printable, show
from gws_replay.core.judge import Update, Verdict
from gws_replay.core.model import Cassette, Exchange, Notification
from gws_replay.core.replay import Miss
from gws_replay.core.track import Event as Happened
from gws_replay.errors import GwsReplayError

if TYPE_CHECKING:
    from gws_replay.playback import Playback
    from gws_replay.stage import Seat

_WIDEST = 300
_LONGEST_NAME = 90
_MOST_LEFT = 10
_MOST_UPDATES = 200
_RECORDED = re.compile(r"(\d+) exchanges? recorded to ")
_SECRET_PARTS = re.compile(r"(?<=//)[^/@\s]*@|\?\S*")

Kind = Literal["asked", "again", "told", "untold", "missed", "live"]


class Event(TypedDict):
    """One thing that happened: `what` it is about, what was `said`, and where it stands in the cassette."""

    kind: Kind
    what: str
    said: str
    where: str


class Missed(TypedDict):
    """A request without an answer, in a sentence, with the nearest recorded request and the differences to it."""

    text: str
    nearest: int | None
    differences: list[list[str]]


class Operation(TypedDict):
    """A userData operation that was played: its verdict, and each change as name, kind, before and after."""

    interaction: int
    cassette: str
    name: str
    verdict: Verdict
    reasons: list[str]
    changes: list[list[str]]
    unchanged: int
    places: str


class Details(TypedDict):
    """What only a whole page shows of a run."""

    events: list[Event]
    misses: list[Missed]
    operations: list[Operation]
    unplayed: list[str]
    stopped: list[str]


class Counts(TypedDict):
    """How much of a cassette a run played; `live` counts exchanges that were recorded."""

    played: int
    missed: int
    unplayed: int
    stopped: int
    live: int


class RanTest(TypedDict):
    """A marked test."""

    nodeid: str
    outcome: str
    seconds: float
    cassette: str
    counts: Counts
    recorded: str
    allows_hosts: bool
    details: NotRequired[Details]


def counts_of(run: "Playback", recorded: str = "") -> Counts:
    """Count; `recorded` is what became of a recording, in a sentence."""
    live = 0
    if found := _RECORDED.match(recorded):
        live = int(found[1]) - len(run.cassettes[0].interactions)
    recording = is_recording(run)
    return Counts(
        played=sum(seat.track.served for seat in run.stage.seats),
        missed=0 if recording else len(run.misses),
        unplayed=0 if recording else sum(_left(run)),
        stopped=len(run.blocked),
        live=live,
    )


def is_recording(run: "Playback") -> bool:
    """Tell a run that records, by the file that it keeps until its test has passed."""
    return hasattr(run, "pending")


def details_of(run: "Playback", judged: Iterable[Sequence[Update]]) -> Details:
    """Return what a page shows; `judged` are the verdicts on each cassette's operations."""
    return Details(
        events=events_of(run),
        misses=[] if is_recording(run) else [_missed(miss) for miss in run.misses],
        operations=list(_operations(run, judged)),
        unplayed=[_cut(text) for text in run.unplayed],
        stopped=_stopped(run),
    )


def section(run: "Playback", said: str, *, last: int = 10) -> str:
    """Return what a failed test is told of its run, except what its failure has `said` already."""
    events = events_of(run)
    shown = events[-last:]
    lines = [printable(run.name) + (f": the last {last} of {len(events)} events" if len(events) > last else "")]
    lines += [line_of(event) for event in shown] or ["nothing was asked"]
    if not is_recording(run):
        misses = [text for text in map(str, run.misses) if text.partition("\n")[0] not in said]
        lines += _titled("missed:", (line for text in misses for line in text.splitlines()))
        left = [text for text in run.unplayed if printable(text) not in said]
        more = [f"and {len(left) - _MOST_LEFT} more"] if len(left) > _MOST_LEFT else []
        lines += _titled("not played:", [*left[:_MOST_LEFT], *more])
    lines += _titled("stopped:", _stopped(run))
    return "\n".join(lines)


def line_of(event: Event) -> str:
    """Say one event in a line."""
    arrow = {"missed": "!!!", "told": "<--", "untold": "<-x"}.get(event["kind"], "-->")
    return "  ".join(filter(None, (f"{arrow} {event['what']}", event["said"], event["where"])))


def events_of(run: "Playback") -> list[Event]:
    """Return what happened in a run, in its order; for a recording, what it has recorded."""
    if is_recording(run):
        with suppress(GwsReplayError, OSError):  # what a proxy wrote down has become the cassette by now
            return list(_live(run.cassette))
        return []
    return [event for at, event in sorted(_seats_events(run), key=lambda each: each[0])]


def _seats_events(run: "Playback") -> Iterator[tuple[float, Event]]:
    seats = list(run.stage.used())
    for seat in seats:
        whose = f", user {seat.number + 1}" if len(seats) > 1 else ""
        with seat.lobby.lock:
            happened = tuple(seat.track.events)
            misses = tuple(seat.track.misses)
        untold = _untold(seat, happened)
        for at, kind, number, index in happened:
            if kind == "missed":
                yield at, _miss_event(misses[index], whose)
                continue
            cassette = run.cassettes[number]
            where = f" of {cassette.source}" if len(run.cassettes) > 1 else ""
            if kind == "told":
                yield at, _told_event(cassette.notifications[index], index, where + whose)
                continue
            yield at, _asked_event(cassette.interactions[index], kind, index, where + whose)
            for waiting in untold.pop((number, index), ()) if kind == "asked" else ():
                told = _told_event(cassette.notifications[waiting], waiting, where + whose)
                why = "no CometD client" if not seat.track.clients else "not delivered"
                yield at, {**told, "kind": "untold", "said": why}


def _untold(seat: "Seat", happened: Sequence[Happened]) -> dict[tuple[int, int], list[int]]:
    """Find the notifications that were caused and no client was told, by their cause."""
    told = {(number, index) for _, kind, number, index in happened if kind == "told"}
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, replay in enumerate(seat.track.replays):
        waiting = frozenset(replay.unreleased)
        for index, notification in enumerate(replay.script.cassette.notifications):
            if notification.cause and index not in waiting and (number, index) not in told:
                found[number, notification.cause.interaction].append(index)
    return found


def _asked_event(exchange: Exchange, kind: Literal["asked", "again", "live"], index: int, where: str) -> Event:
    call = gws.call_of(exchange.request, exchange.sent)
    code = exchange.answer.get("statusCode") if call.operation and isinstance(exchange.answer, dict) else None
    path = exchange.request.path
    return Event(
        kind=kind,
        what=_named(call.operation or exchange.request.method, (call.operation and call.resource_id) or path),
        said=f"HTTP {exchange.response.status}" if code is None else f"statusCode {show(code)}",
        where=_cut(f"interaction {index}{where}") + (", again" if kind == "again" else ""),
    )


def _told_event(told: Notification, index: int, where: str) -> Event:
    subject, data = gws.subject_of(told.value), told.value if isinstance(told.value, dict) else {}
    kind = data.get("notificationType") or data.get("messageType") or told.channel
    cause = f"answers interaction {told.cause.interaction}" if told.cause else "unsolicited"
    return Event(
        kind="told",
        what=_named(str(kind), subject.resource_id if subject else ""),
        said="",
        where=_cut(f"notification {index}{where}, {cause}"),
    )


def _miss_event(miss: Miss, where: str) -> Event:
    return Event(kind="missed", what=_cut(miss.what), said=f"missed: {miss.reason}", where=where.removeprefix(", "))


def _live(cassette: Cassette) -> Iterator[Event]:
    moments = [
        *((each.began, _asked_event(each, "live", index, "")) for index, each in enumerate(cassette.interactions)),
        *((told.seen, _told_event(told, index, "")) for index, told in enumerate(cassette.notifications)),
    ]
    return (event for _, event in sorted(moments, key=lambda each: each[0]))


def _missed(miss: Miss) -> Missed:
    text = str(miss).partition("\n")[0]
    parts = [[printable(each.part), each.asked, each.recorded] for each in miss.differences]
    return Missed(text=_cut(text), nearest=miss.nearest, differences=parts)


def _operations(run: "Playback", judged: Iterable[Sequence[Update]]) -> Iterator[Operation]:
    left = _MOST_UPDATES
    for number, updates in enumerate(judged):
        cassette = run.cassettes[number]
        asked = {index for seat in run.stage.seats for index in seat.track.replays[number].asked}
        played = [update for update in updates if update.interaction in asked][:left]
        left -= len(played)
        yield from (_operation(update, cassette.source) for update in played)


def _operation(update: Update, source: str) -> Operation:
    known = update.after or update.before
    places = f"{update.before.place} to {update.after.place}" if update.before and update.after else ""
    return Operation(
        interaction=update.interaction,
        cassette=printable(source),
        name=_named(update.operation, update.resource_id),
        verdict=update.verdict,
        reasons=[_cut(reason) for reason in update.reasons],
        changes=[_change(change) for change in update.changes.entries],
        unchanged=len(known.data.keys() - update.changes.keys) if known and places else 0,
        places=places,
    )


def _change(change: Change) -> list[str]:
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in change.path)[1:]
    before = "" if change.kind == "added" else show(change.before)
    return [_cut(name), change.kind, before, "" if change.kind == "removed" else show(change.after)]


def _left(run: "Playback") -> tuple[int, int]:
    """Count the interactions and the notifications that no user played, without a word about each."""
    replays = [seat.track.replays for seat in run.stage.used()]
    interactions = notifications = 0
    for number, script in enumerate(run.stage.scripts):
        asked = frozenset[int]().union(*(each[number].asked for each in replays))
        waiting = [each[number].unreleased for each in replays]
        interactions += len(script.interactions) - len(asked)
        notifications += len(waiting[0] if len(waiting) == 1 else frozenset(waiting[0]).intersection(*waiting))
    return interactions, notifications


def _stopped(run: "Playback") -> list[str]:
    """Name the connections that were not made; an address may hold a token."""
    return [_cut(_SECRET_PARTS.sub("", text)) for text in run.blocked]


def _titled(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {_cut(line)}" for line in lines]
    return [title, *found] if found else []


def _named(kind: str, name: str) -> str:
    return _cut(f"{kind} {name}".strip(), _LONGEST_NAME)


def _cut(text: str, widest: int = _WIDEST) -> str:
    escaped = printable(text)
    return escaped if len(escaped) <= widest else f"{escaped[: widest - 3]}..."
