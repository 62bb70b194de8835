"""The refusals that APIs document, as tables: what a server may return instead of carrying out a request.

Sources: "Return Values", "Interpreting a Response" and "CSRF Protection" of the API documentation of GWS 8.6.0; RFC
6585 and RFC 9110 for what a load balancer returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps
from types import MappingProxyType

from gws_replay.core.api.dialects import api_at
from gws_replay.core.api.registry import FALLBACK
from gws_replay.core.model import Headers, Request, Response

_JSON = ("Content-Type", "application/json;charset=UTF-8")
# "Return Values", 8.6.0: the status codes that refuse an operation; 20 is a session that has expired.
_STATUS_CODES = {
    1: "a required parameter is missing",
    2: "the parameter is not valid for the state",
    3: "the operation is forbidden",
    4: "internal error",
    5: "no permission",
    6: "not found",
    8: "the password must be changed",
    9: "the processing is incomplete",
    10: "the input is not valid",
    11: "a property is read only",
    12: "cannot retrieve",
    13: "cannot create",
    14: "cannot delete",
    15: "cannot update",
    16: "cannot assign",
    17: "cannot unassign",
    18: "already exists",
    19: "already in use",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A response that refuses a request, and the words for it.

    `is_of_operations` says that a GET never gets it, `is_of_gws` that it has the form of GWS v2.
    """

    words: str
    source: str
    response: Response
    is_of_operations: bool = False
    is_of_gws: bool = False

    def refuses(self, request: Request) -> bool:
        """Tell whether a request may get it."""
        if self.is_of_gws and api_at(request.path) is not FALLBACK:
            return False
        return not (self.is_of_operations and request.is_safe)


def _body(code: int, text: str) -> bytes:
    return dumps({"statusCode": code, "statusMessage": text}).encode()


def _refusal(
    status: int, reason: str, body: bytes, words: str, source: str, *more: tuple[str, str], of_operations: bool = False
) -> Refusal:
    kind = _JSON if body.startswith(b"{") else ("Content-Type", "text/plain")
    headers = Headers((kind, ("Content-Length", str(len(body))), *more))
    response = Response(status=status, reason=reason, headers=headers, body=body)
    is_of_gws = body.startswith(b"{") or b"Csrf" in body
    return Refusal(words=words, source=source, response=response, is_of_operations=of_operations, is_of_gws=is_of_gws)


def _refusals() -> Mapping[str, Refusal]:
    found = {
        f"status-{code}": _refusal(
            200,
            "OK",
            _body(code, text),
            f"{{}} gets statusCode {code} ({text})",
            "ReturnValues 8.6.0",
            of_operations=True,
        )
        for code, text in _STATUS_CODES.items()
    }
    again = ("Retry-After", "1")
    return {
        "status-20": _refusal(
            200,
            "OK",
            _body(20, "Access denied"),
            "{} gets statusCode 20: the session has expired",
            "InterpretingaResponse",
        ),
        "http-401": _refusal(401, "Unauthorized", b"", "{} gets HTTP 401: the session has expired", "RFC 9110, 15.5.2"),
        "csrf-403": _refusal(
            403,
            "Forbidden",
            b"Missing or invalid Csrf token",
            "{} gets HTTP 403: the CSRF token is not valid any more",
            "CSRFProtection 8.6.0",
            of_operations=True,
        ),
        "http-429": _refusal(
            429, "Too Many Requests", b"", "{} gets HTTP 429 with Retry-After: 1", "RFC 6585, 4", again
        ),
        "http-503": _refusal(
            503, "Service Unavailable", b"", "{} gets HTTP 503 with Retry-After: 1", "RFC 9110, 15.6.4", again
        ),
        **found,
    }


REFUSALS: Mapping[str, Refusal] = MappingProxyType(_refusals())
# What else may become of a request, and of a notification. "Asynchronous Events": a response only says that a request
# was sent to the back end; the outcome, or the error, comes as a notification, if that is not lost on its way.
OTHER_REQUESTS: Mapping[str, str] = MappingProxyType(
    {
        "silent": "{} gets no response within the time limit of the client",
        "cut": "the response to {} is cut off in the middle of its body",
    }
)
NOTIFICATIONS: Mapping[str, str] = MappingProxyType(
    {"lost": "{} is lost", "error": "{} reports an error instead (notificationType Error)"}
)
WORDS: Mapping[str, str] = MappingProxyType(
    {**{name: each.words for name, each in REFUSALS.items()}, **OTHER_REQUESTS, **NOTIFICATIONS}
)


def as_error(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return the data of a notification as one that reports that its operation failed ("ChatMessageType", Error)."""
    kept = {name: each for name, each in data.items() if not isinstance(each, dict)}
    shown = {name: {"id": each["id"]} for name, each in data.items() if isinstance(each, dict) and "id" in each}
    return {**kept, **shown, "notificationType": "Error", "errorMessage": "the operation failed"}
