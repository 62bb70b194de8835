"""Attributes of other libraries are replaced for a block, and restored afterwards: own, inherited or absent."""

from types import SimpleNamespace
from typing import Any

import pytest

from gws_replay.interception.patching import Swap, put_back, replaced


class Base:
    """Has an attribute that a subclass inherits."""

    name = "inherited"


class Heir(Base):
    """Has no attribute of its own."""


def loud(before: Any) -> str:
    """Build the replacement from the original."""
    return str(before).upper()


def test_an_inherited_attribute_is_inherited_again() -> None:
    """Nothing of the replacement stays on the class, nor on the one it inherits from."""
    done = replaced([Swap(Heir, "name", loud)])
    assert ("INHERITED", "inherited") == (Heir.name, Base.name)
    put_back(done)
    assert "name" not in vars(Heir)
    assert "inherited" == Heir.name


def test_a_replacement_of_a_replacement_is_undone_in_reverse() -> None:
    """Two swaps of one attribute are stacked, and the first value is restored at the end."""
    thing = SimpleNamespace(name="a")
    swaps = [Swap(thing, "name", lambda before: f"{before}b"), Swap(thing, "name", lambda before: f"{before}c")]
    done = replaced(swaps)
    assert "abc" == thing.name
    put_back(done)
    assert "a" == thing.name


def test_failed_replacement_restores_the_earlier_ones() -> None:
    """A missing attribute raises, and nothing stays replaced."""
    thing = SimpleNamespace(name="a")
    with pytest.raises(AttributeError):
        replaced([Swap(thing, "name", loud), Swap(thing, "missing", loud)])
    assert "a" == thing.name


def test_replacement_is_built_once_for_each_original() -> None:
    """A swap that is used again reuses its replacement, unless the original has changed."""
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
