"""The cassette as plain mappings and lists, the same for YAML and JSON: to a Cassette and back.

Errors name the file, the interaction and the field, and what to do.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.content_coding import unpacked
from gws_replay.core.model import Cause, Exchange, Headers, Notification, Recording, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr.reader import SENDERS, Reader
from gws_replay.formats.vcr.sendable import sendable

# What was redacted in a cassette without our header: `gws-replay scrub` writes it.
REDACTION = "gws_replay_redaction"
# Where a file has the WebSocket messages that are not CometD.
MESSAGES = "websocket_messages"


def read(document: Mapping[str, Any], source: str) -> Cassette:
    """Read a parsed cassette file. Raises CassetteError, which names the place.

    One without our header is compiled: file order stands in for time, recorded CometD responses give notifications. Its
    bodies stay as they are, so that a client gets what vcrpy would give it.
    """
    reader = Reader(source)
    items = reader.document(document)
    header = document.get("gws_replay")
    if header is None and (document.get("notifications") or document.get(MESSAGES)):
        raise CassetteError(f"{source}: the header 'gws_replay' is missing: is the file torn?")
    exchanges = tuple(sendable(reader.exchange(index, item), index, source) for index, item in enumerate(items))
    if header is None:
        from gws_replay.core.compile.compiler import compile_recording  # noqa: PLC0415  (ours is compiled already)

        recording = Recording(exchanges=tuple(map(_as_unpacked, exchanges)))
        return compile_recording(recording, document.get(REDACTION), lay_out=False).cassette.named(source)
    items = reader.list_of(document, "notifications")
    return Cassette(
        interactions=exchanges,
        notifications=tuple(reader.notification(index, item, exchanges) for index, item in enumerate(items)),
        messages=messages(reader, document),
        header=header,
        source=source,
    )


def messages(reader: Reader, document: Mapping[str, Any]) -> tuple[WebSocketMessage, ...]:
    """Return the WebSocket messages of a parsed cassette file."""
    return tuple(reader.message(index, item) for index, item in enumerate(reader.list_of(document, MESSAGES)))


def contents(
    document: Mapping[str, Any], source: str
) -> tuple[Sequence[Exchange], Sequence[Notification], Sequence[WebSocketMessage]]:
    """Return what a parsed cassette file holds as it stands there, ours or not."""
    reader = Reader(source)
    exchanges = [reader.exchange(index, item) for index, item in enumerate(reader.document(document))]
    items = reader.list_of(document, "notifications")
    notifications = [reader.notification(index, item, exchanges) for index, item in enumerate(items)]
    return exchanges, notifications, messages(reader, document)


def interaction(exchange: Exchange) -> dict[str, Any]:
    """Return the item for an exchange; binary bodies are bytes."""
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": _body(request.body) if request.body else None,
            "headers": _grouped(request.headers),
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": _grouped(response.headers),
            "body": {"string": _body(response.body)},
        },
        "gws_replay": {
            "began": exchange.began,
            "ended": exchange.ended,
            **_user(exchange.user),
            **({"outcome": exchange.outcome} if exchange.outcome != "response" else {}),
            **({"layout": exchange.layout} if exchange.layout != "compact" else {}),
        },
    }


def notification(notification: Notification) -> dict[str, Any]:
    """Return the item for a notification."""
    return {
        "channel": notification.channel,
        "seen": notification.seen,
        **_user(notification.user),
        "cause": _cause(notification.cause) if notification.cause else None,
        "data": notification.data,
    }


def message(message: WebSocketMessage) -> dict[str, Any]:
    """Return the item for a WebSocket message; a JSON file, too, can hold a binary one."""
    content = message.content
    return {
        "uri": message.uri,
        "seen": message.seen,
        **({"connection": message.connection} if message.connection else {}),
        **_user(message.user),
        "from": SENDERS[not message.from_client],
        **({"text": content} if isinstance(content, str) else {"base64": b64encode(content).decode()}),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    also = {"also": cause.also} if cause.also else {}
    return {"interaction": cause.interaction, **also, "rule": cause.rule, "after": cause.after}


def _user(index: int) -> dict[str, int]:
    """Return the field that names a user: none for the first, so that a cassette with one user has no such field."""
    return {"user": index} if index else {}


def _as_unpacked(exchange: Exchange) -> Exchange:
    response = exchange.response
    headers = unpacked(response.headers, response.body)
    if headers is response.headers:
        return exchange
    return replace(exchange, response=replace(response, headers=headers))


def _body(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _grouped(headers: Headers) -> dict[str, tuple[str, ...]]:
    """Group repeated fields under the first spelling of their name, in a sequence that is written on one line."""
    grouped: dict[str, tuple[str, ...]] = {}
    spelling: dict[str, str] = {}
    for name, value in headers.pairs:
        key = spelling.setdefault(name.lower(), name)
        grouped[key] = (*grouped.get(key, ()), value)
    return grouped
