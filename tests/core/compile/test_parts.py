"""A cassette that several tests share: each has its part, and recording one again keeps the others."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.parts import part_of, recorded_tests, with_part
from tests.support.builders import cassette, exchange, push, update


def recorded(*values: int) -> Cassette:
    """An operation and its notification for each value."""
    moments = [(update({"A": n}, began=float(i)), push({"A": n}, seen=i + 0.5)) for i, n in enumerate(values)]
    return cassette(*(each for pair in moments for each in pair))


def values_of(part: Cassette) -> list[int]:
    return [each.request_json["userData"]["A"] for each in part.interactions]


def test_each_test_gets_its_own_part() -> None:
    """With the times and causes that it would have alone."""
    whole = None
    for name, values in (("one", (1,)), ("two", (2, 3)), ("three", (4,))):
        whole = with_part(whole, recorded(*values), name)
    assert whole is not None
    assert ("one", "two", "three") == recorded_tests(whole)
    assert [1, 2, 3, 4] == values_of(whole)
    two = part_of(whole, "two")
    assert [2, 3] == values_of(two)
    assert [0, 1] == [each.cause.interaction for each in two.notifications if each.cause]
    assert 0.0 == two.interactions[0].began


def test_recording_one_part_again_keeps_the_others() -> None:
    """Its new part is at the end, once."""
    whole = with_part(with_part(with_part(None, recorded(1), "one"), recorded(2), "two"), recorded(3, 4), "one")
    assert ("two", "one") == recorded_tests(whole)
    assert ([2], [3, 4]) == (values_of(part_of(whole, "two")), values_of(part_of(whole, "one")))


@pytest.mark.parametrize("name", ["other", ""])
def test_test_without_a_part_gets_the_whole_cassette(name: str) -> None:
    """So does each test of a cassette without parts."""
    whole = with_part(None, recorded(1, 2), "one")
    assert whole is part_of(whole, name)
    plain = recorded(1)
    assert plain is part_of(plain, "one")


def test_edited_file_is_used_as_a_whole() -> None:
    """Its list of parts is no longer correct."""
    whole = with_part(with_part(None, recorded(1), "one"), recorded(2), "two")
    edited = replace(whole, interactions=(*whole.interactions, exchange("GET", "/x")))
    assert () == recorded_tests(edited)
    assert edited is part_of(edited, "one")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=3)), min_size=1))
def test_the_last_recording_of_each_test_is_its_part(recordings: list[tuple[str, list[int]]]) -> None:
    """In whatever order they are recorded."""
    whole = None
    for name, values in recordings:
        whole = with_part(whole, recorded(*values), name)
    assert whole is not None
    assert dict(recordings) == {name: values_of(part_of(whole, name)) for name in recorded_tests(whole)}
