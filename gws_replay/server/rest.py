"""Edge: REST as the replay server answers it, whichever way a request came in: what is played, and how it leaves.

What is answered is decided in `core.track`. Nothing here knows a socket.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from json import dumps
from typing import Any, Final, NamedTuple

from multidict import CIMultiDict

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Headers, Request
from gws_replay.core.replay import rehost as addresses
from gws_replay.core.replay.run import Miss, Send
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.sessions import LiveUser
from gws_replay.server import control as server_control
from gws_replay.server import response_headers as server_answers

# Not recorded: no status of GWS, and none that clients try again.
_MISSED: Final = 501
_JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}
# Those of http.client, which brings most of the package email along.
_REASONS: Final = {each.value: each.phrase for each in HTTPStatus}
_MOST_KEPT: Final = 1000
BODILESS: Final = (204, 304)


class Shared:
    """Header fields that many answers have in common, spelled once."""

    def __init__(self, fields: CIMultiDict[str]) -> None:
        self.fields = fields
        self._starts: dict[tuple[int, str], bytes] = {}

    def start(self, status: int, reason: str) -> bytes:
        """Spell the status line and the fields. Raises ValueError for what would end one before its time."""
        found = self._starts.get((status, reason))
        if found is None:
            found = self._starts[status, reason] = self._spelled(status, reason)
        return found

    def _spelled(self, status: int, reason: str) -> bytes:
        fields = list(self.fields.items())
        for text in (reason, *(part for field in fields for part in field)):
            if any(end in text for end in "\r\n\0"):
                raise ValueError(f"a recorded header field cannot be sent: {text!r}")
        if "Content-Type" not in self.fields and status not in BODILESS:
            fields.append(("Content-Type", "application/octet-stream"))
        line = f"HTTP/1.1 {status} {reason or _REASONS.get(status, '')}\r\n"
        return (line + "".join(f"{name}: {value}\r\n" for name, value in fields)).encode("utf-8", "surrogateescape")


class Answer(NamedTuple):
    """What is sent: the fields that it shares with others, and those that it alone has."""

    status: int
    reason: str
    shared: Shared
    body: bytes
    own: tuple[tuple[str, str], ...] = ()

    @property
    def headers(self) -> CIMultiDict[str]:
        """All fields, but for those that HTTP itself needs."""
        return CIMultiDict([*self.shared.fields.items(), *self.own])


class Rest:
    """Answers the REST requests of a playback."""

    def __init__(self, playback: ReplayRun, *, keep_uris: bool, log: Callable[[str], None] | None) -> None:
        self.sessions = playback.sessions
        self.keep_uris = keep_uris
        self._log = log
        self._faults = playback.faults
        self._shared: dict[tuple[Any, ...], Shared] = {}
        # By cassette, the interactions with a notification that comes after their response.
        self._followed = tuple(
            frozenset(gate.interaction for gate in cassette_index.gates if gate and gate.after == "response")
            for cassette_index in playback.sessions.indexes
        )

    def begin(self, user: LiveUser, asked: Request) -> Send | Miss:
        """Play a request. A `Send` is to be waited for, and finished at the sessions."""
        send = self.sessions.begin(user, asked)
        if self._log:
            what = f"{asked.method} {user.redactor.request(asked).path}"
            if isinstance(send, Miss):
                self._log(f"{what}  missed: {send.reason}")
            else:
                again = ", once more" if send.repeated else ""
                self._log(f"{what}  interaction {send.interaction}{again}")
        return send

    def fault(self, method: str, target: str, error: Exception) -> str:
        """Keep a fault of our own for the test, and say it."""
        path = target.partition("?")[0].partition(";")[0]  # a session may stand behind it
        said = f"the replay server failed: {method} {path}: {type(error).__name__}: {error}"
        self._faults.append(said)
        return said

    def is_followed(self, send: Send) -> bool:
        """Tell whether a notification was recorded that must not overtake the answer."""
        return send.interaction in self._followed[send.cassette]

    def answer(
        self, user: LiveUser, send: Send, *, origin: str | None, asked: Headers, allow: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer as this server gives it; `allow` are the CORS fields of a page of another origin."""
        recorded = send.response
        body = recorded.body
        is_json = body[:1] in (b"{", b"[")
        origin = None if self.keep_uris else origin
        knows_session = user.session_id in (asked.get("cookie") or "")
        own = () if knows_session else (("Set-Cookie", server_answers.session_cookie(user.session_id)),)
        if is_json and origin and (b":/" in body or b":\\/" in body):
            body = addresses.at_home(body.decode(errors="surrogateescape"), origin).encode(errors="surrogateescape")
        shared = self._shared_fields(recorded.headers, user.csrf_token, origin, is_json=is_json, allow=allow)
        return Answer(recorded.status, recorded.reason, shared, body, own)

    def _shared_fields(
        self, recorded: Headers, token: str, origin: str | None, *, is_json: bool, allow: Mapping[str, str] | None
    ) -> Shared:
        key = (recorded, token, origin, is_json, None if allow is None else tuple(allow.items()))
        found = self._shared.get(key)
        if found is None:
            fields = server_answers.fields(recorded, csrf_token=token, origin=origin, allow=allow or {})
            if is_json:
                fields.setdefault("Content-Type", _JSON["Content-Type"])  # one written by hand may have none
            found = Shared(fields)
            if len(self._shared) >= _MOST_KEPT:
                self._shared.clear()
            self._shared[key] = found
        return found


def missed(miss: Miss, allow: Mapping[str, str] | None = None) -> Answer:
    """Return the answer to a request that is not recorded."""
    return failed(_MISSED, str(miss), server_control.miss(miss), allow)


def failed(
    status: int, message: str, details: dict[str, Any] | None = None, allow: Mapping[str, str] | None = None
) -> Answer:
    """Return an error in the form of the API: an internal error."""
    body = {**api.error_body(message), **({"gws_replay": details} if details else {})}
    fields: CIMultiDict[str] = CIMultiDict({**(allow or {}), **_JSON})
    return Answer(status, _REASONS.get(status, ""), Shared(fields), dumps(body).encode())
