"""A recording to a cassette: bodies decoded and laid out, notifications split off and given their causes.

Bayeux control traffic (`/meta/*`, heartbeats, dropped polls) is left out: replay answers it by itself, so one cassette
serves any CometD client over either transport. Pure: the same recording always gives the same cassette.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.bayeux.over_http import is_cometd, is_cometd_exchange
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.causes import causes_of
from gws_replay.core.content_coding import undone
from gws_replay.core.model import (
    Cause,
    Exchange,
    Headers,
    LazySequence,
    Notification,
    Recording,
    Request,
    WebSocketMessage,
)

FORMAT = 1
_DIGITS = 6  # microseconds, the resolution of the clocks that recorders read
# How long after the last moment of a cassette what is appended to it begins, in seconds.
_BEHIND = 0.001


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
    exchanges = sorted(recording.exchanges, key=lambda exchange: exchange.began)
    start = min((*(e.began for e in exchanges), *(m.seen for m in recording.messages)), default=0.0)
    rest: list[Exchange] = []
    told: list[Notification] = []
    taken = (parts_of(each, lay_out=lay_out) for each in exchanges)
    for parts in (*taken, *map(parts_of_message, recording.messages)):
        rest.extend(part for part in parts if isinstance(part, Exchange))
        told.extend(part for part in parts if isinstance(part, Notification))
    told.sort(key=lambda notification: notification.seen)
    others = OtherMessages()
    for message in recording.messages:
        others.add(message)
    earlier = [part for each in recording.carried_over for part in parts_of(each) if isinstance(part, Exchange)]
    return put_together(
        [exchange_since(each, start) for each in (*earlier, *rest)],
        [notification_since(each, start) for each in told],
        header or {},
        unanswered=recording.unanswered,
        earlier=len(earlier),
        more_notes=others.notes(),
    )


def put_together(
    exchanges: Sequence[Exchange],
    told: Sequence[Notification],
    header: Mapping[str, Any],
    *,
    unanswered: Sequence[Request] = (),
    earlier: int = 0,
    more_notes: Iterable[str] = (),
) -> Compiled:
    """Compile what `parts_of` gave, in order of time; the first `earlier` exchanges are those of another cassette.

    The sequences may read what they give when it is asked for: they are looked at one by one, and nothing is kept.
    """
    causes = causes_of(exchanges, told)
    rest = exchanges[earlier:] if earlier else exchanges
    own = [_own(cause, earlier) for cause in causes]
    cassette = Cassette(
        interactions=rest if isinstance(rest, LazySequence) else tuple(rest),
        notifications=_caused(told, own),
        header={
            "format": FORMAT,
            "api": api.api_of(exchange.request for exchange in rest).name,
            **_server_version(rest),
            **header,
        },
    )
    notes = (*_notes_on_causes(told, causes, earlier), *_notes_on_lost(unanswered), *more_notes)
    return Compiled(cassette=cassette, notes=notes)


def parts_of(exchange: Exchange, *, lay_out: bool = True) -> Sequence[Exchange | Notification]:
    """Return what a cassette has of an exchange: itself, decoded and laid out, or the notifications that it carried."""
    exchange = _decoded(exchange)
    if is_cometd_exchange(exchange.request, exchange.response.body):
        return list(_notifications(bayeux_text.messages_in(exchange.response.body) or (), exchange.ended))
    if _is_transport(exchange):
        return []
    return [_laid_out(exchange) if lay_out else exchange]


def parts_of_message(message: WebSocketMessage) -> Sequence[Notification]:
    """Return the notifications that a WebSocket message of the server carried; Bayeux is text."""
    if message.from_client or isinstance(message.content, bytes):
        return []
    return list(_notifications(bayeux_text.messages_in(message.content) or (), message.seen))


class OtherMessages:
    """Counts the WebSocket messages that are not Bayeux, by address; replay cannot send them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._cometd: set[str] = set()

    def add(self, message: WebSocketMessage) -> None:
        """Look at a message."""
        if isinstance(message.content, str) and bayeux_text.messages_in(message.content) is not None:
            self._cometd.add(message.uri)
        elif message.content:
            self._counts[message.uri] += 1

    def notes(self) -> Iterator[str]:
        """Say which messages were left out, a sentence an address; keep-alives of CometD sockets are not worth one."""
        for uri, count in self._counts.items():
            if uri not in self._cometd:
                messages = "1 WebSocket message" if count == 1 else f"{count} WebSocket messages"
                yield f"{messages} of {uri.partition('?')[0]} left out: not Bayeux, so they cannot be replayed"


def exchange_since(exchange: Exchange, start: float) -> Exchange:
    """Return an exchange with its times counted from the start of the recording."""
    return replace(exchange, began=round(exchange.began - start, _DIGITS), ended=round(exchange.ended - start, _DIGITS))


def notification_since(told: Notification, start: float) -> Notification:
    """Return a notification with its time counted from the start of the recording."""
    return replace(told, seen=round(told.seen - start, _DIGITS))


def _own(cause: Cause | None, earlier: int) -> Cause | None:
    """Return a cause by its index among a cassette's own exchanges; None for one of another cassette."""
    if cause is None or not earlier:
        return cause
    return replace(cause, interaction=cause.interaction - earlier) if cause.interaction >= earlier else None


def _caused(told: Sequence[Notification], causes: Sequence[Cause | None]) -> Sequence[Notification]:
    if isinstance(told, LazySequence):
        return LazySequence(len(told), lambda index: replace(told[index], cause=causes[index]))
    return tuple(replace(each, cause=cause) for each, cause in zip(told, causes, strict=True))


def _decoded(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    if not request.headers.get("content-encoding") and not response.headers.get("content-encoding"):
        return exchange
    asked, sent = undone(request.headers, request.body)
    answered, got = undone(response.headers, response.body)
    return replace(
        exchange,
        request=replace(request, headers=asked, body=sent),
        response=replace(response, headers=answered, body=got),
    )


def _is_transport(exchange: Exchange) -> bool:
    """Tell a WebSocket upgrade, refused or not, or a CORS preflight: the replaying server answers them by itself."""
    asked = exchange.request.headers
    preflight = exchange.request.method == "OPTIONS" and asked.get("access-control-request-method")
    upgrade = (asked.get("upgrade") or "").lower() == "websocket"
    return exchange.response.status == 101 or upgrade or bool(preflight)


def _notifications(messages: Iterable[bayeux_text.Message], seen: float) -> Iterator[Notification]:
    for message in messages:
        if message.is_notification:
            data = lossless_json.indented(message.fields["data"])
            yield Notification(channel=message.channel, data=data, seen=seen)


def appended(old: Cassette, new: Cassette) -> Cassette:
    """Return a cassette with the exchanges and notifications of a newer one behind its own."""
    moments = [*(each.ended for each in old.interactions), *(each.seen for each in old.notifications)]
    start, count = max(moments, default=0.0) + _BEHIND, len(old.interactions)
    interactions = (replace(each, began=each.began + start, ended=each.ended + start) for each in new.interactions)
    notifications = (
        replace(each, seen=each.seen + start, cause=_shifted(each.cause, count)) for each in new.notifications
    )
    stand_ins = new.header.get("stand_ins")
    return replace(
        old,
        interactions=(*old.interactions, *interactions),
        notifications=(*old.notifications, *notifications),
        header={**old.header, **({"stand_ins": stand_ins} if stand_ins else {})},
    )


def _shifted(cause: Cause | None, count: int) -> Cause | None:
    """Return a cause whose interactions stand `count` places later."""
    if cause is None:
        return None
    return replace(cause, interaction=cause.interaction + count, also=tuple(index + count for index in cause.also))


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
        if exchange.request.path.endswith("/diagnostics/version") and isinstance(exchange.response_json, dict):
            version = str(exchange.response_json.get("version"))
            return {"server": version.encode("utf-8", "backslashreplace").decode()}  # half a surrogate pair is no text
    return {}


def _notes_on_causes(told: Sequence[Notification], causes: Sequence[Cause | None], earlier: int) -> Iterator[str]:
    for index, cause in enumerate(causes):
        if cause and cause.interaction < earlier:
            yield (
                f"notification {index} on {told[index].channel} answers an operation that the cassette before this one "
                "holds: in this one nothing is its cause"
            )
        elif cause and cause.rule == "order":
            yield (
                f"notification {index} on {told[index].channel} is taken to answer interaction "
                f"{cause.interaction - earlier} only because that came last before it: check it, and pin the cause if "
                "it is another"
            )


def _notes_on_lost(unanswered: Sequence[Request]) -> Iterator[str]:
    for request in unanswered:
        if not is_cometd(request):
            yield f"{request.method} {request.path} got no answer and is not in the cassette"
