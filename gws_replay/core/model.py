"""The values that everything else is about: exchanges and notifications.

All are frozen. Times are seconds since the recording began. Nothing here knows a file format or an HTTP library.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, overload
from urllib.parse import urlsplit

from gws_replay.core import lossless_json

_T = TypeVar("_T")
# The path of nearly every address, in a tenth of the time that urlsplit takes.
_USUAL = re.compile(r"https?://[A-Za-z0-9.:-]*((?:/[!-\"$->@-~]*)?)(?![^?#])")
Rule = Literal["pin", "referenceId", "one-to-one", "content", "counting", "creation", "order"]
Moment = Literal["request", "response"]
# What became of a request: with a response, with none at all, or with a connection that broke.
Outcome = Literal["response", "silence", "broken"]
# How the JSON of a response was laid out when it was sent: without white space, as `{"a": 1, "b": 2}`, or as it stands.
Layout = Literal["compact", "spaced", "kept"]
# What readers that do not know outcomes see: status and reason.
_PLACEHOLDERS: Mapping[Outcome, tuple[int, str]] = {
    "silence": (504, "No response was recorded"),
    "broken": (502, "The connection broke when it was recorded"),
}
# Methods that only read (RFC 9110, section 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


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
        """Whether the method only reads."""
        return self.method in SAFE_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response with its body decoded (no content coding)."""

    status: int
    reason: str = ""
    headers: Headers = Headers()
    body: bytes = b""


class Identity(NamedTuple):
    """One piece of evidence of the user that a message belongs to: a user name, a token, a cookie, a clientId."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the traffic shows of the user that a message belongs to.

    `sent` are the identities that the client used, `received` those that the server gave to it. `connection` names the
    client's connection, where the recorder knows it. Recorders replace secrets here by fingerprints.
    """

    sent: tuple[Identity, ...] = ()
    received: tuple[Identity, ...] = ()
    connection: str = ""


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its response; `ended` is when the whole response had been seen.

    `user` is the index of the user that sent it among those of the cassette. If the request never got a response,
    `outcome` says so, `ended` is when the client or the recording gave up, and `response` is a placeholder (504, 502)
    for readers that do not know outcomes. `evidence` is only there until the recording is compiled; without it, the
    messages themselves are the evidence.
    """

    request: Request
    response: Response
    began: float
    ended: float
    user: int = 0
    outcome: Outcome = "response"
    layout: Layout = "compact"
    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    @classmethod
    def without_response(cls, request: Request, began: float, ended: float, outcome: Outcome) -> "Exchange":
        """Return the exchange of a request that never got a response."""
        status, reason = _PLACEHOLDERS[outcome]
        response = Response(status=status, reason=reason)
        return cls(request=request, response=response, began=began, ended=ended, outcome=outcome)

    @cached_property
    def request_json(self) -> Any:
        """The parsed JSON body of the request, or None."""
        return lossless_json.parse_body(self.request.body, self.request.headers.get("content-type"))

    @cached_property
    def response_json(self) -> Any:
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
    def is_guessed(self) -> bool:
        """Whether nothing but the order of requests speaks for it: a person should check and pin it."""
        return self.rule == "order"

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
    """A WebSocket message between client and server; a binary one has bytes.

    In a cassette `connection` is the number of its connection, and `user` the index of the user that it belongs to.
    """

    uri: str
    seen: float
    from_client: bool
    content: str | bytes
    connection: int = 0
    user: int = 0
    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    @property
    def path(self) -> str:
        """The path of the address, without the query."""
        return urlsplit(self.uri).path or "/"

    @property
    def as_bytes(self) -> bytes:
        """The content; text in UTF-8."""
        return self.content if isinstance(self.content, bytes) else self.content.encode()


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """An exchange of the previous part of a recording, which notifications of this part may answer."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A request that had no response yet when the recording ended: nobody knows whether one would have come."""

    request: Request


# What was observed on the wire, in the order in which each was complete.
Observed: TypeAlias = Exchange | WebSocketMessage | CarriedOver | Unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was observed on the wire, before it is compiled. Times may be any clock's seconds.

    `unanswered` are requests that never got a response: polls that the client dropped, a server that died.
    `unfinished` are those that had none yet when the recording ended.
    `carried_over` are operations of the previous part, which notifications of this part may answer.
    """

    exchanges: tuple[Exchange, ...]
    messages: tuple[WebSocketMessage, ...] = ()
    unanswered: tuple[Exchange, ...] = ()
    carried_over: tuple[Exchange, ...] = ()
    unfinished: tuple[Request, ...] = ()

    @classmethod
    def of(cls, observed: Iterable[Observed]) -> "Recording":
        """Return a recording of what was observed, each kind in its order."""
        found = list(observed)
        return cls(
            exchanges=tuple(each for each in found if isinstance(each, Exchange) and each.outcome == "response"),
            messages=tuple(each for each in found if isinstance(each, WebSocketMessage)),
            unanswered=tuple(each for each in found if isinstance(each, Exchange) and each.outcome != "response"),
            unfinished=tuple(each.request for each in found if isinstance(each, Unfinished)),
            carried_over=tuple(each.exchange for each in found if isinstance(each, CarriedOver)),
        )


class LazySequence(Sequence[_T]):
    """A sequence of `count` items that are built when they are read and not kept: for more than fits into memory.

    It is equal to any sequence with equal items.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, count: int, build: Callable[[int], _T]) -> None:
        """Take how many items there are, and the function that builds one from its index."""
        self._indices = range(count)
        self._build = build

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> "LazySequence[_T]": ...

    def __getitem__(self, index: int | slice) -> "_T | LazySequence[_T]":
        if isinstance(index, slice):
            chosen = self._indices[index]
            return LazySequence(len(chosen), lambda at: self._build(chosen[at]))
        return self._build(self._indices[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An agent or account that requests act for; `name` is the stand-in of the user name, where that was seen."""

    name: str | None = None
