"""The replay machine: userData is shown after its cause was sent, and misses have a reason."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Notification, Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send, UserProgress
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.push_schedule import GAP
from gws_replay.core.replay.request_key import key_of
from tests.support.builders import HOST, SESSIONS, cassette, exchange, get, push, update
from tests.support.cassette_indexes import progress_in


def begun(*moments: Exchange | Notification) -> UserProgress:
    """A run of a cassette that has just begun."""
    return progress_in(CassetteIndex(cassette(*moments).named("tests/a.yaml")))


def request_at(replay: UserProgress, index: int) -> Send | None:
    """The recorded request at an index, sent to another host."""
    request = replay.run.index.interactions[index].request
    return replay.play(key_of(replace(request, uri=request.uri.replace(HOST, "http://localhost:1"))))


def shown(replay: UserProgress, session: str = "S1") -> list[Any]:
    """The userData of a session that were shown."""
    return [each.data for each in replay.snapshots if each.resource_id == session]


def test_body_in_another_spelling_is_the_same_request() -> None:
    """Key order and whitespace differ between clients."""
    replay = begun(update({"A": 1, "B": [2]}, began=0))
    body = b'{ "userData": {"B":[2],"A":1},\n"operationName":"UpdateUserData"}'
    assert replay.play(key_of(Request(method="POST", uri=f"http://x{SESSIONS}/S1", body=body)))


def missed(method: str, path: str, body: bytes = b"") -> tuple[Miss, str]:
    """A request without a response in the cassette, after its one GET was played."""
    replay = begun(get({"A": 0}, began=0), update({"A": 1}, began=1), exchange("PUT", "/api/v2/me/x", began=2))
    for index in (0, 2):
        request_at(replay, index)
    request = Request(method=method, uri=f"http://localhost{path}", body=body)
    assert (None, None) == (replay.play(key_of(request)), replay.repeat(key_of(request)))
    miss = replay.miss(request)
    assert (request, "tests/a.yaml", (1,)) == (miss.request, miss.cassette, replay.run.unplayed)
    return miss, str(miss)


def test_miss_of_a_played_request_names_its_interaction() -> None:
    """The reason says that it was played."""
    miss, text = missed("PUT", "/api/v2/me/x")
    assert ("already_played", 2, ()) == (miss.reason, miss.nearest, miss.differences)
    assert (
        "PUT /api/v2/me/x has no response in tests/a.yaml: every recording of it has been played\n"
        "  it was recorded as interaction 2"
    ) == text


def test_miss_names_the_nearest_request() -> None:
    """With the operation and the difference."""
    miss, text = missed("POST", f"{SESSIONS}/S1", b'{"operationName":"UpdateUserData","userData":{"A":"1"}}')
    assert ("no_match", 1) == (miss.reason, miss.nearest)
    assert (
        f"POST {SESSIONS}/S1 UpdateUserData has no response in tests/a.yaml: no recorded request is equal to it\n"
        "  nearest is interaction 1:\n"
        '    body.userData.A: sent "1", recorded 1'
    ) == text


def test_miss_without_a_similar_request_names_none() -> None:
    """There is nothing to show."""
    miss, text = missed("DELETE", "/other/thing")
    assert ("nothing_similar", None) == (miss.reason, miss.nearest)
    assert "DELETE /other/thing has no response in tests/a.yaml: nothing like it was recorded" == text


@pytest.mark.parametrize("body", [b"", b"\xff", b'{"operationName":"\x1b[2J"}', b'{"operationName":"\\u001b[2J"}'])
def test_a_miss_cannot_steer_a_terminal(body: bytes) -> None:
    """The text of a request comes from the client, and is shown in a failure."""
    _, text = missed("POST", f"{SESSIONS}/S1", body)
    assert all(line.isprintable() for line in text.splitlines())


def test_miss_releases_nothing() -> None:
    """It does not count as sending a cause."""
    replay = begun(update({"A": 1}, began=0), push({"A": 1}, seen=1))
    replay.miss(Request(method="POST", uri=f"{HOST}{SESSIONS}/S1", body=b'{"operationName":"UpdateUserData"}'))
    assert ((0,), (0,), []) == (replay.schedule.not_shown, replay.run.unplayed, replay.snapshots)


def test_pushes_are_shown_once_their_cause_was_sent() -> None:
    """Between the GETs of the client, as a live client would see them."""
    replay = begun(
        get({"A": 0}, began=0),
        update({"A": 1}, began=1),
        push({"A": 1}, seen=2),
        get({"A": 2}, began=3),
        push({"A": 7}, seen=-0.5, session="S2"),
    )
    assert ([], [{"A": 7}]) == (shown(replay), shown(replay, "S2"))
    assert (1,) == replay.schedule.not_shown
    for index, expected in [(0, [{"A": 0}]), (1, [{"A": 0}, {"A": 1}]), (0, [{"A": 0}, {"A": 1}, {"A": 2}])]:
        request_at(replay, index)
        assert expected == shown(replay)
    assert ((), ()) == (replay.schedule.not_shown, replay.run.unplayed)


def test_a_push_is_shown_before_it_is_due() -> None:
    """The userData of a test do not depend on connected clients, or on the time of the response."""
    replay = begun(update({"A": 1}, began=0), push({"A": 1}, seen=1))
    send = request_at(replay, 0)
    assert send
    outlet = replay.schedule.connect()
    assert ([{"A": 1}], 0) == (shown(replay), len(outlet))
    replay.run.respond(send.interaction, 5.0)
    assert [(5.0 + GAP, 0)] == list(outlet)
    assert [{"A": 1}] == shown(replay)


def test_response_of_an_earlier_run_releases_nothing() -> None:
    """Its client was still waiting when this run began."""
    replay = begun(update({"A": 1}, began=0), push({"A": 1}, seen=1))
    outlet = replay.schedule.connect()
    replay.run.respond(0, 1.0)
    send = request_at(replay, 0)
    assert send
    assert [] == list(outlet)
    replay.run.respond(0, 3.0)
    assert [(3.0 + GAP, 0)] == list(outlet)


def test_an_unsolicited_push_waits_for_those_before_it() -> None:
    """Recorded order is kept: it may build on them."""
    replay = begun(update({"A": 1}, began=0), push({"A": 1}, seen=1), push(None, seen=2, kind="StatusChange"))
    assert (0, 1) == replay.schedule.not_shown
    request_at(replay, 0)
    assert () == replay.schedule.not_shown


CAUSES = st.lists(st.none() | st.integers(0, 4), max_size=8)
LENGTHS = st.lists(st.integers(1, 25), min_size=5, max_size=5)


@given(CAUSES, LENGTHS, st.permutations(range(5)), st.integers(0, 5))
@settings(max_examples=120)
def test_pushes_follow_their_causes_and_wait_for_those_that_may_still_come(
    causes: list[int | None], lengths: list[int], order: list[int], sent: int
) -> None:
    """A model without state: a notification is shown after its cause, when no earlier request is still awaited.

    A request is awaited until it is sent, or until an operation is sent that began after its response.
    """
    exchanges = tuple(
        update({"A": n}, began=10 * n, ended=10 * n + length, session=f"S{n}") for n, length in enumerate(lengths)
    )
    pushes = tuple(
        replace(
            push({"N": number}, seen=-5 + number / 100 if cause is None else 100.0 + number),
            cause=None if cause is None else Cause(interaction=cause, rule="pin", after="response"),
        )
        for number, cause in enumerate(causes)
    )
    replay = progress_in(CassetteIndex(Cassette(interactions=exchanges, notifications=pushes)))
    for step in range(sent + 1):
        done = set(order[:step])
        reached = max((exchanges[index].began for index in done), default=-1)
        waiting = any(index not in done and exchanges[index].ended > reached for index in range(5))
        expected = [number for number, cause in enumerate(causes) if cause is None or (cause in done and not waiting)]
        assert [{"N": number} for number in expected] == sorted(shown(replay), key=lambda each: each["N"])
        assert tuple(sorted(set(range(len(causes))) - set(expected))) == replay.schedule.not_shown
        if step < sent:
            assert request_at(replay, order[step])
    assert tuple(sorted(set(range(5)) - set(order[:sent]))) == replay.run.unplayed


@given(st.permutations(range(1, 5)))
def test_in_any_order_all_is_shown_when_all_was_sent(order: list[int]) -> None:
    """In recorded order if the requests come in that order."""
    numbers = range(1, 5)
    replay = begun(
        get({"A": 0}, began=0),
        *(update({"A": number}, began=number, session=f"S{number}") for number in numbers),
        *(push({"A": number}, seen=number + 0.5, session=f"S{number}") for number in numbers),
    )
    for index in order:
        assert request_at(replay, index)
    found = [each.notification for each in replay.snapshots]
    assert [0, 1, 2, 3] == sorted(number for number in found if number is not None)
    assert ((0,), ()) == (replay.run.unplayed, replay.schedule.not_shown)
    if order == [1, 2, 3, 4]:
        assert [0, 1, 2, 3] == found


@given(st.lists(st.integers(0, 2), max_size=8), st.lists(st.integers(0, 3), max_size=12))
def test_responses_are_returned_in_order_for_each_request(recorded: list[int], sent: list[int]) -> None:
    """A model: a queue for each request, and a repetition of the last response after it was played."""
    exchanges = tuple(exchange("GET", f"/q{question}", began=n) for n, question in enumerate(recorded))
    replay = progress_in(CassetteIndex(Cassette(interactions=exchanges)))
    queues = {question: [n for n, each in enumerate(recorded) if each == question] for question in range(4)}
    last: dict[int, int] = {}
    for question in sent:
        request = Request(method="GET", uri=f"http://other/q{question}")
        found = replay.play(key_of(request))
        again = replay.repeat(key_of(request))
        if queues[question]:
            last[question] = queues[question].pop(0)
            assert found
            assert last[question] == found.interaction
        else:
            assert found is None
        assert last.get(question) == (again.interaction if again else None)
        reason = "already_played" if question in recorded else "no_match" if recorded else "nothing_similar"
        assert reason == replay.miss(request).reason
    assert sorted(n for queue in queues.values() for n in queue) == list(replay.run.unplayed)
