"""One operation goes wrong, once: a comparison finds just that, at that operation and at those keys."""

from typing import Any

import pytest

from gws_replay.core.comparison.diff import diff
from gws_replay.core.comparison.finding import spelled
from gws_replay.core.comparison.volatile import key_of
from gws_replay.sandbox.faults import FAULTS
from gws_replay.sandbox.userdata import Operation, Outcome, UserData, faithful
from tests.support.recordings import played, right

LOOK = "GET /api/v2/me/facebooksessions"
ATTACH, PUSH = "AttachUserData", "notification PropertiesUpdated"
GONE, UNASKED = (ATTACH, "removed", PUSH), ("(unsolicited)", "added", PUSH)
# What shows besides userData and the verdict on the operation.
BESIDES: dict[str, set[tuple[str, str, str]]] = {
    "lost-update": {GONE},
    "not-notified": {GONE},
    "error-written": {GONE, (ATTACH, "added", "notification Error")},
    "refused-written": {
        GONE,
        (ATTACH, "value", "answer.body.statusCode"),
        (ATTACH, "added", "answer.body.statusMessage"),
    },
    "other-session": {UNASKED},
    "other-attribute": {(ATTACH, "value", f"{PUSH}.facebooksession.state")},
    "without-userdata": {(ATTACH, "removed", f"{PUSH}.facebooksession.userData")},
    "doubled": {(ATTACH, "added", PUSH)},
    # What another session then shows, the next operation may have done.
    "misdirected": {GONE, UNASKED, ("UpdateUserData", "verdict", "verdict")},
}


class Once:
    """A server that is right but for the first operation in which a fault shows."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.wrong: tuple[Operation, Outcome] | None = None

    def __call__(self, operation: Operation) -> Outcome:
        """Do what the documentation says, or not."""
        outcome = FAULTS[self.fault].apply(operation)
        if self.wrong or repr(outcome) == repr(faithful(operation)):  # 1 and 1.0 are equal, and not the same
            return faithful(operation)
        self.wrong = operation, outcome
        return outcome

    @property
    def operation(self) -> str:
        """The name of what went wrong."""
        assert self.wrong is not None
        written, removed = self.wrong[0].written, self.wrong[0].removed
        return "DeleteUserData" if removed else ATTACH if "Attached" in written else "UpdateUserData"

    def keys(self) -> set[tuple[str, str]]:
        """The keys that differ from how they should be, each with the operation that shows it first."""
        assert self.wrong is not None
        operation, outcome = self.wrong
        notified = {
            key for shown in outcome.notified[:1] if shown is not None for key in _others(shown, operation.after)
        }
        kept = _others(outcome.stored, operation.after) | _others(outcome.other or operation.other, operation.other)
        return {(self.operation, key) for key in notified} | {(LOOK, key) for key in kept - notified}


def _others(shown: UserData, right: UserData) -> set[str]:
    values: list[dict[str, list[Any]]] = [{}, {}]
    for side, userdata in enumerate((shown, right)):
        for key, value in userdata.items():
            values[side].setdefault(str(key), []).append(value)
    return {key for key in {*values[0], *values[1]} if repr(values[0].get(key)) != repr(values[1].get(key))}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_nothing_else(name: str) -> None:
    """The verdict on the operation, each key that is wrong where it shows first, and what the table above says."""
    server = Once(name)
    counted = [each for each in diff(right(), played(apply=server)) if not each.suppressed and each.severity != "info"]
    keys = {(each.operation, key) for each in counted if (key := key_of(each.path))}
    rest = {(each.operation, each.kind, spelled(each.path)) for each in counted if not key_of(each.path)}
    assert server.keys() == keys
    assert {(server.operation, "verdict", "verdict")} | BESIDES.get(name, set()) == rest
