"""What a cassette tells of the server that it was recorded from: where its parts are, and whether it wants a token."""

from gws_replay.core import api, gws
from gws_replay.core.model import Cassette
from gws_replay.core.sensitive import CSRF_NAME_HEADER


def comet_path(cassette: Cassette) -> str:
    """Return where CometD is: its own traffic is in no cassette."""
    is_gws = api.api_of(each.request for each in cassette.interactions) == gws.API
    return f"{_prefix(cassette)}{'/api/v2' if is_gws else '/workspace/v3'}/notifications"


def token_path(cassette: Cassette) -> str | None:
    """Return where a CSRF token can be had (CSRFProtection: GET /me); None where the recorded client had none."""
    for each in cassette.interactions:
        if each.response.headers.get(CSRF_NAME_HEADER) or each.request.headers.get("x-csrf-token"):
            return f"{_prefix(cassette)}/api/v2/me"
    return None


def _prefix(cassette: Cassette) -> str:
    """Return what old deployments have before the API's path, such as /cloud-web."""
    paths = (each.request.path for each in cassette.interactions)
    return next((path[:at] for path in paths if (at := path.find("/api/v")) >= 0), "")
