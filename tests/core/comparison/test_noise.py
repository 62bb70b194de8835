"""Noise is learned from recordings of one build, and never covers what an operation writes."""

import random
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.comparison.finding import Finding
from gws_replay.core.comparison.noise import Noise, learn, read, suppressed
from tests.support.builders import cassette, get, push, update
from tests.support.noise_rates import Rates, counting, measured
from tests.support.noise_rates import run as noisy_run

FIELD = ("UpdateUserData", "notification PropertiesUpdated.facebooksession.userData.RVQ")


def run(queue: str = "q1", *, b: str = "b", written: str = "w") -> Cassette:
    """A run in which routing chose a queue."""
    before = {"A": "1", "B": "b", "RVQ": "q0"}
    after = {"A": written, "B": b, "RVQ": queue}
    return cassette(get(before, began=0.0), update({"A": written}, began=1.0), push(after, seen=2.0))


def counted(found: tuple[Finding, ...]) -> set[Any]:
    """The userData keys of what counts."""
    return {each.path[-1] for each in found if not each.suppressed}


def test_what_differs_within_a_build_is_noise_between_builds() -> None:
    """How often of how often is kept; afterwards only what the new build changed counts."""
    noise = learn([run("q1"), run("q2"), run("q3")])
    assert {FIELD: 3} == noise.differed
    assert {"UpdateUserData": 3, "GET /api/v2/me/facebooksessions": 3} == noise.seen
    found = diff(run("q1"), run("q9", b="changed"))
    assert {"RVQ", "B", "verdict"} >= counted(found)
    assert {"B"} == counted(suppressed(found, (), noise)) - {"verdict"}
    assert ["noise"] == [each.suppressed for each in suppressed(found, (), noise) if each.path[-1] == "RVQ"]


def test_what_is_inside_a_place_that_comes_and_goes_is_noise() -> None:
    """It cannot be learned from the few recordings that have it; but a whole message says nothing of its content."""
    top = "notification PropertiesUpdated"
    found = diff(run("q1", b="changed"), run("q1"))
    inside = Noise({("UpdateUserData", f"{top}.facebooksession.userData"): 1})
    assert {"B"} == counted(found) - {"verdict"}
    assert set() == counted(suppressed(found, (), inside)) - {"verdict"}
    for other in (top, f"{top}.facebooksession.user", f"{top}.facebooksession.userData.b"):
        assert {"B"} == counted(suppressed(found, (), Noise({("UpdateUserData", other): 1}))) - {"verdict"}


def test_key_that_an_operation_writes_is_never_noise() -> None:
    """Neither learned, nor passed over because a file says so."""
    assert {} == learn([run(written="x"), run(written="y")]).differed
    by_hand = Noise({("UpdateUserData", "request.body.userData.A"): 1})
    assert {"A"} == counted(suppressed(diff(run(written="x"), run(written="y")), (), by_hand))


def test_file_gives_back_what_was_learned() -> None:
    """Written, read by people, read again."""
    noise = learn([run("q1"), run("q2")])
    assert noise.differed == read(noise.as_json()).differed
    assert {"operation": FIELD[0], "path": FIELD[1], "differed": 1, "seen": 1} in noise.as_json()["noise"]


@pytest.mark.parametrize(
    "wrong", [None, [], {}, {"format": 2}, {"format": 1, "noise": 1}, {"format": 1, "noise": [{}]}]
)
def test_what_is_no_noise_file(wrong: Any) -> None:
    """The message says what is wrong."""
    with pytest.raises(ValueError, match=r"noise|entry"):
        read(wrong)


def test_planted_changes_among_noise() -> None:
    """A part of the measurement that docs/diff.md shows: no change is missed, and there is no false alarm."""
    assert Rates(pairs=8, missed=0, false=0) == measured(8, learned_from=3)


def test_what_was_not_learned_is_an_alarm() -> None:
    """The measurement sees false alarms, and changes that are covered by what was learned."""
    chance = random.Random(3)
    one, other = noisy_run(chance), noisy_run(chance)
    assert counting(one, other, Noise())
    learned = learn([one, other])
    assert [] == counting(one, other, learned)
