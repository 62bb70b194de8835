"""The replay machine and its matching: which recorded response a request gets, and which may be repeated."""

import json
from typing import Any

import pytest

from gws_replay.core.model import Exchange, Notification, Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import UserProgress
from gws_replay.core.replay.request_key import key_of
from tests.support.builders import cassette, exchange, get, push, update
from tests.support.cassette_indexes import progress_in


def request_of(method: str = "GET", uri: str = "http://h/x", body: str = "") -> Request:
    """A request of a client."""
    return Request(method=method, uri=uri, body=body.encode())


def begun(*moments: Exchange | Notification) -> UserProgress:
    """A run of a cassette that has just begun."""
    return progress_in(CassetteIndex(cassette(*moments)))


def answer_to(replay: UserProgress, index: int) -> Any:
    """The parsed response to a recorded request, sent for the first time or again; None for a miss."""
    key = key_of(replay.run.index.interactions[index].request)
    send = replay.play(key) or replay.repeat(key)
    return json.loads(send.response.body) if send else None


def user_data(reply: Any) -> Any:
    """The userData of the one session in the response of a GET."""
    return reply["facebooksessions"][0]["userData"]


def test_kth_request_gets_the_kth_response_and_no_more() -> None:
    """An operation that is sent more often than recorded has no response; the first one is not repeated."""
    replay = begun(
        exchange("POST", "/x", {}, {"n": 1}, began=0),
        exchange("POST", "/y", {}, {"n": 2}, began=1),
        exchange("POST", "/x", {}, {"n": 3}, began=2),
    )
    assert [{"n": 1}, {"n": 3}, None, {"n": 2}] == [answer_to(replay, index) for index in (0, 0, 2, 1)]
    assert ((), None) == (replay.run.unplayed, replay.repeat(key_of(replay.run.index.interactions[0].request)))


def test_response_to_another_kind_of_request_is_not_used() -> None:
    """A key that was not recorded has no response."""
    replay = begun(exchange("POST", "/x", {}, {"n": 1}, began=0))
    key = key_of(request_of("POST", "http://h/x", '{"n":1}'))
    assert (None, None, (0,)) == (replay.play(key), replay.repeat(key), replay.run.unplayed)


SEEN = [{"A": number} for number in range(4)]


def gets_around_updates() -> UserProgress:
    """GET, update, GET, update, GET, update, GET: interactions 0 to 6; each GET shows the last update."""
    moments = [get(SEEN[number], began=2 * number) for number in range(4)]
    return begun(*moments, *(update(SEEN[number], began=2 * number - 1) for number in range(1, 4)))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("g1g2g3g", [0, 1, 2, 3]),
        ("g12g3g", [0, 2, 3]),
        ("123g", [3]),
        ("1g", [1]),
        ("g123gg", [0, 3, 3]),
        ("gg1gg2g3g", [0, 0, 1, 1, 2, 3]),
        ("2g", [2]),
        ("g3g", [0, 3]),
    ],
)
def test_get_shows_the_state_that_the_client_has_reached(sent: str, shown: list[int]) -> None:
    """Also if the client reads more often than recorded, or less."""
    replay = gets_around_updates()
    found = []
    for what in sent:
        if what == "g":
            found.append(user_data(answer_to(replay, 0)))
        else:
            answer_to(replay, 2 * int(what) - 1)
    assert [SEEN[number] for number in shown] == found


def test_first_get_is_played_before_its_time() -> None:
    """There is no older response."""
    replay = begun(update({"A": 1}, began=0), get({"A": 1}, began=1))
    assert {"A": 1} == user_data(answer_to(replay, 1))
    assert (0,) == replay.run.unplayed


def test_last_get_is_played_after_its_time() -> None:
    """There is no newer response; it is updated with the notifications, and is not a repetition."""
    replay = begun(get({"A": 0}, began=0), update({"A": 1}, began=1), push({"A": 1}, seen=2))
    answer_to(replay, 1)
    assert [{"A": 1}, {"A": 1}] == [user_data(answer_to(replay, 0)) for _ in range(2)]
    assert [{"A": 1}] * 3 == [each.data for each in replay.snapshots]
    assert () == replay.run.unplayed


def test_operations_on_one_resource_do_not_outdate_another() -> None:
    """An operation on S2 does not change the state of S1."""
    replay = begun(
        get({"A": 0}, began=0),
        update({"A": 1}, began=1),
        update({"A": 9}, began=2, session="S2"),
        get({"A": 1}, began=3),
    )
    answer_to(replay, 2)
    assert [{"A": 0}, {"A": 0}] == [user_data(answer_to(replay, 0)) for _ in range(2)]
    answer_to(replay, 1)
    assert {"A": 1} == user_data(answer_to(replay, 0))


def test_get_may_repeat_and_shows_the_newest_state() -> None:
    """With the notifications that were released; it is counted as repeated, not as played."""
    replay = begun(
        get({"A": 0}, began=0),
        *(update({"A": number}, began=number) for number in (1, 2)),
        *(push({"A": number}, seen=number + 0.5) for number in (1, 2)),
    )
    found = [user_data(answer_to(replay, index)) for index in (0, 0)]
    answer_to(replay, 1)
    found.append(user_data(answer_to(replay, 0)))
    answer_to(replay, 2)
    found.append(user_data(answer_to(replay, 0)))
    assert [{"A": 0}, {"A": 0}, {"A": 1}, {"A": 2}] == found
    assert found == [each.data for each in replay.snapshots if each.interaction == 0]
    again = replay.repeat(key_of(replay.run.index.interactions[0].request))
    assert again
    assert (0, True, False, 0.0) == (again.interaction, again.repeated, again.led, again.after)


def test_only_a_played_request_may_repeat() -> None:
    """`again` finds the newest recording that was played."""
    replay = begun(*(exchange("GET", "/x", None, {"n": number}, began=number) for number in (1, 2)))
    key = key_of(replay.run.index.interactions[0].request)
    assert replay.repeat(key) is None
    for number in (1, 2):
        assert {"n": number} == answer_to(replay, 0)
        again = replay.repeat(key)
        assert again
        assert number - 1 == again.interaction


@pytest.mark.parametrize("operation", ["StartContactCenterSession", "EndContactCenterSession"])
def test_session_start_and_end_may_repeat(operation: str) -> None:
    """Each client of a user sends them; a modifying operation is a miss."""
    sent = exchange("POST", "/api/v2/me", {"operationName": operation}, {"statusCode": 0})
    replay = begun(sent, update({"A": 1}, began=1))
    assert [{"statusCode": 0}] * 3 == [answer_to(replay, 0) for _ in range(3)]
    assert [{"statusCode": 0}, None] == [answer_to(replay, 1) for _ in range(2)]


def test_response_says_how_to_send_it() -> None:
    """After its recorded time, scaled; after the notifications recorded before it; from which cassette."""
    cassette_index = CassetteIndex(
        cassette(update({"A": 1}, began=0, ended=2.0), push({"A": 1}, seen=1), update({"A": 2}, began=3, ended=3.5))
    )
    for factor, number in ((0.0, 0), (1.0, 2), (0.5, 0)):
        replay = progress_in(cassette_index, number=number, factor=factor)
        sends = [replay.play(key_of(each.request)) for each in replay.run.index.interactions]
        assert [(0, number, 2.0 * factor, True, False), (1, number, 0.5 * factor, False, False)] == [
            (send.interaction, send.cassette, send.after, send.led, send.repeated) for send in sends if send
        ]
