"""Recordings that users reported, with the correct verdict and its reason in `expected.json`."""

import json

import pytest

from gws_replay.storage.files import load_cassette
from tests.support.builders import DATA

CASES = DATA / "verdicts"
EXPECTED = json.loads((CASES / "expected.json").read_text("utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_reported_recording_has_the_correct_verdict(name: str) -> None:
    """Wrong servers fail; correct ones pass."""
    found = [(update.verdict, update.reasons) for update in load_cassette(CASES / name).updates()]
    verdicts, right = {verdict for verdict, _ in found}, EXPECTED[name]["right"]
    assert verdicts, "no operation was found"
    assert "passed" not in verdicts if right == "not passed" else verdicts == {right}, found


def test_refused_operation_claims_no_change_of_the_one_sent_again() -> None:
    """The change belongs to the second one."""
    refused, again = load_cassette(CASES / "refused-and-again.json").updates()
    assert ("passed", []) == (refused.verdict, refused.changes.as_json())
    assert ("passed", [["Note"]]) == (again.verdict, [each["path"] for each in again.changes.as_json()])


def test_change_between_two_notifications_counts_against_the_later_ones_operation() -> None:
    """Also if the GET of the beginning happens to show the same value."""
    found = load_cassette(CASES / "overlapping.json").updates()
    assert ["failed"] * 6 == [update.verdict for update in found]
    assert any("CustomerSegment" in reason for reason in found[2].reasons)
