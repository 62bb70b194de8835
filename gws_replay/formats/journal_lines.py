"""The journal of a recording: a checksummed line for each moment seen, so that a crash loses nothing finished.

A line is eight hex digits (CRC-32 of the rest), a space, and a JSON object. The first is the header; then `request`,
`response`, `error` and `frame` lines, which an id ties together, and lines with the `stand_ins` of personal values.
Where a recording goes on in another journal, `moved` says that a request without an answer stands there again, and
`earlier` that an exchange stood in the one before. Only what was redacted is ever written here.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from gws_replay.core.model import Request, Response, WebSocketMessage

FORMAT = 1
_Line = dict[str, Any]
_ENCODER = json.JSONEncoder(separators=(",", ":"))


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


def message_line(message: WebSocketMessage) -> bytes:
    """Return the line for a WebSocket message."""
    content = message.content
    fields: _Line = {"uri": message.uri, "from_client": message.from_client}
    fields |= {"text": content} if isinstance(content, str) else {"base64": base64.b64encode(content).decode()}
    return _line({"kind": "frame", "at": message.seen, **fields})


def moved_line(id_: str) -> bytes:
    """Return the line for a request whose answer comes into the next journal, where the request stands again."""
    return _line({"kind": "moved", "id": id_})


def earlier_line(id_: str) -> bytes:
    """Return the line that goes before those of an exchange that the journal before this one holds."""
    return _line({"kind": "earlier", "id": id_})


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _line(event: _Line) -> bytes:
    text = _ENCODER.encode(event).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)
