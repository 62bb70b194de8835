"""The timeline of a run: requests and notifications at the times of the run, misses, and causes."""

import json
from contextlib import suppress
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Headers, Request
from gws_replay.errors import ReplayMiss
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.reports.pages.run import timeline_of
from tests.support.builders import cassette, exchange, get, push, update
from tests.support.commands import BEFORE, numbered, small
from tests.support.playbacks import ask

SECRET = "c2VjcmV0c2VjcmV0"


def shown(playback: ReplayRun) -> Any:
    """The one recording of a page, with its texts in place of their numbers."""
    value = json.loads(timeline_of(playback, [each.updates() for each in playback.cassettes]))
    (recording,) = value["recordings"]
    for event in recording["events"]:
        event |= {name: value["texts"][event[name]] for name in ("what", "of", "result")}
        event |= {name: [value["texts"][n] for n in event.get(name, ())] for name in ("reasons", "sent", "received")}
    return recording


def missed(playback: ReplayRun, path: str = "/nowhere", **fields: Any) -> None:
    with suppress(ReplayMiss):
        playback.respond(Request(method="GET", uri=f"http://gws.example{path}", **fields))


def test_timeline_has_the_events_of_the_run_in_order() -> None:
    """Each asking has its place, also one again; a miss stands where it was sent, and says what it lacked."""
    playback = ReplayRun(small())
    missed(playback)
    for which in (0, 1, 0):
        ask(playback, which)
    events = shown(playback)["events"]
    assert ["GET /nowhere", "GET /api/v2/me/facebooksessions", "UpdateUserData", "PropertiesUpdated"] == [
        each["what"] for each in events
    ][:4]
    assert ("failed", "missed: nothing like it was recorded", []) == tuple(
        events[0][name] for name in ("level", "result", "received")
    )
    assert events[0]["reasons"][0].startswith("GET /nowhere has no response in ")
    assert 5 == len(events)
    assert [each["at"] for each in events] == sorted(each["at"] for each in events)
    assert 0.0 == events[0]["at"]


def test_notification_has_its_cause_and_update_its_changes() -> None:
    """The cause is the asking of this run; one that no client received says so."""
    playback = ReplayRun(small())
    ask(playback, 0)
    ask(playback, 1)
    _, request, pushed = shown(playback)["events"]
    assert ("passed", []) == (request["verdict"], request["reasons"])
    assert (1, "content", "warning") == (pushed["cause"], pushed["rule"], pushed["level"])
    assert "no CometD client" == pushed["result"]
    assert ["changed"] == [kind for _, _, kind, _, _ in pushed["shows"][0]["changes"]]


def test_timeline_of_several_cassettes_and_of_an_empty_run() -> None:
    """All that was sent of any of them; nothing at all where nothing was."""
    playback = ReplayRun(numbered(2).named("a.yaml"), small().named("b.yaml"))
    ask(playback, 0)
    ask(playback, 1)
    assert ["POST /api/v2/me/0", "POST /api/v2/me/1"] == [each["what"] for each in shown(playback)["events"]]
    assert "" == timeline_of(ReplayRun(Cassette(interactions=())), [()])


def test_timeline_is_redacted() -> None:
    """For an unredacted cassette, and for a request without a response in it."""
    personal = cassette(
        get({**BEFORE, "EmailAddress": "ada@example.com"}, began=0.0),
        exchange("GET", "/x", None, {}, began=1.0, request_headers=[("Authorization", f"Basic {SECRET}")]),
        update({"A": 2}, began=2.0),
        push({**BEFORE, "A": 2, "EmailAddress": "ada@example.com"}, seen=3.0),
    )
    playback = ReplayRun(personal)
    for which in range(3):
        ask(playback, which)
    headers = Headers((("Authorization", f"Basic {SECRET}"), ("Cookie", f"JSESSIONID={SECRET}")))
    missed(playback, f"/nowhere?access_token={SECRET}", headers=headers)
    text = timeline_of(playback, [each.updates() for each in playback.cassettes])
    assert [] == [each for each in (SECRET, "ada@example.com") if each in text]
    assert "EmailAddress" in text
