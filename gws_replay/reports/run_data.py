"""Edge: the results of a test's run as plain JSON data: counts, misses, userData operations, and events.

All values are redacted; texts are escaped and cut, as in `run_events`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict

from gws_replay.core.json_compare import Change, printable, show_both
from gws_replay.core.replay.miss import Miss
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.reports.run_events import Event, cut, events_of, line_of, named

if TYPE_CHECKING:
    from gws_replay.core.oracle.judge import Update, Verdict
    from gws_replay.playback.run import Run

_MOST_UNPLAYED = 10
_MOST_UPDATES = 200
_SECRET_PARTS = re.compile(r"(?<=//)[^/@\s]*@|\?\S*")


class Missed(TypedDict):
    """A miss in a sentence, with the nearest recorded request and the differences from it."""

    text: str
    nearest: int | None
    differences: list[list[str]]


class Operation(TypedDict):
    """A played userData operation: its verdict, and each change as name, kind, before and after."""

    interaction: int
    cassette: str
    name: str
    verdict: "Verdict"
    reasons: list[str]
    changes: list[list[str]]
    unchanged: int
    places: str


class Details(TypedDict):
    """What only the HTML page shows of a run."""

    events: list[Event]
    misses: list[Missed]
    operations: list[Operation]
    unplayed: list[str]
    waiting: list[str]
    undelivered: list[str]
    out_of_order: list[str]
    stopped: list[str]


class Counts(TypedDict):
    """How much of a cassette a run played; `live` counts recorded exchanges."""

    played: int
    missed: int
    unplayed: int
    undelivered: int
    stopped: int
    live: int


class Explored(TypedDict):
    """A variant that failed: when, how to run it again, and what clients saw as recorded and then.

    Each event is its words, and whether the variant has moved it.
    """

    sentence: str
    again: str
    recorded: list[tuple[str, bool]]
    explored: list[tuple[str, bool]]


class RanTest(TypedDict):
    """A marked test, or a `block` of gws_use_cassette; `details` and `timeline` (JSON) are for a page."""

    nodeid: str
    block: bool
    outcome: str
    seconds: float
    cassette: str
    counts: Counts
    recorded: str
    allows_hosts: bool
    unwatched: list[str]
    undelivered: str
    not_replayed: list[str]
    details: NotRequired[Details]
    timeline: NotRequired[str]
    explored: NotRequired[Explored]


def counts_of(run: "Run") -> Counts:
    """Return the counts of a run."""
    recording = run.is_recording
    return Counts(
        played=sum(user.session.served for user in run.users),
        missed=0 if recording else len(run.misses),
        unplayed=0 if recording else sum(_unplayed(run)),
        undelivered=len(run.undelivered),
        stopped=len(run.blocked),
        live=run.live,
    )


def details_of(run: "Run", judged: "Iterable[Sequence[Update]]") -> Details:
    """Return the details for a page; `judged` are the verdicts on each cassette's operations."""
    replay = run if isinstance(run, ReplayRun) else None
    return Details(
        events=events_of(run),
        misses=[] if run.is_recording else [_missed(miss) for miss in run.misses],
        operations=list(_operations(run, judged)),
        unplayed=[cut(text) for text in run.unplayed],
        waiting=[cut(text) for text in replay.waits] if replay else [],
        undelivered=[cut(text) for text in replay.undelivered] if replay else [],
        out_of_order=[cut(text) for text in replay.out_of_order] if replay else [],
        stopped=_stopped(run),
    )


def section(run: "Run", failure: str, *, last: int = 10) -> str:
    """Return the section that is added to the report of a failed test, without what its `failure` says already."""
    events = events_of(run)
    shown = events[-last:]
    lines = [printable(run.name) + (f": the last {last} of {len(events)} events" if len(events) > last else "")]
    lines += [line_of(event) for event in shown] or ["no request was sent"]
    if not run.is_recording:
        misses = [text for text in map(str, run.misses) if text.partition("\n")[0] not in failure]
        lines += _titled("missed:", (line for text in misses for line in text.splitlines()))
        unplayed = [text for text in run.unplayed if printable(text) not in failure]
        more = [f"and {len(unplayed) - _MOST_UNPLAYED} more"] if len(unplayed) > _MOST_UNPLAYED else []
        lines += _titled("unplayed:", [*unplayed[:_MOST_UNPLAYED], *more])
    if isinstance(run, ReplayRun):
        lines += _titled("undelivered:", (text for text in run.undelivered if printable(text) not in failure))
        lines += _titled("out of order:", run.out_of_order)
    lines += _titled("stopped:", _stopped(run))
    return "\n".join(lines)


def _missed(miss: Miss) -> Missed:
    text = str(miss).partition("\n")[0]
    parts = [
        [printable(each.part), each.sent or "not sent", each.recorded or "not recorded"] for each in miss.differences
    ]
    return Missed(text=cut(text), nearest=miss.nearest, differences=parts)


def _operations(run: "Run", judged: "Iterable[Sequence[Update]]") -> Iterator[Operation]:
    room = _MOST_UPDATES
    for number, updates in enumerate(judged):
        cassette = run.cassettes[number]
        sent = set[int]().union(*(user.session.run.cassettes[number].traffic.sent for user in run.users))
        played = [update for update in updates if update.interaction in sent][:room]
        room -= len(played)
        yield from (_operation(update, cassette.source) for update in played)


def _operation(update: "Update", source: str) -> Operation:
    snapshot = update.after or update.before
    places = f"{update.before.place} to {update.after.place}" if update.before and update.after else ""
    return Operation(
        interaction=update.interaction,
        cassette=printable(source),
        name=named(update.operation, update.resource_id),
        verdict=update.verdict,
        reasons=[cut(reason) for reason in update.reasons],
        changes=[_change(change) for change in update.changes.entries],
        unchanged=len(snapshot.data.keys() - update.changes.keys) if snapshot and places else 0,
        places=places,
    )


def _change(change: Change) -> list[str]:
    before, after = show_both(change.before, change.after)
    return [
        cut(change.name),
        change.kind,
        "" if change.kind == "added" else before,
        "" if change.kind == "removed" else after,
    ]


def _unplayed(run: "Run") -> tuple[int, int]:
    """Return how many interactions and how many notifications no user played."""
    interactions = notifications = 0
    for number, index in enumerate(run.indexes):
        runs = {id(each): each for user in run.users for each in (user.session.run.cassettes[number],)}.values()
        sent = frozenset[int]().union(*(each.traffic.sent for each in runs))
        waiting = [frozenset(n for user in each.users for n in user.schedule.not_shown) for each in runs]
        interactions += len(index.interactions) - len(sent)
        notifications += len(waiting[0].intersection(*waiting))
    return interactions, notifications


def _stopped(run: "Run") -> list[str]:
    """Return the addresses of blocked connections, without queries and credentials."""
    return [cut(_SECRET_PARTS.sub("", text)) for text in run.blocked]


def _titled(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {cut(line)}" for line in lines]
    return [title, *found] if found else []
