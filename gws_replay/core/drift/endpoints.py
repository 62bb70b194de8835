"""Where the server that a cassette was recorded from has what is in no cassette: CometD, and the CSRF token."""

from gws_replay.core.api import dialects as api
from gws_replay.core.api import gws_v2 as gws
from gws_replay.core.cassette import Cassette
from gws_replay.core.redaction.tables import CSRF_NAME_HEADER


def comet_path(cassette: Cassette) -> str:
    """Return where CometD is."""
    return f"{_prefix(cassette)}{'/api/v2' if _is_gws(cassette) else '/workspace/v3'}/notifications"


def token_path(cassette: Cassette) -> str | None:
    """Return where a CSRF token can be had: where the recorded client got one, or of GET /me (CSRFProtection).

    None for an API that has none.
    """
    for each in cassette.interactions:
        if each.request.method == "GET" and each.response.headers.get(CSRF_NAME_HEADER):
            return each.request.path
    return f"{_prefix(cassette)}/api/v2/me" if _is_gws(cassette) else None


def _is_gws(cassette: Cassette) -> bool:
    return api.api_of(each.request for each in cassette.interactions) == gws.API


def _prefix(cassette: Cassette) -> str:
    """Return what old deployments have before the API's path, such as /cloud-web."""
    paths = (each.request.path for each in cassette.interactions)
    return next((path[:at] for path in paths if (at := path.find("/api/v")) >= 0), "")
