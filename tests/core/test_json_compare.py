"""The comparison of the oracle: every difference, and nothing but differences."""

import copy
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given, settings

from gws_replay.core import lossless_json
from gws_replay.core.json_compare import Change, Changes, compare_userdata, same, show, show_both, type_name
from gws_replay.core.lossless_json import Repeated
from tests.support.builders import JSON, USER_DATA, spelled

DISTINCT: tuple[Any, ...] = (
    0,
    1,
    0.0,
    1.0,
    "1",
    "",
    True,
    False,
    None,
    [],
    {},
    [1],
    [True],
    [1.0],
    ["1"],
    {"a": 1},
    {"a": True},
    [[]],
)


def apply(before: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """Make the changes on a copy of the userData."""
    after = copy.deepcopy(before)

    def position(change: Change) -> int:
        last = change.path[-1]
        return last if isinstance(last, int) else -1

    def parent(change: Change) -> Any:
        found: Any = after
        for step in change.path[:-1]:
            found = found[step]
        return found

    for change in changes.entries:
        if change.kind in ("changed", "type"):
            parent(change)[change.path[-1]] = change.after
    for change in sorted((c for c in changes.entries if c.kind == "added"), key=position):
        container = parent(change)
        if isinstance(container, list):
            assert len(container) == change.path[-1]
            container.append(change.after)
        else:
            assert change.path[-1] not in container
            container[change.path[-1]] = change.after
    for change in sorted((c for c in changes.entries if c.kind == "removed"), key=position, reverse=True):
        del parent(change)[change.path[-1]]
    return after


@given(USER_DATA, USER_DATA)
@settings(max_examples=120)
@example({"A": {"x": [True], "y": 1}}, {"A": {"x": [1], "y": 2}})
@example({"A": [[1], 2]}, {"A": [[True], 3]})
@example({"A": list(range(12))}, {"A": []})
def test_changes_applied_to_before_give_after(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Nothing that differs is left out, and every path leads to it."""
    changes = compare_userdata(before, after)
    assert spelled(after) == spelled(apply(before, changes))
    assert len(changes.entries) == len({change.path for change in changes.entries})


@given(USER_DATA, USER_DATA)
def test_only_differences_are_reported(before: dict[str, Any], after: dict[str, Any]) -> None:
    """The keys are exactly those whose values differ, and each entry shows two different values."""
    changes = compare_userdata(before, after)
    assert {
        key
        for key in {*before, *after}
        if (key in before) != (key in after) or spelled(before[key]) != spelled(after[key])
    } == changes.keys
    assert all(c.kind in ("added", "removed") or spelled(c.before) != spelled(c.after) for c in changes.entries)


@given(USER_DATA)
def test_nothing_changes_from_a_copy(user_data: dict[str, Any]) -> None:
    """Neither the order of keys nor another object makes a difference."""
    shuffled = dict(reversed(copy.deepcopy(user_data).items()))
    assert not compare_userdata(user_data, shuffled)
    assert "no change" == str(compare_userdata(user_data, shuffled))


@given(JSON, JSON)
@settings(max_examples=120)
def test_same_is_equality_of_value_and_type(one: Any, other: Any) -> None:
    """Checked against a spelling of the test's own."""
    assert (spelled(one) == spelled(other)) == same(one, other)


@pytest.mark.parametrize(("one", "other"), list(combinations(DISTINCT, 2)), ids=repr)
def test_types_are_exact_at_any_depth(one: Any, other: Any) -> None:
    """Alone, in an object, in a list, and beside another difference that could hide it."""
    assert {"K"} == compare_userdata({"K": one}, {"K": other}).changed
    for wrapped in (lambda v: {"in": v}, lambda v: [v], lambda v: [[v]], lambda v: {"__in": {'it\'s "x"': [v]}}):
        before, after = {"K": wrapped(one), "L": 1}, {"K": wrapped(other), "L": 1}
        changes = compare_userdata(before, after)
        assert frozenset({"K"}) == changes.keys
        assert spelled(after) == spelled(apply(before, changes))
    before, after = {"K": {"x": one, "y": 1}}, {"K": {"x": other, "y": 2}}
    assert {"x", "y"} == {change.path[1] for change in compare_userdata(before, after).entries}


@pytest.mark.parametrize("value", DISTINCT, ids=repr)
def test_any_value_is_not_absence(value: Any) -> None:
    """Null, empty and false values that come or go are an addition or a removal."""
    assert {"K": value} == compare_userdata({}, {"K": value}).added
    assert {"K": value} == compare_userdata({"K": value}, {}).removed
    assert ("K", "in") == compare_userdata({"K": {}}, {"K": {"in": value}}).entries[0].path


@pytest.mark.parametrize(
    ("before", "after", "path", "kind"),
    [
        ({"__private": 1}, {"__private": 2}, ("K", "__private"), "changed"),
        ({"__private": 1}, {}, ("K", "__private"), "removed"),
        ({"a'b\"c": 1}, {"a'b\"c": 2}, ("K", "a'b\"c"), "changed"),
        ({"root['x']": 1}, {"root['x']": 2}, ("K", "root['x']"), "changed"),
        ([1, 2, 3], [2, 3], ("K", 0), "changed"),
        ([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 3}], ("K", 1, "id"), "changed"),
        ([[1, [2]]], [[1, [3]]], ("K", 0, 1, 0), "changed"),
        ({"a": [1]}, {"a": [1, 2]}, ("K", "a", 1), "added"),
        ({"a": 1}, {"a": 1.0}, ("K", "a"), "type"),
    ],
)
def test_paths_inside_a_value(before: Any, after: Any, path: tuple[Any, ...], kind: str) -> None:
    """Keys with underscores and quotes, and lists in lists, are found where they are."""
    entries = compare_userdata({"K": before}, {"K": after}).entries
    assert (path, kind) in [(change.path, change.kind) for change in entries]


def test_objects_with_few_shared_keys_are_compared_inside() -> None:
    """A mostly new object is not reported as one change that hides which keys stayed."""
    before = {"K": {"stays": 1, **{f"old{i}": i for i in range(9)}}}
    after = {"K": {"stays": 1, **{f"new{i}": i for i in range(9)}}}
    changes = compare_userdata(before, after)
    assert {"added": 9, "removed": 9} == {
        kind: sum(change.kind == kind for change in changes.entries) for kind in ("added", "removed")
    }


def test_repeated_key_is_a_difference() -> None:
    """Even when all its values are equal, and inside a value too."""
    once, twice, other = (
        lossless_json.loads(text)
        for text in ('{"A":1,"B":{"x":1}}', '{"A":1,"A":1,"B":{"x":1,"x":1}}', '{"A":1,"A":2,"B":{"x":1,"x":2}}')
    )
    assert {"A", "B"} == compare_userdata(once, twice).changed
    assert {"A", "B"} == compare_userdata(twice, other).changed
    assert not compare_userdata(twice, copy.deepcopy(twice))


def test_repeated_key_inside_a_value_has_a_path_of_keys() -> None:
    """The path leads to the key itself, not into how this package holds its values."""
    twice, other = (lossless_json.loads(f'{{"B":{{"x":1,"x":{last}}}}}') for last in (1, 2))
    assert [("B", "x")] == [change.path for change in compare_userdata(twice, other).entries]


def test_deep_values_are_compared() -> None:
    """A value that parses is compared: depth is not a reason for a crash."""

    def nested(value: int) -> Any:
        return lossless_json.loads("[" * 400 + str(value) + "]" * 400)

    assert {"K"} == compare_userdata({"K": nested(1)}, {"K": nested(2)}).changed


def test_views_of_changes() -> None:
    """Added, removed and changed keys; less some of them; as JSON."""
    changes = compare_userdata({"A": 1, "B": 2, "C": {"x": 1}}, {"A": "1", "C": {"x": 2}, "D": None})
    assert ({"D": None}, {"B": 2}, {"A", "C"}) == (changes.added, changes.removed, changes.changed)
    assert {"B", "C"} == changes.without(["A", "D"]).keys
    assert [
        {"path": ["A"], "kind": "type", "before": 1, "after": "1"},
        {"path": ["B"], "kind": "removed", "before": 2},
        {"path": ["C", "x"], "kind": "changed", "before": 1, "after": 2},
        {"path": ["D"], "kind": "added", "after": None},
    ] == changes.as_json()
    expected = 'A: 1 -> "1" (integer to string)\nB: removed, was 2\nC.x: 1 -> 2\nD: added null'
    assert expected == str(changes)


STEERING = ("\x1b[31mred", "\x9b2J", "a\nb\r", "\x07", "\u202eevil", "\u2028", "\x00", "\ud800")


@pytest.mark.parametrize("value", STEERING, ids=ascii)
def test_no_value_shown_can_steer_a_terminal(value: str) -> None:
    """Control characters of any kind are escaped, in keys of objects too."""
    assert show(value).isprintable()
    assert show({value: [value]}).isprintable()


@pytest.mark.parametrize("value", STEERING, ids=ascii)
def test_no_key_of_a_change_can_steer_a_terminal(value: str) -> None:
    """The server chooses the names of keys as much as their values."""
    assert str(Change((value,), "added", None, 1)).isprintable()
    assert str(Change(("K", value), "changed", 0, 1)).isprintable()


@pytest.mark.parametrize("length", [1000, 100_000])
def test_long_values_are_cut_in_the_middle(length: int) -> None:
    """Both ends and the length are shown."""
    shown = show("<" + "x" * length + ">")
    assert len(shown) < 150
    assert shown.startswith('"<xx')
    assert f'x>" ({length + 4} characters)' in shown


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "boolean"),
        (1, "integer"),
        (1.0, "number"),
        ("", "string"),
        (None, "null"),
        ({}, "object"),
        ([], "array"),
        (Repeated((1,)), "repeated key"),
    ],
)
def test_types_have_their_json_names(value: Any, name: str) -> None:
    """Integers and other numbers are apart."""
    assert name == type_name(value)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "a" * 90 + "X" + "b" * 90,
            "a" * 90 + "Y" + "b" * 90,
            ("...{a}X{b}... (183 characters)", "...{a}Y{b}... (183 characters)"),
        ),
        ("X" + "a" * 150, "Y" + "a" * 150, ('"X{c}... (153 characters)', '"Y{c}... (153 characters)')),
        ("a" * 150, "a" * 151, ('...{a}" (152 characters)', '...{a}a" (153 characters)')),
        ("short", "a" * 150, ('"short"', '"{d}... (152 characters)')),
    ],
    ids=["in the middle", "at the start", "at the end", "short and long"],
)
def test_long_values_are_cut_around_where_they_begin_to_differ(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    """So that the difference is seen, whatever the length."""
    parts = {"a": "a" * 30, "b": "b" * 49, "c": "a" * 78, "d": "a" * 79}
    assert tuple(each.format(**parts) for each in expected) == show_both(before, after)


def test_changes_are_equal_when_values_and_types_are() -> None:
    """1 and true are other values, also inside a list; equal ones have equal hashes."""
    assert compare_userdata({"A": 0}, {"A": [1]}) == compare_userdata({"A": 0}, {"A": [1]})
    assert compare_userdata({"A": 0}, {"A": [1]}) != compare_userdata({"A": 0}, {"A": [True]})
    assert compare_userdata({"A": 0}, {"A": 1}) != compare_userdata({"A": False}, {"A": 1})
    assert 1 == len({compare_userdata({}, {"A": [1]}), compare_userdata({}, {"A": [1]})})
    assert Change(("A",), "added", None, 1) != "A: added 1"


def test_changes_are_shown_in_one_line() -> None:
    """As a debugger, or a failed assertion, shows them."""
    changes = compare_userdata({"A": 1, "B": "b"}, {"A": "1", "C": [1]})
    assert '<Changes: A: 1 -> "1" (integer to string); B: removed, was "b"; C: added [1]>' == repr(changes)
    assert "<Changes: none>" == repr(Changes())
