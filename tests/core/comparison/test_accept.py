"""Accepting a candidate: what drifted is as in it, all else is the same object as before."""

from dataclasses import replace

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.accept import accepted
from gws_replay.core.comparison.diff import diff
from gws_replay.sandbox.faults import FAULTS
from tests.support.builders import cassette, exchange, get, push, update
from tests.support.recordings import IDS, played, renamed, right

BEFORE = {"A": 1, "B": "b"}


@pytest.mark.parametrize("name", list(FAULTS)[::4])
def test_nothing_is_left_after_accepting(name: str) -> None:
    """Whatever a server does wrong, under other ids: the accepted baseline is as the candidate."""
    candidate = renamed(played(apply=FAULTS[name].apply), {each: each[::-1] for each in IDS})
    new = accepted(right(), candidate, diff(right(), candidate))
    assert [] == [each for each in diff(new, candidate) if each.suppressed != "volatile"]
    ids = {each.value["facebooksession"]["id"] for each in new.notifications}
    assert ids <= set(IDS)


def test_what_did_not_drift_is_untouched() -> None:
    """Only the notification that shows another value, and the GET that shows it again, are other objects."""
    baseline = right()
    candidate = played(apply=FAULTS["extra-key"].apply)
    new = accepted(baseline, candidate, diff(baseline, candidate))
    kept = [one is other for one, other in zip(new.interactions, baseline.interactions, strict=True)]
    assert [each.request.method == "POST" for each in baseline.interactions[1:]] == kept[1:]
    assert kept[0]


def _run(*, more: bool) -> Cassette:
    extra = (exchange("GET", "/api/v2/me", None, {"statusCode": 0}, began=0.5),) if more else ()
    return cassette(get(BEFORE, began=0.0), *extra, update({"A": 2}, began=1.0), push({**BEFORE, "A": 2}, seen=2.0))


def test_causes_follow_what_is_added_and_removed() -> None:
    """An exchange more, or less, moves the operations that notifications name."""
    for baseline, candidate in ((_run(more=False), _run(more=True)), (_run(more=True), _run(more=False))):
        new = accepted(baseline, candidate, diff(baseline, candidate))
        assert () == diff(new, candidate)
        (cause,) = [each.cause for each in new.notifications]
        assert cause is not None
        assert b"UpdateUserData" in new.interactions[cause.interaction].request.body


def test_other_redaction_is_not_mixed() -> None:
    """What was recorded without rules must not get into a redacted baseline."""
    strict = replace(_run(more=True), header={"format": 1, "redaction": "default 1"})
    with pytest.raises(ValueError, match="redacted by different rules"):
        accepted(_run(more=False), strict, diff(_run(more=False), strict))


def test_what_is_ignored_stays() -> None:
    """An exchange that only one of them has, and a cause that goes with what goes."""
    more, less = _run(more=True), _run(more=False)
    for baseline, candidate in ((more, less), (less, more)):
        ignored = [replace(each, suppressed="ignored") for each in diff(baseline, candidate)]
        assert baseline == accepted(baseline, candidate, ignored)
    silent = cassette(get(BEFORE, began=0.0), push({**BEFORE, "A": 2}, seen=2.0))
    found = [each for each in diff(more, silent) if each.operation == "UpdateUserData" and not each.path]
    (kept,) = accepted(more, silent, found).notifications
    assert kept.cause is None


def test_ids_that_are_too_short_are_refused() -> None:
    """Session 1 of the one is session 2 of the other: a 2 in a body may be anything."""
    one, two = (
        cassette(get({"A": value}, began=0.0, session=name), update({"B": 1}, began=1.0, session=name))
        for name, value in (("1", 1), ("2", 2))
    )
    with pytest.raises(ValueError, match="too short to be found"):
        accepted(one, two, diff(one, two))
