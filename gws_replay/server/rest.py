"""Edge: REST responses of the replay server, whichever way a request came in. Nothing here knows a socket."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from http import HTTPStatus
from itertools import count
from json import dumps
from typing import Any, Final, NamedTuple

from multidict import CIMultiDict

from gws_replay.core.api import dialects as api
from gws_replay.core.body_layout import as_sent
from gws_replay.core.byte_cache import ByteCache
from gws_replay.core.model import Headers, Request, Response
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.live_headers import SESSION_COOKIE, SESSION_COOKIES, Client
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.rehost import at_home
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.sessions import LiveUser
from gws_replay.server import control
from gws_replay.server.response_headers import fields, session_cookie

# Not recorded: a status that GWS never returns, and that clients do not retry.
_MISSED: Final = 501
_JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}
# Those of http.client, which imports most of the package email.
_REASONS: Final = {each.value: each.phrase for each in HTTPStatus}
_MOST_KEPT: Final = 1000
# What a response takes that is kept, beside its body.
_OVERHEAD: Final = 300
# A longer body is worked on in a thread.
_HEAVY: Final = 2**16
BODILESS: Final = (204, 304)
# For how many seconds a request gets no response that got none when it was recorded; then its connection is closed.
SILENCE: Final = 60.0


class SharedFields:
    """Header fields that many responses have in common, written once."""

    def __init__(self, fields: CIMultiDict[str]) -> None:
        self.fields = fields
        self._starts: dict[tuple[int, str], bytes] = {}

    def start(self, status: int, reason: str) -> bytes:
        """Return the status line and the fields as bytes. Raises ValueError for a text that would end one early."""
        found = self._starts.get((status, reason))
        if found is None:
            found = self._starts[status, reason] = self._written(status, reason)
        return found

    def _written(self, status: int, reason: str) -> bytes:
        for text in (reason, *(part for field in self.fields.items() for part in field)):
            if any(end in text for end in "\r\n\0"):
                raise ValueError(f"a recorded header field cannot be sent: {text!r}")
        text = f"HTTP/1.1 {status} {reason}\r\n" + "".join(
            f"{each}: {value}\r\n" for each, value in self.fields.items()
        )
        return text.encode("utf-8", "surrogateescape")


class RestResponse(NamedTuple):
    """A response to be sent, with the fields that it shares with others."""

    status: int
    reason: str
    shared: SharedFields
    body: bytes
    # What was recorded as the length of a body that is not sent.
    stated_length: str | None = None

    def content_length(self, method: str) -> str | None:
        """Return what stands in Content-Length; None for no such field."""
        if self.status == HTTPStatus.NO_CONTENT:
            return None
        if self.status in BODILESS or (method == "HEAD" and not self.body):
            return self.stated_length
        return str(len(self.body))

    @property
    def headers(self) -> CIMultiDict[str]:
        """All fields, without those that HTTP itself needs."""
        return CIMultiDict(self.shared.fields)


class _Sendable(NamedTuple):
    """What is sent of a response, but for its fields: `headers_key` says which recorded ones they are made of."""

    response: Response
    body: bytes
    headers_key: int | Headers
    stated_length: str | None


class RestService:
    """Returns the responses to the REST requests of a run."""

    def __init__(
        self, run: ReplayRun, *, keep_uris: bool, log: Callable[[str], None] | None, silence: float = SILENCE
    ) -> None:
        self.sessions = run.sessions
        self.keep_uris = keep_uris
        self._log = log
        self._silence = silence
        self._add_fault = run.add_fault
        self._shared: dict[tuple[Any, ...], SharedFields] = {}
        # What is sent of recorded responses, by cassette, interaction and origin; and their fields, numbered.
        self._sendable: ByteCache[tuple[int, int, str], _Sendable] = ByteCache(most=2**24)
        self._numbers: dict[Headers, int] = {}
        self._next_number = count()
        # By cassette, the interactions with a notification that comes after their response.
        self._followed = tuple(index.followed for index in run.sessions.indexes)

    def user(self, request: Request) -> LiveUser:
        """Return the user of a request. A long body does not say whose it is: it is not looked into."""
        short = request if len(request.body) <= _HEAVY else replace(request, body=b"")
        return self.sessions.user(short)

    def begin(self, user: LiveUser, request: Request) -> Send | Miss:
        """Return what a request gets. A `Send` is to be waited for, and finished at the sessions."""
        outcome = self.sessions.begin(user, request)
        if self._log:
            what = f"{request.method} {user.redactor.request(request).path}"
            if isinstance(outcome, Miss):
                self._log(f"{what}  missed: {outcome.reason}")
            else:
                self._log(f"{what}  interaction {outcome.interaction}{', repeated' if outcome.repeated else ''}")
        return outcome

    def fault(self, method: str, target: str, error: Exception) -> str:
        """Keep an error of the server itself for the test, and return its text."""
        path = target.partition("?")[0].partition(";")[0]  # a session may stand behind it
        text = f"the replay server failed: {method} {path}: {type(error).__name__}: {error}"
        self._add_fault(text)
        return text

    def is_followed(self, send: Send) -> bool:
        """Return whether a notification was recorded that must not overtake the response."""
        return send.interaction in self._followed[send.cassette]

    def response(
        self, user: LiveUser, send: Send, *, origin: str, cookie: str, allow: Mapping[str, str] | None = None
    ) -> RestResponse:
        """Return the response of this server at `origin` to a request with a Cookie field; `allow` is for CORS."""
        found = self._sendable.get((send.cassette, send.interaction, origin))
        if found is None or found.response is not send.response:
            found = self._prepared(send, origin)
        response, body, headers_key, stated = found
        with_cookie = not self._sets_cookie and (not cookie or user.value_of(SESSION_COOKIE) not in cookie)
        key = (headers_key, user, origin, with_cookie, None if allow is None else tuple(allow.items()))
        shared = self._shared.get(key)
        if shared is None:
            if len(self._shared) >= _MOST_KEPT:
                self._shared.clear()
            shared = self._shared[key] = self._fields(user, response.headers, origin, allow, with_cookie=with_cookie)
        return RestResponse(response.status, response.reason, shared, body, stated)

    def _prepared(self, send: Send, origin: str) -> _Sendable:
        """Return what is sent of a response; it is kept if it is the recorded one."""
        response, exchange = send.response, self.sessions.indexes[send.cassette].interactions[send.interaction]
        body = as_sent(response.body, exchange.layout)
        if self._may_be_rehosted(body):
            body = at_home(body.decode(errors="surrogateescape"), origin).encode(errors="surrogateescape")
        stated = None if body else response.headers.get("content-length")
        if response is not exchange.response:
            return _Sendable(response, body, response.headers, stated)
        number = self._numbers.setdefault(response.headers, next(self._next_number))
        kept = _Sendable(response, body, number, stated)
        return self._sendable.add((send.cassette, send.interaction, origin), kept, len(body) + _OVERHEAD)

    async def response_async(
        self, user: LiveUser, send: Send, *, origin: str, cookie: str, allow: Mapping[str, str] | None = None
    ) -> RestResponse:
        """Return the same; a body that takes time is worked on in a thread."""
        make = partial(self.response, user, send, origin=origin, cookie=cookie, allow=allow)
        return await asyncio.to_thread(make) if self.is_heavy(send) else make()

    async def until_given_up(self, send: Send) -> None:
        """Wait as a server does that never responds: no time at all if the connection broke, else a bounded time."""
        if send.outcome == "silence":
            await asyncio.sleep(self._silence)

    def is_heavy(self, send: Send) -> bool:
        """Return whether making a response takes so long that other clients would notice."""
        return len(send.response.body) > _HEAVY and self._may_be_rehosted(send.response.body)

    def _may_be_rehosted(self, body: bytes) -> bool:
        return not self.keep_uris and body[:1] in (b"{", b"[") and (b":/" in body or b":\\/" in body)

    @cached_property
    def _sets_cookie(self) -> bool:
        """Whether the recording sets a session cookie."""
        return any(index.sets_session_cookie for index in self.sessions.indexes)

    def _fields(
        self, user: LiveUser, recorded: Headers, origin: str, allow: Mapping[str, str] | None, *, with_cookie: bool
    ) -> SharedFields:
        client = Client(origin, user.value_of, SESSION_COOKIES)
        found = fields(recorded, client, rehost=not self.keep_uris, allow=allow or {})
        if with_cookie:
            found.add("Set-Cookie", session_cookie(user.value_of(SESSION_COOKIE)))
        return SharedFields(found)


def missed(miss: Miss, allow: Mapping[str, str] | None = None) -> RestResponse:
    """Return the response to a request that was not recorded."""
    return failed(_MISSED, str(miss), control.miss(miss), allow, path=miss.request.path)


def failed(
    status: int,
    message: str,
    details: dict[str, Any] | None = None,
    allow: Mapping[str, str] | None = None,
    *,
    path: str = "",
) -> RestResponse:
    """Return an internal error in the form of the API that the path belongs to."""
    body = {**api.error_body(message, path), **({"gws_replay": details} if details else {})}
    headers: CIMultiDict[str] = CIMultiDict({**(allow or {}), **_JSON})
    return RestResponse(status, _REASONS.get(status, ""), SharedFields(headers), dumps(body).encode())
