"""Where a server has what is in no cassette."""

import pytest

from gws_replay.core.drift.endpoints import cometd_path, token_path
from tests.support.builders import cassette, exchange


@pytest.mark.parametrize(
    ("path", "comet", "token"),
    [
        ("/api/v2/me", "/api/v2/notifications", "/api/v2/me"),
        ("/cloud-web/api/v2/me", "/cloud-web/api/v2/notifications", "/cloud-web/api/v2/me"),
        ("/workspace/v3/current-session", "/workspace/v3/notifications", None),
    ],
)
def test_paths(path: str, comet: str, token: str | None) -> None:
    """By the API, and the prefix of old deployments; Workspace v3 has no token."""
    recorded = cassette(exchange("GET", path))
    assert (comet, token) == (cometd_path(recorded), token_path(recorded))


def test_a_token_is_where_the_client_got_it() -> None:
    """In whatever API; of a GET alone, since nothing else may be sent again."""
    token = [("X-CSRF-HEADER", "X-CSRF-TOKEN")]
    posted = exchange("POST", "/workspace/v3/a", response_headers=token)
    recorded = cassette(posted, exchange("GET", "/workspace/v3/session?x=1", began=1.0, response_headers=token))
    assert "/workspace/v3/session" == token_path(recorded)
