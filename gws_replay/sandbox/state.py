"""The sandbox's agent and the agent's open HTTP sessions.

It is our own reading of the documentation, independent of `gws_replay.core.api`, so that the stand-in does not share
the mistakes of what it helps to test. The agent's interactions are in `resources`. Nothing here knows sockets, CometD
clients or time.
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gws_replay.sandbox.replies import Json, Reply, missing, not_json, refusal, success
from gws_replay.sandbox.resources import Resources, absolute
from gws_replay.sandbox.userdata import Operation, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSession:
    """The HTTP session of a JSESSIONID; its CSRF token is valid as long as the session [CSRF]."""

    id: str
    csrf_token: str


class Sandbox:
    """One agent, with open HTTP sessions and interactions.

    `data` is the content of data.json; `apply` computes the outcome of a userData operation (a fault, or `faithful`).
    """

    def __init__(self, data: Json, *, apply: Callable[[Operation], Outcome], user: str, password: str) -> None:
        self._credentials = f"{user}:{password}".encode()
        self._version: str = data["version"]
        self._user: Json = {**data["user"], "userName": user}
        self.resources = Resources(data["resources"], apply)
        self._http_sessions: dict[str, HttpSession] = {}

    def accepts(self, authorization: str) -> bool:
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
        """Reply to GET /api/v2/diagnostics/version [INT]."""
        return success(version=self._version)

    def me(self, origin: str) -> Reply:
        """Reply to GET /api/v2/me [INT]; `origin` is the scheme and host that the client used."""
        return success(user=absolute(self._user, origin))

    def operate_on_me(self, body: Any, session: HttpSession) -> Reply:
        """Reply to POST /api/v2/me; ending the contact centre session closes the HTTP session too [ECCS]."""
        match body:
            case {"operationName": "StartContactCenterSession"}:
                return success()
            case {"operationName": "EndContactCenterSession"}:
                self._http_sessions.pop(session.id, None)
                return success()
            case {"operationName": name}:
                return refusal(3, f"Operation {name} is forbidden")
        return missing("operationName") if isinstance(body, dict) else not_json()
