"""What a test's run comes to: events, counts, misses and userData, as JSON data that any terminal may see."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Headers, Request
from gws_replay.errors import ReplayMiss
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.reports.run_data import Details, counts_of, details_of, section
from gws_replay.reports.run_events import events_of, line_of
from tests.support.builders import NOTIFICATIONS, TOPIC, cassette, exchange, get, push, update
from tests.support.commands import BEFORE, numbered, small
from tests.support.playbacks import ask, play

SECRET = "c2VjcmV0c2VjcmV0"
STEERING = "\x1b[31m\x9b2J\r\u202e\ud800"


def missed(playback: ReplayRun, path: str = "/nowhere", **fields: Any) -> None:
    with suppress(ReplayMiss):
        playback.respond(Request(method="GET", uri=f"http://gws.example{path}", **fields))


def details(playback: ReplayRun) -> Details:
    return details_of(playback, [each.updates() for each in playback.cassettes])


def bayeux(playback: ReplayRun, **message: Any) -> Any:
    sent = json.dumps([message]).encode()
    kind = Headers((("Content-Type", "application/json"),))
    request = Request(method="POST", uri=f"http://gws.example{NOTIFICATIONS}", headers=kind, body=sent)
    response = playback.respond(request)
    assert response
    return json.loads(response.body)


def listening(playback: ReplayRun, channel: str = "/**") -> None:
    (reply,) = bayeux(playback, channel="/meta/handshake")
    bayeux(playback, channel="/meta/subscribe", clientId=reply["clientId"], subscription=channel)
    bayeux(playback, channel="/meta/connect", clientId=reply["clientId"], connectionType="long-polling")


def test_events_of_a_run_as_lines() -> None:
    """The operation rather than the URL, what was answered, where it stands; a miss with its reason."""
    playback = ReplayRun(small())
    for which in (0, 1, 0):
        ask(playback, which)
    missed(playback)
    assert [
        "--> GET /api/v2/me/facebooksessions  HTTP 200  interaction 0",
        "--> UpdateUserData S1  statusCode 0  interaction 1",
        "<-x PropertiesUpdated S1  no CometD client  notification 0, answers interaction 1",
        "--> GET /api/v2/me/facebooksessions  HTTP 200  interaction 0, again",
        "!!! GET /nowhere  missed: nothing like it was recorded",
    ] == [line_of(event) for event in events_of(playback)]


def test_notification_is_listed_when_it_was_delivered() -> None:
    """With a client that listens, it comes after what was sent meanwhile."""
    playback = ReplayRun(small())
    listening(playback)
    ask(playback, 1)
    missed(playback)
    playback.wait_for_change(0.01, lambda: False)
    playback.sessions.users[0].polls.changed()
    assert ["sent", "missed", "delivered"] == [event["kind"] for event in events_of(playback)]
    assert "<-- PropertiesUpdated S1  notification 0, answers interaction 1" == line_of(events_of(playback)[-1])


def test_undelivered_notification_has_its_reason() -> None:
    """In the events, the section of a failed test, and the page: here the client subscribed to another channel."""
    playback = ReplayRun(small())
    listening(playback, "/v2/me/chats")
    ask(playback, 1)
    why = f"no client has subscribed to {TOPIC}; subscribed: /v2/me/chats"
    assert f"<-x PropertiesUpdated S1  {why}  notification 0, answers interaction 1" == line_of(events_of(playback)[-1])
    sentence = f"notification 0 on {TOPIC} reached nobody: {why}"
    assert [sentence] == details(playback)["undelivered"]
    assert ["undelivered:", f"  {sentence}"] == section(playback, "").splitlines()[-2:]


def test_waiting_notification_says_what_it_waits_for() -> None:
    """Its cause was not sent."""
    playback = ReplayRun(small())
    ask(playback, 0)
    (waiting,) = details(playback)["waiting"]
    assert "notification 0" in waiting
    assert "waits for its cause, interaction 1" in waiting


def test_several_cassettes_and_several_users_are_named() -> None:
    """Only where there is more than one of them."""
    playback = ReplayRun(numbered(1).named("a.yaml"), small().named("b.yaml"), apart=True)
    credentials = Headers((("Authorization", "Basic YTpi"),))
    ask(playback, 0, headers=credentials)
    missed(playback, headers=Headers((("Authorization", "Basic Yzpk"),)))
    assert ["interaction 0 of a.yaml, user 1", "user 2"] == [event["where"] for event in events_of(playback)]


def test_section_shows_the_last_events_and_their_number() -> None:
    """Ten lines, in order."""
    playback = ReplayRun(numbered(15).named("many.yaml"))
    for which in range(12):
        ask(playback, which)
    lines = section(playback, "").splitlines()
    assert "many.yaml: the last 10 of 12 events" == lines[0]
    assert [f"--> POST /api/v2/me/{n}  HTTP 200  interaction {n}" for n in range(2, 12)] == lines[1:11]
    assert ["unplayed:", *(f"  interaction {n}: POST /api/v2/me/{n}" for n in range(12, 15))] == lines[11:]


def test_long_list_of_unplayed_is_cut() -> None:
    """Ten of what was not played, and how many more."""
    lines = section(ReplayRun(numbered(25)), "").splitlines()
    assert ["no request was sent", "unplayed:", "  and 15 more"] == [lines[1], lines[2], lines[-1]]
    assert 14 == len(lines)


def test_section_does_not_repeat_the_failure() -> None:
    """Neither a miss nor what was not played."""
    playback = play(get(BEFORE, began=0.0), update({"A": 2}, began=1.0))
    ask(playback, 0)
    missed(playback, "/here")
    missed(playback, "/there")
    text = section(playback, f"E   {playback.misses[0]}\n{playback.unplayed[0]}")
    assert (False, True, False) == tuple(
        each in text for each in ("GET /here has no response", "GET /there has no response", "unplayed")
    )


def steering() -> ReplayRun:
    hostile = {STEERING: f"{STEERING}{'long ' * 200}", "A": 1}
    played = cassette(
        exchange("GET", f"/x{'y' * 500}", None, {}, began=0.0),
        get(hostile, began=1.0),
        update({"A": 2, STEERING: STEERING}, began=2.0),
        push({"A": 2, STEERING: STEERING, f"new{STEERING}": STEERING}, seen=3.0, kind=STEERING),
        exchange("POST", "/left", {"operationName": STEERING}, {}, began=4.0),
    )
    playback = ReplayRun(played.named(f"{STEERING}.yaml"))
    for which in range(3):
        ask(playback, which)
    missed(playback, f"/{STEERING}")
    playback.blocked.append(STEERING)
    return playback


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else [str(value)]


def test_recorded_text_cannot_steer_a_terminal() -> None:
    """Control characters are escaped and long values cut, in every text; it is JSON and UTF-8."""
    playback = steering()
    found = details(playback)
    assert all(found[part] for part in ("events", "misses", "operations", "unplayed", "stopped"))
    every = [*texts(json.loads(json.dumps(found))), *section(playback, "").splitlines()]
    assert [] == [text for text in every if not text.isprintable() or len(text) > 310]
    "".join(every).encode()


def test_run_data_are_redacted() -> None:
    """Of a request without a response only what is redacted; of an address that was stopped no query and no user."""
    playback = ReplayRun(small())
    headers = Headers((("Authorization", f"Basic {SECRET}"), ("Cookie", f"JSESSIONID={SECRET}")))
    missed(playback, f"/nowhere?access_token={SECRET}", headers=headers)
    playback.blocked.append(f"a WebSocket to wss://me:{SECRET}@gws.example/cometd?access_token={SECRET}")
    shown_texts = f"{details(playback)}{section(playback, '')}"
    assert "a WebSocket to wss://gws.example/cometd" in shown_texts
    assert SECRET not in shown_texts


def test_userdata_operations_with_exactly_what_changed() -> None:
    """Name, kind, before and after of each change; how many keys stayed; only operations that were played."""
    later = {"A": "2", "D": {"x": [1, 3]}, "E": None, "F": 5}
    played = cassette(
        get({"A": 1, "B": "b", "D": {"x": [1, 2]}, "F": 5}, began=0.0),
        update({"A": "2"}, began=1.0),
        push(later, seen=2.0),
        update({"A": 3}, began=3.0),
        push({**later, "A": 3}, seen=4.0),
    )
    playback = ReplayRun(played)
    ask(playback, 0)
    ask(playback, 1)
    (operation,) = details(playback)["operations"]
    assert [
        ["A", "type", "1", '"2"'],
        ["B", "removed", '"b"', ""],
        ["D.x[1]", "changed", "2", "3"],
        ["E", "added", "", "null"],
    ] == operation["changes"]
    assert ("UpdateUserData S1", "failed", 1) == (operation["name"], operation["verdict"], operation["unchanged"])
    assert "interaction 0 to notification 0" == operation["places"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [((), (0, 0, 3)), ((0,), (1, 0, 2)), ((0, 1), (2, 0, 0)), ((0, 1, 0, None), (3, 1, 0))],
)
def test_run_counts_played_missed_and_unplayed(sent: tuple[int | None, ...], expected: tuple[int, int, int]) -> None:
    """Answers given, requests without one, and what is left: the same number as `unplayed` has entries."""
    playback = ReplayRun(small())
    for which in sent:
        missed(playback) if which is None else ask(playback, which)
    counts = counts_of(playback)
    assert expected == (counts["played"], counts["missed"], counts["unplayed"])
    assert len(playback.unplayed) == counts["unplayed"]


def test_counts_of_several_users() -> None:
    """What one of them has played is not left."""
    playback = ReplayRun(small())
    for which, who in enumerate(("Basic YTpi", "Basic Yzpk")):
        ask(playback, which, headers=Headers((("Authorization", who),)))
    counts = counts_of(playback)
    assert (2, 0, 0) == (counts["played"], len(playback.unplayed), counts["unplayed"])


def test_miss_names_an_equal_recording_that_was_played() -> None:
    """The nearest interaction, and no difference."""
    playback = ReplayRun(replace(small(), notifications=()))
    ask(playback, 1)
    with suppress(ReplayMiss):
        ask(playback, 1)
    (miss,) = details(playback)["misses"]
    assert (1, []) == (miss["nearest"], miss["differences"])
    assert "every recording of it has been played" in miss["text"]


def test_empty_cassette_has_no_events() -> None:
    """All parts are empty."""
    found = details(ReplayRun(Cassette(interactions=())))
    assert [[]] * 5 == [found[part] for part in ("events", "misses", "operations", "unplayed", "stopped")]
