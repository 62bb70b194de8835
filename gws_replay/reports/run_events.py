"""Edge: what happened in a run of some cassettes, in its order, as plain JSON data and as lines of text.

Only redacted values come here: a cassette's, and those of a `Miss`. Every text is escaped and cut, so that it steers no
terminal and crosses to another process.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypedDict

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.replay.run import Miss
from gws_replay.core.replay.user_session import Event as Happened
from gws_replay.errors import GwsReplayError

if TYPE_CHECKING:
    from gws_replay.playback.run import Run
    from gws_replay.playback.sessions import LiveUser

_WIDEST = 300
_LONGEST_NAME = 90

Kind = Literal["asked", "again", "told", "untold", "missed", "live"]


class Event(TypedDict):
    """One thing that happened: `what` it is about, what was `said`, and where it stands in the cassette."""

    kind: Kind
    what: str
    said: str
    where: str


def line_of(event: Event) -> str:
    """Say one event in a line."""
    arrow = {"missed": "!!!", "told": "<--", "untold": "<-x"}.get(event["kind"], "-->")
    return "  ".join(filter(None, (f"{arrow} {event['what']}", event["said"], event["where"])))


def events_of(run: "Run") -> list[Event]:
    """Return what happened in a run, in its order; for a recording, what it has recorded."""
    if run.is_recording:
        with suppress(GwsReplayError, OSError):  # what a proxy wrote down has become the cassette by now
            return list(_live(run.cassette))
        return []
    return [event for at, event in sorted(_seats_events(run), key=lambda each: each[0])]


def _seats_events(run: "Run") -> Iterator[tuple[float, Event]]:
    users = list(run.users)
    for user in users:
        whose = f", user {user.number + 1}" if len(users) > 1 else ""
        with user.polls.lock:
            happened = tuple(user.session.events)
            misses = tuple(user.session.misses)
        left = untold(user, happened)
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
            for waiting in left.pop((number, index), ()) if kind == "asked" else ():
                told = _told_event(cassette.notifications[waiting], waiting, where + whose)
                why = "no CometD client" if not user.session.clients else "not delivered"
                yield at, {**told, "kind": "untold", "said": why}


def untold(user: "LiveUser", happened: Sequence[Happened]) -> dict[tuple[int, int], list[int]]:
    """Find the notifications that were caused and no client was told, by their cause."""
    told = {(number, index) for _, kind, number, index in happened if kind == "told"}
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, replay in enumerate(user.session.replays):
        waiting = frozenset(replay.unreleased)
        for index, notification in enumerate(replay.cassette_index.cassette.notifications):
            if notification.cause and index not in waiting and (number, index) not in told:
                found[number, notification.cause.interaction].append(index)
    return found


def _asked_event(exchange: Exchange, kind: Literal["asked", "again", "live"], index: int, where: str) -> Event:
    call = api.call_of(exchange.request, exchange.request_json)
    code = api.code_of(exchange.response_json) if call.operation else None
    path = exchange.request.path
    return Event(
        kind=kind,
        what=named(call.operation or exchange.request.method, (call.operation and call.resource_id) or path),
        said=code or f"HTTP {exchange.response.status}",
        where=cut(f"interaction {index}{where}") + (", again" if kind == "again" else ""),
    )


def _told_event(told: Notification, index: int, where: str) -> Event:
    subject = api.subject_of(told.value)
    kind = api.kind_of(told.value) or told.channel
    cause = f"answers interaction {told.cause.interaction}" if told.cause else "unsolicited"
    return Event(
        kind="told",
        what=named(kind, subject.resource_id if subject else ""),
        said="",
        where=cut(f"notification {index}{where}, {cause}"),
    )


def _miss_event(miss: Miss, where: str) -> Event:
    return Event(kind="missed", what=cut(miss.what), said=f"missed: {miss.reason}", where=where.removeprefix(", "))


def _live(cassette: Cassette) -> Iterator[Event]:
    moments = [
        *((each.began, _asked_event(each, "live", index, "")) for index, each in enumerate(cassette.interactions)),
        *((told.seen, _told_event(told, index, "")) for index, told in enumerate(cassette.notifications)),
    ]
    return (event for _, event in sorted(moments, key=lambda each: each[0]))


def named(kind: str, name: str) -> str:
    """Name an operation or a notification, and what it is about."""
    return cut(f"{kind} {name}".strip(), _LONGEST_NAME)


def cut(text: str, widest: int = _WIDEST) -> str:
    """Escape a text, and cut it where it is long."""
    escaped = printable(text)
    return escaped if len(escaped) <= widest else f"{escaped[: widest - 3]}..."
