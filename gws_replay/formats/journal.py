"""The journal of a recording: a checksummed line for each moment seen, so that a crash loses nothing finished.

A line is eight hex digits (CRC-32 of the rest), a space, and a JSON object. The first is the header; then `request`,
`response`, `error` and `frame` lines, which an id ties together, and lines with the `stand_ins` of personal values.
Only what was redacted is ever written here.
"""

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gws_replay.core.model import Exchange, Frame, Headers, Recording, Request, Response
from gws_replay.errors import CassetteError

FORMAT = 1
_LATEST = 1e12
_HEADER = b'{"kind":"header"'
_CHECKSUM = re.compile(rb"[0-9a-f]{0,8}")
_Line = dict[str, Any]
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal that was read: its header, the recording, and what was wrong with it.

    `begun` are the requests that had neither been answered nor failed when it ended, `cut` the bytes of a last line
    without an end, as after a kill; `damaged` are the numbers of other unreadable lines.
    """

    header: Mapping[str, Any]
    recording: Recording
    begun: tuple[Request, ...] = ()
    cut: int = 0
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


def read(lines: Iterable[bytes], source: str) -> Journal:
    """Read a journal up to its last whole line. Raises CassetteError for what is no journal."""
    seen = _Seen()
    damaged: list[int] = []
    cut, first = 0, b""
    for number, line in enumerate(lines, start=1):
        first = line if number == 1 else b"more"
        event = _event(line)
        if number == 1 and event is not None and event.get("kind") != "header":
            break
        if event is not None and event.get("format", FORMAT) != FORMAT:
            raise CassetteError(f"{source}: journal format {event['format']} is unknown: upgrade gws-replay")
        if event is not None and seen.takes(event):
            continue
        if line.endswith(b"\n"):
            damaged.append(number)
        else:
            cut = len(line)
    if not seen.anything:
        raise _no_journal(source, first)
    return seen.journal(cut, tuple(damaged))


def holds_nothing(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a journal that was begun, and no more: empty, or a header alone."""
    line, _, rest = start.partition(b"\n")
    checksum, _, text = line.partition(b" ")
    is_header = text.startswith(_HEADER) or _HEADER.startswith(text)
    return not rest and is_header and _CHECKSUM.fullmatch(checksum) is not None


def _no_journal(source: str, content: bytes) -> CassetteError:
    if holds_nothing(content):
        return CassetteError(f"{source} is empty: nothing was recorded", exit_code=5)
    return CassetteError(f"{source} is no journal of gws-replay: its first line is not a journal's", exit_code=4)


class _Seen:
    """What the lines of a journal tell, one after the other."""

    def __init__(self) -> None:
        self.anything = False
        self._header: Mapping[str, Any] = {}
        self._stand_ins: list[str] = []
        self._exchanges: list[Exchange] = []
        self._frames: list[Frame] = []
        self._begun: dict[str, tuple[Request, float]] = {}
        self._failed: list[Request] = []
        self._takers = {
            "header": self._take_header,
            "stand_ins": self._take_stand_ins,
            "request": self._take_request,
            "response": self._take_response,
            "error": self._take_error,
            "frame": self._take_frame,
        }

    def takes(self, event: _Line) -> bool:
        """Take up a line; tell whether it was one."""
        try:
            self._takers[event["kind"]](event)
        except (KeyError, TypeError, ValueError, AttributeError):
            return False
        self.anything = True
        return True

    def journal(self, cut: int, damaged: tuple[int, ...]) -> Journal:
        """Return what was taken up."""
        begun = tuple(request for request, _ in self._begun.values())
        return Journal(
            header={**self._header, **({"stand_ins": self._stand_ins} if self._stand_ins else {})},
            recording=Recording(
                exchanges=tuple(self._exchanges), frames=tuple(self._frames), unanswered=(*self._failed, *begun)
            ),
            begun=begun,
            cut=cut,
            damaged=damaged,
        )

    def _take_header(self, event: _Line) -> None:
        self._header = dict(event["header"])

    def _take_stand_ins(self, event: _Line) -> None:
        self._stand_ins += [_text(each) for each in event["made"]]

    def _take_request(self, event: _Line) -> None:
        request = Request(
            method=_text(event["method"]), uri=_text(event["uri"]), headers=_headers(event), body=_bytes(event)
        )
        urlsplit(request.uri)  # refuses what is no URL
        self._begun[_text(event["id"])] = request, _seconds(event)

    def _take_response(self, event: _Line) -> None:
        response = Response(
            status=_typed(event["status"], int),
            reason=_text(event["reason"]),
            headers=_headers(event),
            body=_bytes(event),
        )
        ended = _seconds(event)
        if (asked := self._begun.pop(_text(event["id"]), None)) is not None:
            self._exchanges.append(Exchange(request=asked[0], response=response, began=asked[1], ended=ended))

    def _take_error(self, event: _Line) -> None:
        if (asked := self._begun.pop(_text(event["id"]), None)) is not None:
            self._failed.append(asked[0])

    def _take_frame(self, event: _Line) -> None:
        self._frames.append(
            Frame(
                uri=_text(event["uri"]),
                seen=_seconds(event),
                from_client=bool(event["from_client"]),
                text=_text(event["text"]),
            )
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
        raise ValueError("it is no number of seconds")
    return at


def _headers(line: _Line) -> Headers:
    return Headers(tuple((_text(name), _text(value)) for name, value in line["headers"]))


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _bytes(line: _Line) -> bytes:
    return base64.b64decode(line["base64"]) if "base64" in line else _text(line["body"]).encode()


def _line(event: _Line) -> bytes:
    text = _ENCODER.encode(event).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


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
