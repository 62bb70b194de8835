"""The replay machine: the k-th answer to the k-th asking, pushes after their cause, misses that say why."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.model import Cassette, Cause, Request
from gws_replay.core.replay import Miss, Replay, Send
from tests.builders import HOST, NOTIFICATIONS, SESSIONS, cassette, exchange, get, poll, told, update


def asking(replay: Replay, index: int) -> Send | Miss:
    """Ask what was recorded at an index, of another host."""
    request = replay.cassette.interactions[index].request
    return replay.ask(replace(request, uri=request.uri.replace(HOST, "http://localhost:1")))


def test_the_kth_asking_gets_the_kth_answer() -> None:
    """Equal requests are answered in recorded order, whatever came between; one more is a miss, not the first again."""
    replay = Replay(cassette(get({"A": 0}, began=0), update({"A": 1}, began=1), get({"A": 1}, began=2)))
    answers = [asking(replay, 0) for _ in range(3)]
    assert [Send(replay.cassette.interactions[index].response, index) for index in (0, 2)] == answers[:2]
    assert isinstance(answers[2], Miss)
    assert ("already_played", [answers[2]]) == (answers[2].reason, replay.misses)
    assert (1,) == replay.unplayed
    assert isinstance(asking(replay, 1), Send)
    assert () == replay.unplayed


def test_an_equal_body_in_another_spelling_is_the_same_question() -> None:
    """Key order and whitespace differ between clients."""
    replay = Replay(cassette(update({"A": 1, "B": [2]}, began=0)))
    body = b'{ "userData": {"B":[2],"A":1},\n"operationName":"UpdateUserData"}'
    assert isinstance(replay.ask(Request(method="POST", uri=f"http://x{SESSIONS}/S1", body=body)), Send)


RECORDED = cassette(get({"A": 0}, began=0), update({"A": 1}, began=1), attributed=False).named("tests/a.yaml")


def missed(method: str, path: str, body: bytes = b"") -> tuple[Miss, str]:
    """A request that the cassette does not answer, after its one GET was played."""
    replay = Replay(RECORDED)
    asking(replay, 0)
    miss = replay.ask(Request(method=method, uri=f"http://localhost{path}", body=body))
    assert isinstance(miss, Miss)
    assert [miss] == replay.misses
    return miss, str(miss)


def test_a_miss_of_what_was_played() -> None:
    """It says so, and where it was recorded."""
    miss, text = missed("GET", f"{SESSIONS}?fields=*")
    assert ("already_played", 0, ()) == (miss.reason, miss.nearest, miss.differences)
    assert (
        f"GET {SESSIONS} has no answer in tests/a.yaml: every recording of it has been played\n"
        "  it was recorded as interaction 0"
    ) == text


def test_a_miss_with_something_like_it() -> None:
    """The operation is named, the nearest request, and the difference."""
    miss, text = missed("POST", f"{SESSIONS}/S1", b'{"operationName":"UpdateUserData","userData":{"A":"1"}}')
    assert ("no_match", 1) == (miss.reason, miss.nearest)
    assert (
        f"POST {SESSIONS}/S1 UpdateUserData has no answer in tests/a.yaml: no recorded request is equal to it\n"
        "  nearest is interaction 1:\n"
        '    body.userData.A: asked "1", recorded 1'
    ) == text


def test_a_miss_with_nothing_like_it() -> None:
    """There is nothing to show."""
    miss, text = missed("DELETE", "/other/thing")
    assert ("nothing_similar", None) == (miss.reason, miss.nearest)
    assert "DELETE /other/thing has no answer in tests/a.yaml: nothing like it was recorded" == text


def test_a_miss_of_cometd() -> None:
    """The text says where the pushed data are."""
    miss, text = missed("POST", NOTIFICATIONS, poll().request.body)
    assert "cometd" == miss.reason
    assert text.endswith("in-process replay does not speak CometD; what was pushed is in gws.userdata(...)")


@pytest.mark.parametrize("body", [b"", b"\xff", b'{"operationName":"\x1b[2J"}', b'{"operationName":"\\u001b[2J"}'])
def test_a_miss_cannot_steer_a_terminal(body: bytes) -> None:
    """The text of a request is the client's, and stands in a failure."""
    _, text = missed("POST", f"{SESSIONS}/S1", body)
    assert all(line.isprintable() for line in text.splitlines())


def test_pushes_are_shown_once_their_cause_was_asked() -> None:
    """In between the GETs that the client makes, as it would see them."""
    replay = Replay(
        cassette(
            get({"A": 0}, began=0),
            update({"A": 1}, began=1),
            told({"A": 1}, seen=2),
            get({"A": 1}, began=3),
            told({"A": 7}, seen=1, session="S2"),
        )
    )
    assert [] == [each.data for each in replay.userdata("S1")]
    assert [{"A": 7}] == [each.data for each in replay.userdata("S2")]
    assert (1,) == replay.unreleased
    for index, shown in [(0, [{"A": 0}]), (1, [{"A": 0}, {"A": 1}]), (0, [{"A": 0}, {"A": 1}, {"A": 1}])]:
        asking(replay, index)
        assert shown == [each.data for each in replay.userdata("S1")]
    assert () == replay.unreleased


def test_an_unsolicited_push_waits_for_those_before_it() -> None:
    """The order of the recording is kept: it may build on them."""
    replay = Replay(
        cassette(update({"A": 1}, began=0), told({"A": 1}, seen=1), told(None, seen=2, kind="StatusChange"))
    )
    assert (0, 1) == replay.unreleased
    asking(replay, 0)
    assert () == replay.unreleased


def test_a_miss_shows_nothing() -> None:
    """Nor does it count as the asking of a cause."""
    replay = Replay(cassette(update({"A": 1}, began=0), told({"A": 1}, seen=1)))
    replay.ask(Request(method="POST", uri=f"{HOST}{SESSIONS}/S1", body=b'{"operationName":"UpdateUserData"}'))
    assert ((0,), (0,), ()) == (replay.unreleased, replay.unplayed, replay.userdata("S1"))


CAUSES = st.lists(st.none() | st.integers(0, 4), max_size=8)


@given(CAUSES, st.permutations(range(5)), st.integers(0, 5))
@settings(max_examples=120)
def test_pushes_keep_their_order_and_follow_their_causes(
    causes: list[int | None], order: list[int], asked: int
) -> None:
    """In whatever order the client asks, and wherever it stops."""
    exchanges = tuple(update({"A": index}, began=index) for index in range(5))
    pushes = tuple(
        replace(
            told({"N": number}, seen=number),
            cause=None if cause is None else Cause(interaction=cause, rule="pin", after="response"),
        )
        for number, cause in enumerate(causes)
    )
    replay = Replay(Cassette(interactions=exchanges, notifications=pushes))
    seen: list[Any] = []
    for step in range(asked + 1):
        done = set(order[:step])
        expected = []
        for number, cause in enumerate(causes):
            if cause is not None and cause not in done:
                break
            expected.append({"N": number})
        seen = [each.data for each in replay.userdata("S1")]
        assert expected == seen
        assert tuple(range(len(expected), len(causes))) == replay.unreleased
        if step < asked and step < 5:
            assert isinstance(asking(replay, order[step]), Send)
    assert tuple(sorted(set(range(5)) - set(order[:asked]))) == replay.unplayed


@given(st.lists(st.integers(0, 2), max_size=8), st.lists(st.integers(0, 3), max_size=12))
def test_answers_are_given_in_order_for_each_question(recorded: list[int], asked: list[int]) -> None:
    """A model: a queue for each question."""
    exchanges = tuple(exchange("GET", f"/q{question}", began=n) for n, question in enumerate(recorded))
    replay = Replay(Cassette(interactions=exchanges))
    queues = {question: [n for n, each in enumerate(recorded) if each == question] for question in range(4)}
    for question in asked:
        found = replay.ask(Request(method="GET", uri=f"http://other/q{question}"))
        if queues[question]:
            assert isinstance(found, Send)
            assert queues[question].pop(0) == found.interaction
        else:
            assert isinstance(found, Miss)
            assert ("already_played" if question in recorded else "no_match" if recorded else "nothing_similar") == (
                found.reason
            )
    assert sorted(n for queue in queues.values() for n in queue) == list(replay.unplayed)
