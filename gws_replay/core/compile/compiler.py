"""A recording to a cassette: bodies decoded and laid out, notifications split off, users and causes found.

Bayeux control traffic (`/meta/*`, heartbeats, dropped polls) is left out: replay makes it anew, so one cassette
serves any CometD client over either transport. Pure: the same recording always gives the same cassette.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.bayeux.over_http import is_cometd, is_cometd_exchange
from gws_replay.core.body_layout import is_laid_out, layout_of
from gws_replay.core.cassette import FORMAT, Cassette
from gws_replay.core.compile.deliveries import Deliveries
from gws_replay.core.compile.identity import CLIENT_ID, evidence_of, evidence_of_message
from gws_replay.core.compile.users import Users
from gws_replay.core.content_coding import undone
from gws_replay.core.model import (
    CarriedOver,
    Cause,
    Evidence,
    Exchange,
    Headers,
    Layout,
    LazySequence,
    Notification,
    Observed,
    Recording,
    Response,
    Unfinished,
    WebSocketMessage,
)

_DIGITS = 6  # microseconds, the resolution of the clocks that recorders read
_KEEP_ALIVES = ("", "[]", b"")
# A longer response does not only say that the credentials are wrong.
_LONGEST_REFUSAL = 2000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A cassette and what a person should know about how it came to be, a sentence each."""

    cassette: Cassette
    notes: tuple[str, ...] = ()


class Store(Protocol[_T]):
    """Where the parts of a cassette are collected: in memory, or on disk where they may not fit into memory."""

    def add(self, value: _T, at: float, beside: float = 0.0, tag: int = 0) -> None:
        """Add a value with its time; of several with the same time, that with the lesser `beside` comes first."""

    def by_time(self, change: Callable[[_T, int], _T], without: AbstractSet[int] = frozenset()) -> Sequence[_T]:
        """Return the values in order of time, each changed with its tag; less those with a tag of `without`."""


class InMemory(Store[_T]):
    """Parts of a cassette in memory."""

    def __init__(self) -> None:
        self._items: list[tuple[float, float, _T, int]] = []

    def add(self, value: _T, at: float, beside: float = 0.0, tag: int = 0) -> None:
        """Add a value with its time."""
        self._items.append((at, beside, value, tag))

    def by_time(self, change: Callable[[_T, int], _T], without: AbstractSet[int] = frozenset()) -> Sequence[_T]:
        """Return the changed values in order of time."""
        items = sorted(self._items, key=lambda item: item[:2])
        return [change(value, tag) for _, _, value, tag in items if tag not in without]


def compile_recording(
    recording: Recording, header: Mapping[str, Any] | None = None, *, lay_out: bool = True
) -> Compiled:
    """Compile what was seen on the wire into a cassette. Unless `lay_out`, JSON bodies stay as they were spelled.

    `header` is added to the cassette's header (recorder, recorded, redaction); `format`, `api`, the users and the
    server's version, where the recording shows it, come from here.
    """
    compilation = Compilation(InMemory(), InMemory(), InMemory(), lay_out=lay_out)
    exchanges = sorted((*recording.exchanges, *recording.unanswered), key=lambda exchange: exchange.began)
    moments: Iterable[Observed] = (
        *map(CarriedOver, recording.carried_over),
        *exchanges,
        *recording.messages,
        *map(Unfinished, recording.unfinished),
    )
    for moment in moments:
        compilation.add(moment)
    return compilation.compiled(header or {})


class Compilation:
    """A recording on its way to a cassette: each moment is added as it was observed, in any order.

    `answered` and `unanswered` count its exchanges; it began at `start`, infinite for nothing.
    """

    def __init__(
        self,
        exchanges: Store[Exchange],
        notifications: Store[Notification],
        messages: Store[WebSocketMessage],
        *,
        lay_out: bool = True,
    ) -> None:
        """Collect the parts in three stores."""
        self._exchanges = exchanges
        self._notifications = notifications
        self._messages = messages
        self._lay_out = lay_out
        self._users = Users()
        self._deliveries = Deliveries()
        self._cometd_sockets: set[str] = set()
        self._connections: dict[str, int] = {}
        self._carried_over = 0
        self._unfinished: list[str] = []
        self.start = float("inf")
        self.answered = self.unanswered = 0

    def add(self, moment: Observed) -> None:
        """Add what was observed."""
        if isinstance(moment, WebSocketMessage):
            self._add_message(moment)
        elif isinstance(moment, CarriedOver):
            exchange = _decoded(moment.exchange)
            if not is_cometd_exchange(exchange.request, exchange.response.body) and not _is_transport(exchange):
                self._carried_over += 1
                tag = self._user(exchange, evidence_of(exchange))
                self._exchanges.add(self._kept(exchange), -1.0, exchange.began, tag)
        elif isinstance(moment, Unfinished):
            self.unanswered += 1
            if not is_cometd(moment.request):
                self._unfinished.append(f"{moment.request.method} {moment.request.path}")
        else:
            self._add_exchange(_decoded(moment))

    def compiled(self, header: Mapping[str, Any], earlier_users: Iterable[Mapping[str, Any]] = ()) -> Compiled:
        """Return the cassette. `known_users` are those of the parts before this one. A lazy store is read on access."""
        self._users.know(earlier_users)
        users, start = self._users.resolved(), self.start
        exchanges = self._exchanges.by_time(
            lambda exchange, tag: replace(
                exchange, began=_since(exchange.began, start), ended=_since(exchange.ended, start), user=users[tag]
            )
        )
        notifications = self._notifications.by_time(
            lambda notification, tag: replace(
                notification, seen=_since(notification.seen, start), user=users[self._deliveries.owner(tag)]
            ),
            self._deliveries.repeated(users.__getitem__),
        )
        messages = self._messages.by_time(
            lambda message, tag: replace(message, seen=_since(message.seen, start), user=users[tag])
        )
        causes = _causes_of(exchanges, notifications) if notifications else []
        carried_over = self._carried_over
        own = exchanges[carried_over:] if carried_over else exchanges
        cassette = Cassette(
            interactions=own if isinstance(own, LazySequence) else tuple(own),
            notifications=_with_causes(notifications, [_own(cause, carried_over) for cause in causes]),
            messages=messages if isinstance(messages, LazySequence) else tuple(messages),
            header={
                "format": FORMAT,
                "api": api.api_of(exchange.request for exchange in own).name,
                **_server_version(own),
                **header,
                **users.header,
            },
        )
        return Compiled(
            cassette=cassette,
            notes=(
                *_notes_on_causes(notifications, causes, carried_over),
                *(_notes_on_unanswered(own) if self.unanswered else ()),
                *(f"{each} had no response when the recording ended: it is left out" for each in self._unfinished),
                *cassette.not_replayed,
            ),
        )

    def _add_exchange(self, exchange: Exchange) -> None:
        is_cometd = is_cometd_exchange(exchange.request, exchange.response.body)
        if exchange.outcome != "response":
            self.unanswered += 1
            if is_cometd:
                return  # a dropped poll: many, and they mean nothing
        else:
            self.answered += 1
        self.start = min(self.start, exchange.began)
        evidence = evidence_of(exchange)
        is_transport = _is_transport(exchange)
        user = self._user(exchange, evidence, is_rest=not (is_cometd or is_transport))
        if is_cometd:
            self._add_delivery(exchange, evidence, user)
        elif not is_transport:  # an upgrade only has the credentials of the messages that follow
            self._exchanges.add(self._kept(exchange), exchange.began, tag=user)

    def _add_delivery(self, exchange: Exchange, evidence: Evidence, owner: int) -> None:
        """Add the notifications in a CometD response."""
        client = next((each.value for each in (*evidence.sent, *evidence.received) if each.kind == CLIENT_ID), "")
        sent = bayeux_text.messages_in(exchange.request.body) or ()
        returned = bayeux_text.messages_in(exchange.response.body) or ()
        self._meet(client, exchange.began if any(each.kind == CLIENT_ID for each in evidence.sent) else exchange.ended)
        self._acknowledge(client, sent, exchange.began)
        self._deliver(returned, client, owner, exchange.ended, exchange.began)

    def _add_message(self, message: WebSocketMessage) -> None:
        self.start = min(self.start, message.seen)
        evidence = evidence_of_message(message)
        owner = self._users.add(evidence, message.seen, is_rest=False)
        messages = None if isinstance(message.content, bytes) else bayeux_text.messages_in(message.content)
        if messages is None:
            self._keep_message(message, evidence.connection, owner)
            return
        self._cometd_sockets.add(message.uri)
        self._meet(evidence.connection, message.seen)
        if message.from_client:
            self._acknowledge(evidence.connection, messages, message.seen)
        else:
            self._deliver(messages, evidence.connection, owner, message.seen, float("inf"))

    def _keep_message(self, message: WebSocketMessage, connection: str, owner: int) -> None:
        """Keep a message that is not Bayeux; what keeps a CometD socket alive is not worth it."""
        if message.uri in self._cometd_sockets and message.content in _KEEP_ALIVES:
            return
        number = self._connections.setdefault(connection or message.uri, len(self._connections))
        uri = re.sub("^http", "ws", message.uri)  # as mitmproxy writes them
        self._messages.add(replace(message, uri=uri, connection=number, evidence=None), message.seen, tag=owner)

    def _meet(self, client: str, at: float) -> None:
        if client:
            self._deliveries.meet(client, at)

    def _acknowledge(self, client: str, messages: Iterable[bayeux_text.Message], at: float) -> None:
        if client and (batch := bayeux_text.batch_of(messages)) is not None:
            self._deliveries.acknowledge(client, batch, at)

    def _deliver(
        self, messages: Iterable[bayeux_text.Message], client: str, owner: int, seen: float, beside: float
    ) -> None:
        batch = bayeux_text.batch_of(messages)
        for message in messages:
            if message.is_notification:
                data = lossless_json.indented(message.fields["data"])
                notification = Notification(channel=message.channel, data=data, seen=seen)
                tag = self._deliveries.add(notification, client, batch, owner)
                self._notifications.add(notification, seen, beside, tag)

    def _user(self, exchange: Exchange, evidence: Evidence, *, is_rest: bool = True) -> int:
        accepted = exchange.outcome == "response" and is_accepted(exchange.response)
        return self._users.add(evidence, exchange.began, is_accepted=accepted, is_rest=is_rest)

    def _kept(self, exchange: Exchange) -> Exchange:
        """Return what the cassette holds of an exchange: never the evidence, which may be secret."""
        exchange = replace(exchange, evidence=None) if exchange.evidence else exchange
        if self._lay_out:
            return _laid_out(exchange)
        return replace(exchange, layout="kept") if is_laid_out(exchange.response.body) else exchange


def _since(at: float, start: float) -> float:
    return round(at - start, _DIGITS)


def is_accepted(response: Response) -> bool:
    """Return whether the server took the credentials of a request."""
    return len(response.body) > _LONGEST_REFUSAL or not _is_unauthenticated(response.status, response.body)


@lru_cache(maxsize=256)
def _is_unauthenticated(status: int, body: bytes) -> bool:
    return api.is_unauthenticated(status, lossless_json.loads_or_none(body))


def _causes_of(exchanges: Sequence[Exchange], notifications: Sequence[Notification]) -> Sequence[Cause | None]:
    from gws_replay.core.compile.causes import causes_of  # noqa: PLC0415  (a cassette of REST alone needs none)

    return causes_of(exchanges, notifications)


def _own(cause: Cause | None, carried_over: int) -> Cause | None:
    """Return a cause by its index among a cassette's own exchanges; None for one of the previous part."""
    if cause is None or not carried_over:
        return cause
    if cause.interaction < carried_over:
        return None
    also = tuple(index - carried_over for index in cause.also if index >= carried_over)
    return replace(cause, interaction=cause.interaction - carried_over, also=also)


def _with_causes(notifications: Sequence[Notification], causes: Sequence[Cause | None]) -> Sequence[Notification]:
    if isinstance(notifications, LazySequence):
        return LazySequence(len(notifications), lambda index: replace(notifications[index], cause=causes[index]))
    return tuple(replace(each, cause=cause) for each, cause in zip(notifications, causes, strict=True))


def _decoded(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    if not request.headers.get("content-encoding") and not response.headers.get("content-encoding"):
        return exchange
    request_headers, request_body = undone(request.headers, request.body)
    response_headers, response_body = undone(response.headers, response.body)
    return replace(
        exchange,
        request=replace(request, headers=request_headers, body=request_body),
        response=replace(response, headers=response_headers, body=response_body),
    )


def _is_transport(exchange: Exchange) -> bool:
    """Return whether it is a WebSocket upgrade, refused or not, or a CORS preflight: replay makes them anew."""
    headers = exchange.request.headers
    preflight = exchange.request.method == "OPTIONS" and headers.get("access-control-request-method")
    upgrade = (headers.get("upgrade") or "").lower() == "websocket"
    return exchange.response.status == 101 or upgrade or bool(preflight)


def laid_out(cassette: Cassette) -> Cassette:
    """Return a cassette with its JSON bodies laid out as they are written."""
    return replace(
        cassette,
        interactions=tuple(
            each if is_laid_out(each.response.body) and each.layout != "kept" else _laid_out(each)
            for each in cassette.interactions
        ),
    )


def _laid_out(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    request_headers, request_body = _body(request.headers, request.body)
    layout = _layout(exchange)
    response_headers, response_body = response.headers, response.body
    if layout != "kept":
        response_headers, response_body = _body(response.headers, response.body)
    return replace(
        exchange,
        layout=layout,
        request=replace(request, headers=request_headers, body=request_body),
        response=replace(response, headers=response_headers, body=response_body),
    )


def _layout(exchange: Exchange) -> Layout:
    """Return how the response's JSON was laid out."""
    return "compact" if exchange.response_json is None else layout_of(exchange.response.body.decode())


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
            return {
                "server": version.encode("utf-8", "backslashreplace").decode()
            }  # half a surrogate pair has no UTF-8
    return {}


def _notes_on_causes(
    notifications: Sequence[Notification], causes: Sequence[Cause | None], carried_over: int
) -> Iterator[str]:
    for index, cause in enumerate(causes):
        if cause and cause.interaction < carried_over:
            yield (
                f"notification {index} on {notifications[index].channel} answers an operation of the previous part: in "
                "this part it has no cause"
            )
        elif cause and cause.rule == "order":
            yield (
                f"notification {index} on {notifications[index].channel}: its cause, interaction "
                f"{cause.interaction - carried_over}, is guessed (the latest request before it): check it, and pin it "
                "(rule: pin)"
            )


def _notes_on_unanswered(exchanges: Iterable[Exchange]) -> Iterator[str]:
    for index, exchange in enumerate(exchanges):
        if exchange.outcome != "response":
            request, how = exchange.request, _HOW[exchange.outcome]
            yield f"interaction {index}, {request.method} {request.path}, got no response: {how}"


_HOW = {"silence": "it is replayed as silence", "broken": "it is replayed as a broken connection"}
