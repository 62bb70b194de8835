"""What the sandbox remembers and how it answers: HTTP sessions, Facebook sessions, and the operations on them.

It is our own reading of the documentation, kept apart from `gws_replay.core` so that the stand-in does not share the
mistakes of what it helps to test. This file must never know of sockets, of CometD clients or of time: an operation
returns its answer together with the notifications that are still to be pushed.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeAlias

from gws_replay.sandbox_faults import Operation, Outcome, UserData

Json: TypeAlias = dict[str, Any]

# statusCode -> HTTP status; all others are HTTP 200 (the codes: [RV860]; the HTTP statuses are ours, GWS shows none).
_HTTP_STATUS: Final = {6: 404, 20: 401}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSession:
    """What a JSESSIONID stands for; the CSRF token lives as long as the session does [CSRF]."""

    id: str
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP status, a JSON body, and the `data` of the notifications to push, in order."""

    status: int
    body: Json
    notifications: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """An operation's one required parameter, its JSON type, and what its notification is called."""

    parameter: str | None = None
    type: type = str
    notification: str = "PropertiesUpdated"


_OPERATIONS: Final[Mapping[str, _Kind]] = {
    "AttachUserData": _Kind(parameter="userData", type=dict),  # [FBATT]
    "UpdateUserData": _Kind(parameter="userData", type=dict),  # [FBUPD]
    "DeleteUserData": _Kind(parameter="keys", type=list),  # [FBDEL]
    "SetDisposition": _Kind(parameter="disposition"),  # [FBDIS]
    "AddComment": _Kind(parameter="comment"),  # [FBCOM]
    "Complete": _Kind(notification="StatusChange"),  # [FBCMP]
}


class Sandbox:
    """One agent, the HTTP sessions that agent has open, and the Facebook sessions that agent handles.

    `data` is the content of sandbox_data.json, `apply` how a userData operation turns out (a fault, or `faithful`).
    Documents are replaced and never changed in place, so a notification is a snapshot of the moment of its request.
    """

    def __init__(self, data: Json, *, apply: Callable[[Operation], Outcome], user: str, password: str) -> None:
        self._apply = apply
        self._credentials = f"{user}:{password}".encode()
        self._version: str = data["version"]
        self._user: Json = {**data["user"], "userName": user}
        self._facebooksessions: dict[str, Json] = {each["id"]: each for each in data["facebooksessions"]}
        self._http_sessions: dict[str, HttpSession] = {}
        self._reference_ids = count(11)  # the resource page's sample has 11 [FBRES]

    @property
    def session_ids(self) -> tuple[str, ...]:
        """The ids of the Facebook sessions."""
        return tuple(self._facebooksessions)

    def knows(self, authorization: str) -> bool:
        """Tell whether an Authorization header names the agent and the right password."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except ValueError:
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(given, self._credentials)

    def http_session(self, session_id: str) -> HttpSession | None:
        """Return the open HTTP session of a JSESSIONID, if there is one."""
        return self._http_sessions.get(session_id)

    def open_http_session(self, *, session_id: str, csrf_token: str) -> HttpSession:
        """Open an HTTP session."""
        session = HttpSession(id=session_id, csrf_token=csrf_token)
        self._http_sessions[session.id] = session
        return session

    def version(self) -> Reply:
        """Answer GET /api/v2/diagnostics/version [INT]."""
        return _success(version=self._version)

    def me(self, origin: str) -> Reply:
        """Answer GET /api/v2/me [INT]; `origin` is the scheme and host that the client used."""
        return _success(user=_absolute(self._user, origin))

    def operate_on_me(self, body: Any, session: HttpSession) -> Reply:
        """Answer POST /api/v2/me; ending the contact centre session closes the HTTP session too [ECCS]."""
        match body:
            case {"operationName": "StartContactCenterSession"}:
                return _success()
            case {"operationName": "EndContactCenterSession"}:
                self._http_sessions.pop(session.id, None)
                return _success()
            case {"operationName": name}:
                return refusal(3, f"Operation {name} is forbidden")
        return _missing("operationName") if isinstance(body, dict) else not_json()

    def facebooksessions(self, *, whole: bool, origin: str) -> Reply:
        """Answer GET /api/v2/me/facebooksessions: uris, or with fields=* the whole objects [RV851]."""
        found = [_absolute(each, origin) for each in self._facebooksessions.values()]
        return _success(facebooksessions=found) if whole else _success(uris=[each["uri"] for each in found])

    def facebooksession(self, session_id: str, origin: str) -> Reply:
        """Answer GET /api/v2/me/facebooksessions/{id}."""
        found = self._facebooksessions.get(session_id)
        return _success(facebooksession=_absolute(found, origin)) if found else not_found()

    def operate(self, session_id: str, body: Any, origin: str) -> Reply:
        """Answer POST /api/v2/me/facebooksessions/{id}, and say what has to be pushed."""
        document = self._facebooksessions.get(session_id)
        if document is None:
            return not_found()
        return _objection(document, body) or self._carry_out(document, body, origin)

    def _carry_out(self, document: Json, body: Json, origin: str) -> Reply:
        name: str = body["operationName"]
        reference_id = next(self._reference_ids)
        if name == "AddComment":
            changed = self._store({**document, "comment": body["comment"]})
            # Its notification leaves userData out, which means "unchanged" and not "empty" [FBCOM].
            shown = [{key: value for key, value in changed.items() if key != "userData"}]
        elif name == "Complete":
            shown = [self._store({**document, "state": "Completed", "capabilities": []})]
        else:
            shown = self._change_userdata(document, *_userdata_change(name, body))
        notifications = [
            {
                "referenceId": reference_id if index == 0 else next(self._reference_ids),
                "notificationType": _OPERATIONS[name].notification,
                "messageType": "FacebooksessionStateChangeMessage",
                "facebooksession": _absolute(each, origin),
            }
            for index, each in enumerate(shown)
        ]
        return Reply(status=200, body={"statusCode": 0}, notifications=tuple(notifications))

    def _change_userdata(self, document: Json, written: UserData, removed: tuple[str, ...]) -> list[Json]:
        """Store what a userData operation comes to; return the documents that its notifications show."""
        other = next(each for each in self._facebooksessions.values() if each["id"] != document["id"])
        outcome = self._apply(
            Operation(before=document["userData"], written=written, removed=removed, other=other["userData"])
        )
        self._store({**document, "userData": outcome.stored})
        shown: list[Json] = [{**document, "userData": userdata} for userdata in outcome.notified]
        if outcome.other is not None:
            shown.append(self._store({**other, "userData": outcome.other}))
        return shown

    def _store(self, document: Json) -> Json:
        self._facebooksessions[document["id"]] = document
        return document


def refusal(status_code: int, message: str) -> Reply:
    """Build an error answer: statusCode and statusMessage, nothing else [RV860]."""
    return Reply(status=_HTTP_STATUS.get(status_code, 200), body={"statusCode": status_code, "statusMessage": message})


def not_found() -> Reply:
    """Answer for a session or a URL that is not there."""
    return refusal(6, "Resource not found")


def not_json() -> Reply:
    """Answer for a body that is not a JSON object."""
    return refusal(10, "The request body is not a JSON object")


def access_denied() -> Reply:
    """Answer for a request without valid credentials [INT]."""
    return refusal(20, "Access denied")


def _objection(document: Json, body: Any) -> Reply | None:
    """Say why an operation cannot be carried out; None when it can."""
    if not isinstance(body, dict):
        return not_json()
    name = body.get("operationName")
    if name is None:
        return _missing("operationName")
    kind = _OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        return refusal(3, f"Operation {name} is forbidden")
    if document["state"] == "Completed":
        return refusal(2, f"Operation {name} is not valid for the state Completed")
    return None if kind.parameter is None else _parameter_objection(kind.parameter, kind.type, body)


def _parameter_objection(parameter: str, wanted: type, body: Json) -> Reply | None:
    value = body.get(parameter)
    if value is None:
        return _missing(parameter)
    if not isinstance(value, wanted) or (isinstance(value, list) and not all(isinstance(key, str) for key in value)):
        return refusal(10, f"Parameter {parameter} is not valid")
    return None


def _userdata_change(name: str, body: Json) -> tuple[UserData, tuple[str, ...]]:
    """Return the data that an operation writes, and the keys that it removes."""
    if name == "DeleteUserData":
        return {}, tuple(body["keys"])
    if name == "SetDisposition":
        # Without a dispositionKey the server's configured one counts; the sample's data suggests this name.
        return {str(body.get("dispositionKey") or "DISP_KEY"): body["disposition"]}, ()
    return body["userData"], ()


def _missing(parameter: str) -> Reply:
    return refusal(1, f"Required parameter {parameter} is missing")


def _success(**content: Any) -> Reply:
    return Reply(status=200, body={"statusCode": 0, **content})


def _absolute(value: Any, origin: str, *, name: str = "") -> Any:
    """Complete the uris of a document; userData is the client's own and stays as it is."""
    if isinstance(value, list):
        return [_absolute(each, origin, name=name) for each in value]
    if isinstance(value, dict):
        return {key: each if key == "userData" else _absolute(each, origin, name=key) for key, each in value.items()}
    return f"{origin}{value}" if name.lower().endswith(("uri", "uris")) else value
