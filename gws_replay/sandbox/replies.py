"""The sandbox's answers: success, and each way to refuse.

It is our own reading of the documentation. This file must never know what is asked for.
"""

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
    """Build an answer with statusCode 0."""
    return Reply(status=200, body={"statusCode": 0, **content})


def refusal(status_code: int, message: str, notifications: tuple[Push, ...] = ()) -> Reply:
    """Build an error answer: statusCode and statusMessage, nothing else [RV860]."""
    body = {"statusCode": status_code, "statusMessage": message}
    return Reply(status=_HTTP_STATUS.get(status_code, 200), body=body, notifications=notifications)


def missing(parameter: str) -> Reply:
    """Answer for a body without a parameter that it must have."""
    return refusal(1, f"Required parameter {parameter} is missing")


def not_valid(operation: str, state: str) -> Reply:
    """Answer for an operation that the state of the resource forbids."""
    return refusal(2, f"Operation {operation} is not valid for the state {state}")


def not_found() -> Reply:
    """Answer for a session or a URL that is not there."""
    return refusal(6, "Resource not found")


def not_json() -> Reply:
    """Answer for a body that is not a JSON object."""
    return refusal(10, "The request body is not a JSON object")


def access_denied() -> Reply:
    """Answer for a request without valid credentials [INT]."""
    return refusal(20, "Access denied")
