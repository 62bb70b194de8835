"""Each planted race is found, and reduced to the fewest deviations; the correct client fails under none."""

import os
from collections.abc import Callable

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.explore.space import Level
from tests.support import racing_clients as clients
from tests.support.explorations import Judge, explored, one_session, two_sessions, writes_again

# How many variants of each level the correct client is played under.
CORRECT = int(os.environ.get("GWS_REPLAY_VARIANTS", "25"))
NO_JUDGE: Judge = lambda _: ""  # noqa: E731 (a name for nothing)
# The client, its recording, the level, who judges, and the deviations under one of which it fails.
RACES: list[tuple[type[clients.Client], Callable[[], Cassette], Level, Judge, tuple[str, ...]]] = [
    (clients.AssumesThePushFollows, two_sessions, "orders", NO_JUDGE, ("n0:q1", "n1:q4")),
    (clients.OlderOverNewer, one_session, "orders", NO_JUDGE, ("n",)),
    (clients.FirstOfABatch, two_sessions, "orders", NO_JUDGE, ("n",)),
    (clients.LatestOperation, two_sessions, "orders", NO_JUDGE, ("n0:q1", "n1:q3")),
    (clients.WaitsInACallback, two_sessions, "orders", NO_JUDGE, ("n0:",)),
    (clients.ByArrival, two_sessions, "orders", NO_JUDGE, ("n0:",)),
    (clients.ReplyLast, two_sessions, "orders", NO_JUDGE, ("replies:meta-first",)),
    (
        clients.FailsWhenEmpty,
        two_sessions,
        "interruptions",
        NO_JUDGE,
        ("c", "m"),
    ),  # after 402 the first connect is empty
    (clients.SubscribesOnce, two_sessions, "interruptions", NO_JUDGE, ("m",)),
    (clients.LosesWhatCameMeanwhile, two_sessions, "interruptions", NO_JUDGE, ("m",)),
    (clients.CountsTwice, two_sessions, "interruptions", NO_JUDGE, ("c",)),
    (clients.WritesAgain, two_sessions, "interruptions", writes_again, ("q1:", "q3:", "q4:")),
    (clients.KeepsTheToken, two_sessions, "faults", writes_again, ("q1:csrf-403", "q3:csrf-403")),
]


@pytest.mark.parametrize(("kind", "recording", "level", "judge", "fails_under"), RACES)
def test_a_planted_race_is_found_and_reduced(
    *,
    kind: type[clients.Client],
    recording: Callable[[], Cassette],
    level: Level,
    judge: Judge,
    fails_under: tuple[str, ...],
) -> None:
    """Within 200 variants, and to one deviation: the one that the client cannot survive."""

    limits = [20.0]

    def play(url: str) -> str:
        # A fault may well fail the client: only what it did counts.
        problem = clients.play(kind, url, limits[-1])
        return "" if level == "faults" else problem

    exploration = explored(recording(), play, level=level, judge=judge)
    limits.append(0.4 if level == "faults" else 1.5)  # a client with a race may wait for ever
    found = next((each for _ in exploration.explore() for each in exploration.findings if not each.is_flaky), None)
    assert found, f"not found in {exploration.ran} variants: {exploration.findings}"
    (deviation,) = found.variant.deviations
    assert str(deviation).startswith(fails_under), found.sentence


@pytest.mark.parametrize("level", ["orders", "interruptions"])
@pytest.mark.parametrize("recording", [one_session, two_sessions])
def test_the_correct_client_fails_under_no_variant(level: Level, recording: Callable[[], Cassette]) -> None:
    class Plays(clients.Client):
        play = clients.OlderOverNewer.play if recording is one_session else clients.Client.play

    exploration = explored(
        recording(), lambda url: clients.play(Plays, url, 20), level=level, count=CORRECT, judge=writes_again
    )
    for _ in exploration.explore():
        assert not exploration.findings
    assert CORRECT == exploration.ran or CORRECT > 25
