"""The replay server's control endpoint: what was served and missed, what is waiting for what, and how to begin again.

It is for the test beside the client, not for web pages: a page of another site could otherwise read the recorded data,
under a name of its own that leads to this machine.
"""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Any, Final

from gws_replay.core.replay.miss import Miss
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.sessions import LiveUser
from gws_replay.playback.unplayed import unplayed_of

PATH: Final = "/__gws_replay__"
_REWIND: Final = f"{PATH}/rewind"
# What browsers send for an address that a person typed, and for a page of the same origin.
_OWN_SITES: Final = ("none", "same-origin")


def refusal(headers: Mapping[str, str], hosts: Collection[str]) -> tuple[int, dict[str, Any]] | None:
    """Return the refusal of a request that a page of another site may have sent; None if it may be responded to.

    `hosts` are names that the endpoint may be reached by, beside those of loopback.
    """
    host = _name(headers.get("Host", ""))
    if not _is_loopback(host) and host not in hosts:
        return 403, {
            "error": f"the control endpoint is not available at the host {host!r}: use localhost, or start the server "
            f"with --control-host {host}"
        }
    if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES:
        return 403, {"error": "the control endpoint is not available to web pages"}
    return None


def respond(method: str, path: str, run: ReplayRun) -> tuple[int, dict[str, Any]]:
    """Respond to GET /__gws_replay__ with the state of the run, and to POST /__gws_replay__/rewind by restarting it."""
    wanted = (method, path.rstrip("/"))
    if wanted == ("POST", _REWIND):
        before = state(run)
        run.rewind()
        return 200, before
    if wanted == ("GET", PATH):
        return 200, state(run)
    return 404, {"error": f"there is GET {PATH} and POST {_REWIND}"}


def state(run: ReplayRun) -> dict[str, Any]:
    """Return what happened in a run so far; values of requests are redacted."""
    sessions = run.sessions
    left = unplayed_of(sessions)
    return {
        "cassettes": [cassette.source for cassette in run.cassettes],
        "users": len(tuple(sessions.used())),
        "cometd_clients": sum(user.session.clients for user in sessions.users),
        "held_connects": sum(user.session.held for user in sessions.users),
        "served": sum(user.session.served for user in sessions.users),
        "repeated": sum(user.session.repeated for user in sessions.users),
        "missed": [miss(each) for each in run.misses],
        "missed_count": sum(user.session.missed for user in sessions.users),
        "missed_left_out": sum(user.session.misses_left_out for user in sessions.users),
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
        "undelivered": list(run.undelivered),
        "out_of_order": list(run.out_of_order),
        "waits": list(run.waits),
        "live_users": [_live_user(user) for user in sessions.used()],
        "faults": list(run.faults),
        "faults_count": run.fault_count,
    }


def _live_user(user: LiveUser) -> dict[str, Any]:
    """Return what one live user has done, and which recorded user it plays in each cassette."""
    session = user.session
    recorded = [(index.cassette.users, role.user) for index, role in zip(session.indexes, session.roles, strict=True)]
    return {
        "plays": [{"user": number, "name": users[number].name} for users, number in recorded],
        "served": session.served,
        "missed": session.missed,
        "cometd_clients": session.clients,
        "held_connects": session.held,
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


def _name(host: str) -> str:
    """Return the name in a Host field, without the port and the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
