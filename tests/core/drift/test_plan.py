"""What is sent of a live system, what waits for what, and what cannot be sent."""

from dataclasses import replace

from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.drift.plan import name_of, plan, refused
from tests.support.builders import cassette, exchange, get, operation, push, update

SHOWN = {"A": 1}


def test_writing_operations_need_leave() -> None:
    """A GET and an operation that only asks are sent; the rest is counted by name."""
    content = exchange("POST", "/api/v2/ucs/interactions/S1", {"operationName": "GetInteractionContent"}, began=2.0)
    recorded = cassette(get(SHOWN, began=0.0), update(SHOWN, began=1.0), content, exchange("DELETE", "/x", began=3.0))
    plan_ = plan(recorded, writes=False)
    assert [0, 2] == [each.index for each in plan_.requests]
    assert {"UpdateUserData": 1, "DELETE /x": 1} == plan_.skipped_names(recorded)
    everything = plan(recorded, writes=True)
    assert [True, False, True, False] == [each.reads for each in everything.requests]
    assert () == everything.skipped


def test_a_question_waits_for_what_had_come() -> None:
    """The notifications since the planned before; not those of what is left out."""
    recorded = cassette(
        get({}, began=0.0),
        update({"A": 1}, began=1.0),
        push({"A": 1}, seen=2.0),
        push({"A": 1, "B": 1}, seen=2.5, kind="StatusChange"),
        get({"A": 1}, began=3.0),
    )
    assert [(), (), (0, 1)] == [each.waits_for for each in plan(recorded, writes=True).requests]
    assert [(), (1,)] == [each.waits_for for each in plan(recorded, writes=False).requests]


def test_whether_there_is_something_to_hear() -> None:
    """Not if all notifications are those of what is left out."""
    caused = (get({}, began=0.0), update({"A": 1}, began=1.0), push({"A": 1}, seen=2.0))
    unsolicited = push({"A": 1, "B": 1}, seen=2.5, kind="StatusChange")
    assert [True, False] == [plan(cassette(*caused), writes=writes).needs_cometd for writes in (True, False)]
    assert plan(cassette(*caused, unsolicited), writes=False).needs_cometd
    assert not plan(cassette(*caused[:2]), writes=True).needs_cometd


def test_pauses() -> None:
    """From the last thing that had happened: a response, a notification, the beginning of what overlapped."""
    recorded = cassette(
        get({}, began=5.0, ended=6.0),
        get({}, began=5.25, ended=6.5),
        update({"A": 1}, began=8.0, ended=8.5),
        push({"A": 1}, seen=9.0),
        get({"A": 1}, began=9.25),
    )
    assert [0.0, 0.25, 1.5, 0.25] == [each.pause for each in plan(recorded, writes=True).requests]


def test_what_was_redacted_and_nothing_shows_is_refused() -> None:
    """For a writing operation: an unknown stand-in, a secret. Reading ones are left to the run."""
    recorded = cassette(
        get({"FirstName": "Arom"}, began=0.0),
        update({"FirstName": "Arom"}, began=1.0),
        exchange("GET", "/api/v2/contacts?name=Khqplw", began=1.5),
        update({"LastName": "Khqplw"}, began=2.0),
        push({"FirstName": "Arom", "LastName": "Khqplw"}, seen=3.0),
    )
    recorded = replace(recorded, header={"format": 1, "stand_ins": ["Arom", "Khqplw"]})
    requests = plan(recorded, writes=True).requests
    message = refused(recorded, requests, LiveValues(recorded, {}))
    assert "interaction 3 (UpdateUserData) cannot be sent: no earlier response shows what 'Khqplw' stands for" in (
        message or ""
    )
    assert refused(recorded, requests, LiveValues(recorded, {"Khqplw": "Cole"})) is None
    secret = cassette(operation("Login", began=0.0, password="<redacted:password>"))
    assert "a secret" in (refused(secret, plan(secret, writes=True).requests, LiveValues(secret, {})) or "")


def test_names() -> None:
    """The operation, or method and path, without a session in it."""
    exchanges = (update({}, began=0.0), exchange(), exchange("GET", "/api/v2/me;jsessionid=s3cret"))
    assert ["UpdateUserData", "GET /api/v2/me", "GET /api/v2/me"] == [name_of(each) for each in exchanges]
