"""The events of a run that a session stores, in their order."""

from gws_replay.core.model import Request
from tests.support.commands import numbered, small
from tests.support.user_sessions import Listener, looked, request_at, session_of

UNKNOWN = Request(method="GET", uri="http://gws.example/api/v2/nowhere")


def test_events_stand_in_their_order() -> None:
    """Request, delivery, miss, repetition: each with its time, its cassette and its index."""
    session = session_of(small())
    listener = Listener(session)
    session.responded(request_at(session, 0, 1.0), 1.0)
    session.responded(request_at(session, 1, 2.0), 2.5)
    looked(session, [listener], 3.0)
    session.play(UNKNOWN, 4.0)
    request_at(session, 0, 5.0)
    assert [
        (1.0, "sent", 0, 0),
        (2.0, "sent", 0, 1),
        (3.0, "delivered", 0, 0),
        (4.0, "missed", 0, 0),
        (5.0, "repeated", 0, 0),
    ] == list(session.events)


def test_notification_event_is_written_when_a_client_receives_it() -> None:
    """One that was due earlier counts from the subscription on."""
    session = session_of(small())
    session.responded(request_at(session, 1, 1.0), 1.0)
    session.advance(2.0)
    assert ["sent"] == [kind for _, kind, _, _ in session.events]
    Listener(session)
    session.advance(3.0)
    assert (3.0, "delivered", 0, 0) == session.events[-1]


def test_events_name_their_cassette() -> None:
    """Of two cassettes, the second is 1."""
    session = session_of(numbered(1), small())
    request_at(session, 1, 1.0, cassette=1)
    assert [(1.0, "sent", 1, 1)] == list(session.events)


def test_oldest_events_of_a_long_run_are_dropped() -> None:
    """A server that plays for days stores as much as one test."""
    session = session_of(numbered(300))
    for index in range(300):
        request_at(session, index, float(index))
    assert (200, 100, 299) == (len(session.events), session.events[0][3], session.events[-1][3])
