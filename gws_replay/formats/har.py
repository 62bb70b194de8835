"""HAR 1.2 text to a Recording: Chrome's, Firefox's and mitmproxy's, with `_webSocketMessages` where there are any."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from gws_replay.core.model import Exchange, Frame, Headers, Recording, Request, Response
from gws_replay.errors import CassetteError

_LONGEST = 1e9


def is_har(document: Any) -> bool:
    """Tell a HAR document from other JSON."""
    log = document.get("log") if isinstance(document, dict) else None
    return isinstance(log, dict) and isinstance(log.get("entries"), list)


def load(text: str, source: str) -> Recording:
    """Read a HAR file. Raises CassetteError that names the entry, also for a HAR saved without bodies."""
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise CassetteError(f"{source} is not JSON ({error}): is it torn, or no HAR?") from None
    if not is_har(document):
        raise CassetteError(f"{source} is no HAR: it has no log.entries")
    exchanges: list[Exchange] = []
    frames: list[Frame] = []
    unanswered: list[Request] = []
    for index, entry in enumerate(document["log"]["entries"]):
        try:
            request = _request(entry["request"])
            frames.extend(_frames(entry, request.uri))
            # Status 0 is how browsers and mitmproxy write down that no response came.
            if not entry["response"].get("status"):
                unanswered.append(request)
                continue
            began = datetime.fromisoformat(entry["startedDateTime"]).timestamp()
            exchanges.append(
                Exchange(
                    request=request,
                    response=_response(entry["response"]),
                    began=began,
                    ended=began + _seconds(entry),
                )
            )
        except _NoBodyError:
            raise CassetteError(
                f"{source}, entry {index}: the response body is missing; export the HAR again with content"
            ) from None
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, binascii.Error) as error:
            problem = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise CassetteError(f"{source}, entry {index}: {problem}; export the HAR again") from None
    return Recording(exchanges=tuple(exchanges), frames=tuple(frames), unanswered=tuple(unanswered))


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


def _frames(entry: Mapping[str, Any], uri: str) -> Iterator[Frame]:
    for message in entry.get("_webSocketMessages") or ():
        if message.get("opcode", 1) == 1:
            seen, text = float(message["time"]), _typed(message, "data", str)
            if not isfinite(seen):
                raise ValueError("the field 'time' of a message is no number of seconds")
            yield Frame(uri=uri, seen=seen, from_client=message["type"] == "send", text=text)
