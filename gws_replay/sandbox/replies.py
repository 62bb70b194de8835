"""The sandbox's replies: success, and each kind of refusal. It is our own reading of the documentation."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]
# A topic, and the `data` of a notification on it.
Push: TypeAlias = tuple[str, Json]

# statusCode -> HTTP status; all others are HTTP 200 (the codes: [RV860]; the HTTP statuses are ours, GWS shows none).
_HTTP_STATUS: Final = {6: 404, 20: 401}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP status, a JSON body, and the notifications to push, in order."""

    status: int
    body: Json
    notifications: tuple[Push, ...] = ()


def success(**content: Any) -> Reply:
    """Build a reply with statusCode 0."""
    return Reply(status=200, body={"statusCode": 0, **content})


def refusal(status_code: int, message: str, notifications: tuple[Push, ...] = ()) -> Reply:
    """Build an error reply: statusCode and statusMessage, nothing else [RV860]."""
    body = {"statusCode": status_code, "statusMessage": message}
    return Reply(status=_HTTP_STATUS.get(status_code, 200), body=body, notifications=notifications)


def missing(parameter: str) -> Reply:
    """Refuse a body without a required parameter."""
    return refusal(1, f"Required parameter {parameter} is missing")


def not_valid(operation: str, state: str) -> Reply:
    """Refuse an operation that the state of the resource does not allow."""
    return refusal(2, f"Operation {operation} is not valid for the state {state}")


def not_found() -> Reply:
    """Refuse a request for an unknown session or URL."""
    return refusal(6, "Resource not found")


def not_json() -> Reply:
    """Refuse a body that is not a JSON object."""
    return refusal(10, "The request body is not a JSON object")


def access_denied() -> Reply:
    """Refuse a request without valid credentials [INT]."""
    return refusal(20, "Access denied")
