"""The quick way to read a cassette file: its lines exactly as `vcr_yaml.dump_yaml` writes them.

A YAML parser spends a millisecond on an interaction, which this module reads in a few microseconds. It knows one layout
and guesses nothing: an item that looks different is parsed as YAML on its own, and a file that still raises a doubt is
left to `vcr_yaml.load`, so that a damaged file has the same error whichever way it is read.

What is read by parts must mean the same as in its file. It does: a new item begins at column 0, where no line of a
literal block can; every other form that goes over several lines is open at the end of a part cut in the midst of it,
and is then no YAML.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, cast

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import (
    Cause,
    Exchange,
    Headers,
    Layout,
    Moment,
    Notification,
    Outcome,
    Request,
    Response,
    Rule,
    WebSocketMessage,
)
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.formats.vcr.reader import MOMENTS, RULES, Reader
from gws_replay.formats.vcr.sendable import sendable

_BLOCK = 1 << 20
_HEAD = f"{vcr_yaml.FIRST_LINE}\nversion: 1\ninteractions:".encode()
_NOTIFICATIONS, _HEADER = b"\nnotifications:", b"\ngws_replay:"
_MESSAGES = f"\n{vcr_document.MESSAGES}:".encode()
# In half the time that bytes.split takes with it.
_DASH = re.compile(rb"\n- ")
_TEXT = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
# What YAML takes for the end of a line, or does not take, beyond ASCII. It takes long to compile, and is rarely needed.
_ODD = "[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_AT_COLUMN_0 = re.compile(rb"\n[^ \n]")
_BLANK = re.compile(rb"\n(?=\n)")
# A scalar on one line: in single quotes, or plain and without any character that may end or open something.
_SCALAR = r"""'[^'\n]*(?:''[^'\n]*)*'|[A-Za-z0-9/](?:[!$-+./0-9;-@A-Z\\^_`a-z|~-]| (?=[!$-+./0-9;-@A-Z\\^_`a-z|~-]))*"""
_URI = rb"https?://(?![^/\n]*[\[\]])[!-~]*[!-9;-~]"
_SECONDS = rb"(?:0|[1-9]\d{0,11})(?:\.\d+)?"
_REQUEST = re.compile(rb"request:\n    method: ([A-Z]+)\n    uri: (%b)\n    body: " % _URI)
_STATUS = re.compile(rf"    status: \{{code: (101|[2-9]\d\d), message: ({_SCALAR})\}}")
_FIELDS, _RESPONSE, _RESPONSE_BODY = b"\n    headers:", b"\n  response:\n", b"\n    body:\n      string: "
_INDEX = rb"0|[1-9]\d{0,8}"
_OURS = re.compile(
    rb"\n  gws_replay: \{began: (%b), ended: (%b)(?:, user: (%b))?(?:, outcome: (silence|broken))?"
    rb"(?:, layout: (spaced|kept))?\}\Z" % (_SECONDS, _SECONDS, _INDEX)
)
_LONGEST_OURS = 150
_FIELD = re.compile(rf"      ([A-Za-z][A-Za-z0-9_-]{{0,99}}): \[((?:{_SCALAR})(?:, (?:{_SCALAR}))*)\]")
_VALUES = re.compile(_SCALAR)
_NOTIFICATION = re.compile(
    rb"channel: (/[A-Za-z0-9/_*-]*)\n  seen: (%b)\n"
    rb"(?:  user: (%b)\n)?"
    rb"  cause: (?:null|\{interaction: (%b)(?:, also: \[((?:%b)(?:, (?:%b))*)\])?, rule: ([\w-]+), after: (\w+)\})\n"
    rb"  data: " % (_SECONDS, *[_INDEX] * 4)
)


class _UnknownError(Exception):
    """What is read is not as we write it."""


def load(file: BinaryIO, source: str) -> Cassette | None:
    """Read a cassette file, in pieces; None for one that `vcr_yaml.load` must read, as its layout is not quite ours."""
    try:
        return _Layout(source).cassette(_items(file))
    except (_UnknownError, CassetteError, UnicodeDecodeError):
        return None


class Items:
    """Reads single items of a cassette, as `yaml_text.dump_yaml` writes them."""

    def __init__(self, interactions: Sequence[Exchange]) -> None:
        """Take the interactions that notifications have for a cause."""
        self._layout = _Layout("")
        self._interactions = interactions

    def exchange(self, index: int, text: str) -> Exchange:
        """Read an interaction. Raises CassetteError for what is not one."""
        item = text.removeprefix("- ").removesuffix("\n").encode()
        return self._layout.exchange(index, item)

    def notification(self, index: int, text: str) -> Notification:
        """Read a notification. Raises CassetteError for what is not one."""
        item = text.removeprefix("- ").removesuffix("\n").encode()
        try:
            return self._layout.notification(item, index, self._interactions)
        except _UnknownError:
            raise CassetteError(f"notification {index} cannot be read") from None


def _items(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines before the first item, and those of each item, less the dash and the last end of a line."""
    pieces: list[bytes] = []
    while block := file.read(_BLOCK):
        *whole, last = _DASH.split(pieces.pop() + block if pieces else block)
        yield from whole
        pieces.append(last)
    yield from pieces


class _Layout:
    """Reads the items of one file; what occurs again and again in it is read once."""

    def __init__(self, source: str) -> None:
        self._reader = Reader(source, users=None)  # the header, which lists them, comes last
        self._headers: dict[bytes, Headers] = {}
        self._fields: dict[bytes, tuple[tuple[str, str], ...]] = {}
        self._statuses: dict[bytes, tuple[int, str]] = {}

    def cassette(self, items: Iterator[bytes]) -> Cassette:
        """Read the items. Raises _UnknownError, CassetteError or UnicodeDecodeError when in doubt."""
        if next(items, b"") != _HEAD:
            raise _UnknownError
        exchanges: list[Exchange] = []
        notifications: list[Notification] = []
        messages: tuple[WebSocketMessage, ...] = ()
        header: Mapping[str, Any] | None = None
        in_notifications = False
        for item in items:
            if not in_notifications and (exchange := self._laid_out(item)):
                exchanges.append(exchange)
                continue
            inside, end = _before_the_end(item)
            if end:
                header, messages = self._end(b"\n- ".join([end, *items]))
            if in_notifications:
                notifications.append(self.notification(inside, len(notifications), exchanges))
                continue
            inside, are_next, rest = inside.partition(_NOTIFICATIONS)
            if rest or (are_next and end):
                raise _UnknownError
            in_notifications = bool(are_next)
            exchanges.append(self._laid_out(inside) or self._any(len(exchanges), inside))
        if header is None:
            raise _UnknownError
        cassette = Cassette(
            interactions=tuple(exchanges),
            notifications=tuple(notifications),
            messages=messages,
            header=header,
            source=self._reader.source,
        )
        if self._reader.last_user >= len(cassette.users):
            raise _UnknownError
        return cassette

    def _any(self, index: int, item: bytes) -> Exchange:
        return sendable(self._reader.exchange(index, _parsed(item)), index, self._reader.source)

    def exchange(self, index: int, item: bytes) -> Exchange:
        """Read an interaction of any layout. Raises CassetteError for what is not one."""
        try:
            return self._laid_out(item) or self._reader.exchange(index, _parsed(item))
        except _UnknownError:
            raise CassetteError(f"interaction {index} cannot be read") from None

    def _end(self, end: bytes) -> tuple[Mapping[str, Any], tuple[WebSocketMessage, ...]]:
        """Return the header at the end of a file, and the WebSocket messages, if there are any before it."""
        text = vcr_yaml.whole_lines(f"{vcr_yaml.FIRST_LINE}{end.decode()}", "", as_json=False)
        document = vcr_yaml.parse(text, "", as_json=False)
        if document.keys() - {vcr_document.MESSAGES} != {"gws_replay"} or document["gws_replay"] is None:
            raise _UnknownError
        self._reader.document({"version": 1, "interactions": [], **document})
        messages = vcr_document.messages(self._reader, document)
        return cast("Mapping[str, Any]", document["gws_replay"]), messages

    def _laid_out(self, item: bytes) -> Exchange | None:
        """Read an interaction, every line of which is as we write it; None for any other."""
        request = _REQUEST.match(item)
        ours = _OURS.search(item, max(0, len(item) - _LONGEST_OURS))
        if not request or not ours:
            return None
        # No line of a literal block is indented as little as these.
        fields = item.find(_FIELDS, request.end())
        status = item.find(_RESPONSE, fields)
        response_fields = item.find(_FIELDS, status)
        response_body = item.find(_RESPONSE_BODY, response_fields)
        if min(fields, status, response_fields, response_body) < 0:
            return None
        try:
            _check_text(item)
            code, message = self._status(item[status + len(_RESPONSE) : response_fields])
            return Exchange(
                request=Request(
                    method=_plain(request[1].decode()),
                    uri=request[2].decode(),
                    headers=self._headers_of(item[fields + len(_FIELDS) : status]),
                    body=_body(item[request.end() : fields], b"\n      "),
                ),
                response=Response(
                    status=code,
                    reason=message,
                    headers=self._headers_of(item[response_fields + len(_FIELDS) : response_body]),
                    body=_body(item[response_body + len(_RESPONSE_BODY) : ours.start()], b"\n        "),
                ),
                began=float(ours[1]),
                ended=float(ours[2]),
                user=self._reader.user_index(int(ours[3] or 0), ""),
                outcome=cast("Outcome", ours[4].decode()) if ours[4] else "response",
                layout=cast("Layout", ours[5].decode()) if ours[5] else "compact",
            )
        except _UnknownError:
            return None

    def notification(self, item: bytes, index: int, interactions: Sequence[Exchange]) -> Notification:
        """Read a notification. Raises _UnknownError or CassetteError when in doubt."""
        found = _NOTIFICATION.match(item)
        if not found:
            return self._reader.notification(index, _parsed(item), interactions)
        try:
            _check_text(item)
            data = _body(item[found.end() :], b"\n    ").decode()
        except _UnknownError:
            return self._reader.notification(index, _parsed(item), interactions)
        notification = Notification(
            channel=found[1].decode(),
            data=data,
            seen=float(found[2]),
            cause=_cause(*found.group(4, 5, 6, 7), interactions=len(interactions)) if found[4] else None,
            user=self._reader.user_index(int(found[3] or 0), ""),
        )
        self._reader.check_order(notification, f"notification {index}", interactions)
        if not _is_json(notification):
            return self._reader.notification(index, _parsed(item), interactions)
        return notification

    def _status(self, line: bytes) -> tuple[int, str]:
        if line not in self._statuses:
            found = _STATUS.fullmatch(line.decode())
            if not found:
                raise _UnknownError
            self._statuses[line] = int(found[1]), _scalar(found[2])
        return self._statuses[line]

    def _headers_of(self, lines: bytes) -> Headers:
        if lines not in self._headers:
            self._headers[lines] = Headers(() if lines == b" {}" else self._pairs(lines))
        return self._headers[lines]

    def _pairs(self, lines: bytes) -> tuple[tuple[str, str], ...]:
        first, *rest = lines.split(b"\n")
        fields = [self._field(line) for line in rest]
        if first or not fields or len({field[0][0] for field in fields}) != len(fields):
            raise _UnknownError
        return tuple(pair for field in fields for pair in field)

    def _field(self, line: bytes) -> tuple[tuple[str, str], ...]:
        if line not in self._fields:
            found = _FIELD.fullmatch(line.decode())
            if not found:
                raise _UnknownError
            name = _plain(found[1])
            self._fields[line] = tuple((name, _scalar(value)) for value in _VALUES.findall(found[2]))
        return self._fields[line]


def _before_the_end(item: bytes) -> tuple[bytes, bytes]:
    """Return an item, and what follows the last one: the WebSocket messages, if there are any, and the header."""
    at = item.find(_MESSAGES)
    at = item.find(_HEADER) if at < 0 else at
    return (item, b"") if at < 0 else (item[:at], item[at:])


def _cause(interaction: bytes, also: bytes | None, rule: bytes, after: bytes, *, interactions: int) -> Cause:
    """Return a cause that names interactions that exist. Raises _UnknownError for any other."""
    last = int(interaction)
    others = tuple(map(int, also.split(b","))) if also else ()
    indices = {last, *others}
    if max(indices) >= interactions or len(indices) <= len(others) or others != tuple(sorted(others)):
        raise _UnknownError
    if rule.decode() not in RULES or after.decode() not in MOMENTS:
        raise _UnknownError
    return Cause(interaction=last, also=others, rule=cast("Rule", rule.decode()), after=cast("Moment", after.decode()))


def _is_json(notification: Notification) -> bool:
    try:
        _ = notification.value  # parsed once: every reader of a notification needs its value
    except ValueError:
        return False
    return True


def _parsed(item: bytes) -> Any:
    """Parse one item as YAML. Raises CassetteError, or _UnknownError for more than an item."""
    text = item.decode()
    if _AT_COLUMN_0.search(item):
        raise _UnknownError
    document = vcr_yaml.parse(f"item:\n- {text}\n", "", as_json=False)
    if document.keys() != {"item"} or len(document["item"]) != 1:
        raise _UnknownError
    return document["item"][0]


def _check_text(item: bytes) -> None:
    """Raise _UnknownError for characters that a literal block does not hold as they are."""
    if item.translate(None, _TEXT) and re.search(_ODD, item.decode()):
        raise _UnknownError


def _body(text: bytes, margin: bytes) -> bytes:
    """Return the text of a literal block, of a scalar on one line, or of null."""
    if text.startswith(b"|-\n"):
        lines = text.replace(margin, b"\n")
        # Every line that is not blank has lost its margin; the first sets it, and the last is not cut off.
        others = text.count(b"\n") - (len(text) - len(lines)) // (len(margin) - 1)
        if (others and others != len(_BLANK.findall(text))) or lines[3:4] in b" \t\n" or lines.endswith(b"\n"):
            raise _UnknownError
        return lines[3:]
    return b"" if text == b"null" else _scalar(text.decode()).encode()


def _scalar(spelled: str) -> str:
    if not _VALUES.fullmatch(spelled):
        raise _UnknownError
    return spelled[1:-1].replace("''", "'") if spelled[0] == "'" else _plain(spelled)


@lru_cache(maxsize=1000)
def _plain(spelled: str) -> str:
    """Return a plain scalar that is text, and not a number, a date or a truth value."""
    if not vcr_yaml.is_text(spelled):
        raise _UnknownError
    return spelled
