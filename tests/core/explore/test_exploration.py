"""An exploration: what is run, confirmed, reduced and put together."""

from collections.abc import Callable
from random import Random

from gws_replay.core.explore.deviation import Deviation, Variant
from gws_replay.core.explore.exploration import Ended, Exploration
from gws_replay.core.explore.space import Space
from gws_replay.core.replay.cassette_index import CassetteIndex
from tests.core.explore.test_orders import TWO_SESSIONS


def explored(fails: Callable[[list[str]], bool], count: int = 100) -> tuple[Exploration[str], list[str]]:
    """Explore with a client that fails at some deviations; return what was run, in order."""
    ran: list[str] = []
    space = Space([CassetteIndex(TWO_SESSIONS)])

    def run(variant: Variant) -> Ended[str]:
        ran.append(str(variant))
        return Ended(fails(list(map(str, variant.deviations))), (), str(variant))

    exploration = Exploration(space, run, count=count, draw=Random(0).random)
    list(exploration.explore())
    return exploration, ran


def test_a_client_without_a_race_runs_every_variant_once() -> None:
    exploration, ran = explored(lambda _: False, 20)
    assert (exploration.ran, exploration.extra, exploration.findings) == (20, 0, [])
    assert len(set(ran)) == 20
    assert not exploration.is_complete
    assert explored(lambda _: False, 500)[0].is_complete


def test_a_failure_is_confirmed_and_reduced_to_what_it_needs() -> None:
    exploration, _ = explored(lambda found: {"n0:q1", "n1:q2"} <= set(found))
    (finding,) = exploration.findings
    assert finding.variant.deviations == (Deviation("n", 0, "q1"), Deviation("n", 1, "q2"))
    assert finding.result == str(finding.variant)
    assert not finding.is_flaky


def test_failures_for_one_reason_are_one_and_soon_left_out() -> None:
    """A notification that is late: there are several places for it, and hundreds of pairs with each."""
    exploration, ran = explored(lambda found: any(each.startswith("n0:") and each != "n0:q1" for each in found))
    (finding,) = exploration.findings
    assert len(finding.same) == 2
    assert sum("n0:" in each and "n0:q1" not in each for each in ran) < 10


def test_two_reasons_are_two_findings() -> None:
    exploration, _ = explored(lambda found: "n0:q1" in found or "n1:q2" in found)
    assert [finding.variant.deviations[0].number for finding in exploration.findings] == [0, 1]


def test_what_passes_when_it_is_run_again_is_flaky() -> None:
    times: list[str] = []

    def fails(found: list[str]) -> bool:
        times.append("+".join(found))
        return found == ["n0:q1"] and times.count("n0:q1") == 1

    exploration, _ = explored(fails)
    (finding,) = exploration.findings
    assert finding.is_flaky
    assert finding.sentence.startswith("is flaky: it fails and passes when notification 0")


def test_it_ends_when_its_time_is_over() -> None:
    space = Space([CassetteIndex(TWO_SESSIONS)])
    left = [3, 2, 1, 0]
    exploration: Exploration[None] = Exploration(
        space, lambda _: Ended(False, (), None), draw=Random(0).random, is_over=lambda: not left.pop(0)
    )
    assert len(list(exploration.explore())) == 3
    assert exploration.stopped
