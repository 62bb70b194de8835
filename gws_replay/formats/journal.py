"""The journal of a recording: a checksummed line for each moment seen, so that a crash loses nothing finished.

A line is eight hex digits (CRC-32 of the rest), a space, and a JSON object. The first is the header; then `request`,
`response`, `error` and `frame` lines, which an id ties together, and lines with the `stand_ins` of personal values.
Only what was redacted is ever written here.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
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


def read(lines: Iterable[bytes], source: str) -> Journal:
    """Read a journal up to its last whole line. Raises CassetteError for what is no journal."""
    header: Mapping[str, Any] | None = None
    events: list[_Line] = []
    damaged: list[int] = []
    torn = False
    for number, line in enumerate(lines, start=1):
        event = _event(line)
        if number == 1:
            header = _header(event, source)
        elif event is not None:
            events.append(event)
        elif line.endswith(b"\n"):
            damaged.append(number)
        else:
            torn = True
    if header is None:
        raise CassetteError(f"{source} is empty: nothing was recorded", exit_code=5)
    stand_ins = [made for event in events if event["kind"] == "stand_ins" for made in event["made"]]
    header = {**header, "stand_ins": stand_ins} if stand_ins else header
    return Journal(header=header, recording=_recording(events), torn=torn, damaged=tuple(damaged))


def _header(event: _Line | None, source: str) -> Mapping[str, Any]:
    if event is None or event.get("kind") != "header":
        raise CassetteError(f"{source} is no journal of gws-replay: its first line is not a journal's", exit_code=4)
    if event.get("format") != FORMAT:
        raise CassetteError(f"{source}: journal format {event.get('format')} is unknown: upgrade gws-replay")
    header: Mapping[str, Any] = event["header"]
    return header


def _recording(events: Iterable[_Line]) -> Recording:
    asked: dict[str, _Line] = {}
    exchanges: list[Exchange] = []
    frames: list[Frame] = []
    for event in events:
        kind = event["kind"]
        if kind == "request":
            asked[event["id"]] = event
        elif kind == "response" and (request := asked.pop(event["id"], None)):
            exchanges.append(
                Exchange(request=_request(request), response=_response(event), began=request["at"], ended=event["at"])
            )
        elif kind == "frame":
            frames.append(
                Frame(uri=event["uri"], seen=event["at"], from_client=event["from_client"], text=event["text"])
            )
    return Recording(exchanges=tuple(exchanges), frames=tuple(frames), unanswered=tuple(map(_request, asked.values())))


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


def ids(lines: Iterable[bytes]) -> tuple[list[str], list[str]]:
    """Return the ids of the requests that were answered, in the order of the exchanges, and those of the others."""
    open_: dict[str, None] = {}
    answered = []
    for event in filter(None, map(_event, lines)):
        if event["kind"] == "request":
            open_[event["id"]] = None
        elif event["kind"] == "response" and event["id"] in open_:
            del open_[event["id"]]
            answered.append(event["id"])
    return answered, list(open_)
