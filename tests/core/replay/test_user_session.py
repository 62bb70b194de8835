"""One user's session: who receives what, several cassettes at once, early notifications, restart, counters."""

import json
from dataclasses import replace

from gws_replay.core.bayeux.server import BayeuxServer, Hold
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Notification, Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.push_schedule import GAP
from gws_replay.core.replay.shared_run import SharedRun
from gws_replay.core.replay.user_session import BUSY_PATIENCE, PATIENCE, UserSession
from tests.support.bayeux_by_hand import CHANNEL, subscribe
from tests.support.builders import cassette, exchange, get, push, update
from tests.support.user_sessions import Listener, looked, request_at, session_of

ONE = cassette(
    get({"A": 0}, began=0),
    *(update({"A": number}, began=number) for number in (1, 2)),
    *(push({"A": number}, seen=number + 0.5) for number in (1, 2)),
)
LATER = 100.0


def numbers(listener: Listener) -> list[int]:
    """The values of A in the received notifications."""
    return [data["facebooksession"]["userData"]["A"] for data in listener.received]


def test_both_clients_of_a_user_get_each_push_and_another_user_none() -> None:
    """Another user has its own session, with the same indexes."""
    session, others = session_of(ONE), session_of(ONE)
    listeners = [Listener(session), Listener(session)]
    stranger = Listener(others)
    for index in (1, 2):
        session.responded(request_at(session, index), 0.0)
        looked(session, listeners, LATER)
        looked(others, [stranger], LATER)
    assert [[1, 2], [1, 2], []] == [numbers(each) for each in (*listeners, stranger)]
    assert (2, 1) == (session.clients, others.clients)


def test_client_receives_only_subscribed_channels() -> None:
    """Another client receives the other channel all the same."""
    session = session_of(ONE)
    listeners = [Listener(session, "/v2/me/chats"), Listener(session, CHANNEL)]
    session.responded(request_at(session, 1), 0.0)
    looked(session, listeners, LATER)
    assert [[], [1]] == [numbers(each) for each in listeners]


def test_a_held_connect_is_ready_when_its_push_is_due() -> None:
    """Not before the gap after the response; the caller receives the time of the next check."""
    session = session_of(ONE)
    listener = Listener(session)
    assert isinstance(listener.poll(0.0), Hold)
    send = request_at(session, 1, 1.0)
    assert ((), None) == (session.advance(LATER), session.next_at)
    session.responded(send, 2.0)
    assert ((), 2.0 + GAP, 1) == (session.advance(2.0), session.next_at, session.held)
    assert (listener.held,) == session.advance(2.0 + GAP)
    assert session.has_undelivered
    listener.released(2.0 + GAP)
    assert ([1], None, 0) == (numbers(listener), session.next_at, session.held)


def test_data_are_written_as_they_were_recorded() -> None:
    """Repeated keys and the spelling of numbers reach the client."""
    data = '{"a": 1.50, "a": 1E5}'
    session = session_of(Cassette(interactions=(), notifications=(Notification(channel=CHANNEL, data=data, seen=0.0),)))
    listener = Listener(session, None)
    listener.sent([subscribe(listener.id)], 0.0)
    session.advance(0.0)
    result = session.receive([{"channel": "/meta/connect", "clientId": listener.id}], 0.0)
    assert not isinstance(result, Hold)
    assert '{"a":1.50,"a":1E5}' == result.messages[0]["data"]


def test_early_pushes_wait_for_a_subscriber() -> None:
    """In their order, for each channel; later ones come after them, and each is delivered once."""
    session = session_of(ONE)
    for index in (1, 2):
        session.responded(request_at(session, index), 0.0)
    assert () == session.advance(LATER)
    deaf = Listener(session, "/v2/me/chats")
    looked(session, [deaf], LATER)
    late = Listener(session, CHANNEL)
    looked(session, [deaf, late], LATER)
    later = Listener(session, CHANNEL)
    looked(session, [deaf, late, later], LATER)
    assert [[], [1, 2], []] == [numbers(each) for each in (deaf, late, later)]


def test_early_pushes_come_before_those_that_are_due_now() -> None:
    """A notification that was due before the first subscription is the older one."""
    session = session_of(ONE)
    session.responded(request_at(session, 1), 0.0)
    session.advance(1.0)
    listener = Listener(session, CHANNEL)
    session.responded(request_at(session, 2), 1.0)
    looked(session, [listener], LATER)
    assert [1, 2] == numbers(listener)


def test_several_cassettes_are_searched_in_their_order() -> None:
    """The first that has a response left; only then is one repeated. Each pushes its own."""
    first = cassette(exchange("GET", "/x", None, {"n": 1}), exchange("GET", "/y", None, {"n": 2}, began=1))
    second = cassette(exchange("GET", "/x", None, {"n": 3}), update({"A": 1}, began=1), push({"A": 1}, seen=2))
    session = session_of(first, second)
    listener = Listener(session)
    found = [request_at(session, 0) for _ in range(4)]
    for send in found:
        session.responded(send, 0.0)
    assert [(0, 0, False), (1, 0, False), (0, 0, True), (0, 0, True)] == [
        (send.cassette, send.interaction, send.repeated) for send in found
    ]
    assert [1, 3, 1, 1] == [json.loads(send.response.body)["n"] for send in found]
    session.responded(request_at(session, 1, cassette=1), 0.0)
    looked(session, [listener], LATER)
    assert [1] == numbers(listener)
    assert ((1,), ()) == tuple(run.unplayed for run in session.run.cassettes)


def test_pushes_of_several_cassettes_come_in_the_order_of_their_times() -> None:
    """Also if both are checked late."""
    one, two = (cassette(update({"A": n}, began=0), push({"A": n}, seen=1)) for n in (1, 2))
    session = session_of(one, two)
    listener = Listener(session)
    for number, now in ((1, 1.0), (0, 2.0)):
        session.responded(request_at(session, 0, now, cassette=number), now)
    looked(session, [listener], LATER)
    assert [2, 1] == numbers(listener)


def test_response_belongs_to_its_cassette() -> None:
    """The same index of another cassette is not its response."""
    session = session_of(*(cassette(update({"A": n}, began=0), push({"A": n}, seen=1)) for n in (1, 2)))
    sends = [request_at(session, 0, cassette=number) for number in (0, 1)]
    listener = Listener(session)
    session.responded(sends[1], 0.0)
    looked(session, [listener], LATER)
    assert [2] == numbers(listener)
    session.responded(sends[0], 0.0)
    looked(session, [listener], LATER)
    assert [2, 1] == numbers(listener)


def test_miss_is_stored_and_names_the_nearest_cassette() -> None:
    """A played request is nearer than a different one, a different one nearer than none."""
    first = cassette(exchange("GET", "/api/v2/other")).named("first.yaml")
    session = session_of(first, cassette(update({"A": 1}, began=0)).named("second.yaml"))
    recorded = session.indexes[1].interactions[0].request
    unlike = Request(method="POST", uri=recorded.uri, body=b"{}")
    nothing = Request(method="GET", uri="http://h/z/z/z")
    request_at(session, 0, cassette=1)
    misses = [session.play(request, 0.0) for request in (recorded, unlike, nothing)]
    assert misses == list(session.misses)
    assert [("already_played", "second.yaml"), ("no_match", "second.yaml"), ("nothing_similar", "first.yaml")] == [
        (miss.reason, miss.cassette) for miss in misses if isinstance(miss, Miss)
    ]
    assert (1, 0) == (session.served, session.repeated)


def test_responses_and_repetitions_are_counted() -> None:
    """A repeated response counts as a response too."""
    session = session_of(ONE)
    for index in (0, 0, 1, 0):
        request_at(session, index)
    assert (4, 2, 0) == (session.served, session.repeated, session.missed)


def test_a_client_that_went_away_is_forgotten() -> None:
    """When another one sends; checked at most once a second."""
    session = session_of(ONE, silence=10.0)
    Listener(session)
    staying = Listener(session)
    staying.sent([subscribe(staying.id)], 10.0)
    staying.sent([subscribe(staying.id)], 10.9)
    assert 2 == session.clients
    staying.sent([subscribe(staying.id)], 11.0)
    assert 1 == session.clients


def test_lost_connect_and_unwritten_response_lose_nothing() -> None:
    """The notifications come with the next connect."""
    session = session_of(ONE)
    listener = Listener(session)
    listener.poll(0.0)
    assert listener.held
    session.responded(request_at(session, 1), 0.0)
    session.advance(LATER)
    session.abandon(listener.held, LATER)
    reply = session.receive([{"channel": "/meta/connect", "clientId": listener.id}], LATER)
    assert not isinstance(reply, Hold)
    assert () == session.put_back(reply)
    listener.held = None
    looked(session, [listener], LATER)
    assert [1] == numbers(listener)


def test_only_unrecorded_requests_are_redacted() -> None:
    """Before they are looked up or shown as a miss; also requests whose recordings have all been played."""
    secret = exchange("POST", "/api/v2/me", {"password": "<redacted:password>"}, {"statusCode": 0}, began=3)
    session = session_of(cassette(update({"A": 1}, began=1), secret))
    redacted: list[bytes] = []

    def hidden(request: Request) -> Request:
        redacted.append(request.body)
        return replace(request, body=request.body.replace(b"hunter2", b"<redacted:password>"))

    update_, login = (each.request for each in session.indexes[0].interactions)
    assert isinstance(session.play(update_, 0.0, hidden), Send)
    assert [] == redacted
    assert isinstance(session.play(replace(login, body=b'{"password": "hunter2"}'), 0.0, hidden), Send)
    other = session.play(replace(login, body=b'{"password": "hunter2", "x": 1}'), 0.0, hidden)
    again = session.play(update_, 0.0, hidden)
    assert isinstance(other, Miss)
    assert isinstance(again, Miss)
    assert (b'{"password": "<redacted:password>", "x": 1}', "already_played") == (other.request.body, again.reason)
    assert 3 == len(redacted)


STATUS = {"kind": "StatusChange", "session": "S9"}


def test_requests_that_come_late_count_as_sent() -> None:
    """Two GETs that were recorded before an update and are sent after it; found by random runs.

    Both are played, though their state is older, and the notifications recorded after them are delivered.
    """
    session = session_of(
        cassette(
            get({"A": 0}, began=1),
            get({"A": 0}, began=2),
            push(None, seen=3, **STATUS),
            update({"A": 1}, began=4),
            push({"A": 1}, seen=5),
        )
    )
    listener = Listener(session)
    for index in (2, 0, 0):
        session.responded(request_at(session, index), 0.0)
    looked(session, [listener], LATER)
    assert {"StatusChange", "PropertiesUpdated"} == {each["notificationType"] for each in listener.received}
    assert () == session.run.cassettes[0].unplayed


def test_requests_that_come_early_count_as_sent() -> None:
    """They get no later state, and the notifications recorded after the last of them are delivered all the same."""
    numbers_ = range(1, 5)
    session = session_of(
        cassette(
            *(update({"A": number}, began=number) for number in numbers_),
            *(push({"A": number}, seen=number + 0.5) for number in numbers_),
            get({"A": 4}, began=6),
            get({"A": 4}, began=7),
            push({"A": 5}, seen=8),
        )
    )
    listener = Listener(session)
    for index in (4, 0, 1, 4, 2, 3):
        session.responded(request_at(session, index), 0.0)
        looked(session, [listener], LATER)
    assert [1, 2, 3, 4, 5] == numbers(listener)
    assert () == session.run.cassettes[0].unplayed


def test_the_recorded_order_gives_way_only_when_a_client_has_waited() -> None:
    """All connects are held, no request is open, and nothing has happened for a moment."""
    first, second = update({"A": 1}, began=1, ended=2), update({"A": 2}, began=1.5, ended=2.5)
    session = session_of(cassette(first, second, push({"A": 1}, seen=3), push({"A": 2}, seen=4)))
    listener, other = Listener(session), Listener(session)
    send = request_at(session, 0, 1.0)
    looked(session, [listener, other], 2.0)
    assert session.next_at is None
    session.responded(send, 3.0)
    assert 3.0 + PATIENCE == session.next_at
    looked(session, [listener, other], 3.0 + PATIENCE - 0.01)
    assert [] == listener.received
    looked(session, [listener, other], 3.0 + PATIENCE)
    assert [[1], [1]] == [numbers(each) for each in (listener, other)]


def test_a_client_that_works_is_waited_for_and_one_that_has_died_is_not() -> None:
    """A client may send a request after what it received; if it never does, the others continue."""
    begins = (1.0, 1.5, 10.0, 10.5)
    moments = [update({"A": n}, began=at, ended=at + 1, session=f"S{n}") for n, at in enumerate(begins)]
    session = session_of(cassette(*moments, *(push({"A": n}, seen=n * 5 + 5.0, session=f"S{n}") for n in (0, 2))))
    listener, dead = Listener(session), Listener(session)
    session.responded(request_at(session, 0, 1.0), 1.0)
    looked(session, [listener, dead], 1.0)
    looked(session, [listener], 2.0)
    dead.released(2.0)
    session.responded(request_at(session, 2, 2.0), 2.0)
    looked(session, [listener], 2.0 + BUSY_PATIENCE - 0.01)
    assert [0] == numbers(listener)
    looked(session, [listener], 2.0 + BUSY_PATIENCE)
    assert [0, 2] == numbers(listener)


def test_a_client_that_polls_without_being_held_waits_too() -> None:
    """Its connects say that it does not want to be held."""
    first, second = update({"A": 1}, began=1, ended=2), update({"A": 2}, began=1.5, ended=2.5)
    session = session_of(cassette(first, second, push({"A": 1}, seen=3)))
    listener = Listener(session)
    session.responded(request_at(session, 0, 1.0), 1.0)
    at_once = {"channel": "/meta/connect", "clientId": listener.id, "advice": {"timeout": 0}}
    for now in (1.1, 1.2):
        listener.sent([at_once], now)
    assert [] == listener.received
    listener.sent([at_once], 1.0 + PATIENCE)
    assert [1] == numbers(listener)


def test_all_misses_are_counted_and_the_newest_are_kept() -> None:
    """A server that runs for days would fill the memory; misses that the events name can still be found."""
    run = SharedRun([CassetteIndex(ONE)])
    session = UserSession(run, run.join(), BayeuxServer(new_id=str), most_misses=3)
    paths = [f"/api/v2/other/{number}" for number in range(7)]
    for path in paths:
        session.play(Request(method="GET", uri=f"http://h{path}"), 0.0)
    assert (7, 4) == (session.missed, session.misses_left_out)
    assert paths[4:] == [miss.request.path for miss in session.misses]
    newest = [number for _, kind, _, number in session.events if kind == "missed"][-3:]
    assert paths[4:] == [session.miss(number).request.path for number in newest]
