"""The values that everything else is about: exchanges and notifications.

All are frozen. Times are seconds since the recording began. Nothing here knows a file format or an HTTP library.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from gws_replay.core import lossless_json

# The path of nearly every address, in a tenth of the time that urlsplit takes.
_USUAL = re.compile(r"https?://[A-Za-z0-9.:-]*((?:/[!-\"$->@-~]*)?)(?![^?#])")
Rule = Literal["pin", "referenceId", "one-to-one", "content", "counting", "creation", "order"]
Moment = Literal["request", "response"]
# How a request ended: with a response, with none at all, or with a connection that broke.
Outcome = Literal["response", "silence", "broken"]
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Headers:
    """HTTP header fields in their order; names compare without case, repeated ones are kept."""

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the first value of a field, or None."""
        lowered = name.lower()
        for key, value in self.pairs:  # a generator would take twice as long, nine times a request
            if key.lower() == lowered:
                return value
        return None

    def without(self, *names: str) -> "Headers":
        """Return the fields less the named ones."""
        lowered = {name.lower() for name in names}
        return Headers(tuple(pair for pair in self.pairs if pair[0].lower() not in lowered))

    def replacing(self, name: str, value: str) -> "Headers":
        """Return the fields with every value of one field, where it occurs, replaced."""
        return Headers(tuple((key, value if key.lower() == name.lower() else old) for key, old in self.pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request with its body decoded (no content coding)."""

    method: str
    uri: str
    headers: Headers = Headers()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without the query."""
        usual = _USUAL.match(self.uri)
        return (usual[1] if usual else urlsplit(self.uri).path) or "/"

    @property
    def is_safe(self) -> bool:
        """Whether the method only reads (RFC 9110, section 9.2.1)."""
        return self.method in _SAFE_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response with its body decoded (no content coding)."""

    status: int
    reason: str = ""
    headers: Headers = Headers()
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its response; `ended` is when the whole response had been seen.

    `user` is the index of the user that sent it among those of the cassette. If the request never got a response,
    `outcome` says so, `ended` is when the client or the recording gave up, and `response` is a placeholder (504, 502)
    for readers that do not know outcomes.
    """

    request: Request
    response: Response
    began: float
    ended: float
    user: int = 0
    outcome: Outcome = "response"

    @cached_property
    def sent(self) -> Any:
        """The parsed JSON body of the request, or None."""
        return lossless_json.parse_body(self.request.body, self.request.headers.get("content-type"))

    @cached_property
    def answer(self) -> Any:
        """The parsed JSON body of the response, or None."""
        return lossless_json.parse_body(self.response.body, self.response.headers.get("content-type"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The request that a notification answers, by its index in the cassette, and the rule that found it.

    If one notification answers several requests, `interaction` is the last of them and `also` lists the others, in
    order. `after` tells whether the notification was seen after the `response` of `interaction`, or before it: after
    the `request`.
    """

    interaction: int
    rule: Rule
    after: Moment
    also: tuple[int, ...] = ()

    @property
    def interactions(self) -> tuple[int, ...]:
        """Every request that the notification answers, in order."""
        return (*self.also, self.interaction)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A Bayeux message of an application channel; `data` is its data as JSON text.

    `user` is the index of the user that received it among those of the cassette.
    """

    channel: str
    data: str
    seen: float
    cause: Cause | None = None
    user: int = 0

    @cached_property
    def value(self) -> Any:
        """The parsed data."""
        return lossless_json.loads(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketMessage:
    """A WebSocket text message between client and server."""

    uri: str
    seen: float
    from_client: bool
    text: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that got no answer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Earlier:
    """An exchange that the recording before this one holds."""

    exchange: Exchange


# What was seen on the wire, each as it was finished.
Seen: TypeAlias = Exchange | WebSocketMessage | Unanswered | Earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was seen on the wire, before it is compiled. Times may be any clock's seconds.

    `unanswered` are requests that got no response: polls that the client dropped, a server that died. `earlier` are
    operations that the recording before this one holds: notifications of this one may answer them.
    """

    exchanges: tuple[Exchange, ...]
    messages: tuple[WebSocketMessage, ...] = ()
    unanswered: tuple[Request, ...] = ()
    earlier: tuple[Exchange, ...] = ()

    @classmethod
    def of(cls, seen: Iterable[Seen]) -> "Recording":
        """Return what was seen, each kind in its order."""
        found = list(seen)
        return cls(
            exchanges=tuple(each for each in found if isinstance(each, Exchange)),
            messages=tuple(each for each in found if isinstance(each, WebSocketMessage)),
            unanswered=tuple(each.request for each in found if isinstance(each, Unanswered)),
            earlier=tuple(each.exchange for each in found if isinstance(each, Earlier)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An agent or account that requests act for; `name` is the stand-in of the user name, where that was seen."""

    name: str | None = None
