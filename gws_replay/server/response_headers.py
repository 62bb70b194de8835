"""The header fields of a response of the replay server: the recorded ones as they apply here, and CORS.

docs/serve.md lists everything that is changed.
"""

from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Headers
from gws_replay.core.replay.live_headers import SESSION_COOKIE, Client, live_headers
from gws_replay.core.replay.rehost import location_at_home

# Fields of one connection (RFC 9110, section 7.6.1), those that this server sets, and those that would send a client
# to another port or scheme from now on.
_DROPPED: Final = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"),
        *("content-length", "date", "strict-transport-security", "alt-svc"),
    }
)
_EXPOSED: Final = ", ".join((*api.CSRF_NAME_HEADERS, *api.CSRF_HEADERS))


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


def fields(recorded: Headers, client: Client, *, rehost: bool, allow: Mapping[str, str]) -> CIMultiDict[str]:
    """Return the fields of a response: the recorded ones as they apply to a client, and the CORS fields `allow`.

    If `rehost`, a Location of the API leads to this server.
    """
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in live_headers(recorded, client).pairs:
        lowered = name.lower()
        if lowered in _DROPPED or (allow and lowered.startswith("access-control-")):
            continue
        if rehost and lowered in ("location", "content-location"):
            kept.add(name, location_at_home(value, client.uri))
        else:
            kept.add(name, value)
    kept.update(allow)
    return kept


def session_cookie(session_id: str) -> str:
    """Return the Set-Cookie field of a session that the recording sets no cookie for."""
    return f"{SESSION_COOKIE}={session_id}; Path=/; HttpOnly"
