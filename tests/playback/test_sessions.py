"""All users' runs of some cassettes: what the redactor of a user hears."""

import pytest

from gws_replay.core.model import Headers
from gws_replay.errors import ReplayMiss
from tests.support.builders import HOST, exchange
from tests.support.playbacks import ask, play

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def test_the_credentials_of_an_answered_request_are_not_shown_by_a_later_miss() -> None:
    """Wherever they turn up in it, though the answered request itself had nothing that was to be redacted."""
    playback = play(exchange("GET", "/api/v2/me", None, {"statusCode": 0}))
    password = "correct-horse-battery"
    basic = "Basic YWdlbnQ6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"
    ask(playback, 0, headers=Headers((("Authorization", basic), ("X-CSRF-TOKEN", TOKEN))))
    with pytest.raises(ReplayMiss) as caught:
        ask(playback, 0, uri=f"{HOST}/api/v2/users?a={password}&b={TOKEN}")
    shown = f"{caught.value} {playback.misses[0].request.uri}"
    assert ["a=<", 0, 0] == [shown[shown.index("a=") :][:3], shown.count(password), shown.count(TOKEN)]
