"""The journal of a recording: a checksummed line for each moment seen, so that a crash loses nothing finished.

A line is eight hex digits (CRC-32 of the rest), a space, and a JSON object. The first is the header; then `request`,
`response`, `error` and `frame` lines, which an id ties together, and lines with the `stand_ins` of personal values.
Where a recording goes on in another journal, `moved` says that a request without an answer stands there again, and
`earlier` that an exchange stood in the one before. Only what was redacted is ever written here.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gws_replay.core.model import Exchange, Frame, Headers, Recording, Request, Response
from gws_replay.errors import CassetteError

FORMAT = 1
_Line = dict[str, Any]
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal that was read: its header, the recording, and what was wrong with it.

    `torn` tells that the last line had no end, as after a kill; `damaged` are the numbers of other unreadable lines.
    """

    header: Mapping[str, Any]
    recording: Recording
    torn: bool = False
    damaged: tuple[int, ...] = ()


def header_line(header: Mapping[str, Any]) -> bytes:
    """Return the first line: format, and what else is to come into the cassette's header."""
    return _line({"kind": "header", "format": FORMAT, "header": dict(header)})


def request_line(id_: str, at: float, request: Request) -> bytes:
    """Return the line for a request that began."""
    fields = {"method": request.method, "uri": request.uri, "headers": request.headers.pairs}
    return _line({"kind": "request", "id": id_, "at": at, **fields, **_body(request.body)})


def response_line(id_: str, at: float, response: Response) -> bytes:
    """Return the line for a response that is complete."""
    fields = {"status": response.status, "reason": response.reason, "headers": response.headers.pairs}
    return _line({"kind": "response", "id": id_, "at": at, **fields, **_body(response.body)})


def stand_ins_line(made: Iterable[str]) -> bytes:
    """Return the line for stand-ins that occur in what follows for the first time."""
    return _line({"kind": "stand_ins", "made": list(made)})


def error_line(id_: str, at: float, message: str) -> bytes:
    """Return the line for a request that will get no answer."""
    return _line({"kind": "error", "id": id_, "at": at, "message": message})


def frame_line(frame: Frame) -> bytes:
    """Return the line for a WebSocket message."""
    fields = {"uri": frame.uri, "from_client": frame.from_client, "text": frame.text}
    return _line({"kind": "frame", "at": frame.seen, **fields})


def moved_line(id_: str) -> bytes:
    """Return the line for a request whose answer comes into the next journal, where the request stands again."""
    return _line({"kind": "moved", "id": id_})


def earlier_line(id_: str) -> bytes:
    """Return the line that goes before those of an exchange that the journal before this one holds."""
    return _line({"kind": "earlier", "id": id_})


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that got no answer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Earlier:
    """An exchange that the journal before this one holds."""

    exchange: Exchange


class Reader:
    """Reads a journal line by line up to its last whole one; what it has found stands in it when it is at the end."""

    def __init__(self, lines: Iterable[bytes], source: str) -> None:
        self.header: Mapping[str, Any] = {}
        self.torn = False
        self.damaged: list[int] = []
        self._lines = lines
        self._source = source
        self._stand_ins: list[str] = []

    def moments(self) -> Iterator[Exchange | Frame | Unanswered | Earlier]:
        """Yield what was seen, each as it was finished. Raises CassetteError for what is no journal."""
        asked: dict[str, _Line] = {}
        earlier: set[str] = set()
        for event in self._events():
            kind, id_ = event["kind"], event.get("id", "")
            if kind == "request":
                asked[id_] = event
            elif kind == "response" and (request := asked.pop(id_, None)):
                exchange = _exchange(request, event)
                yield Earlier(exchange) if id_ in earlier else exchange
            elif kind == "error" and (request := asked.pop(id_, None)):
                yield Unanswered(_request(request))
            elif kind == "moved":
                asked.pop(id_, None)
            elif kind == "earlier":
                earlier.add(id_)
            elif kind == "stand_ins":
                self._stand_ins += event["made"]
            elif kind == "frame":
                yield Frame(uri=event["uri"], seen=event["at"], from_client=event["from_client"], text=event["text"])
        yield from (Unanswered(_request(request)) for request in asked.values())
        if self._stand_ins:
            self.header = {**self.header, "stand_ins": self._stand_ins}

    def _events(self) -> Iterator[_Line]:
        number = 0
        for number, line in enumerate(self._lines, start=1):
            event = _event(line)
            if number == 1:
                self.header = _header(event, self._source)
            elif event is not None:
                yield event
            elif line.endswith(b"\n"):
                self.damaged.append(number)
            else:
                self.torn = True
        if not number:
            raise CassetteError(f"{self._source} is empty: nothing was recorded", exit_code=5)


def read(lines: Iterable[bytes], source: str) -> Journal:
    """Read a journal into memory. Raises CassetteError for what is no journal."""
    reader = Reader(lines, source)
    moments = list(reader.moments())
    recording = Recording(
        exchanges=tuple(each for each in moments if isinstance(each, Exchange)),
        frames=tuple(each for each in moments if isinstance(each, Frame)),
        unanswered=tuple(each.request for each in moments if isinstance(each, Unanswered)),
        earlier=tuple(each.exchange for each in moments if isinstance(each, Earlier)),
    )
    return Journal(header=reader.header, recording=recording, torn=reader.torn, damaged=tuple(reader.damaged))


def _header(event: _Line | None, source: str) -> Mapping[str, Any]:
    if event is None or event.get("kind") != "header":
        raise CassetteError(f"{source} is no journal of gws-replay: its first line is not a journal's", exit_code=4)
    if event.get("format") != FORMAT:
        raise CassetteError(f"{source}: journal format {event.get('format')} is unknown: upgrade gws-replay")
    header: Mapping[str, Any] = event["header"]
    return header


def _exchange(request: _Line, response: _Line) -> Exchange:
    return Exchange(request=_request(request), response=_response(response), began=request["at"], ended=response["at"])


def _request(line: _Line) -> Request:
    return Request(method=line["method"], uri=line["uri"], headers=_headers(line), body=_bytes(line))


def _response(line: _Line) -> Response:
    return Response(status=line["status"], reason=line["reason"], headers=_headers(line), body=_bytes(line))


def _headers(line: _Line) -> Headers:
    return Headers(tuple((name, value) for name, value in line["headers"]))


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _bytes(line: _Line) -> bytes:
    return base64.b64decode(line["base64"]) if "base64" in line else line["body"].encode()


def _line(event: _Line) -> bytes:
    text = _ENCODER.encode(event).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _event(line: bytes) -> _Line | None:
    """Parse a line; None for one that is torn or damaged."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    event: _Line = json.loads(text)
    return event
