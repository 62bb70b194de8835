"""Where the server that a cassette was recorded from has what is in no cassette: CometD, and the CSRF token."""

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Api
from gws_replay.core.cassette import Cassette


def cometd_path(cassette: Cassette) -> str:
    """Return the path of the CometD server."""
    return f"{_prefix(cassette)}{_api_of(cassette).cometd}"


def token_path(cassette: Cassette) -> str | None:
    """Return the path whose GET returns a CSRF token: where the recorded client got one, or the documented one.

    None for an API without CSRF tokens.
    """
    for each in cassette.interactions:
        if each.request.method == "GET" and any(map(each.response.headers.get, api.CSRF_NAME_HEADERS)):
            return each.request.path
    csrf = _api_of(cassette).csrf
    return f"{_prefix(cassette)}{csrf.path}" if csrf else None


def _api_of(cassette: Cassette) -> Api:
    return api.api_of(each.request for each in cassette.interactions)


def _prefix(cassette: Cassette) -> str:
    """Return what old deployments have before the API's path, such as /cloud-web."""
    prefixes = (api.prefix_of(each.request.path) for each in cassette.interactions)
    return next((each for each in prefixes if each is not None), "")
