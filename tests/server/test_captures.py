"""Every capture plays to real CometD clients, over either transport, as its own client saw it."""

import pytest

from gws_replay.server.server import ServedRun, serving
from tests.support.builders import CAPTURES
from tests.support.comet_clients import CLIENTS, TRANSPORTS, Open, seen_by
from tests.support.comet_sessions import recorded, session
from tests.support.commands import captured
from tests.support.sockets import of_aiocometd


@of_aiocometd
@pytest.mark.parametrize("open_client", CLIENTS)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", CAPTURES)
def test_a_client_sees_what_was_recorded(name: str, transport: str, open_client: Open) -> None:
    """Responses and notifications, value for value and in order; nothing is missed or unplayed."""
    cassette = captured(name).cassette
    playback = ServedRun(cassette)
    with serving(playback):
        seen = seen_by(open_client, playback.url, transport, session(cassette))
    assert recorded(cassette, playback.url) == seen
    assert "" == playback.problems()
