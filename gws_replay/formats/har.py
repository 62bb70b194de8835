"""HAR 1.2 to our values: Chrome's, Firefox's and mitmproxy's, with `_webSocketMessages` where there are any."""

import base64
import binascii
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from io import TextIOWrapper
from math import isfinite
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from gws_replay.core.model import Exchange, Headers, Observed, Request, Response, Unanswered, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats.json_stream import items_of

_LONGEST = 1e9


def is_har(file: BinaryIO) -> bool:
    """Tell a HAR document from other JSON."""
    try:
        with closing(_entries(file)) as entries:
            next(entries, None)
    except (ValueError, LookupError, RecursionError):
        return False
    return True


def moments(file: BinaryIO, source: str) -> Iterator[Observed]:
    """Yield what a HAR holds, entry by entry. Raises CassetteError that names the entry, also for missing bodies."""
    try:
        for index, entry in enumerate(_entries(file)):
            yield from _checked(entry, f"{source}, entry {index}")
    except UnicodeDecodeError:
        raise CassetteError(f"{source} is not UTF-8 text: it is no HAR") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, CassetteError):
            raise
        raise CassetteError(f"{source} is not JSON ({error}): is it torn, or no HAR?") from None
    except LookupError:
        raise CassetteError(f"{source} is no HAR: it has no log.entries") from None


def _entries(file: BinaryIO) -> Generator[Any]:
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from items_of(text, "log", "entries")
    finally:
        text.detach()  # or else it would close the file


def _checked(entry: Any, place: str) -> list[Observed]:
    try:
        return list(_moments(entry))
    except _NoBodyError:
        raise CassetteError(f"{place}: the response body is missing; export the HAR again with content") from None
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, binascii.Error) as error:
        problem = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise CassetteError(f"{place}: {problem}; export the HAR again") from None


def _moments(entry: Mapping[str, Any]) -> Iterator[Observed]:
    request = _request(entry["request"])
    yield from _websocket_messages(entry, request.uri)
    # Status 0 is how browsers and mitmproxy write down that no response came.
    if not entry["response"].get("status"):
        yield Unanswered(request)
        return
    began = datetime.fromisoformat(entry["startedDateTime"]).timestamp()
    yield Exchange(request=request, response=_response(entry["response"]), began=began, ended=began + _seconds(entry))


class _NoBodyError(Exception):
    pass


def _seconds(entry: Mapping[str, Any]) -> float:
    """Return how long the entry took; time spent waiting for a free socket counts, as it does in `time`."""
    seconds = max(float(entry.get("time") or 0), 0.0) / 1000
    if not seconds < _LONGEST:
        raise ValueError("the field 'time' is no number of milliseconds")
    return seconds


def _request(item: Mapping[str, Any]) -> Request:
    data = item.get("postData") or {}
    text = data.get("text") or ""
    body = base64.b64decode(text) if data.get("encoding") == "base64" else text.encode()
    method, url = _typed(item, "method", str), _typed(item, "url", str)
    urlsplit(url)  # refuses what is no URL
    return Request(method=method, uri=url, headers=_headers(item), body=body)


def _response(item: Mapping[str, Any]) -> Response:
    content = item.get("content") or {}
    text = content.get("text")
    if text is None:
        if content.get("size", 0) > 0:
            raise _NoBodyError
        text = ""
    body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
    # The text of a HAR is decoded already, whatever the headers say.
    headers = _headers(item).without("content-encoding")
    reason = _typed(item, "statusText", str) if item.get("statusText") else ""
    return Response(status=_typed(item, "status", int), reason=reason, headers=headers, body=body)


def _typed(item: Mapping[str, Any], name: str, type_: Any) -> Any:
    value = item[name]
    if not isinstance(value, type_) or isinstance(value, bool):
        raise TypeError(f"the field {name!r} is {type(value).__name__}")
    if isinstance(value, str):
        value.encode()  # refuses half a surrogate pair, which no file can hold
    return value


def _headers(item: Mapping[str, Any]) -> Headers:
    """Return the fields, less the pseudo-fields (`:authority`) that browsers show for HTTP/2."""
    return Headers(
        tuple(
            (_typed(field, "name", str), _typed(field, "value", str))
            for field in item["headers"]
            if not field["name"].startswith(":")
        )
    )


def _websocket_messages(entry: Mapping[str, Any], uri: str) -> Iterator[WebSocketMessage]:
    for message in entry.get("_webSocketMessages") or ():
        if message.get("opcode", 1) == 1:
            seen, text = float(message["time"]), _typed(message, "data", str)
            if not isfinite(seen):
                raise ValueError("the field 'time' of a message is no number of seconds")
            yield WebSocketMessage(uri=uri, seen=seen, from_client=message["type"] == "send", content=text)
