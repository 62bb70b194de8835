"""Each fault of the sandbox is wrong in its own way, and in no other."""

import json
from typing import Any

import pytest

from gws_replay.sandbox import serving
from gws_replay.sandbox_faults import FAULTS, Operation, faithful
from tests.sandboxes import ABSENT, ONE, TWO, UPDATE, Agent, differences

SENT = {"UserData1": ("DATA1", 987654321), "UserData2": (123456789, "DATAUPDATE-@123")}
EXTRA = {**SENT, "FirstName": ("Vitaliy", "Vitaliy*")}
ADDED = {**SENT, "SandboxAddedKey": (ABSENT, "added")}
DROPPED = {**SENT, "Subject": ("Hellomyfriend!", ABSENT)}
WRONG = {**SENT, "UserData1": ("DATA1", 987654322)}
STRING = {**SENT, "UserData1": ("DATA1", "987654321")}
TOUCHED = {"UserData1": (ABSENT, 987654321), "UserData2": (ABSENT, "DATAUPDATE-@123")}


@pytest.mark.parametrize(
    ("fault", "stored", "notified", "other"),
    [
        (None, SENT, [(ONE, SENT)], {}),
        ("extra-key", EXTRA, [(ONE, EXTRA)], {}),
        ("added-key", ADDED, [(ONE, ADDED)], {}),
        ("dropped-key", DROPPED, [(ONE, DROPPED)], {}),
        ("wrong-value", WRONG, [(ONE, WRONG)], {}),
        ("number-to-string", STRING, [(ONE, STRING)], {}),
        ("lost-update", {}, [], {}),
        ("not-stored", {}, [(ONE, SENT)], {}),
        ("other-session", SENT, [(ONE, SENT), (TWO, TOUCHED)], TOUCHED),
        ("stale-notification", SENT, [(ONE, {})], {}),
    ],
)
def test_fault_is_wrong_in_its_own_way_only(
    fault: str | None, stored: dict[str, Any], notified: list[Any], other: dict[str, Any]
) -> None:
    """What GET shows, what the notifications show, what the other session shows, each against the start."""
    with serving(fault=fault, push_delay=0.001) as running, Agent(running) as agent:
        agent.listen()
        before = {each: agent.userdata(each) for each in (ONE, TWO)}
        assert {"statusCode": 0} == agent.operate(UPDATE)
        after = {each: agent.userdata(each) for each in (ONE, TWO)}
        agent.operate({"operationName": "Complete"})  # its notification shows that no more of the update's will come
        *pushed, last = agent.notifications(until="StatusChange")

    assert stored == differences(before[ONE], after[ONE])
    assert other == differences(before[TWO], after[TWO])
    assert "StatusChange" == last["notificationType"]
    shown = [each["facebooksession"] for each in pushed]
    assert notified == [(each["id"], differences(before[each["id"]], each["userData"])) for each in shown]


def test_every_fault_is_tested() -> None:
    """A new fault needs a row above."""
    (mark,) = [mark for mark in test_fault_is_wrong_in_its_own_way_only.pytestmark if mark.name == "parametrize"]

    assert {None, *FAULTS} == {row[0] for row in mark.args[1]}


@pytest.mark.parametrize(
    "operation",
    [
        Operation(before={"a": 1, "b": "x"}, removed=("a",), other={"c": None}),
        Operation(before={"a": [], "b": {}}, written={"a": {"n": 1}}, other={"a": {"n": 1}}),
        Operation(before={"b": False, "a": 1.5}, written={"a": [2]}, other={"b": True}),
    ],
)
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in {"wrong-value", "number-to-string"}])
def test_fault_shows_on_operations_of_every_kind(fault: str, operation: Operation) -> None:
    """None is right by chance."""
    assert FAULTS[fault].apply(operation) != faithful(operation)


@pytest.mark.parametrize("value", ["", "x", 0, 1, 1.5, True, False, None, [], ["x"], {}, {"x": 1}])
def test_wrong_value_is_always_another(value: Any) -> None:
    """Whatever the value is."""
    outcome = FAULTS["wrong-value"].apply(Operation(before={"b": 1}, written={"a": value}))

    assert json.dumps(outcome.stored) != json.dumps({"b": 1, "a": value})
    assert {"a", "b"} == set(outcome.stored)


@pytest.mark.parametrize(
    ("value", "stored"), [(1, "1"), (1.5, "1.5"), (True, True), ("1", "1"), (None, None), ([1], [1])]
)
def test_number_to_string_touches_numbers_only(value: Any, stored: Any) -> None:
    """And booleans are none."""
    outcome = FAULTS["number-to-string"].apply(Operation(before={}, written={"a": value}))

    assert json.dumps(outcome.stored) == json.dumps({"a": stored})
