"""Edge: what happened in a run of some cassettes, in its order, as plain JSON data and as lines of text.

All values are redacted: they are a cassette's, or those of a `Miss`. Every text is escaped and cut, so that it cannot
steer a terminal and can be sent to another process.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypedDict

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.waits import nobody
from gws_replay.errors import GwsReplayError

if TYPE_CHECKING:
    from gws_replay.playback.run import Run
    from gws_replay.playback.sessions import LiveUser

_LONGEST, _LONGEST_NAME = 300, 90

Kind = Literal["sent", "repeated", "delivered", "undelivered", "missed", "recorded"]
_ARROWS: Mapping[Kind, str] = {"missed": "!!!", "delivered": "<--", "undelivered": "<-x"}


class Event(TypedDict):
    """One event: what kind, `what` it is about, the `result`, and where it stands in the cassette."""

    kind: Kind
    what: str
    result: str
    where: str


def line_of(event: Event) -> str:
    """Return an event as a line."""
    arrow = _ARROWS.get(event["kind"], "-->")
    return "  ".join(filter(None, (f"{arrow} {event['what']}", event["result"], event["where"])))


def events_of(run: "Run") -> list[Event]:
    """Return the events of a run in their order; of a recording, what it recorded."""
    if run.is_recording:
        with suppress(GwsReplayError, OSError):  # the journal of a proxy may have become the cassette by now
            return list(_recorded(run.cassette))
        return []
    return [event for at, event in sorted(_events(run), key=lambda each: each[0])]


def _events(run: "Run") -> Iterator[tuple[float, Event]]:
    users = list(run.users)
    for user in users:
        whose = f", user {user.number + 1}" if len(users) > 1 else ""
        with user.polls.lock:
            events = tuple(user.session.events)
            misses = {number: user.session.miss(number) for _, kind, _, number in events if kind == "missed"}
        lost = undelivered(user)
        for at, kind, number, index in events:
            if kind == "missed":
                yield at, _miss_event(misses[index], whose)
                continue
            cassette = run.cassettes[number]
            where = (f" of {cassette.source}" if len(run.cassettes) > 1 else "") + whose
            if kind == "delivered":
                yield at, _notification_event(cassette.notifications[index], kind, index, where)
                continue
            yield at, _exchange_event(cassette.interactions[index], kind, index, where)
            for other in lost.pop((number, index), ()) if kind == "sent" else ():
                event = _notification_event(cassette.notifications[other], "undelivered", other, where)
                yield at, {**event, "result": why_undelivered(user, cassette.notifications[other].channel)}


def undelivered(user: "LiveUser") -> dict[tuple[int, int], list[int]]:
    """Return the notifications whose cause was sent and that no client received, by their cause."""
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, role in enumerate(user.session.roles):
        part = role.progress.part
        others = {*role.progress.schedule.not_shown, *role.delivered}
        for index in part.notifications:
            notification = part.index.cassette.notifications[index]
            if notification.cause and index not in others:
                found[number, notification.cause.interaction].append(index)
    return found


def why_undelivered(user: "LiveUser", channel: str) -> str:
    """Return why a notification of a user reached no client."""
    if not user.session.clients:
        return "no CometD client"
    return "not delivered" if user.session.bayeux.has_subscriber(channel) else cut(nobody(user.session.bayeux, channel))


def _exchange_event(exchange: Exchange, kind: Kind, index: int, where: str) -> Event:
    call = api.call_of(exchange.request, exchange.request_json)
    code = api.code_of(exchange.response_json) if call.operation else None
    path = exchange.request.path
    return Event(
        kind=kind,
        what=named(call.operation or exchange.request.method, (call.operation and call.resource_id) or path),
        result=code or f"HTTP {exchange.response.status}",
        where=cut(f"interaction {index}{where}") + (", again" if kind == "repeated" else ""),
    )


def _notification_event(notification: Notification, kind: Kind, index: int, where: str) -> Event:
    subject = api.subject_of(notification.value)
    name = api.kind_of(notification.value) or notification.channel
    cause = f"answers interaction {notification.cause.interaction}" if notification.cause else "unsolicited"
    return Event(
        kind=kind,
        what=named(name, subject.resource_id if subject else ""),
        result="",
        where=cut(f"notification {index}{where}, {cause}"),
    )


def _miss_event(miss: Miss, where: str) -> Event:
    return Event(kind="missed", what=cut(miss.what), result=f"missed: {miss.why}", where=where.removeprefix(", "))


def _recorded(cassette: Cassette) -> Iterator[Event]:
    exchanges, notifications = enumerate(cassette.interactions), enumerate(cassette.notifications)
    moments = [
        *((each.began, _exchange_event(each, "recorded", index, "")) for index, each in exchanges),
        *((each.seen, _notification_event(each, "delivered", index, "")) for index, each in notifications),
    ]
    return (event for _, event in sorted(moments, key=lambda each: each[0]))


def named(kind: str, name: str) -> str:
    """Return the name of an operation or a notification with the resource it is about."""
    return cut(f"{kind} {name}".strip(), _LONGEST_NAME)


def cut(text: str, longest: int = _LONGEST) -> str:
    """Escape a text, and cut it if it is too long."""
    escaped = printable(text)
    return escaped if len(escaped) <= longest else f"{escaped[: longest - 3]}..."
