"""Attributes of other libraries are replaced for a block, and then are what they were: own, inherited or absent."""

from types import SimpleNamespace
from typing import Any

import pytest

from gws_replay.interception.patching import Swap, put_back, replaced


class Base:
    """Has an attribute that a subclass inherits."""

    name = "inherited"


class Heir(Base):
    """Has none of its own."""


def loud(before: Any) -> str:
    """Make the replacement from what was there."""
    return str(before).upper()


def test_an_inherited_attribute_is_inherited_again() -> None:
    """Nothing of the replacement stays on the class, nor on the one it inherits from."""
    done = replaced([Swap(Heir, "name", loud)])
    assert ("INHERITED", "inherited") == (Heir.name, Base.name)
    put_back(done)
    assert "name" not in vars(Heir)
    assert "inherited" == Heir.name


def test_a_replacement_of_a_replacement_is_undone_in_reverse() -> None:
    """Two swaps of one attribute stand one on the other, and the first value is there again at the end."""
    thing = SimpleNamespace(name="a")
    swaps = [Swap(thing, "name", lambda before: f"{before}b"), Swap(thing, "name", lambda before: f"{before}c")]
    done = replaced(swaps)
    assert "abc" == thing.name
    put_back(done)
    assert "a" == thing.name


def test_what_was_replaced_before_a_failure_is_put_back() -> None:
    """An attribute that is not there raises, and leaves nothing replaced."""
    thing = SimpleNamespace(name="a")
    with pytest.raises(AttributeError):
        replaced([Swap(thing, "name", loud), Swap(thing, "missing", loud)])
    assert "a" == thing.name


def test_replacement_is_built_once_for_each_original() -> None:
    """A swap that serves again finds its replacement made, unless something else stands there by then."""
    thing = SimpleNamespace(name="a")
    built: list[str] = []

    def noted(before: str) -> str:
        built.append(before)
        return loud(before)

    swaps = [Swap(thing, "name", noted)]
    for name in ("a", "a", "b"):
        thing.name = name
        done = replaced(swaps)
        assert name.upper() == thing.name
        put_back(done)
    assert ["a", "b"] == built
