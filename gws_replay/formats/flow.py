"""mitmproxy's flows to our values: single messages for the addon, whole `.flow` files for `convert`.

Needs mitmproxy (the extra `record`).
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mitmproxy import exceptions, http
from mitmproxy.io import FlowReader

from gws_replay.core.model import Exchange, Frame, Headers, Request, Response, Seen, Unanswered
from gws_replay.errors import CassetteError

if TYPE_CHECKING:
    from typing import BinaryIO

_NO_UTF8 = re.compile("[\udc80-\udcff]")


def moments(file: "BinaryIO", source: str) -> Iterator[Seen]:
    """Yield what a flow file that mitmproxy saved (`-w`) holds.

    Raises CassetteError for another version or a torn file.
    """
    try:
        for flow in FlowReader(file).stream():
            if isinstance(flow, http.HTTPFlow):
                yield from _moments(flow)
    except (exceptions.FlowReadException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CassetteError(
            f"{source} cannot be read as a mitmproxy flow file ({error}): it is torn, or from another version; "
            "open it with the mitmproxy that wrote it and export a HAR"
        ) from None


def _moments(flow: http.HTTPFlow) -> Iterator[Seen]:
    request = request_of(flow)
    yield from frames_of(flow)
    if flow.response is None:
        yield Unanswered(request)
        return
    yield Exchange(
        request=request,
        response=response_of(flow.response),
        began=flow.request.timestamp_start,
        ended=flow.response.timestamp_end or flow.response.timestamp_start,
    )


def request_of(flow: http.HTTPFlow) -> Request:
    """Return the request of a flow, decoded."""
    headers, body = _decoded(flow.request)
    uri = _NO_UTF8.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", flow.request.url)
    return Request(method=_plain(flow.request.method), uri=uri, headers=headers, body=body)


def response_of(response: http.Response) -> Response:
    """Return a response, decoded."""
    headers, body = _decoded(response)
    return Response(status=response.status_code, reason=response.reason or "", headers=headers, body=body)


def frames_of(flow: http.HTTPFlow) -> Iterator[Frame]:
    """Yield the text messages of a flow that became a WebSocket."""
    for message in flow.websocket.messages if flow.websocket else ():
        if message.is_text:
            yield Frame(
                uri=flow.request.url,
                seen=message.timestamp,
                from_client=message.from_client,
                text=message.text,
            )


def _decoded(message: http.Message) -> tuple[Headers, bytes]:
    """Return headers and decoded body; a body that does not decode stays as it came, with its coding."""
    headers = Headers(tuple((_text(name), _text(value)) for name, value in message.headers.fields))
    if "content-encoding" not in message.headers:
        return headers, message.raw_content or b""
    try:
        plain = message.get_content(strict=True) or b""
    except ValueError:
        return headers, message.raw_content or b""
    return headers.without("content-encoding").replacing("content-length", str(len(plain))), plain


def _plain(text: str) -> str:
    """Escape the bytes beyond UTF-8 that mitmproxy hides in half surrogate pairs, which no cassette can hold."""
    return _text(text.encode("utf-8", "surrogateescape"))


def _text(field: bytes) -> str:
    return field.decode("utf-8", "backslashreplace")
