"""What must not leave memory, and what stands in its place.

Every message goes through a `Redactor` before it is written, printed or compared. Secrets become placeholders that
say what stood there (`<redacted:authorization>`); a secret once seen in a header is replaced wherever else it turns up.
"""

import json
import re
from dataclasses import replace
from typing import Literal, get_args

from gws_replay.core import bayeux_text, gws, lossless_json
from gws_replay.core.model import Cassette, Exchange, Frame, Headers, Recording, Request, Response

# `all` will cover personal data too; what is applied today is named by `Redactor.applied`.
Level = Literal["all", "secrets", "none"]
LEVELS: tuple[Level, ...] = get_args(Level)

_MIN_LEARNED = 8  # shorter values could occur by chance
_PIECE = re.compile(r"[^;\s][^;]*")
_ATTRIBUTE = re.compile(
    r"\s*(?:(?:path|domain|max-age|samesite|version)=[^,\s]*|expires=[\w, :+-]*|httponly|secure|partitioned)\s*",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/\s]+(?=@)")
_SESSION_IN_PATH = re.compile(r"(;jsessionid=)[^/?;#]+", re.IGNORECASE)
_CLIENT_ID = re.compile(rb'("clientId"\s*:\s*)"[^"]*"?')
_URL_HEADERS = frozenset({"location", "content-location", "link", "origin", "referer", "refresh"})
_BAYEUX_SECRETS = frozenset({"clientId", "ext"})


class Redactor:
    """Redacts the messages of one recording; it remembers secrets, so one recording has one redactor."""

    def __init__(self, level: Level = "all") -> None:
        self.level = level
        self._learned: dict[str, str] = {}
        self._headers = set(gws.SECRET_HEADERS)
        self._unique = set(gws.UNIQUE_SECRETS)

    @property
    def applied(self) -> str:
        """What is redacted at this level, for the cassette's header: personal data is not yet."""
        return "none" if self.level == "none" else "secrets"

    def request(self, request: Request) -> Request:
        """Return the request without its secrets."""
        if self.level == "none":
            return request
        headers, body = self._message(request.headers, request.body)
        return Request(method=request.method, uri=self._uri(request.uri), headers=headers, body=body)

    def response(self, response: Response) -> Response:
        """Return the response without its secrets."""
        if self.level == "none":
            return response
        # CSRFProtection: the server chooses the name of the header that carries the token.
        if token_header := response.headers.get(gws.CSRF_NAME_HEADER):
            self._headers.add(token_header.lower())
            self._unique.add(token_header.lower())
        headers, body = self._message(response.headers, response.body)
        return Response(status=response.status, reason=response.reason, headers=headers, body=body)

    def body(self, body: bytes) -> bytes:
        """Return a body without Bayeux client ids, authentication extensions, and secrets seen before."""
        if self.level == "none":
            return body
        if b'"channel"' in body:
            body = self._bayeux_body(body)
        for secret, placeholder in self._learned.items():
            if secret.encode() in body:
                body = body.replace(secret.encode(), placeholder.encode())
        return body

    def recording(self, recording: Recording) -> Recording:
        """Return a whole recording without its secrets."""
        if self.level == "none":
            return recording
        # All headers first: a secret may stand in a body before the header that gives it away.
        for exchange in recording.exchanges:
            self.request(exchange.request)
            self.response(exchange.response)
        return Recording(
            exchanges=tuple(
                Exchange(
                    request=self.request(exchange.request),
                    response=self.response(exchange.response),
                    began=exchange.began,
                    ended=exchange.ended,
                )
                for exchange in recording.exchanges
            ),
            frames=tuple(
                Frame(
                    uri=self._uri(frame.uri),
                    seen=frame.seen,
                    from_client=frame.from_client,
                    text=self.body(frame.text.encode()).decode(),
                )
                for frame in recording.frames
            ),
            unanswered=tuple(map(self.request, recording.unanswered)),
        )

    def cassette(self, cassette: Cassette) -> Cassette:
        """Return a cassette without its secrets, the header saying so."""
        if self.level == "none":
            return cassette
        recording = self.recording(Recording(exchanges=cassette.interactions))
        return replace(
            cassette,
            interactions=recording.exchanges,
            notifications=tuple(
                replace(told, data=self.body(told.data.encode()).decode()) for told in cassette.notifications
            ),
            header={**cassette.header, "redaction": self.applied},
        )

    def _bayeux_body(self, body: bytes) -> bytes:
        if messages := bayeux_text.messages_in(body):
            return bayeux_text.spelled(map(self._bayeux, messages)).encode()
        if lossless_json.loads_or_none(body) is None:  # cut off or malformed, it may still hold a client id
            return _CLIENT_ID.sub(rb'\1"<redacted:clientId>"', body)
        return body

    def _bayeux(self, message: bayeux_text.Message) -> bayeux_text.Message:
        """Redact the client id, and `ext`, which carries credentials in some deployments."""
        fields = dict(message.fields)
        for name in _BAYEUX_SECRETS & fields.keys():
            value = json.loads(fields[name])
            placeholder = self._learn(value, name) if isinstance(value, str) else f"<redacted:{name}>"
            fields[name] = json.dumps(placeholder)
        return bayeux_text.Message(message.channel, fields)

    def _message(self, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        headers = Headers(tuple((name, self._header(name.lower(), value)) for name, value in headers.pairs))
        redacted = self.body(body)
        return headers if redacted == body else headers.replacing("content-length", str(len(redacted))), redacted

    def _header(self, lowered: str, value: str) -> str:
        if lowered not in self._headers:
            return self._uri(value) if lowered in _URL_HEADERS else self._known(value)
        if lowered == "cookie":
            return _PIECE.sub(lambda piece: self._cookie(piece[0]), value)
        if lowered == "set-cookie":
            pair, *attributes = value.split(";")
            kept = (each if _ATTRIBUTE.fullmatch(each) else " <redacted:attribute>" for each in attributes)
            return ";".join([self._cookie(pair), *kept])
        return self._learn(value.rpartition(" ")[2] if "authorization" in lowered else value, lowered)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.strip().partition("=")
        return f"{name}={self._learn(value, name)}" if name and equals else "<redacted:cookie>"

    def _learn(self, secret: str, name: str) -> str:
        placeholder = f"<redacted:{name}>"
        if (
            name.lower() in self._unique
            and len(secret) >= _MIN_LEARNED
            and "redacted" not in secret
            and secret not in self._learned
        ):
            self._learned[secret] = placeholder
            # A secret that begins with another is looked for first.
            self._learned = dict(sorted(self._learned.items(), key=lambda item: -len(item[0])))
        return placeholder

    def _known(self, text: str) -> str:
        for secret, placeholder in self._learned.items():
            text = text.replace(secret, placeholder)
        return text

    def _uri(self, uri: str) -> str:
        uri = _USER_INFO.sub("<redacted:userinfo>", uri, count=1)
        return self._known(_SESSION_IN_PATH.sub(r"\1<redacted:jsessionid>", uri))
