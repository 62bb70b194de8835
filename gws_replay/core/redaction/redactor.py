"""What must not leave memory, and what stands in its place.

Every message goes through a `Redactor` before it is written, printed or compared. Secrets become placeholders that
say what stood there (`<redacted:authorization>`), personal data stand-ins of the same type and shape, the same for the
same value everywhere. What was once found by its name is replaced wherever else it turns up.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Headers, Recording, Request, Response, WebSocketMessage
from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.charsets import charset_of, is_declared_but_unknown
from gws_replay.core.redaction.header_cache import HeaderCache
from gws_replay.core.redaction.known_values import KnownValues
from gws_replay.core.redaction.multipart import parts_of
from gws_replay.core.redaction.policy import Noticed, Policy
from gws_replay.core.redaction.stand_ins import StandIns
from gws_replay.core.redaction.suspects import rules_for
from gws_replay.core.redaction.text import TextRedactor

_T = TypeVar("_T")
# One policy, so that its rules are made once.
_SECRETS = Policy("secrets")
_PIECE = re.compile(r"[^;\s][^;]*")
_ENCRYPTED = re.compile(r"(?i)encrypted|pkcs7-mime|/jose\b|jwe\b")
_NO_HEADERS = Headers()
_SHORT = 3  # a reason phrase such as "OK"


# Plain values: values with their stand-ins, what is looked for (with the placeholder of a secret), names of headers.
Learned = tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]


def without_secrets() -> "Redactor":
    """Return a redactor of what requests are compared by: placeholders are the same in all, so it needs no key."""
    return Redactor(_SECRETS, b"")


class Redactor:
    """Redacts the messages of one recording; it remembers what it found, so one recording has one redactor.

    `key` decides which stand-ins are chosen: who knows it can test guesses. `settled` are stand-ins that stand in what
    is redacted already. `noticed` is called with the place and the rule of each value that is redacted, `unread` with
    the place and the kind of each body that could not be examined. Not thread-safe.
    """

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        settled: Iterable[str] = (),
        noticed: Noticed | None = None,
        unread: Noticed | None = None,
    ) -> None:
        self.policy = policy
        self._rules = policy.rules
        self._key = key
        self._settled = tuple(settled)
        self._stand_ins = StandIns(key, self._settled)
        self._known_values = KnownValues(self._rules, self._stand_ins)
        self._noticed_unread = unread
        self._unread: dict[str, set[int]] = {}
        self._texts = TextRedactor(
            self._rules, self._known_values, noticed, lambda place, kind: self._skip(place, kind, place)
        )
        self._token_headers: set[str] = set()
        self._user_names: dict[str, str] = {}
        self._reported = 0
        self._handed_out = (0, 0, 0)
        self._fields = HeaderCache()

    @property
    def unread(self) -> Mapping[str, int]:
        """How many bodies could not be examined, by their kind."""
        return {kind: len(bodies) for kind, bodies in self._unread.items()}

    @property
    def suspects(self) -> frozenset[str]:
        """The keys that no rule knows, and that sound as if their values were secret or personal."""
        return frozenset(self._texts.suspects)

    def notes(self) -> tuple[str, ...]:
        """Return sentences on what could not be examined, and on the rules that seem to be missing."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.unread.items()))
        rules = rules_for(self.suspects)
        return (
            *((f"not examined for secrets and personal data: {kinds}",) if kinds else ()),
            *(
                (f"keys without a rule sound secret or personal: add {', '.join(rules)} to pyproject.toml",)
                if rules
                else ()
            ),
        )

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of it in the cassette's header: the level, and the policy's name and digest."""
        level = self.policy.level
        return {"redaction": level} if level == "none" else {"redaction": level, "policy": self.policy.name}

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The stand-ins in what was redacted: only this redactor can tell them from values."""
        return (*self._settled, *self._stand_ins.given)

    @property
    def found(self) -> int:
        """How many values are known by now: where it has grown, what was redacted before may hold one of the new."""
        return len(self._known_values.log)

    def fresh(self) -> tuple[str, ...]:
        """Return the stand-ins that were made since the last call."""
        given = tuple(self._stand_ins.given[self._reported :])
        self._reported += len(given)
        return given

    def learned(self) -> Learned | None:
        """Return what was found since the last call, as it is: for the memory of a process alone; None for nothing."""
        given, log, names = self._stand_ins.of_value, self._known_values.log, self._token_headers
        counts = len(given), len(log), len(names)
        if counts == self._handed_out:
            return None
        before, self._handed_out = self._handed_out, counts
        newest = list(islice(reversed(given.items()), counts[0] - before[0]))[::-1]
        return newest, self._known_values.logged(before[1]), [*names] if counts[2] != before[2] else []

    def know(self, learned: Learned) -> None:
        """Take over what another redactor with the same key has learned; its stand-ins are reported already."""
        given, logged, names = learned
        for value, stand_in in given:
            self._stand_ins.adopt(value, stand_in)
        self._known_values.know(logged)
        self._token_headers.update(names)
        self.learned()
        self.fresh()

    @property
    def header(self) -> dict[str, Any]:
        """The facts and the stand-ins, as they stand in a cassette's header."""
        return {**self.facts, **({"stand_ins": list(self.stand_ins)} if self.stand_ins else {})}

    def again(self) -> "Redactor":
        """Return a redactor of what this one has redacted: it knows all that was found, also what was found late."""
        later = Redactor(self.policy, self._key, self.stand_ins)
        later._known_values.take_over(self._known_values)
        later._stand_ins.of_value.update(self._stand_ins.of_value)
        later._token_headers |= self._token_headers
        return later

    def adopt(self, value: str, stand_in: str) -> None:
        """Let a stand-in of another recording stand for a personal value from now on: so the two can be compared."""
        self._known_values.adopt(value, stand_in)

    def request(self, request: Request) -> Request:
        """Return the request without what is to be redacted."""
        if self.policy.level == "none":
            return request
        return self._settle(lambda: self._request(request))

    def response(self, response: Response) -> Response:
        """Return the response without what is to be redacted."""
        if self.policy.level == "none":
            return response
        # CSRFProtection: the server chooses the name of the header that carries the token.
        for token_header in filter(None, map(response.headers.get, sensitive.CSRF_NAME_HEADERS)):
            self._token_headers.add(token_header.lower())
        return self._settle(lambda: self._response(response))

    def body(self, body: bytes, headers: Headers = _NO_HEADERS) -> bytes:
        """Return a body without what is to be redacted; in bytes that are not text, only known values are replaced."""
        if self.policy.level == "none" or not body:
            return body
        content_type = headers.get("content-type") or ""
        is_packed = (headers.get("content-encoding") or "identity").strip().lower() != "identity"
        charset = None if is_packed else charset_of(body, content_type)
        if charset is None and not is_packed and parts_of(text := body.decode("utf-8", "surrogateescape")):
            redacted = self._texts.body(text)
            return body if redacted == text else redacted.encode("utf-8", "surrogateescape")
        if charset is None:
            # Among random bytes everything has the shape of something: only what is known is looked for.
            self._skip("", _why_unread(headers), body)
            text = body.decode("utf-8", "surrogateescape")
            redacted = self._known_values.replaced_in(text)
            return body if redacted == text else redacted.encode("utf-8", "surrogateescape")
        if _ENCRYPTED.search(content_type):
            self._skip("", "encrypted", body)
        text = body.decode(charset)
        is_form = "x-www-form-urlencoded" in content_type.lower()
        redacted = self._texts.form(text, "form") if is_form else self._texts.body(text)
        return body if redacted == text else redacted.encode(charset, "replace")

    def _skip(self, place: str, kind: str, what: str | bytes) -> None:
        self._unread.setdefault(kind, set()).add(hash(what))
        if self._noticed_unread:
            self._noticed_unread(place, kind)

    def data(self, data: str) -> str:
        """Return a notification's data without what is to be redacted."""
        return data if self.policy.level == "none" else self._settle(lambda: self._texts.json(data))

    def user_name(self, name: str) -> str:
        """Return what stands for the name of a user: the name itself, if the policy keeps such names."""
        if name not in self._user_names:
            self._user_names[name] = str(json.loads(self.data(json.dumps({"userName": name})))["userName"])
        return self._user_names[name]

    def recording(self, recording: Recording) -> Recording:
        """Return a whole recording without what is to be redacted."""
        if self.policy.level == "none":
            return recording
        # Twice: a value may stand in a body before the message that gives it away.
        self._recording(recording)
        return self._recording(recording)

    def cassette(self, cassette: Cassette) -> Cassette:
        """Return a cassette without what is to be redacted, the header saying so."""
        if self.policy.level == "none":
            return cassette
        for notification in cassette.notifications:
            self.data(notification.data)
        recording = self.recording(Recording(exchanges=tuple(cassette.interactions), messages=tuple(cassette.messages)))
        notifications = tuple(replace(each, data=self.data(each.data)) for each in cassette.notifications)
        users = [*map(self.user, cassette.header.get("users") or ())]
        return replace(
            cassette,
            interactions=recording.exchanges,
            notifications=notifications,
            messages=recording.messages,
            header={**cassette.header, **({"users": users} if users else {}), **self.header},
        )

    def user(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a user of a cassette's header, with a stand-in for the name."""
        name = user.get("name")
        if self.policy.level == "none" or not isinstance(name, str):
            return user
        return {**user, "name": self._texts.value("userName", name, "user")}

    def _recording(self, recording: Recording) -> Recording:
        return Recording(
            exchanges=tuple(map(self.exchange, recording.exchanges)),
            messages=tuple(map(self.message, recording.messages)),
            unanswered=tuple(map(self.exchange, recording.unanswered)),
            carried_over=tuple(map(self.exchange, recording.carried_over)),
            unfinished=tuple(map(self.request, recording.unfinished)),
        )

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return an exchange without what is to be redacted."""
        # The placeholder of a missing response is ours.
        response = exchange.response if exchange.outcome != "response" else self.response(exchange.response)
        return replace(exchange, request=self.request(exchange.request), response=response)

    def message(self, message: WebSocketMessage) -> WebSocketMessage:
        """Return a WebSocket message without what is to be redacted."""
        if self.policy.level == "none":
            return message
        content = message.content
        raw = content if isinstance(content, bytes) else content.encode()
        redacted = self._settle(lambda: self.body(raw))
        same_kind = redacted if isinstance(content, bytes) else redacted.decode()
        return replace(message, uri=self._texts.uri(message.uri), content=same_kind)

    def _request(self, request: Request) -> Request:
        headers, body = self._message(request.headers, request.body, in_request=True)
        return Request(method=request.method, uri=self._texts.uri(request.uri), headers=headers, body=body)

    def _response(self, response: Response) -> Response:
        headers, body = self._message(response.headers, response.body, in_request=False)
        reason = self._texts.text(response.reason, "reason") if len(response.reason) > _SHORT else response.reason
        return Response(status=response.status, reason=reason, headers=headers, body=body)

    def _settle(self, redact: Callable[[], _T]) -> _T:
        """Redact a message; once more where a value may stand in it before what gave it away."""
        found = len(self._known_values.log)
        redacted = redact()
        return redact() if len(self._known_values.log) != found else redacted

    def _message(self, headers: Headers, body: bytes, *, in_request: bool) -> tuple[Headers, bytes]:
        pairs = tuple((name, self._cached_header(name, value, in_request=in_request)) for name, value in headers.pairs)
        redacted = self.body(body, headers)
        headers = Headers(pairs)
        return headers if redacted is body else headers.replacing("content-length", str(len(redacted))), redacted

    def _cached_header(self, name: str, value: str, *, in_request: bool) -> str:
        """Redact a header field; one that was redacted before costs nothing, unless something new is known since."""
        if self._texts.noticed:
            return self._header(name, value, in_request=in_request)
        size = len(self._known_values.log), len(self._token_headers)
        key = (name, value, in_request)
        return self._fields.of(key, size, lambda: self._header(name, value, in_request=in_request))

    def _header(self, name: str, value: str, *, in_request: bool) -> str:
        lowered = name.lower()
        if lowered in self._token_headers:
            return self._known_values.secret(value, lowered, unique=True)
        kind = self._rules.of_header(lowered, in_request=in_request)
        if kind == "keep":
            return value
        if kind == "personal":
            return self._noticed("personal", lowered, value, self._known_values.person)
        if kind == "secret":
            return self._noticed("secret", lowered, value, lambda raw: self._secret(lowered, raw))
        return self._texts.uri(value) if lowered in sensitive.URL_HEADERS else self._texts.text(value, lowered)

    def _noticed(self, kind: str, name: str, value: str, change: Callable[[str], str]) -> str:
        instead = change(value)
        if self._texts.noticed and instead != value:
            self._texts.noticed(name, f"{kind} header {name}")
        return instead

    def _secret(self, lowered: str, value: str) -> str:
        if lowered == "cookie":
            return _PIECE.sub(lambda piece: self._cookie(piece[0]), value)
        if lowered == "set-cookie":
            pair, *attributes = value.split(";")
            kept = (
                self._texts.text(each) if sensitive.COOKIE_ATTRIBUTE.fullmatch(each) else " <redacted:attribute>"
                for each in attributes
            )
            return ";".join([self._cookie(pair), *kept])
        if "authorization" in lowered:
            scheme, _, credentials = value.rpartition(" ")
            if scheme.strip().lower() == "basic":
                self._basic(credentials)
            value = credentials
        is_own = self._rules.of_own_header(lowered) == "secret"
        return self._known_values.secret(value, lowered, unique=is_own or lowered in sensitive.UNIQUE_SECRETS)

    def _basic(self, credentials: str) -> None:
        """Learn the two parts of Basic credentials."""
        try:
            content = base64.b64decode(credentials, validate=True)
            user, colon, password = content.decode(charset_of(content) or "latin-1").partition(":")
        except ValueError:
            return
        if colon and password != user:
            self._known_values.secret(password, "password", unique=True)
        if colon and self._rules.of_key("userName") == "personal":
            self._known_values.person(user)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.strip().partition("=")
        if not name or not equals:
            return "<redacted:cookie>"
        return f"{name}={self._known_values.secret(value, name, unique=name.lower() in sensitive.UNIQUE_SECRETS)}"


def _why_unread(headers: Headers) -> str:
    content_type = headers.get("content-type") or ""
    coding = (headers.get("content-encoding") or "").strip().lower()
    if coding and coding != "identity":
        return f"packed with {coding}"
    if _ENCRYPTED.search(content_type):
        return "encrypted"
    unknown = is_declared_but_unknown(content_type)
    return f"charset {unknown} is unknown" if unknown else f"binary {content_type.partition(';')[0].strip()}".rstrip()
