"""What the replay server makes of a recorded answer before it leaves: its own tokens, its own address, CORS.

Recorded tokens are placeholders, recorded addresses are those of the recorded system: a client that followed one would
leave the replay.
"""

from collections.abc import Mapping

from multidict import CIMultiDict

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Headers
from gws_replay.core.replay import credentials as users
from gws_replay.core.replay import rehost as addresses

# Fields of one connection, or that the server sets itself (RFC 9110, section 7.6.1).
_DROPPED = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"),
        *("content-length", "set-cookie", "date", "server", "strict-transport-security", "alt-svc"),
    }
)
_EXPOSED = ", ".join((*api.CSRF_NAME_HEADERS, *api.CSRF_HEADERS))


def cors(headers: Mapping[str, str], *, preflight: bool = False) -> dict[str, str]:
    """Return the CORS fields for a request of a page of any origin; none for a request without an origin."""
    origin = headers.get("Origin")
    if origin is None:
        return {}
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin",
    }
    if preflight:
        allowed |= {
            "Access-Control-Allow-Methods": headers.get("Access-Control-Request-Method", "GET"),
            "Access-Control-Allow-Headers": headers.get("Access-Control-Request-Headers", ""),
            "Access-Control-Max-Age": "600",
        }
    return allowed


def fields(recorded: Headers, *, csrf_token: str, origin: str | None, allow: Mapping[str, str]) -> CIMultiDict[str]:
    """Return the fields of an answer: the recorded ones, with the server's own token, and its own address if given."""
    named = filter(None, map(recorded.get, api.CSRF_NAME_HEADERS))
    name = next(named, api.CSRF_HEADERS[0]).lower()
    kept: CIMultiDict[str] = CIMultiDict()
    for key, value in recorded.pairs:
        lowered = key.lower()
        if lowered in _DROPPED or (allow and lowered.startswith("access-control-")):
            continue
        if lowered == name:
            kept.add(key, csrf_token)
        elif origin and lowered in ("location", "content-location"):
            kept.add(key, addresses.at_home(f'"{value}"', origin)[1:-1])
        else:
            kept.add(key, value)
    kept.update(allow)
    return kept


def session_cookie(session_id: str) -> str:
    """Spell the Set-Cookie field of a session."""
    return f"{users.SESSION_COOKIE}={session_id}; Path=/; HttpOnly"
