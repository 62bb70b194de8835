"""Reads a journal: what was seen, each as it was finished, and what is wrong with the file."""

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from gws_replay.core.model import (
    CarriedOver,
    Evidence,
    Exchange,
    Headers,
    Identity,
    Observed,
    Outcome,
    Recording,
    Request,
    Response,
    Unfinished,
    WebSocketMessage,
)
from gws_replay.errors import CassetteError
from gws_replay.formats.journal_lines import FORMAT

_LATEST = 1e12
_HEADER = b'{"kind":"header"'
_CHECKSUM = re.compile(rb"[0-9a-f]{0,8}")
_Line = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal that was read: its header, the recording, and what was wrong with it.

    `answered` are the ids of the recording's exchanges, `unanswered` those of its requests without a response; `begun`
    are the requests that had neither a response nor failed when it ended, `cut` the bytes of a last line without an
    end, as after a kill; `damaged` are the numbers of other unreadable lines.
    """

    header: Mapping[str, Any]
    recording: Recording
    answered: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    begun: tuple[Request, ...] = ()
    cut: int = 0
    damaged: tuple[int, ...] = ()


class Reader:
    """Reads a journal line by line up to its last whole one; what it has found stands in it when it is at the end."""

    def __init__(self, lines: Iterable[bytes], source: str) -> None:
        self.header: Mapping[str, Any] = {}
        self.id = ""  # of what was yielded last
        self.begun: tuple[Request, ...] = ()
        self.cut = 0
        self.damaged: list[int] = []
        self._lines = lines
        self._source = source
        self._stand_ins: list[str] = []
        self.earlier_users: list[dict[str, Any]] = []
        self._pending: dict[str, tuple[Request, float, Evidence]] = {}
        self._earlier: set[str] = set()
        self._takers: Mapping[str, Callable[[_Line], Observed | None]] = {
            "header": self._header,
            "stand_ins": self._on_stand_ins,
            "request": self._request,
            "response": self._response,
            "error": self._error,
            "frame": self._websocket_message,
            "moved": self._moved,
            "earlier": self._is_earlier,
            "users": self._on_users,
        }

    def moments(self) -> Iterator[Observed]:
        """Yield what was seen, each as it was finished. Raises CassetteError for a file that is not a journal."""
        first, anything = b"", False
        for number, line in enumerate(self._lines, start=1):
            first = line if number == 1 else b"more"
            event = _event(line)
            if number == 1 and event is not None and event.get("kind") != "header":
                break
            if event is not None and event.get("format", FORMAT) != FORMAT:
                raise CassetteError(f"{self._source}: journal format {event['format']} is unknown: upgrade gws-replay")
            try:
                moment = self._takers[event["kind"]](event) if event is not None else None
            except (KeyError, TypeError, ValueError, AttributeError):
                event = moment = None
            if event is None:
                self._unreadable(number, line)
                continue
            anything = True
            if moment is not None:
                yield moment
        if not anything:
            raise _no_journal(self._source, first)
        self.begun = tuple(request for request, _, _ in self._pending.values())
        for id_, (request, _, _) in self._pending.items():
            self.id = id_
            yield Unfinished(request)
        if self._stand_ins:
            self.header = {**self.header, "stand_ins": self._stand_ins}

    def _unreadable(self, number: int, line: bytes) -> None:
        if line.endswith(b"\n"):
            self.damaged.append(number)
        else:
            self.cut = len(line)

    def _header(self, event: _Line) -> None:
        self.header = dict(event["header"])

    def _on_stand_ins(self, event: _Line) -> None:
        self._stand_ins += [_text(each) for each in event["made"]]

    def _request(self, event: _Line) -> None:
        request = Request(
            method=_text(event["method"]), uri=_text(event["uri"]), headers=_headers(event), body=_bytes(event)
        )
        urlsplit(request.uri)  # refuses what is not a URL
        evidence = Evidence(sent=_who(event), connection=_text(event.get("connection", "")))
        self._pending[_text(event["id"])] = request, _seconds(event), evidence

    def _response(self, event: _Line) -> Exchange | CarriedOver | None:
        response = Response(
            status=_typed(event["status"], int),
            reason=_text(event["reason"]),
            headers=_headers(event),
            body=_bytes(event),
        )
        ended, id_ = _seconds(event), _text(event["id"])
        if (pending := self._pending.pop(id_, None)) is None:
            return None
        self.id = id_
        request, began, evidence = pending
        evidence = replace(evidence, received=_who(event))
        exchange = Exchange(request=request, response=response, began=began, ended=ended, evidence=evidence)
        return CarriedOver(exchange) if id_ in self._earlier else exchange

    def _error(self, event: _Line) -> Exchange | None:
        id_, ended, outcome = _text(event["id"]), _seconds(event), event.get("outcome", "broken")
        if outcome not in ("silence", "broken"):
            raise ValueError(f"the outcome {outcome!r} is unknown")
        return self._unanswered(id_, ended, outcome) if id_ in self._pending else None

    def _unanswered(self, id_: str, ended: float, outcome: Outcome) -> Exchange:
        self.id = id_
        request, began, evidence = self._pending.pop(id_)
        exchange = Exchange.without_response(request, began, max(began, ended), outcome)
        return replace(exchange, evidence=evidence)

    def _websocket_message(self, event: _Line) -> WebSocketMessage:
        return WebSocketMessage(
            uri=_text(event["uri"]),
            seen=_seconds(event),
            from_client=bool(event["from_client"]),
            content=base64.b64decode(event["base64"]) if "base64" in event else _text(event["text"]),
            evidence=_message_evidence(event),
        )

    def _on_users(self, event: _Line) -> None:
        self.earlier_users = [
            {
                "identities": [Identity(*map(_text, each)) for each in user["identities"]],
                "first": float(user["first"]),
                "last": float(user["last"]),
            }
            for user in event["users"]
        ]

    def _moved(self, event: _Line) -> None:
        self._pending.pop(_text(event["id"]), None)

    def _is_earlier(self, event: _Line) -> None:
        self._earlier.add(_text(event["id"]))


def read(lines: Iterable[bytes], source: str) -> Journal:
    """Read a journal into memory. Raises CassetteError for a file that is not a journal."""
    reader = Reader(lines, source)
    moments = [(each, reader.id) for each in reader.moments()]
    return Journal(
        header=reader.header,
        recording=Recording.of(each for each, _ in moments),
        answered=tuple(id_ for each, id_ in moments if isinstance(each, Exchange) and each.outcome == "response"),
        unanswered=tuple(id_ for each, id_ in moments if _has_no_response(each)),
        begun=reader.begun,
        cut=reader.cut,
        damaged=tuple(reader.damaged),
    )


def is_last(line: bytes, kind: str, id_: str | None, at: float) -> bool:
    """Tell whether a line of a journal is of this kind, request and time; WebSocket messages have no id."""
    event = _event(line)
    return event is not None and (event.get("kind"), event.get("id"), event.get("at")) == (kind, id_, at)


def holds_nothing(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a journal that was begun, and no more: empty, or a header alone."""
    line, _, rest = start.partition(b"\n")
    checksum, _, text = line.partition(b" ")
    is_header = text.startswith(_HEADER) or _HEADER.startswith(text)
    return not rest and is_header and _CHECKSUM.fullmatch(checksum) is not None


def _no_journal(source: str, content: bytes) -> CassetteError:
    if holds_nothing(content):
        return CassetteError(f"{source} is empty: nothing was recorded", exit_code=5)
    return CassetteError(
        f"{source} is not a journal of gws-replay: its first line is not a journal header", exit_code=4
    )


def _typed(value: Any, type_: Any) -> Any:
    if not isinstance(value, type_) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} stands where it cannot")
    return value


def _text(value: Any) -> str:
    text: str = _typed(value, str)
    if not text.isascii():
        text.encode()  # refuses half a surrogate pair, which no cassette can hold
    return text


def _seconds(line: _Line) -> float:
    at: float = _typed(line["at"], int | float)
    if not abs(at) < _LATEST:
        raise ValueError("it is not a number of seconds")
    return at


def _has_no_response(moment: Observed) -> bool:
    return isinstance(moment, Unfinished) or (isinstance(moment, Exchange) and moment.outcome != "response")


def _who(line: _Line) -> tuple[Identity, ...]:
    return tuple(Identity(_text(kind), _text(value)) for kind, value in line.get("who", ()))


def _message_evidence(line: _Line) -> Evidence | None:
    who, connection = _who(line), _text(line.get("connection", ""))
    if not who and not connection:
        return None
    return Evidence(**{"sent" if line["from_client"] else "received": who}, connection=connection)


def _headers(line: _Line) -> Headers:
    return Headers(tuple((_text(name), _text(value)) for name, value in line["headers"]))


def _bytes(line: _Line) -> bytes:
    return base64.b64decode(line["base64"]) if "base64" in line else _text(line["body"]).encode()


def _event(line: bytes) -> _Line | None:
    """Parse a line; None for one that is torn or damaged."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
