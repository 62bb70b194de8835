"""The journal of a recording: a checksummed line for each moment seen, so that a crash loses nothing finished.

A line is eight hex digits (CRC-32 of the rest), a space, and a JSON object. The first is the header; then `request`,
`response`, `error` and `frame` lines, which an id ties together, and lines with the `stand_ins` of personal values.
Where a recording goes on in another journal, `moved` says that a request without a response stands there again, and
`earlier` that an exchange stood in the one before, and `users` are the users so far. Only what was redacted is ever
written here: `who` sent a request is known by fingerprints of credentials, whose key is never stored.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from gws_replay.core.model import NO_EVIDENCE, Evidence, Identity, Outcome, Request, Response, WebSocketMessage

FORMAT = 1
_Line = dict[str, Any]
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def header_line(header: Mapping[str, Any]) -> bytes:
    """Return the first line: format, and what else is to come into the cassette's header."""
    return _line({"kind": "header", "format": FORMAT, "header": dict(header)})


def request_line(id_: str, at: float, request: Request, evidence: Evidence = NO_EVIDENCE) -> bytes:
    """Return the line for a request that began. Its evidence is `who` sent it, and the client's connection."""
    fields = {"method": request.method, "uri": request.uri, "headers": request.headers.pairs}
    who = _who(evidence.sent, evidence.connection)
    return _line({"kind": "request", "id": id_, "at": at, **fields, **_body(request.body), **who})


def response_line(id_: str, at: float, response: Response, evidence: Evidence = NO_EVIDENCE) -> bytes:
    """Return the line for a response that is complete. Its evidence is what it gave to the user."""
    fields = {"status": response.status, "reason": response.reason, "headers": response.headers.pairs}
    return _line({"kind": "response", "id": id_, "at": at, **fields, **_body(response.body), **_who(evidence.received)})


def users_line(users: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the line for the users of the parts before this one, with their identities."""
    return _line({"kind": "users", "users": list(users)})


def stand_ins_line(stand_ins: Iterable[str]) -> bytes:
    """Return the line for stand-ins that occur in what follows for the first time."""
    return _line({"kind": "stand_ins", "made": list(stand_ins)})


def error_line(id_: str, at: float, message: str, outcome: Outcome = "broken") -> bytes:
    """Return the line for a request that will get no response: the server was silent, or the connection broke."""
    return _line({"kind": "error", "id": id_, "at": at, "message": message, "outcome": outcome})


def message_line(message: WebSocketMessage) -> bytes:
    """Return the line for a WebSocket message."""
    content = message.content
    fields: _Line = {"uri": message.uri, "from_client": message.from_client}
    fields |= {"text": content} if isinstance(content, str) else {"base64": base64.b64encode(content).decode()}
    evidence = message.evidence or NO_EVIDENCE
    who = _who((*evidence.sent, *evidence.received), evidence.connection)
    return _line({"kind": "frame", "at": message.seen, **fields, **who})


def moved_line(id_: str) -> bytes:
    """Return the line for a request whose response comes into the next journal, where the request stands again."""
    return _line({"kind": "moved", "id": id_})


def earlier_line(id_: str) -> bytes:
    """Return the line that goes before those of an exchange that the journal before this one holds."""
    return _line({"kind": "earlier", "id": id_})


def _who(identities: Iterable[Identity], connection: str = "") -> _Line:
    who = [list(each) for each in identities]
    return {**({"who": who} if who else {}), **({"connection": connection} if connection else {})}


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _line(event: _Line) -> bytes:
    text = _ENCODER.encode(event).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)
