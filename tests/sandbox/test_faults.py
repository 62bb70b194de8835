"""Each fault of the sandbox is wrong in its own way, and in no other."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gws_replay.sandbox.faults import FAULTS
from gws_replay.sandbox.userdata import Again, Operation, Outcome, UserData, faithful, userdata_of
from tests.support.fault_scenario import VALUES
from tests.support.sandboxes import ABSENT, differences

BEFORE: UserData = {"First": "one", "UserData1": "DATA1", "Gone": 1, "Last": "z"}
EARLIER: UserData = {"First": "none", "UserData1": "DATA1", "Gone": 1, "Last": "z"}
OTHER: UserData = {"Mine": "m"}
UPDATE = Operation(before=BEFORE, written=VALUES, other=OTHER, earlier=EARLIER)
DELETE = Operation(before=BEFORE, removed=("Gone", "none"), other=OTHER, earlier=BEFORE)
RIGHT = UPDATE.after

# Fault -> what differs from what it should be, where the notification and GET show the same.
KEPT: Mapping[str, Mapping[str, Any]] = {
    "extra-key": {"First": ("one", "one*")},
    "added-key": {"SandboxAddedKey": (ABSENT, "added")},
    "dropped-key": {"Last": ("z", ABSENT)},
    "replaced": {"First": ("one", ABSENT), "Gone": (1, ABSENT), "Last": ("z", ABSENT)},
    "not-written": differences(dict(RIGHT), dict(BEFORE)),
    "partly-written": {"UserData1": (987654321, "DATA1")},
    "null-dropped": {"Nothing": (None, ABSENT)},
    "overwritten": {"First": ("one", "none")},
    "wrong-value": {"UserData1": (987654321, 987654322)},
    "nested-value": {
        "List": ([1, 0, 3, 2], [2, 0, 3, 2]),
        "Nested": (VALUES["Nested"], {"a": {"b": [1, "x", None], "*": "*"}, "n": 2}),
    },
    "number-to-string": {key: (VALUES[key], str(VALUES[key])) for key in ("UserData1", "Count", "Price", "Big")},
    "string-to-number": {"Digits": ("00042", 42)},
    "int-to-float": {
        "UserData1": (987654321, 987654321.0),
        "Count": (42, 42.0),
        "List": ([1, 0, 3, 2], [1.0, 0.0, 3.0, 2.0]),
        "Nested": (VALUES["Nested"], {"a": {"b": [1.0, "x", None]}, "n": 2.0}),
    },
    "float-to-int": {"Price": (1234.5678912, 1234)},
    "bool-to-int": {"Flag": (True, 1)},
    "one-to-true": {"List": ([1, 0, 3, 2], [True, False, 3, 2])},
    "big-int-rounded": {"Big": (2**53 + 1, 2**53)},
    "float-rounded": {"Price": (1234.5678912, 1234.57)},
    "null-to-string": {"Nothing": (None, "null")},
    "empty-to-null": {"Empty": ("", None)},
    "truncated": {"Long": (VALUES["Long"], "a text that is longer than thirt")},
    "mis-decoded": {
        "Composed": ("Z\u00fcrich", "Z\u00c3\u00bcrich"),
        "Decomposed": ("Zu\u0308rich", "Zu\u00cc\u0088rich"),
    },
    "decomposed": {"Composed": ("Z\u00fcrich", "Zu\u0308rich")},
    "composed": {"Decomposed": ("Zu\u0308rich", "Z\u00fcrich")},
    "stripped": {"Space": ("  two  ", "two")},
    "escaped": {"Markup": ("<b>R & D</b>", "&lt;b&gt;R &amp; D&lt;/b&gt;")},
    "reordered": {"List": ([1, 0, 3, 2], [0, 1, 2, 3])},
    "appended": {
        **{
            key: (VALUES[key], VALUES[key] * 2)
            for key in (*("UserData2", "Digits", "List", "Long", "Composed", "Decomposed", "Space", "Markup"),)
        },
    },
}
# Fault -> what becomes of the update, where there is more to it.
OUTCOMES: Mapping[str, Outcome] = {
    "lost-update": Outcome(stored=BEFORE, notified=()),
    "not-stored": Outcome(stored=BEFORE, notified=(RIGHT,)),
    "stored-otherwise": Outcome(stored={**RIGHT, "First": "one*"}, notified=(RIGHT,)),
    "other-session": Outcome(stored=RIGHT, notified=(RIGHT,), other={**OTHER, **VALUES}),
    "other-attribute": Outcome(stored=RIGHT, notified=(RIGHT,), attributes={"state": "Revoked"}),
    "refused-written": Outcome(stored=RIGHT, notified=(), status_code=2),
    "error-written": Outcome(stored=RIGHT, notified=(None,), kind="Error"),
    "not-notified": Outcome(stored=RIGHT, notified=()),
    "stale-notification": Outcome(stored=RIGHT, notified=(BEFORE,)),
    "other-write": Outcome(stored=RIGHT, notified=({**BEFORE, "SandboxOtherKey": "written"},)),
    "delta-only": Outcome(stored=RIGHT, notified=(VALUES,)),
    "without-userdata": Outcome(stored=RIGHT, notified=(None,)),
    "doubled": Outcome(stored=RIGHT, notified=(RIGHT, {**RIGHT, "First": "one*"})),
    "misdirected": Outcome(stored=RIGHT, notified=(RIGHT,), misdirected=True),
}
# These show by what the JSON says, or on a deletion.
OTHERWISE = {"key-case", "key-twice", "deleted-to-null"}


@pytest.mark.parametrize("fault", KEPT)
def test_fault_keeps_something_else(fault: str) -> None:
    """What is notified is what is kept, and differs from what was requested in this only."""
    outcome = FAULTS[fault].apply(UPDATE)

    assert KEPT[fault] == differences(dict(RIGHT), dict(outcome.stored))
    assert Outcome(stored=outcome.stored, notified=(outcome.stored,)) == outcome


@pytest.mark.parametrize("fault", OUTCOMES)
def test_fault_tells_or_does_something_else(fault: str) -> None:
    """The whole outcome."""
    assert OUTCOMES[fault] == FAULTS[fault].apply(UPDATE)


def test_faults_of_keys_show_in_the_json() -> None:
    """Another case, twice, and null in place of nothing."""
    one = Operation(before={"a": 1, "B": 2}, written={"a": 3})

    assert '{"a": 1, "B": 2, "A": 3}' == json.dumps(FAULTS["key-case"].apply(one).stored)
    assert '{"a": 3, "B": 2, "a": "old"}' == json.dumps(FAULTS["key-twice"].apply(one).stored)
    assert {**DELETE.after, "Gone": None} == FAULTS["deleted-to-null"].apply(DELETE).stored


def test_every_fault_is_tested() -> None:
    """A new fault needs a row above."""
    assert set(FAULTS) == KEPT.keys() | OUTCOMES.keys() | OTHERWISE


@pytest.mark.parametrize("fault", ["extra-key", "added-key", "dropped-key", "replaced", "not-written", *OUTCOMES])
@pytest.mark.parametrize(
    "operation",
    [
        Operation(before={"a": 1, "b": "x"}, removed=("a",), other={"c": None}),
        Operation(before={"a": [], "b": {}}, written={"a": {"n": 1}}, other={"a": {"n": 1}}),
        Operation(before={"b": False, "a": 1.5}, written={"a": [2]}, other={"b": True}),
    ],
)
def test_fault_shows_on_operations_of_every_kind(fault: str, operation: Operation) -> None:
    """None is right by chance."""
    assert FAULTS[fault].apply(operation) != faithful(operation)


@pytest.mark.parametrize("value", ["", "x", 0, 1, 1.5, True, False, None, [], ["x"], {}, {"x": 1}])
def test_wrong_value_is_always_another(value: Any) -> None:
    """Whatever the value is."""
    outcome = FAULTS["wrong-value"].apply(Operation(before={"b": 1}, written={"a": value}))

    assert json.dumps(outcome.stored) != json.dumps({"b": 1, "a": value})
    assert {"a", "b"} == set(outcome.stored)


# Keys that stand twice, as voice has them


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (Operation(before={"a": 1}, written={"a": 2, "b": 3}, attaches=True), '{"a": 1, "a": 2, "b": 3}'),
        (Operation(before=userdata_of([("a", 1), ("b", 0), ("a", 2)]), written={"a": 3}), '{"a": 3, "b": 0}'),
        (Operation(before=userdata_of([("a", 1), ("a", 2)]), removed=("a",), detaches=True), '{"a": 2}'),
        (Operation(before=userdata_of([("a", 1), ("a", 2)]), removed=("a",)), "{}"),
    ],
)
def test_key_that_stands_twice(operation: Operation, after: str) -> None:
    """Attaching adds one, updating merges them, deleting a pair takes the first."""
    assert after == json.dumps(operation.after)


def test_a_key_again_is_equal_to_itself_only() -> None:
    """So that a dict holds it beside the first."""
    again = Again("a")

    assert (True, False, False) == (again == again, again == "a", Again("a") == again)  # noqa: PLR0124
