"""expect_userdata: exactly this changed between the last snapshot before the block and the last one in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from gws_replay.errors import UserDataMismatch
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import SESSIONS, TOPIC, get, operation, push, update
from tests.support.commands import BEFORE
from tests.support.playbacks import ask, play


@contextmanager
def mismatch() -> Iterator[list[str]]:
    """Expect a UserDataMismatch, and return its lines."""
    lines: list[str] = []
    with pytest.raises(UserDataMismatch) as caught:
        yield lines
    lines.extend(str(caught.value).splitlines())


def written(after: Mapping[str, Any], sent: Mapping[str, Any] | None = None) -> ReplayRun:
    """A playback whose update leads to `after`; its GET has been sent."""
    sent = {"A": 2} if sent is None else sent
    playback = play(get(BEFORE, began=0.0), update(sent, began=1.0), push(after, seen=2.0))
    ask(playback, 0)
    return playback


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"A": 2, "B": "b"}, {"changed": {"A": 2}}),
        ({"A": 2, "B": "b", "C": 3}, {"changed": {"A": 2}, "added": {"C": 3}}),
        ({"A": 2, "B": "b", "C": 3}, {"changed": {"A": 2}, "added": ["C"]}),
        ({"A": 2}, {"changed": {"A": 2}, "removed": ["B"]}),
        ({"A": 2, "B": "c", "LCA_1": 1}, {"changed": {"A": 2}, "ignore": ["B", "LCA_*"]}),
        ({"A": "2", "B": "b"}, {"changed": {"A": 2}, "coerce": "string"}),
        ({"A": "2", "B": "b"}, {"changed": {"A": 2}, "coerce": {"A": "string"}}),
        ({"A": 2, "B": "b", "C": None}, {"written": {"A": 2, "C": None, "B": "b"}}),
    ],
    ids=["changed", "added value", "added name", "removed", "ignore", "coerce", "coerce a key", "written"],
)
def test_correct_expectation_passes(after: dict[str, Any], expected: dict[str, Any]) -> None:
    """With each of the arguments."""
    playback = written(after)
    with playback.expect_userdata("S1", **expected):
        ask(playback, 1)


@pytest.mark.parametrize(
    ("after", "expected", "lines"),
    [
        (
            {"A": 2, "B": "c"},
            {"changed": {"A": 2}},
            ["  expected: A = 2", '  besides:  B: "b" -> "c"'],
        ),
        (
            {"A": "2", "B": "b"},
            {"changed": {"A": 2}},
            ["  expected: A = 2", '  but:      A should be 2 (integer), is "2" (string)'],
        ),
        (
            {"A": 2, "B": "b"},
            {"changed": {"A": 2}, "added": ["C"], "removed": ["B"]},
            [
                "  expected: A = 2, C added, B removed",
                "  but:      C should have been added, was absent before and after",
                '  but:      B should have been removed, stayed "b"',
            ],
        ),
        (
            {"A": 2, "B": "b", "C": 1},
            {"changed": {"A": 2}, "added": {"C": True}},
            ["  expected: A = 2, C added", "  but:      C should be true (boolean), is 1 (integer)"],
        ),
        ({"A": 2, "B": "b"}, {}, ["  expected: nothing changed", "  besides:  A: 1 -> 2"]),
    ],
    ids=["besides", "type", "not added, not removed", "added value", "nothing expected"],
)
def test_failure_has_the_deviations_the_places_and_the_next_command(
    after: dict[str, Any], expected: dict[str, Any], lines: list[str]
) -> None:
    """Expectation, deviations, the two places in the file, the next command."""
    playback = written(after)
    with mismatch() as found, playback.expect_userdata("S1", **expected):
        ask(playback, 1)
    assert [
        "userData of S1 did not change exactly as expected",
        *lines,
        (
            "  where:    some.yaml, interaction 0 to notification 0, "
            f"which answers interaction 1: POST {SESSIONS}/S1 UpdateUserData"
        ),
        "  more:     gws-replay show some.yaml",
    ] == found


def test_block_without_a_snapshot_before_it_is_refused() -> None:
    """The message says which request to send first, and the block does not run."""
    playback = play(update({"A": 2}, began=1.0), push({"A": 2}, seen=2.0))
    ran = []
    with mismatch() as found, playback.expect_userdata("S1", changed={"A": 2}):
        ran.append(1)
    assert [
        ("cannot tell what changes: no userData of S1 was shown before; let the client GET it first (some.yaml)"),
    ] == found
    assert [] == ran


def test_block_that_sends_nothing_fails() -> None:
    """The message lists the requests that are still to be sent."""
    playback = written({"A": 2, "B": "b"})
    with mismatch() as found, playback.expect_userdata("S1", changed={"A": 2}):
        pass
    assert [
        (
            "cannot tell what changed: nothing showed the userData of S1 since interaction 0; not sent yet: "
            f"interaction 1: POST {SESSIONS}/S1 UpdateUserData; notification 0 on {TOPIC}, caused by interaction 1 "
            "(some.yaml)"
        ),
    ] == found


def test_the_error_of_the_block_comes_through() -> None:
    """An exception inside is raised unchanged, though no userData changed."""
    playback = written({"A": 2, "B": "b"})
    with pytest.raises(KeyError, match="mine"), playback.expect_userdata("S1", changed={"A": 2}):
        raise KeyError("mine")


@pytest.mark.parametrize("wrong", [{"added": "AB"}, {"removed": "AB"}, {"ignore": "AB"}])
def test_a_single_string_is_refused_before_the_block(wrong: dict[str, Any]) -> None:
    """A name where several are expected would be read letter by letter."""
    ran = []
    with pytest.raises(TypeError, match=r"write \w+=\['AB'\]"), written({}).expect_userdata("S1", **wrong):
        ran.append(1)
    assert [] == ran


def test_two_sessions_nested() -> None:
    """Each block checks only its own session, and the wrong one is named."""
    one, two = get(BEFORE, began=0.0), get({"Z": 0}, began=0.2, session="S2")
    playback = play(
        one,
        two,
        update({"A": 2}, began=1.0),
        push({**BEFORE, "A": 2}, seen=1.5),
        operation("UpdateUserData", began=2.0, session="S2", userData={"Z": 9}),
        push({"Z": 9, "Y": 1}, seen=2.5, session="S2"),
    )
    ask(playback, 0)
    ask(playback, 1)
    with (
        mismatch() as found,
        playback.expect_userdata("S1", changed={"A": 2}),
        playback.expect_userdata("S2", changed={"Z": 9}),
    ):
        ask(playback, 2)
        ask(playback, 3)
    assert ["userData of S2 did not change exactly as expected", "  besides:  Y: added 1"] == [found[0], found[2]]


def test_two_blocks_in_a_row_each_see_their_own_change() -> None:
    """The snapshot that one block ended with is where the next begins."""
    playback = play(
        get(BEFORE, began=0.0),
        update({"A": 2}, began=1.0),
        push({"A": 2, "B": "b"}, seen=1.5),
        update({"B": "c"}, began=2.0),
        push({"A": 2, "B": "c"}, seen=2.5),
    )
    ask(playback, 0)
    with playback.expect_userdata("S1", changed={"A": 2}):
        ask(playback, 1)
    with playback.expect_userdata("S1", changed={"B": "c"}):
        ask(playback, 2)
