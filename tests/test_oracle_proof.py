"""A small part of the full proof (`python -m tests.oracle_proof`): mutants are killed, correct runs pass."""

import pytest

from tests.oracle_proof import Proof, proved
from tests.support.correct_recordings import captured, random_run, sandboxed
from tests.support.mutants import KINDS, mutants


@pytest.fixture(scope="module")
def proof() -> Proof:
    """Mutants of captures, the sandbox and some random runs."""
    return proved(7 * 6 + 12 * 15 + 300, (6, 15, 4))


def test_mutants_are_killed(proof: Proof) -> None:
    """All but those that may be correct by chance."""
    assert [] == [
        (name, each.kind, each.view, each.place) for name, each in proof.survivors if not each.survives_because
    ]
    assert proof.by_kind.produced.total() > 400
    assert proof.by_kind.killed.total() > 0.99 * proof.by_kind.produced.total()


def test_every_kind_of_mutant_is_produced(proof: Proof) -> None:
    """In its notification, the next GET and all views."""
    assert set(KINDS) == {kind for kind, _ in proof.by_kind.produced}
    assert {"its notification", "next GET", "later GET", "all"} <= {view for _, view in proof.by_kind.produced}


def test_mutant_is_wrong() -> None:
    """It differs from its recording in the file's own bytes."""
    cassette = random_run(3)
    found = list(mutants(cassette, 1, 5))
    assert found
    assert all(
        (each.cassette.interactions, [n.data for n in each.cassette.notifications])
        != (cassette.interactions, [n.data for n in cassette.notifications])
        for each in found
    )


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_correct_runs_of_several_users_pass(start: int) -> None:
    """Operations that overlap, any latencies, one to three users."""
    found = [update for number in range(start, start + 40) for update in random_run(number).updates()]
    assert [] == [(each.operation, each.reasons) for each in found if each.verdict == "failed"]
    assert sum(each.verdict == "unknown" for each in found) <= 0.02 * len(found)


def test_correct_recordings_pass() -> None:
    """The captures, and the sandbox without a fault."""
    for cassette in (*captured(), *sandboxed()):
        assert {"passed"} == {update.verdict for update in cassette.updates()}
