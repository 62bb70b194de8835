"""Playbacks of small cassettes, and a function that sends requests to them, for several test files."""

from typing import Any

from gws_replay.core.model import Exchange, Notification, Request
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import cassette


def play(*moments: Exchange | Notification) -> ReplayRun:
    """Play a cassette of exchanges and notifications."""
    return ReplayRun(cassette(*moments).named("some.yaml"))


def ask(playback: ReplayRun, which: int, **instead: Any) -> Any:
    """Send a recorded request, or one that differs a little from it."""
    recorded = playback.cassette.interactions[which].request
    fields = {"method": recorded.method, "uri": recorded.uri, "headers": recorded.headers, "body": recorded.body}
    return playback.respond(Request(**{**fields, **instead}))
