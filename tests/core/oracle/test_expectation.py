"""assert_only_changed passes exactly if the named keys changed as expected, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gws_replay.core.oracle.expectation import Expectation, assert_only_changed
from gws_replay.errors import UserDataMismatch
from tests.support.builders import JSON, KEYS, USER_DATA, spelled


def truth(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The keys that changed, were added or removed, found without the package."""
    changed = {k: after[k] for k in before if k in after and spelled(before[k]) != spelled(after[k])}
    return changed, {k: v for k, v in after.items() if k not in before}, [k for k in before if k not in after]


@given(USER_DATA, USER_DATA)
@settings(max_examples=120)
def test_exact_expectation_passes(before: dict[str, Any], after: dict[str, Any]) -> None:
    """It returns the changes."""
    changed, added, removed = truth(before, after)
    changes = assert_only_changed(before, after, changed, added=added, removed=removed)
    assert (set(changed), set(added), set(removed)) == (changes.changed, set(changes.added), set(changes.removed))
    assert_only_changed(before, after, changed, added=list(added), removed=tuple(removed))


@given(USER_DATA, USER_DATA, st.data())
@settings(max_examples=120)
def test_any_other_expectation_fails(before: dict[str, Any], after: dict[str, Any], data: st.DataObject) -> None:
    """A key too few, a key too many, another value, another kind of change: the error names the key."""
    changed, added, removed = truth(before, after)
    key = data.draw(KEYS)
    value = data.draw(JSON)
    wrong = copy.deepcopy((changed, added, removed))
    if key in changed or key in added:
        holder = wrong[0] if key in changed else wrong[1]
        action = data.draw(st.sampled_from(["forget", "other value", "other verb"]))
        if action == "forget":
            del holder[key]
        elif action == "other value":
            assume(spelled(value) != spelled(after[key]))
            holder[key] = value
        else:
            (wrong[1] if key in changed else wrong[0])[key] = holder.pop(key)
    elif key in removed:
        wrong[2].remove(key)
    else:
        unwanted: Callable[[], None] = data.draw(
            st.sampled_from([lambda: wrong[2].append(key), lambda: wrong[0].update({key: value})])
        )
        unwanted()
    with pytest.raises(UserDataMismatch) as caught:
        assert_only_changed(before, after, wrong[0], added=wrong[1], removed=wrong[2])
    assert key in str(caught.value)


@pytest.mark.parametrize("sent", [1, 1.0, "1", True, [1], [True], [1.0], {"a": 1}, {"a": True}, None], ids=repr)
@pytest.mark.parametrize("got", [1, 1.0, "1", True, [1], [True], [1.0], {"a": 1}, {"a": True}, None], ids=repr)
def test_values_are_expected_in_their_type(sent: Any, got: Any) -> None:
    """Python's 1 == 1.0 == True does not count, neither for a changed nor for an added key."""
    if spelled(sent) == spelled(got):
        assert_only_changed({"A": "old"}, {"A": got}, {"A": sent})
        assert_only_changed({}, {"A": got}, {}, added={"A": sent})
        return
    with pytest.raises(UserDataMismatch, match="A should be"):
        assert_only_changed({"A": "old"}, {"A": got}, {"A": sent})
    with pytest.raises(UserDataMismatch, match="A should be"):
        assert_only_changed({}, {"A": got}, {}, added={"A": sent})


def test_failure_names_every_deviation() -> None:
    """The expectation, the change, and every other change: nothing is cut."""
    before = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5, "LCA_1": 0}
    after = {"A": 1, "B": "2", "C": 3, "E": {"x": 1}, "F": None, "LCA_1": 1}
    with pytest.raises(UserDataMismatch) as caught:
        assert_only_changed(before, after, {"A": 9, "B": 2, "D": 4}, added=["G"], removed=["C"], ignore=["LCA_*"])
    assert [
        "userData did not change exactly as expected",
        "  expected: A = 9, B = 2, D = 4, G added, C removed",
        "  but:      A should have been changed, stayed 1",
        '  but:      B should be 2 (integer), is "2" (string)',
        "  but:      D should have been changed, was removed",
        "  but:      G should have been added, was absent before and after",
        "  but:      C should have been removed, stayed 3",
        '  besides:  E: 5 -> {"x": 1} (integer to object)',
        "  besides:  F: added null",
        "  ignored:  LCA_1",
    ] == str(caught.value).splitlines()


def test_failure_is_an_assertion_that_says_where() -> None:
    """A test fails with an AssertionError, and the caller's place and resource name are in the text."""
    with pytest.raises(AssertionError, match=r"(?s)^userData of S1 did.*nothing changed.*\nin notification 3$"):
        Expectation.of({}, (), (), ()).check({}, {"A": 1}, of=" of S1", where="in notification 3")


def test_nothing_in_the_failure_can_steer_a_terminal() -> None:
    """Keys and values come from the server."""
    with pytest.raises(UserDataMismatch) as caught:
        assert_only_changed({"\x1b[2J": 1}, {"A\x07": "\x1b[31m"}, {"A\x07": 1}, ignore=["\x1b*"])
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("argument", ["added", "removed", "ignore"])
def test_single_string_is_not_a_list_of_names(argument: str) -> None:
    """`removed="Key"` would be three keys."""
    with pytest.raises(TypeError, match=rf"write {argument}=\['Key'\]"):
        assert_only_changed({}, {}, {}, **{argument: "Key"})


def test_ignored_keys_may_change_in_any_way() -> None:
    """They may be added, removed or changed; a pattern matches whole names, case-sensitive."""
    before = {"LCA_A": 1, "LCA_B": 1, "lca_c": 1, "K": 1}
    after = {"LCA_A": 2, "LCA_D": 1, "lca_c": 1, "K": 2}
    assert {"K"} == assert_only_changed(before, after, {"K": 2}, ignore=["LCA_*"]).keys
    for pattern in ("LCA", "lca_*", "CA_*"):
        with pytest.raises(UserDataMismatch, match=r"besides: *LCA_A"):
            assert_only_changed(before, after, {"K": 2}, ignore=[pattern])


@pytest.mark.parametrize(
    "call",
    [
        lambda ignore: assert_only_changed({"A": 1}, {"A": 2}, {"A": 3}, ignore=ignore),
        lambda ignore: assert_only_changed({"A": 1}, {"A": 1}, {"A": 1}, ignore=ignore),
        lambda ignore: assert_only_changed({"A": 1}, {"A": 1}, {}, removed=["A"], ignore=ignore),
        lambda ignore: assert_only_changed({}, {}, {}, added=["A"], ignore=ignore),
    ],
)
def test_named_key_is_never_ignored(call: Callable[[list[str]], Any]) -> None:
    """A pattern that covers a named key does not excuse it."""
    with pytest.raises(UserDataMismatch, match="A should"):
        call(["*"])
    assert {"A"} == assert_only_changed({"A": 1, "B": 1}, {"A": 2, "B": 2}, {"A": 2}, ignore=["*"]).keys


def test_key_with_the_same_value_did_not_change() -> None:
    """An update to the existing value looks like a lost one."""
    with pytest.raises(UserDataMismatch, match="A should have been changed, stayed 1"):
        assert_only_changed({"A": 1}, {"A": 1}, {"A": 1})


@pytest.mark.parametrize("coerce", ["string", ["Pr*"], {"Price": "string"}])
def test_value_may_be_kept_as_a_string(coerce: Any) -> None:
    """By the JSON text of the value; another string is another value, and other keys are compared as usual."""
    before = {"Price": 1, "Rest": 7}
    assert assert_only_changed(before, {**before, "Price": "5.50"}, {"Price": 5.5}, coerce=coerce)
    for wrong in ({**before, "Price": "5.51"}, {**before, "Price": "5.5", "Rest": 8}):
        with pytest.raises(UserDataMismatch):
            assert_only_changed(before, wrong, {"Price": 5.5}, coerce=coerce)
    with pytest.raises(ValueError, match="kept as string only"):
        assert_only_changed(before, before, {}, coerce={"Price": "integer"})


def test_other_coerced_key_is_reported() -> None:
    """A key without an expectation that the server turned into a string."""
    before, after = {"A": 1, "B": 2, "C": 3}, {"A": 1, "B": "2", "C": 4}
    with pytest.raises(UserDataMismatch) as failure:
        assert_only_changed(before, after, {}, coerce=["B"])
    assert "coerced:  B" in str(failure.value)
    assert "B:" not in str(failure.value)


def test_written_keys_may_be_new_or_not() -> None:
    """They must have the value afterwards; nothing else may change."""
    expectation = Expectation.of({}, (), (), (), written={"A": 2, "B": 3})
    for before in ({"A": 1}, {"A": 2, "B": 3}, {}, {"B": None}):
        assert expectation.holds(before, {"A": 2, "B": 3})
    assert not expectation.holds({}, {"A": 2})
    assert not expectation.holds({}, {"A": 2, "B": "3"})
    assert not expectation.holds({"C": 1}, {"A": 2, "B": 3})
    with pytest.raises(UserDataMismatch, match="B should be 3, is absent"):
        expectation.check({}, {"A": 2})
