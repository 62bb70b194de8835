"""The replay server's control endpoint: what was served, missed, and is left; and how to begin again.

It is for the test beside the client, not for the client: a page of another origin cannot use it.
"""

from typing import Any, Final

from gws_replay.core.replay.run import Miss
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.unplayed import unplayed_of

PATH: Final = "/__gws_replay__"
_REWIND: Final = f"{PATH}/rewind"


def answer(method: str, path: str, playback: ReplayRun) -> tuple[int, dict[str, Any]]:
    """Answer GET /__gws_replay__ with the state of the run, and POST /__gws_replay__/rewind by beginning it again."""
    asked = (method, path.rstrip("/"))
    if asked == ("POST", _REWIND):
        before = state(playback)
        playback.rewind()
        return 200, before
    if asked == ("GET", PATH):
        return 200, state(playback)
    return 404, {"error": f"there is GET {PATH} and POST {_REWIND}"}


def state(playback: ReplayRun) -> dict[str, Any]:
    """Return what happened in a run so far; values of requests are redacted."""
    sessions = playback.sessions
    left = unplayed_of(sessions)
    return {
        "cassettes": [cassette.source for cassette in playback.cassettes],
        "users": len(tuple(sessions.used())),
        "cometd_clients": sum(user.session.clients for user in sessions.users),
        "held_connects": sum(user.session.held for user in sessions.users),
        "served": sum(user.session.served for user in sessions.users),
        "repeated": sum(user.session.repeated for user in sessions.users),
        "missed": [miss(each) for each in playback.misses],
        "unplayed": [
            {"cassette": each.cassette, "interaction": each.interaction, "request": each.text.partition(": ")[2]}
            for each in left
            if each.interaction is not None
        ],
        "unreleased": [
            {
                "cassette": each.cassette,
                "notification": each.notification,
                "waits_for": each.waits_for,
                "text": each.text,
            }
            for each in left
            if each.notification is not None
        ],
        "faults": list(playback.faults),
    }


def miss(missed: Miss) -> dict[str, Any]:
    """Return a miss as a program reads it."""
    return {
        "request": f"{missed.request.method} {missed.request.path}",
        "reason": missed.reason,
        "cassette": missed.cassette,
        "nearest": missed.nearest,
        "differences": [
            {"part": each.part, "sent": each.sent, "recorded": each.recorded} for each in missed.differences
        ],
        "text": str(missed),
    }
