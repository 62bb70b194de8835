"""A recording to a cassette: bodies decoded and laid out, notifications split off and given their causes.

Bayeux control traffic (`/meta/*`, heartbeats, dropped polls) is left out: replay answers it by itself, so one cassette
serves any CometD client over either transport. Pure: the same recording always gives the same cassette.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gws_replay.core import api, bayeux_text, lossless_json
from gws_replay.core.causes import attribute
from gws_replay.core.model import Cassette, Exchange, Headers, Notification, Recording, Request

FORMAT = 1
_CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_BODY = 256 * 1024 * 1024
_SLICE = 8192  # zlib copies what follows a member: all of it at once, and many small members take for ever
_DIGITS = 6  # microseconds, the resolution of the clocks that recorders read


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A cassette and what a person should know about how it came to be, a sentence each."""

    cassette: Cassette
    notes: tuple[str, ...] = ()


def compile_recording(
    recording: Recording, header: Mapping[str, Any] | None = None, *, lay_out: bool = True
) -> Compiled:
    """Compile what was seen on the wire into a cassette. Unless `lay_out`, JSON bodies stay as they were spelled.

    `header` is added to the cassette's header (recorder, recorded, redaction); `format`, `api` and the server's
    version, where the recording shows it, come from here.
    """
    exchanges = sorted(map(_decoded, recording.exchanges), key=lambda exchange: exchange.began)
    start = min((*(e.began for e in exchanges), *(f.seen for f in recording.frames)), default=0.0)
    rest: list[Exchange] = []
    told: list[Notification] = []
    for exchange in exchanges:
        if _is_bayeux(exchange):
            told.extend(_notifications(exchange.response.body, exchange.ended - start))
        elif not _is_transport(exchange):
            timed = replace(
                exchange, began=round(exchange.began - start, _DIGITS), ended=round(exchange.ended - start, _DIGITS)
            )
            rest.append(_laid_out(timed) if lay_out else timed)
    for frame in recording.frames:
        if not frame.from_client:
            told.extend(_notifications(frame.text, frame.seen - start))
    told.sort(key=lambda notification: notification.seen)
    notifications = attribute(rest, told)
    cassette = Cassette(
        interactions=tuple(rest),
        notifications=notifications,
        header={
            "format": FORMAT,
            "api": api.api_of(exchange.request for exchange in rest),
            **_server_version(rest),
            **(header or {}),
        },
    )
    return Compiled(cassette=cassette, notes=(*_notes_on_causes(notifications), *_notes_on_lost(recording.unanswered)))


def decoded(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Undo gzip and deflate content codings; one that is unknown, does not decode, or hides too much stays as it is."""
    window = _CODINGS.get((headers.get("content-encoding") or "").strip().lower())
    if window is None or not body:
        return headers, body
    pieces: list[bytes] = []
    room = _MAX_BODY
    unpacker = zlib.decompressobj(window)
    try:
        for start in range(0, len(body), _SLICE):
            rest = body[start : start + _SLICE]
            while rest:
                if unpacker.eof:  # gzip may have several members
                    unpacker = zlib.decompressobj(window)
                pieces.append(unpacker.decompress(rest, room))
                room -= len(pieces[-1])
                if unpacker.unconsumed_tail or room <= 0:
                    return headers, body
                rest = unpacker.unused_data
    except zlib.error:
        return headers, body
    if not unpacker.eof:
        return headers, body
    return headers.without("content-encoding"), b"".join(pieces)


def unpacked(headers: Headers, body: bytes) -> Headers:
    """Return the headers of a body as an HTTP library handed it over: vcrpy keeps the coding that urllib3 has undone.

    Packed bytes are no text, and what gzip has packed begins with its two bytes.
    """
    coding = (headers.get("content-encoding") or "").strip().lower()
    if not coding or not body or decoded(headers, body)[0] is not headers:
        return headers
    is_packed = body[:2] == _GZIP_MAGIC if "gzip" in coding else not _is_text(body)
    return headers if is_packed else headers.without("content-encoding")


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    if not request.headers.get("content-encoding") and not response.headers.get("content-encoding"):
        return exchange
    asked, sent = _undone(request.headers, request.body)
    answered, got = _undone(response.headers, response.body)
    return replace(
        exchange,
        request=replace(request, headers=asked, body=sent),
        response=replace(response, headers=answered, body=got),
    )


def _undone(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Undo a coding; the length header follows, unless there was nothing to undo, as in an answer to HEAD."""
    plain_headers, plain = decoded(headers, body)
    return (headers if plain_headers is headers else plain_headers.replacing("content-length", str(len(plain)))), plain


def _is_bayeux(exchange: Exchange) -> bool:
    return any(
        bayeux_text.messages_in(body) is not None for body in (exchange.request.body, exchange.response.body) if body
    )


def _is_transport(exchange: Exchange) -> bool:
    """Tell a WebSocket upgrade, refused or not, or a CORS preflight: the replaying server answers them by itself."""
    asked = exchange.request.headers
    preflight = exchange.request.method == "OPTIONS" and asked.get("access-control-request-method")
    upgrade = (asked.get("upgrade") or "").lower() == "websocket"
    return exchange.response.status == 101 or upgrade or bool(preflight)


def _notifications(body: bytes | str, seen: float) -> Iterator[Notification]:
    for message in bayeux_text.messages_in(body) or ():
        if message.is_notification:
            data = lossless_json.indented(message.fields["data"])
            yield Notification(channel=message.channel, data=data, seen=round(seen, _DIGITS))


def laid_out(cassette: Cassette) -> Cassette:
    """Return a cassette with its JSON bodies laid out as they are written."""
    return replace(cassette, interactions=tuple(map(_laid_out, cassette.interactions)))


def _laid_out(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    request_headers, request_body = _body(request.headers, request.body)
    response_headers, response_body = _body(response.headers, response.body)
    return replace(
        exchange,
        request=replace(request, headers=request_headers, body=request_body),
        response=replace(response, headers=response_headers, body=response_body),
    )


def _body(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Lay JSON out; the length header follows. Other bytes stay as they are."""
    if lossless_json.loads_or_none(body) is None:
        return headers, body
    plain = lossless_json.indented(body.decode()).encode()
    return headers.without("transfer-encoding").replacing("content-length", str(len(plain))), plain


def _server_version(exchanges: Sequence[Exchange]) -> dict[str, str]:
    for exchange in exchanges:
        if exchange.request.path.endswith("/diagnostics/version") and isinstance(exchange.answer, dict):
            return {"server": str(exchange.answer.get("version"))}
    return {}


def _notes_on_causes(notifications: Sequence[Notification]) -> Iterator[str]:
    for index, told in enumerate(notifications):
        if told.cause and told.cause.rule == "order":
            yield (
                f"notification {index} on {told.channel} is taken to answer interaction {told.cause.interaction} "
                "only because that came last before it: check it, and pin the cause if it is another"
            )


def _notes_on_lost(unanswered: Sequence[Request]) -> Iterator[str]:
    for request in unanswered:
        if bayeux_text.messages_in(request.body) is None:
            yield f"{request.method} {request.path} got no answer and is not in the cassette"
