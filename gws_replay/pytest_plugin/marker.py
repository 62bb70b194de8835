"""What the marker `gws_cassette` of a test says, checked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import UnionType

_TAKES = (
    "it takes name, record_mode (strings), allow_unplayed, allow_undelivered (True or False), "
    "allowed_hosts, required_headers (lists), timing ('instant', 'recorded' or a factor), "
    "explore (a number of variants from 1 on)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The arguments of a test's markers. `names` are its cassettes; empty for the one named after the test."""

    names: tuple[str, ...] = ()
    allow_unplayed: bool = False
    allow_undelivered: bool | None = None
    allowed_hosts: tuple[str, ...] = ()
    required_headers: tuple[str, ...] = ()
    timing: str | float = "instant"
    record_mode: str | None = None
    explore: int | None = None


def read_markers(markers: Sequence[tuple[Sequence[Any], Mapping[str, Any]]]) -> Marked:
    """Read the markers of one test (arguments, keyword arguments); several name several cassettes, played in order.

    Raises ValueError, with the marker and what it takes, for arguments that are wrong.
    """
    found: Marked | None = None
    for args, kwargs in markers:
        try:
            one = _arguments(*args, **kwargs)
        except TypeError:
            given = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
            raise ValueError(f"gws_cassette({given}) is wrong: {_TAKES}") from None
        if any(".." in name and ".." in PurePath(name).parts for name in one.names):
            raise ValueError(f"gws_cassette({one.names[0]!r}) is wrong: it leads out of the cassette folder")
        if len(markers) > 1 and not one.names:
            raise ValueError("several gws_cassette markers: each has to name its cassette")
        found = (
            one
            if found is None
            else replace(
                one,
                names=(*found.names, *one.names),
                allow_unplayed=found.allow_unplayed or one.allow_unplayed,
                allow_undelivered=_first(one.allow_undelivered, found.allow_undelivered),
                allowed_hosts=(*found.allowed_hosts, *one.allowed_hosts),
                required_headers=(*found.required_headers, *one.required_headers),
                timing=one.timing if one.timing != "instant" else found.timing,
                record_mode=one.record_mode or found.record_mode,
                explore=one.explore or found.explore,
            )
        )
    return found or Marked()


def _first(one: bool | None, other: bool | None) -> bool | None:
    return other if one is None else one


def _arguments(
    name: str | None = None,
    allow_unplayed: bool = False,
    allowed_hosts: Collection[str] = (),
    *,
    timing: str | float = "instant",
    record_mode: str | None = None,
    allow_undelivered: bool | None = None,
    required_headers: Collection[str] = (),
    explore: int | None = None,
) -> Marked:
    given: tuple[tuple[Any, type | UnionType], ...] = (
        (name, str | None),
        (record_mode, str | None),
        (allow_unplayed, bool),
        (allow_undelivered, bool | None),
        (allowed_hosts, list | tuple | set | frozenset),
        (required_headers, list | tuple | set | frozenset),
        (timing, str | int | float),
        (explore, int | None),
    )
    if not all(isinstance(value, kind) for value, kind in given) or (explore is not None and explore < 1):
        raise TypeError
    return Marked(
        names=() if name is None else (name,),
        allow_unplayed=allow_unplayed,
        allow_undelivered=allow_undelivered,
        allowed_hosts=tuple(allowed_hosts),
        required_headers=tuple(required_headers),
        timing=timing,
        record_mode=record_mode,
        explore=explore,
    )
