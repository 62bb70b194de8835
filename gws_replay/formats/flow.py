"""mitmproxy's flows to our values: single messages for the addon, whole `.flow` files for `convert`.

Needs mitmproxy (the extra `record`).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mitmproxy import connection, exceptions, flowfilter, http, websocket
from mitmproxy.io import FlowReader

from gws_replay.core.model import (
    CarriedOver,
    Evidence,
    Exchange,
    Headers,
    Observed,
    Request,
    Response,
    WebSocketMessage,
)
from gws_replay.errors import CassetteError
from gws_replay.formats import wire_tuples as raw

if TYPE_CHECKING:
    from typing import BinaryIO


def moments(file: "BinaryIO", source: str) -> Iterator[Observed]:
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


def matching(expression: str) -> Callable[[Observed], bool]:
    """Return what tells whether a moment matches a mitmproxy filter. Raises ValueError for what is not a filter."""
    matches = flowfilter.parse(expression)
    return lambda seen: bool(matches(_flow_of(seen)))


def _flow_of(seen: Observed) -> http.HTTPFlow:
    """Return as much of a flow as filters look at."""
    client = connection.Client(peername=("", 0), sockname=("", 0), timestamp_start=0.0)
    flow = http.HTTPFlow(client, connection.Server(address=None))
    exchange = seen.exchange if isinstance(seen, CarriedOver) else seen
    if isinstance(exchange, WebSocketMessage):
        flow.request = http.Request.make("GET", exchange.uri)
        flow.websocket = websocket.WebSocketData()
        return flow
    request = exchange.request
    flow.request = http.Request.make(request.method, request.uri, request.body, _fields(request.headers))
    if isinstance(exchange, Exchange):
        response = exchange.response
        flow.response = http.Response.make(response.status, response.body, _fields(response.headers))
    return flow


def _fields(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in headers.pairs)


def _moments(flow: http.HTTPFlow) -> Iterator[Observed]:
    request = request_of(flow)
    yield from messages_of(flow)
    began, evidence = flow.request.timestamp_start, Evidence(connection=flow.client_conn.id)
    if flow.response is None:
        ended = max(began, flow.error.timestamp if flow.error else began)
        outcome = raw.outcome_of(flow.error.msg if flow.error else "")
        yield replace(Exchange.without_response(request, began, ended, outcome), evidence=evidence)
        return
    yield Exchange(
        request=request,
        response=response_of(flow.response),
        began=began,
        ended=flow.response.timestamp_end or flow.response.timestamp_start,
        evidence=evidence,
    )


def request_of(flow: http.HTTPFlow) -> Request:
    """Return the request of a flow, decoded."""
    return raw.request(*raw_request(flow))


def raw_request(flow: http.HTTPFlow) -> raw.Request:
    """Return what `raw.request` makes a request of."""
    return (flow.request.method, flow.request.url, *_raw(flow.request))


def response_of(response: http.Response) -> Response:
    """Return a response, decoded."""
    return raw.response(*raw_response(response))


def raw_response(response: http.Response) -> raw.Response:
    """Return what `raw.response` makes a response of."""
    return (response.status_code, response.reason or "", *_raw(response))


def messages_of(flow: http.HTTPFlow) -> Iterator[WebSocketMessage]:
    """Yield the messages of a flow that became a WebSocket."""
    for message in flow.websocket.messages if flow.websocket else ():
        yield WebSocketMessage(
            uri=flow.request.url,
            seen=message.timestamp,
            from_client=message.from_client,
            content=_content(message),
            evidence=Evidence(connection=flow.client_conn.id),
        )


def _content(message: websocket.WebSocketMessage) -> str | bytes:
    content: object = message.content
    if isinstance(content, str):  # mitmproxy 6 and before saved text so, and newer ones leave it
        return content
    return message.text if message.is_text else message.content


def _raw(message: http.Message) -> raw.Message:
    """Undo the coding of a body; one that does not decode stays as it came, with its coding."""
    fields = message.headers.fields
    body = message.raw_content or b""
    if any(name.lower() == b"content-encoding" for name, _ in fields):
        with suppress(ValueError):
            return fields, message.get_content(strict=True) or b"", True
    return fields, body, False
