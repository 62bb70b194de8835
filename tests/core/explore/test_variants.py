"""Variants: their text, what is possible, and which are tried."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.explore.choice import chosen
from gws_replay.core.explore.deviation import Variant
from gws_replay.core.explore.space import LEVELS, Level, Space, Traffic
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.errors import GwsReplayError
from tests.core.explore.test_orders import TWO_SESSIONS
from tests.support.builders import cassette, exchange, push, update
from tests.support.simulated_replays import recordings

TRAFFIC = Traffic({0: 3}, {0: 5})


def space(*recorded: Cassette, level: Level = "faults") -> Space:
    return Space([CassetteIndex(each) for each in recorded or (TWO_SESSIONS,)], level, TRAFFIC)


def variants(of: Space, seed: int = 0, count: int = 50) -> list[str]:
    found = chosen(of.choices, count=count, draw=Random(seed).random, agree=of.agree)
    return [str(of.recorded.having(each)) for each in found]


@given(st.lists(recordings(), min_size=1, max_size=2), st.sampled_from(LEVELS), st.integers(0, 5))
def test_every_variant_has_a_text_that_names_it(recorded: list[Cassette], level: Level, seed: int) -> None:
    found = space(*recorded, level=level)
    for text in variants(found, seed):
        assert str(found.parse(text)) == text


@given(recordings(), st.integers(0, 5))
def test_the_same_seed_gives_the_same_variants_each_once(recorded: Cassette, seed: int) -> None:
    first, second = variants(space(recorded), seed), variants(space(recorded), seed)
    assert first == second
    assert len(set(first)) == len(first)


def test_variants_are_the_same_in_every_version_of_python() -> None:
    found = [each.rpartition(":n")[2] for each in variants(space(level="orders"), seed=7, count=30)]
    assert found[-3:] == ["0:q3+n1:q3+replies:meta-first", "0:q2+n1:r3", "1:q2+replies:apart"]


def test_small_schedules_are_gone_through_single_deviations_first() -> None:
    found = [each.count("+") for each in variants(space(level="orders"), count=200)]
    alone, pairs = found.count(0), found.count(1)
    assert alone == 13
    assert found[: alone + pairs] == [0] * alone + [1] * pairs
    assert all(each > 1 for each in found[alone + pairs :])


def test_each_deviation_has_words() -> None:
    found = space()
    words = [found.described(each.deviation) for each in found.choices]
    assert len(set(words)) == len(words)
    assert (
        "notification 0 (PropertiesUpdated S1) is delivered before the response to interaction 1 (UpdateUserData)"
        in words
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("n0:q1", "does not name a variant: copy it whole from a failure, it begins with @v1:"),
        ("@v2:{digest}:n0:q1", "is of version v2, this one reads v1: explore again"),
        ("@v1:0123456789:n0:q1", "is of another recording than <memory>: explore again"),
        ("@v1:{digest}:n0:x", "n0:x is not possible in this recording: explore again"),
        ("@v1:{digest}:n0 q1", "'n0 q1' does not name a deviation"),
        ("@v1:{digest}:n7:q1", "n7:q1 is not possible"),
        ("@v1:{digest}:n0:q0", "n0:q0 is not possible"),
        ("@v1:{digest}:q9:broken", "q9:broken is not possible"),
        ("@v1:{digest}:3.q1:broken", "3.q1:broken is not possible"),
        ("@v1:{digest}:n0:q1+n0:r2", "contradicts itself"),
        ("@v1:{digest}:n0:q1+q1:silent", "contradicts itself"),
    ],
)
def test_a_wrong_text_is_refused_in_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(GwsReplayError, match="variant") as caught:
        space().parse(text.format(digest=space().digest))
    assert problem in str(caught.value)


def test_a_variant_without_deviations_is_the_recorded_run() -> None:
    assert Variant(space().digest) == space().parse(f"@v1:{space().digest}:")


def test_a_write_that_nobody_can_look_at_is_not_left_unanswered() -> None:
    """S1 is shown by a GET, S2 is not."""
    found = {str(each.deviation) for each in space(level="interruptions").choices}
    assert "q1:unanswered" in found
    assert "q2:unanswered" not in found


def test_a_long_recording_has_moves_in_proportion() -> None:
    """Not with the square of its length; the end of the recording is always among them."""
    moments = [
        moment
        for number in range(400)
        for moment in (
            update({"A": number}, began=number, session=f"S{number}"),
            push({"A": number}, seen=number + 0.5, session=f"S{number}"),
        )
    ]
    found = space(cassette(*moments), level="orders")
    assert len(found.choices) < 400 * 40
    assert "n0:r399" in {str(each.deviation) for each in found.choices}


def test_faults_have_the_form_of_the_api() -> None:
    """The status codes of GWS v2 are not those of Workspace v3; those of HTTP are everybody's."""
    sent = exchange("POST", "/workspace/v3/voice/calls/1/attach-user-data", {"data": {}}, {"status": {"code": 1}})
    found = {each.deviation.what for each in space(cassette(sent, push({"A": 1}, seen=1))).choices}
    assert {"http-401", "http-503", "silent"} <= found
    assert not [each for each in found if each.startswith(("status-", "csrf-"))]
