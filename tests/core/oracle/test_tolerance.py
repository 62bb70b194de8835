"""What a caller allows a server to change."""

from typing import Any

import pytest

from gws_replay.core import lossless_json
from gws_replay.core.json_compare import compare_userdata
from gws_replay.core.oracle.reasons import Reasons
from gws_replay.core.oracle.tolerance import Patterns, Tolerance, coerced_keys


@pytest.mark.parametrize(
    ("patterns", "name", "found"),
    [
        (["LCA_*"], "LCA_x", True),
        (["LCA_*"], "xLCA_x", False),
        (["a", "b?"], "bc", True),
        (["a.b"], "axb", False),
        (["[ab]c"], "bc", True),
        ([], "", False),
        (["*"], "two\nlines", True),
    ],
)
def test_name_matches_one_of_several_patterns(patterns: list[str], name: str, found: bool) -> None:
    """As a whole; twice, the result is the same."""
    names = Patterns(patterns)
    assert (found, found) == (name in names, name in names)


@pytest.mark.parametrize(
    ("sent", "shown", "same"),
    [
        ("5", '"5"', True),
        ('"5"', "5", True),
        ("1.50", '"1.5"', True),
        ("1e400", '"10e399"', True),
        ("true", '"true"', True),
        ("null", '"null"', True),
        ("[1,2]", '"[1, 2]"', True),
        ("5", '"5.0"', False),
        ("5", '" 6"', False),
        ("5", "5.0", False),
        ("true", "1", False),
        ("null", '""', False),
        ('"5"', '"05"', False),
        ("5", '"five"', False),
    ],
)
def test_string_may_stand_for_a_value(sent: str, shown: str, same: bool) -> None:
    """If it is its JSON text, and only for the keys that are named."""
    one, other = lossless_json.loads(sent), lossless_json.loads(shown)
    assert same == Tolerance(coerce=["Pri*"]).coerces("Price", one, other)
    assert not Tolerance(coerce=["Other"]).coerces("Price", one, other)


@pytest.mark.parametrize(
    ("given", "keys"), [("string", ("*",)), (["a", "b"], ("a", "b")), ({"a": "string"}, ("a",)), ((), ()), ({}, ())]
)
def test_keys_are_given_in_several_forms(given: Any, keys: tuple[str, ...]) -> None:
    """All, a list of patterns, or a mapping with the type."""
    assert keys == coerced_keys(given)


@pytest.mark.parametrize("given", ["int", {"a": "integer"}, {"a": "string", "b": "bool"}])
def test_string_is_the_only_type(given: Any) -> None:
    """The error names the other one."""
    with pytest.raises(ValueError, match=r"as string only, not as (int|integer|bool)$"):
        coerced_keys(given)


def test_what_does_not_count_is_reported() -> None:
    """The rest is yielded; an added key is not coerced by chance."""
    changes = compare_userdata({"a": 1, "b": 2, "c": 3}, {"a": "1", "b": 9, "c": 4, "d": "null"}).entries
    reasons = Reasons()
    found = Tolerance(ignore=["b"], coerce=["*"]).counting(changes, reasons)
    assert ["c", "d"] == [each.key for each in found]
    assert ({"b"}, {"a"}) == (reasons.ignored, reasons.coerced)
