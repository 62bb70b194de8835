"""What a message shows of the user that it belongs to: the evidence, as a table.

A request uses identities (a user name, a token, a cookie), and a response gives new ones to the same user. Which
identities belong to one user is decided in `users`.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.model import Evidence, Exchange, Headers, Identity, Request, Response, WebSocketMessage

# Kinds. Two users never share a name; a key of an application may be shared by all of its users.
LOGIN, ACCOUNT, ACCOUNT_ID, SUBJECT = "login", "account", "account id", "subject"
NAMES = frozenset({LOGIN, ACCOUNT, ACCOUNT_ID, SUBJECT})
APPLICATION_KEY = "application key"
TOKEN, COOKIE, CLIENT_ID, CODE, SOCKET = "token", "cookie", "clientId", "code", "socket"
SIGNING_KEY, CSRF_TOKEN = "signing key", "CSRF token"
# What a CometD client may have without being a user of its own: it may send no credentials, or keep cookies apart.
OF_A_CLIENT = frozenset({CLIENT_ID, SOCKET, COOKIE, CSRF_TOKEN})

# Cookies that stand for a session; others (a load balancer's) may be shared by users.
_SESSION_COOKIE = re.compile(r"sess|sid$|auth|token|jwt|csrf|xsrf", re.IGNORECASE)
_BALANCER_COOKIE = re.compile(r"^aws(?:a?lb)|^bigip|^route|^srv|^lb", re.IGNORECASE)
_TOKEN_NAME = re.compile(r"(?:(?:access|refresh|id|auth|session|bearer)_?)?token", re.IGNORECASE)
_USER_NAMES = ("username", "user_name", "login", "userName", "loginName")
_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_JWT = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*")
_PLACEHOLDER = re.compile(r"<redacted\b|^\s*$")
_KEY_PARAMETERS = ("credential", "keyid", "id", "key", "accesskey", "access_key", "apikey", "appid", "username")
_SHORTEST_TOKEN = 8
_SWITCHING_PROTOCOLS = 101
_LONGEST_BODY = 200_000


def evidence_of(exchange: Exchange) -> Evidence:
    """Return the evidence of an exchange: what was seen before redaction, if the recorder kept it."""
    if exchange.evidence and (exchange.evidence.sent or exchange.evidence.received):
        return exchange.evidence
    connection = exchange.evidence.connection if exchange.evidence else ""
    return Evidence(
        sent=sent_in(exchange.request),
        received=received_in(exchange.request, exchange.response, connection),
        connection=connection,
    )


def evidence_of_message(message: WebSocketMessage) -> Evidence:
    """Return the evidence of a WebSocket message; without a connection, its address names the connection."""
    if message.evidence and (message.evidence.sent or message.evidence.received):
        return message.evidence
    connection = message.evidence.connection if message.evidence else message.uri
    found = (*in_message(message), Identity(SOCKET, connection))
    return Evidence(**{"sent" if message.from_client else "received": found}, connection=connection)


def sent_in(request: Request) -> tuple[Identity, ...]:
    """Return the identities that a request uses, the most reliable first."""
    found = (identity for row in _SENT for identity in row(request))
    return tuple(dict.fromkeys(each for each in found if not _PLACEHOLDER.search(each.value)))


def received_in(request: Request, response: Response, connection: str = "") -> tuple[Identity, ...]:
    """Return the identities that a response gives to the user of its request. A WebSocket has its own connection."""
    found = [identity for row in _RECEIVED for identity in row(request, response)]
    if connection and response.status == _SWITCHING_PROTOCOLS:
        found.append(Identity(SOCKET, connection))
    return tuple(dict.fromkeys(each for each in found if not _PLACEHOLDER.search(each.value)))


def in_message(message: WebSocketMessage) -> tuple[Identity, ...]:
    """Return the Bayeux clientIds of a WebSocket message."""
    content = message.content if isinstance(message.content, bytes) else message.content.encode("utf-8", "replace")
    found = _client_ids(content)
    return tuple(dict.fromkeys(each for each in found if not _PLACEHOLDER.search(each.value)))


def redacted_evidence(evidence: Evidence, name: Callable[[str], str], secret: Callable[[str], str] = str) -> Evidence:
    """Return evidence with each user name and each secret replaced by what stands for it; equal ones stay equal."""

    def replaced(identity: Identity) -> Identity:
        stands_for = name if identity.kind in (LOGIN, ACCOUNT) else secret
        return Identity(identity.kind, stands_for(identity.value))

    return Evidence(
        sent=tuple(map(replaced, evidence.sent)),
        received=tuple(map(replaced, evidence.received)),
        connection=evidence.connection,
    )


# --- what a request uses


def _authorization(request: Request) -> Iterator[Identity]:
    scheme, _, rest = (request.headers.get("authorization") or "").partition(" ")
    read = _SCHEMES.get(scheme.lower(), _signed)
    if not (read is _basic and _is_token_request(request)):
        yield from read(rest.strip())


def _basic(encoded: str) -> Iterator[Identity]:
    try:
        name, colon, _ = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return
    if colon:
        yield Identity(LOGIN, name)


def _bearer(token: str) -> Iterator[Identity]:
    yield from _subject(token)
    yield Identity(TOKEN, token)


def _subject(token: str) -> Iterator[Identity]:
    """Yield whom a JSON Web Token was issued for (RFC 7519, `sub`). Its signature is not the recorder's business."""
    match = _JWT.fullmatch(token)
    if match is None:
        return
    try:
        claims = json.loads(base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    except (ValueError, RecursionError):
        return
    if isinstance(claims, dict) and isinstance(claims.get("sub"), str):
        yield Identity(SUBJECT, f"{claims.get('iss', '')} {claims['sub']}")


def _digest(text: str) -> Iterator[Identity]:
    if name := _parameters(text).get("username"):
        yield Identity(LOGIN, name)


def _aws(text: str) -> Iterator[Identity]:
    """Yield the access key of a signed request (AWS Signature 4: Credential=KEY/date/region/service/aws4_request)."""
    if key := _parameters(text).get("Credential", "").partition("/")[0]:
        yield Identity(SIGNING_KEY, key)


def _oauth1(text: str) -> Iterator[Identity]:
    parameters = _parameters(text)
    consumer, token = parameters.get("oauth_consumer_key", ""), parameters.get("oauth_token", "")
    if token:
        yield Identity(SIGNING_KEY, f"{unquote(consumer)} {unquote(token)}")
    elif consumer:
        yield Identity(APPLICATION_KEY, unquote(consumer))


def _signed(text: str) -> Iterator[Identity]:
    """Yield whose key a request is signed with, in any other scheme: its signature is another one each time."""
    parameters = {name.lower(): value for name, value in _parameters(text).items()}
    named = next((parameters[name] for name in _KEY_PARAMETERS if parameters.get(name)), "")
    key, colon, _ = text.partition(":")
    if key := named.partition("/")[0] or (key if colon and key.isprintable() and " " not in key else ""):
        yield Identity("signing key", key)


_SCHEMES: Mapping[str, Callable[[str], Iterator[Identity]]] = {
    "basic": _basic,
    "bearer": _bearer,
    "token": _bearer,
    "digest": _digest,
    "oauth": _oauth1,
    "aws4-hmac-sha256": _aws,
}


def _session_headers(request: Request) -> Iterator[Identity]:
    for name, value in request.headers.pairs:
        lowered = name.lower()
        if lowered in api.SECRET_HEADERS and lowered.endswith("username"):
            yield Identity(LOGIN, value)
        elif lowered in api.CREDENTIAL_HEADERS and lowered != "authorization":
            yield Identity(TOKEN, value)


def _fields(request: Request) -> Iterator[Identity]:
    """Yield the user name of a login, and the token or code that is exchanged for a new token (RFC 6749)."""
    query = urlsplit(request.uri).query
    is_login = b"password" in request.body or b"grant_type" in request.body
    if "token=" not in query and "code=" not in query and not is_login:
        return
    fields = {**dict(parse_qsl(query)), **(_posted(request) if is_login else {})}
    if "password" in fields:
        yield from (Identity(LOGIN, fields[name]) for name in _USER_NAMES if fields.get(name))
    yield from (Identity(TOKEN, value) for name, value in fields.items() if _TOKEN_NAME.fullmatch(name) and value)
    if fields.get("code"):
        yield Identity(CODE, fields["code"])
    if fields.get("grant_type") == "client_credentials" and fields.get("client_id"):
        yield Identity(APPLICATION_KEY, fields["client_id"])


def _posted(request: Request) -> dict[str, str]:
    if len(request.body) > _LONGEST_BODY:
        return {}
    text = request.body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        parsed = lossless_json.loads_or_none(text)
        return {name: value for name, value in parsed.items() if isinstance(value, str)} if _is_object(parsed) else {}
    return dict(parse_qsl(text))


def _is_token_request(request: Request) -> bool:
    """Return whether a request fetches a token: then its Basic credentials are those of an application."""
    return b"grant_type" in request.body


def _bayeux_request(request: Request) -> Iterator[Identity]:
    yield from _client_ids(request.body)


def _cookies(request: Request) -> Iterator[Identity]:
    for pair in (request.headers.get("cookie") or "").split(";"):
        name, _, value = pair.strip().partition("=")
        yield from _cookie(name, value)


def _csrf_request(request: Request) -> Iterator[Identity]:
    yield from _csrf(request.headers)


def _application_key(request: Request) -> Iterator[Identity]:
    if value := request.headers.get("x-api-key"):
        yield Identity(APPLICATION_KEY, value)


# The order is that of their weight: if two contradict each other, the first is believed.
_SENT: tuple[Callable[[Request], Iterator[Identity]], ...] = (
    _authorization,
    _session_headers,
    _fields,
    _bayeux_request,
    _cookies,
    _csrf_request,
    _application_key,
)

# --- what a response gives


def _set_cookies(_request: Request, response: Response) -> Iterator[Identity]:
    for name, value in response.headers.pairs:
        if name.lower() == "set-cookie":
            yield from _cookie(*value.partition(";")[0].strip().partition("=")[::2])


def _csrf_response(_request: Request, response: Response) -> Iterator[Identity]:
    yield from _csrf(response.headers)


def _tokens(_request: Request, response: Response) -> Iterator[Identity]:
    if location := response.headers.get("location"):
        parts = urlsplit(location)
        for name, value in (*parse_qsl(parts.query), *parse_qsl(parts.fragment)):
            if _TOKEN_NAME.fullmatch(name) and value:
                yield Identity(TOKEN, value)
            elif name == "code" and value:
                yield Identity(CODE, value)
    if b"oken" not in response.body or len(response.body) > _LONGEST_BODY:
        return
    parsed = lossless_json.loads_or_none(response.body)
    for fields in (parsed, parsed.get("data")) if _is_object(parsed) else ():
        for name, value in fields.items() if _is_object(fields) else ():
            if _TOKEN_NAME.fullmatch(name) and isinstance(value, str) and len(value) >= _SHORTEST_TOKEN:
                yield from _bearer(value)


def _bayeux_response(_request: Request, response: Response) -> Iterator[Identity]:
    yield from _client_ids(response.body)


def _account(request: Request, response: Response) -> Iterator[Identity]:
    account = api.account_in(request.path, response.body)
    for kind, field in ((ACCOUNT, "userName"), (ACCOUNT_ID, "id")):
        if isinstance(value := account.get(field), str):
            yield Identity(kind, value)


_RECEIVED: tuple[Callable[[Request, Response], Iterator[Identity]], ...] = (
    _account,
    _tokens,
    _bayeux_response,
    _set_cookies,
    _csrf_response,
)

# --- what both have in common


def _client_ids(body: bytes) -> Iterator[Identity]:
    if b'"clientId"' not in body or b'"channel"' not in body:
        return
    parsed = lossless_json.loads_or_none(body)
    for message in parsed if isinstance(parsed, list) else [parsed]:
        client_id = message.get("clientId") if _is_object(message) else None
        if isinstance(client_id, str) and "channel" in message:
            yield Identity(CLIENT_ID, client_id)


def _cookie(name: str, value: str) -> Iterator[Identity]:
    value = value.strip('"')
    if value and not _BALANCER_COOKIE.search(name) and (name in api.SESSION_COOKIES or _SESSION_COOKIE.search(name)):
        yield Identity(COOKIE, f"{name}={value}")


def _csrf(headers: Headers) -> Iterator[Identity]:
    """Yield the CSRF token; the response may name the header that carries it."""
    names = {name.lower() for name in api.CSRF_HEADERS}
    names.update(value.lower() for value in map(headers.get, api.CSRF_NAME_HEADERS) if value)
    yield from (Identity(CSRF_TOKEN, value) for name, value in headers.pairs if name.lower() in names and value)


def _parameters(text: str) -> dict[str, str]:
    return {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(text)}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
