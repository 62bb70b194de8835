"""The commands for a CometD client in a session, and the events that it should see:

from a cassette, or written by hand.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gws_replay.core.cassette import Cassette
from tests.support.builders import SESSIONS, TOPIC

Command = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """A response, with its status and body, or a notification, with its channel and data."""

    kind: str
    where: str | int
    content: Any


def comet(*subscriptions: str) -> Command:
    """Shake hands, subscribe and connect; go on after the first connect."""
    return {"do": "comet", "subscriptions": subscriptions or (TOPIC,)}


def rest(method: str, path: str, body: str = "", *, pause: int = 0) -> Command:
    """Make a REST request, after so many milliseconds; go on after its response."""
    return {"do": "rest", "method": method, "path": path, "body": body, "pause": pause}


def login(path: str) -> Command:
    """Request a token, and use it from now on."""
    return {**rest("POST", path), "do": "login"}


# What a client begins with: it brings the cookie that a WebSocket of a browser is known by.
LOOK = rest("GET", f"{SESSIONS}?fields=*")


def wait(what: str, count: int) -> Command:
    """Wait until so many notifications, or other things that are counted, have been seen."""
    return {"do": "wait", "what": what, "count": count}


def session(cassette: Cassette, *, pause: int = 0, in_a_row: bool = False) -> list[Command]:
    """The recorded requests in their order, and before each the wait for what had been seen when it began.

    CometD begins in front of the first operation, as in every client of GWS; `in_a_row` does not wait.
    """
    return [*_session(cassette, pause, in_a_row), wait("notifications", len(cassette.notifications))]


def _session(cassette: Cassette, pause: int, in_a_row: bool) -> Iterator[Command]:
    began = False
    for each in cassette.interactions:
        if not began and each.request.method == "POST":
            began = True
            yield comet(*dict.fromkeys(notification.channel for notification in cassette.notifications))
        if not in_a_row and (seen := sum(notification.seen < each.began for notification in cassette.notifications)):
            yield wait("notifications", seen)
        path = each.request.uri.partition("/api/")[2]
        posted = each.request.method == "POST"
        yield rest(each.request.method, f"/api/{path}", each.request.body.decode(), pause=pause if posted else 0)


def recorded(cassette: Cassette, url: str) -> list[Event]:
    """What the client saw when a cassette was recorded, with the addresses of a server at `url`."""
    moments: list[tuple[float, Event]] = [
        *(
            (each.ended, response_event(each.response.status, each.response.body.decode(), url))
            for each in cassette.interactions
        ),
        *((each.seen, Event("notification", each.channel, _at(url, each.data))) for each in cassette.notifications),
    ]
    return [event for _, event in sorted(moments, key=lambda each: each[0])]


def response_event(status: int, text: str, url: str = "") -> Event:
    """The response of a REST request."""
    return Event("answer", status, _at(url, text))


def _at(url: str, text: str) -> Any:
    return json.loads(re.sub(r"http://127\.0\.0\.1(:8090)?(?=/api/)", url, text) if url else text)
