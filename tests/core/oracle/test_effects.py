"""Whether userData shows what an operation wrote, given what was there before."""

from typing import Any

import pytest

from gws_replay.core.api.schema import ABSENT, ONE_LESS, Another
from gws_replay.core.lossless_json import Repeated
from gws_replay.core.oracle.effects import alike, settled, shows_all

TWO = Repeated((1, 2))


@pytest.mark.parametrize(
    ("value", "before", "after", "shown"),
    [
        (2, {"A": 1}, {"A": 2}, True),
        (2, {"A": 1}, {"A": 1}, False),
        (2, {"A": 1}, {"A": "2"}, False),
        (ABSENT, {"A": 1}, {}, True),
        (ABSENT, {"A": 1}, {"A": None}, False),
        (2, {"A": TWO}, {"A": 2}, True),
        (3, {"A": TWO}, {"A": Repeated((3, 2))}, True),
        (3, {"A": TWO}, {"A": Repeated((1, 2, 3))}, False),
    ],
)
def test_written_or_deleted_key_is_compared_by_value_and_type(value: Any, before: Any, after: Any, shown: bool) -> None:
    """A write to a repeated key replaces one of its values, or all."""
    assert shown is settled("A", value, before, after)


@pytest.mark.parametrize(
    ("after", "shown"),
    [({"A": Repeated((1,))}, True), ({"A": 2}, True), ({"A": TWO}, False), ({"A": 3}, False)],
)
def test_deletion_of_one_pair_leaves_one_value_less(after: Any, shown: bool) -> None:
    """And none that was not there before."""
    assert shown is settled("A", ONE_LESS, {"A": TWO}, after)


@pytest.mark.parametrize(
    ("before", "after", "others", "shown"),
    [
        ({"A": 1}, {"A": TWO}, (), True),
        ({"A": 1}, {"A": [1, 2]}, (), True),
        ({"A": 1}, {"A": 2}, (), True),
        ({"A": 1}, {"A": 1}, (), None),
        ({"A": 1}, {"A": 3}, (), False),
        ({"A": 1}, {}, (), False),
        ({}, {"A": [2]}, (), False),
        ({"A": 1}, {"A": Repeated((1, 2, 3))}, (), False),
        ({"A": 1}, {"A": Repeated((1, 2, 3))}, (Another(3),), True),
        (None, {"A": 2}, (), True),
    ],
)
def test_attached_value_is_one_more_of_its_key(before: Any, after: Any, others: Any, shown: bool | None) -> None:
    """As a repeated key, a list or alone; None if the server may have ignored the second value."""
    assert shown is settled("A", Another(2), before, after, others)


def test_alike_compares_presence_value_and_type() -> None:
    """A missing key is not null."""
    assert alike("A", {}, {"B": 1})
    assert alike("A", {"A": [1]}, {"A": [1]})
    assert not alike("A", {"A": None}, {})
    assert not alike("A", {"A": 1}, {"A": True})


def test_every_write_must_be_shown() -> None:
    """Values and deletions."""
    assert shows_all({"A": 2, "C": 3}, {"A": 2, "B": ABSENT})
    assert not shows_all({"A": 2, "B": None}, {"A": 2, "B": ABSENT})
