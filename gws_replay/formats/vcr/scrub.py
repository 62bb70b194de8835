"""What is to be redacted in a cassette file, ours or plain vcrpy's: each place in the document, and its new value.

Only what changes is named, so that a file can be rewritten there and nowhere else. What was packed (gzip) is unpacked,
redacted, and packed again.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Notification, Request, Response, WebSocketMessage
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr.reader import is_old_httpx

HEADER = "gws_replay"
Path = tuple[str | int, ...]
Change = tuple[Path, str | bytes]
Report = Callable[[str, str], None]
# Returns a redactor that knows the stand-ins, and reports place and rule of what it finds and of what it cannot read.
NewRedactor = Callable[[tuple[str, ...], Report, Report], Redactor]


@dataclass(frozen=True, slots=True)
class RedactedPlace:
    """Something that is to be redacted: where it stands, and the rule that says so. Never the value."""

    place: str
    rule: str


@dataclass(slots=True)
class Scrub:
    """The scrubbing of one document.

    What was found, what is to be changed, the header that says so; what could not be examined (place and kind), and the
    keys that sound as if their values were secret or personal.
    """

    document: Mapping[str, Any]
    source: str
    new_redactor: NewRedactor
    findings: list[RedactedPlace] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    header: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    suspects: frozenset[str] = frozenset()
    _place: str = ""

    @property
    def header_name(self) -> str:
        """The key of the header: ours, or the one of a file without ours."""
        return vcr_document.REDACTION if self.document.get(HEADER) is None else HEADER

    def run(self) -> "Scrub":
        """Do it. Raises CassetteError for what is not a cassette."""
        messages = list(self._messages())
        facts = self._facts()
        settled = tuple(map(str, facts.get("stand_ins") or ()))
        redactor = self.new_redactor(settled, self._noticed, self._not_read)
        for _ in range(2):  # a value may stand somewhere before what gives it away
            self.findings.clear()
            self.changes.clear()
            for message in messages:
                found = len(self.findings)
                new = list(message(redactor))
                if new and len(self.findings) == found:  # user info, a session in a path
                    self.findings.append(RedactedPlace(self._place, "secret in a URL"))
                self.changes += new
        users = [dict(redactor.user(each)) for each in facts.get("users") or ()]
        self.header = {**facts, **({"users": users} if users else {}), **redactor.header}
        self.suspects = redactor.suspects
        return self

    def _facts(self) -> Mapping[str, Any]:
        """Return what the header says. Raises CassetteError for one that cannot be read."""
        name, facts = self.header_name, self.document.get(self.header_name) or {}
        if not isinstance(facts, Mapping):
            raise CassetteError(
                f"{self.source}: {name} is {type(facts).__name__}, not a mapping: restore it, or delete it"
            )
        if not isinstance(facts.get("stand_ins") or [], list):
            raise CassetteError(f"{self.source}: {name}, stand_ins is no list: restore it, or delete it")
        return facts

    def _messages(self) -> Iterator[Callable[[Redactor], Iterator[Change]]]:
        # First: it checks the document.
        exchanges, notifications, websocket_messages = vcr_document.contents(self.document, self.source)
        for index, user in enumerate((self.document.get(HEADER) or {}).get("users") or ()):
            yield partial(self._user, index=index, user=user)
        for index, exchange in enumerate(exchanges):
            yield partial(self._request, index=index, request=exchange.request)
            yield partial(self._response, index=index, response=exchange.response)
        for index, notification in enumerate(notifications):
            yield partial(self._notification, index=index, notification=notification)
        for index, message in enumerate(websocket_messages):
            yield partial(self._websocket_message, index=index, message=message)

    def _user(self, using: Redactor, index: int, user: Mapping[str, Any]) -> Iterator[Change]:
        self._place = f"header, user {index}"
        new = using.user(user).get("name")
        if new != user.get("name"):
            yield (HEADER, "users", index, "name"), str(new)

    def _request(self, using: Redactor, index: int, request: Request) -> Iterator[Change]:
        at: Path = ("interactions", index, "request")
        self._place = f"interaction {index}, request"
        old = _Message(request.headers, request.body)
        new = using.request(
            Request(method=request.method, uri=request.uri, headers=old.plain_headers, body=old.plain_body)
        )
        if new.uri != request.uri:
            yield (*at, "uri"), new.uri
        yield from old.changes(at, "body", new.headers, new.body)

    def _response(self, using: Redactor, index: int, response: Response) -> Iterator[Change]:
        at: Path = ("interactions", index, "response")
        self._place = f"interaction {index}, response"
        old = _Message(response.headers, response.body)
        new = using.response(replace(response, headers=old.plain_headers, body=old.plain_body))
        if new.reason != response.reason:
            yield (*at, "status", "message"), new.reason
        body = "content" if is_old_httpx(self.document["interactions"][index]["response"]) else "body"
        yield from old.changes(at, body, new.headers, new.body)

    def _notification(self, using: Redactor, index: int, notification: Notification) -> Iterator[Change]:
        self._place = f"notification {index}, data"
        data = using.data(notification.data)
        if data != notification.data:
            yield ("notifications", index, "data"), data

    def _websocket_message(self, using: Redactor, index: int, message: WebSocketMessage) -> Iterator[Change]:
        self._place = f"websocket message {index}"
        new, at = using.message(message), (vcr_document.MESSAGES, index)
        if new.uri != message.uri:
            yield (*at, "uri"), new.uri
        if new.content != message.content:
            old, item = vcr_document.message(message), vcr_document.message(new)
            yield from (((*at, name), item[name]) for name in ("text", "base64") if item.get(name) != old.get(name))

    def _noticed(self, place: str, rule: str) -> None:
        finding = RedactedPlace(f"{self._place}{' ' if place else ''}{place}", rule)
        if finding not in self.findings[-20:]:
            self.findings.append(finding)

    def _not_read(self, place: str, kind: str) -> None:
        self.unread[f"{self._place}{' ' if place else ''}{place}"] = kind


class _Message:
    """The headers and the body of a message as they stand in the file, and unpacked."""

    def __init__(self, headers: Headers, body: bytes) -> None:
        self._headers = headers
        self._body = body
        self.plain_headers, self.plain_body = decoded(headers, body)
        self._coding = "" if self.plain_headers is headers else (headers.get("content-encoding") or "").lower()

    def changes(self, at: Path, name: str, headers: Headers, body: bytes) -> Iterator[Change]:
        """Yield what is to be changed; the length that the headers say is that of the body as it will stand."""
        length = self._headers.get("content-length") or ""
        if body != self.plain_body:
            packed = _packed(body, self._coding) if self._coding else body
            length = str(len(packed))
            yield (*at, name), _as_it_was(packed, self._body)
        values = iter(headers.replacing("content-length", length).pairs)
        number: dict[str, int] = {}
        for field_name, value in self._headers.pairs:
            count = number[field_name] = number.get(field_name, -1) + 1
            if self._coding and field_name.lower() == "content-encoding":
                continue
            new = next(values)[1]
            if new != value:
                yield (*at, "headers", field_name, count), new


def _packed(plain: bytes, coding: str) -> bytes:
    return gzip.compress(plain, mtime=0) if "gzip" in coding else zlib.compress(plain)


def _as_it_was(new: bytes, old: bytes) -> str | bytes:
    """Return text where there was text."""
    try:
        old.decode()
        return new.decode()
    except UnicodeDecodeError:
        return new
