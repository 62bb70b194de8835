"""HAR 1.2 to our values, as browsers and other tools write it, with WebSocket messages where there are any.

An entry that cannot be used is skipped, with a reason; the others are read.
"""

import base64
import binascii
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from io import TextIOWrapper
from math import isfinite
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import urlencode, urlsplit
from zipfile import BadZipFile, ZipFile

from gws_replay.core.model import Evidence, Exchange, Headers, Observed, Request, Response, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats.json_stream import items_of
from gws_replay.formats.wire_tuples import outcome_of

# Reads a file that stands beside the HAR; raises OSError or KeyError if there is none.
Attached: TypeAlias = Callable[[str], bytes]
# Receives the number of an entry that was skipped, and why.
Skipped: TypeAlias = Callable[[int, str], None]
_LONGEST = 1e9
_STEP = 0.001  # seconds between two entries without a time
_SCHEMES = ("http", "https", "ws", "wss")


class _UnusableError(Exception):
    """An entry that cannot be used, and why."""


def is_har(file: BinaryIO) -> bool:
    """Tell a HAR document from other JSON."""
    try:
        with closing(_entries(file)) as entries:
            next(entries, None)
    except (ValueError, LookupError, RecursionError):
        return False
    return True


def no_attachments(name: str) -> bytes:
    """Refuse to read a file beside a HAR: a HAR that is not in a zip has none."""
    raise KeyError(name)


def moments(
    file: BinaryIO,
    source: str,
    *,
    attached: Attached = no_attachments,
    skipped: Skipped = lambda _number, _why: None,
) -> Iterator[Observed]:
    """Yield what a HAR holds, entry by entry. Raises CassetteError for a file that is not a HAR."""
    began = 0.0
    try:
        for number, entry in enumerate(_entries(file)):
            try:
                began = _began(entry, began)
                yield from list(_moments(entry, began, attached))
            except _UnusableError as error:
                skipped(number, str(error))
            except KeyError as error:
                skipped(number, f"the field {error} is missing")
            except (TypeError, AttributeError, ValueError, OverflowError, OSError):
                skipped(number, "a field has a wrong value")
    except UnicodeDecodeError:
        raise CassetteError(f"{source} is not UTF-8 text, so it cannot be a HAR") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, CassetteError):
            raise
        raise CassetteError(f"{source} is not JSON ({error}): it may be torn, or not a HAR") from None
    except LookupError:
        raise CassetteError(f"{source} is not a HAR: log.entries is missing") from None


def moments_of_zip(file: BinaryIO, source: str, *, skipped: Skipped = lambda _number, _why: None) -> Iterator[Observed]:
    """Yield what a zip of Playwright holds: a HAR, and bodies as files beside it."""
    try:
        with ZipFile(file) as archive:
            name = next((each for each in archive.namelist() if each.endswith(".har")), None)
            if name is None:
                raise CassetteError(f"{source} holds no .har file")
            with archive.open(name) as inner:
                yield from moments(_as_binary(inner), source, attached=archive.read, skipped=skipped)
    except BadZipFile as error:
        raise CassetteError(f"{source} cannot be read as a zip file ({error}): it may be torn") from None


def _as_binary(stream: Any) -> BinaryIO:
    binary: BinaryIO = stream
    return binary


def _entries(file: BinaryIO) -> Generator[Any]:
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from items_of(text, "log", "entries")
    finally:
        text.detach()  # or else it would close the file


def _began(entry: Mapping[str, Any], before: float) -> float:
    """Return when an entry began; one that does not say so came right after the one before it."""
    started = entry.get("startedDateTime")
    return datetime.fromisoformat(started).timestamp() if started else before + _STEP


def _moments(entry: Mapping[str, Any], began: float, attached: Attached) -> Iterator[Observed]:
    request = _request(entry["request"], attached)
    ended = began + _seconds(entry)
    is_websocket = bool(entry.get("_webSocketMessages"))
    connection = f"{request.uri} {began}" if is_websocket else str(entry.get("connection") or "")
    evidence = Evidence(connection=connection)
    yield from _websocket_messages(entry, request.uri, evidence)
    response = entry["response"]
    # Status 0 (and -1) is how browsers and mitmproxy write down that no response came.
    if not response.get("status") or response["status"] == -1:
        outcome = outcome_of(str(response.get("_error") or "aborted"))
        yield replace(Exchange.without_response(request, began, ended, outcome), evidence=evidence)
        return
    exchange = partial(Exchange, request=request, began=began, ended=ended, evidence=evidence)
    yield exchange(response=_response(response, attached))


def _seconds(entry: Mapping[str, Any]) -> float:
    """Return how long the entry took; time spent waiting for a free socket counts, as it does in `time`."""
    time = entry.get("time")
    if time is None:
        timings = entry.get("timings") or {}
        time = sum(max(timings.get(name) or 0, 0) for name in ("blocked", "dns", "connect", "send", "wait", "receive"))
    seconds = max(float(time), 0.0) / 1000
    if not seconds < _LONGEST:
        raise _UnusableError("the field 'time' is not a number of milliseconds")
    return seconds


def _request(item: Mapping[str, Any], attached: Attached) -> Request:
    method, url = _typed(item, "method", str), _typed(item, "url", str)
    scheme = urlsplit(url).scheme.lower()
    if scheme not in _SCHEMES:
        raise _UnusableError(f"its address is not HTTP ({scheme or 'no scheme'}:)")
    return Request(method=method, uri=url, headers=_headers(item), body=_posted(item.get("postData") or {}, attached))


def _posted(data: Mapping[str, Any], attached: Attached) -> bytes:
    """Return a request's body: its text, or the form that its parameters are."""
    body = _body(data, data.get("size"), attached)
    params = data.get("params")
    if body or not params:
        return body or b""
    kind = str(data.get("mimeType") or "")
    if "json" in kind:
        return _json_of(params)
    if "multipart/" in kind:
        return _multipart(params, kind)
    return urlencode([(each["name"], each.get("value") or "") for each in params]).encode()


def _json_of(params: list[Mapping[str, Any]]) -> bytes:
    """Return JSON whose members chrome-har has listed as if it were a form; those of an array have their index."""
    members = {each["name"]: each.get("value") for each in params}
    is_array = list(members) == list(map(str, range(len(members))))
    return json.dumps(list(members.values()) if is_array else members).encode()


def _multipart(params: list[Mapping[str, Any]], kind: str) -> bytes:
    boundary = kind.partition("boundary=")[2].partition(";")[0].strip('" ')
    if not boundary:
        raise _UnusableError("its multipart body has no boundary")
    lines = []
    for each in params:
        file = f'; filename="{each["fileName"]}"' if each.get("fileName") else ""
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{each["name"]}"{file}']
        lines += [f"Content-Type: {each['contentType']}"] if each.get("contentType") else []
        lines += ["", each.get("value") or ""]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def _response(item: Mapping[str, Any], attached: Attached) -> Response:
    content = item.get("content") or {}
    body = _body(content, content.get("size"), attached)
    if body is None:
        if content.get("size", 0) > 0:
            raise _UnusableError("its response body is missing (export the HAR with content)")
        body = b""
    # The text of a HAR is decoded already, whatever the headers say.
    headers = _headers(item).without("content-encoding")
    reason = _typed(item, "statusText", str) if item.get("statusText") else ""
    return Response(status=_typed(item, "status", int), reason=reason, headers=headers, body=body)


def _body(content: Mapping[str, Any], size: Any, attached: Attached) -> bytes | None:
    """Return a body; None where there is none. Text that is marked as base64 and is not is taken as text."""
    if name := content.get("_file"):
        try:
            return attached(_typed(content, "_file", str))
        except (KeyError, OSError):
            raise _UnusableError(f"its body is in the file {name}, which is missing") from None
    text = content.get("text")
    if text is None:
        return None
    plain = str(_typed(content, "text", str)).encode()
    if content.get("encoding") != "base64":
        return plain
    letters = b"".join(plain.split()).rstrip(b"=")
    try:
        decoded = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        return plain
    is_plain = size == len(plain) and size != len(decoded)
    return plain if is_plain else decoded


def _typed(item: Mapping[str, Any], name: str, type_: Any) -> Any:
    value = item[name]
    if not isinstance(value, type_) or isinstance(value, bool):
        raise _UnusableError(f"the field {name!r} is {type(value).__name__}")
    if isinstance(value, str):
        value.encode()  # refuses half a surrogate pair, which no file can hold
    return value


def _headers(item: Mapping[str, Any]) -> Headers:
    """Return the fields, less the pseudo-fields (`:authority`) that browsers show for HTTP/2."""
    fields = item.get("headers") or ()
    return Headers(
        tuple(
            (_typed(field, "name", str), _typed(field, "value", str))
            for field in fields
            if not field["name"].startswith(":")
        )
    )


def _websocket_messages(entry: Mapping[str, Any], uri: str, evidence: Evidence) -> Iterator[WebSocketMessage]:
    for message in entry.get("_webSocketMessages") or ():
        opcode = message.get("opcode", 1)
        if opcode not in (1, 2):
            continue
        seen, data = float(message["time"]), _typed(message, "data", str)
        if not isfinite(seen):
            raise _UnusableError("the field 'time' of a message is not a number of seconds")
        content = data if opcode == 1 else base64.b64decode(data)
        from_client = message["type"] == "send"
        yield WebSocketMessage(uri=uri, seen=seen, from_client=from_client, content=content, evidence=evidence)
