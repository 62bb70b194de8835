"""A cassette as JSON for the timeline page: events in time order with their causes, users, lanes, and userData.

Each text is stored once in a table, and is a number elsewhere: most notifications repeat the userData of the last one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Wild
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.finding import spelled
from gws_replay.core.json_compare import Change, Changes, printable
from gws_replay.core.model import Exchange, Headers, Notification, WebSocketMessage
from gws_replay.core.oracle.history import Snapshot, movements, sightings
from gws_replay.core.oracle.judge import Update


class Texts:
    """A table of texts, each stored once, with control characters escaped."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self._numbers: dict[str, int] = {}
        self._values: dict[tuple[type, Any], int] = {}

    def text(self, text: str) -> int:
        """Return the number of a text."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.listed)
            self.listed.append(printable(text))
        return number

    def value(self, value: Any) -> int:
        """Return the number of a value written as JSON."""
        if isinstance(value, str | int | float | None):
            typed = type(value), value  # writing JSON takes longer than this look-up
            number = self._values.get(typed)
            if number is None:
                number = self._values[typed] = self.text(lossless_json.dumps(value))
            return number
        return self.text(lossless_json.dumps(value))

    def lines(self, text: str) -> list[int]:
        """Return the numbers of the lines of a text."""
        return [self.text(line) for line in text.splitlines()]


class Timeline:
    """One cassette as JSON: `value` for the page, and the `positions` of its events by their places."""

    def __init__(self, cassette: Cassette, updates: Sequence[Update], texts: Texts) -> None:
        self._texts = texts
        self._cassette = cassette
        self._numbers: dict[tuple[str, str], int] = {}
        self._snapshots: dict[tuple[int, ...], int] = {}
        moments: list[tuple[float, int, int, Exchange | Notification | WebSocketMessage]] = [
            *((each.began, 0, index, each) for index, each in enumerate(cassette.interactions)),
            *((each.seen, 1, index, each) for index, each in enumerate(cassette.notifications)),
            *((each.seen, 2, index, each) for index, each in enumerate(cassette.messages)),
        ]
        moments.sort(key=lambda each: each[:3])
        self.positions = {_place(*moment[1:3]): position for position, moment in enumerate(moments)}
        judged = {update.interaction: update for update in updates}
        self._events = [
            self._exchange(event, index, judged.get(index))
            if isinstance(event, Exchange)
            else self._websocket_message(event, index)
            if isinstance(event, WebSocketMessage)
            else self._notification(event, index)
            for _, _, index, event in moments
        ]
        self._add_userdata()
        self.value: dict[str, Any] = {
            "name": printable(cassette.source),
            "users": list(map(printable, cassette.user_names)),
            "events": self._events,
            "shown": list(self._snapshots),
            "resources": self._resources(),
        }

    def mark(self, place: str, mark: Mapping[str, Any]) -> None:
        """Add to the event at a place."""
        self._events[self.positions[place]].update(mark)

    def _exchange(self, exchange: Exchange, index: int, update: Update | None) -> dict[str, Any]:
        call = api.call_of(exchange.request, exchange.request_json)
        code = api.code_of(exchange.response_json)
        request, response = exchange.request, exchange.response
        status = f"HTTP {response.status}"
        head = f"{status} {response.reason}".rstrip()
        shown: dict[str, Any] = {
            "kind": "exchange",
            "n": index,
            "user": exchange.user,
            "at": exchange.began,
            "end": exchange.ended,
            "what": self._texts.text(call.operation or f"{request.method} {request.path}"),
            "of": self._texts.text(call.resource_id or ""),
            "result": self._texts.text(f"{status}, {code}" if code else status),
            "refused": not api.succeeded(response.status, exchange.response_json),
            "sent": [
                *self._head(f"{request.method} {request.uri}", request.headers),
                *self._body(request.body),
            ],
            "received": [
                *self._head(head, response.headers),
                *self._body(response.body),
            ],
        }
        if update:
            shown["level"] = shown["verdict"] = update.verdict
            shown["reasons"] = [self._texts.text(reason) for reason in update.reasons]
            shown["ignored"] = [self._texts.text(name) for name in update.ignored]
            shown["coerced"] = [self._texts.text(name) for name in update.coerced]
            shown["evidence"] = [
                [self._texts.text(each.about), self._texts.text(each.text)] for each in update.evidence()
            ]
            shown["besides"] = [self._texts.text(key) for key in besides(exchange, update)]
            shown["proof"] = self._table(update.before, update.after, update.changes, update.resource_id)
        return shown

    def _head(self, first: str, headers: Headers) -> list[int]:
        return self._texts.lines("\n".join([first, *(f"{name}: {value}" for name, value in headers.pairs), ""]) + "\n")

    def _body(self, body: bytes) -> list[int]:
        text = body.decode(errors="backslashreplace")
        return self._texts.lines(text if lossless_json.loads_or_none(body) is None else lossless_json.indented(text))

    def _notification(self, notification: Notification, index: int) -> dict[str, Any]:
        subject = api.subject_of(notification.value)
        shown: dict[str, Any] = {
            "kind": "notification",
            "n": index,
            "user": notification.user,
            "at": notification.seen,
            "what": self._texts.text(api.kind_of(notification.value) or notification.channel),
            "of": self._texts.text(subject.resource_id if subject else ""),
            "result": self._texts.text(api.spelled_reference(notification.value).strip()),
            "sent": [],
            "received": self._texts.lines(f"{notification.channel}\n\n{lossless_json.indented(notification.data)}"),
        }
        if cause := notification.cause:
            position = self.positions[_place(0, cause.interaction)]
            rule = f"a guess ({cause.rule}): pin it" if cause.is_guessed else cause.rule
            also = "".join(f"; it also answers interaction {index}" for index in cause.also)
            shown |= {"cause": position, "rule": rule + also, "after": cause.after}
        return shown

    def _websocket_message(self, message: WebSocketMessage, index: int) -> dict[str, Any]:
        content = self._body(message.as_bytes)
        return {
            "kind": "sent" if message.from_client else "received",
            "n": index,
            "user": message.user,
            "at": message.seen,
            "end": message.seen,
            "what": self._texts.text(f"WebSocket {message.path}"),
            "of": self._texts.text(""),
            "result": self._texts.text(f"connection {message.connection}"),
            "sent": content if message.from_client else [],
            "received": [] if message.from_client else content,
        }

    def _add_userdata(self) -> None:
        for before, after, changes in movements(self._cassette):
            event = self._events[self.positions[after.place]]
            event.setdefault("shows", []).append(self._table(before, after, changes, after.resource_id))

    def _table(self, before: Snapshot | None, after: Snapshot | None, changes: Changes, of: str) -> dict[str, Any]:
        return {
            "of": self._texts.text(of),
            "before": self._snapshot(before),
            "after": self._snapshot(after),
            "places": [each.place if each else None for each in (before, after)],
            "changes": [self._change(change) for change in changes.entries],
        }

    def _snapshot(self, snapshot: Snapshot | None) -> int | None:
        if snapshot is None:
            return None
        place = snapshot.place, snapshot.resource_id
        if place not in self._numbers:
            pairs = snapshot.data.items()
            shown = tuple(n for key, value in pairs for n in (self._texts.text(key), self._texts.value(value)))
            self._numbers[place] = self._snapshots.setdefault(shown, len(self._snapshots))
        return self._numbers[place]

    def _change(self, change: Change) -> list[Any]:
        """Return the key, the path (which may be deeper), the kind, and both values."""
        return [
            self._texts.text(change.key),
            self._texts.text(spelled(change.path) if len(change.path) > 1 else change.key),
            change.kind,
            None if change.kind == "added" else self._texts.value(change.before),
            None if change.kind == "removed" else self._texts.value(change.after),
        ]

    def _resources(self) -> list[dict[str, Any]]:
        """Return the resources with the lane of each. A lane can be used again after the last event of its resource."""
        seen: dict[int, set[int]] = {}
        for position, event in enumerate(self._events):
            seen.setdefault(event["of"], set()).add(position)
        for each in sightings(self._cassette):
            seen.setdefault(self._texts.text(each.resource_id), set()).add(self.positions[each.place])
        seen.pop(self._texts.text(""), None)
        spans = sorted((min(places), max(places), name) for name, places in seen.items())
        free_after: list[int] = []
        found = []
        for first, last, name in spans:
            lane = next((n for n, end in enumerate(free_after) if end < first), len(free_after))
            free_after[lane : lane + 1] = [last]
            found.append({"name": name, "lane": lane, "first": first, "last": last})
            for position in seen[name]:
                self._events[position].setdefault("on", []).append(len(found) - 1)
        return found


def besides(exchange: Exchange, update: Update) -> list[str]:
    """Return the keys that changed although the operation does not write them."""
    written = api.call_of(exchange.request, exchange.request_json).writes or {}
    return [] if any(isinstance(key, Wild) for key in written) else sorted(update.changes.keys - written.keys())


def as_value(parts: Iterable[Timeline], texts: Texts, pairs: Sequence[Any] = ()) -> dict[str, Any]:
    """Return one cassette, or two that are compared, as JSON for the page."""
    recordings = [part.value for part in parts]
    return {"texts": texts.listed, "recordings": recordings, "pairs": list(pairs)}


def _place(kind: int, index: int) -> str:
    return f"{('interaction', 'notification', 'websocket message')[kind]} {index}"
