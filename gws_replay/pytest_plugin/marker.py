"""What the marker `gws_cassette` of a test says, checked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

_TAKES = (
    "it takes name, record_mode (strings), allow_unplayed (a bool), allowed_hosts (a list), "
    "timing ('instant', 'recorded' or a factor)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The arguments of a test's markers. `names` are its cassettes; empty for the one that is called as the test is."""

    names: tuple[str, ...] = ()
    allow_unplayed: bool = False
    allowed_hosts: tuple[str, ...] = ()
    timing: str | float = "instant"
    record_mode: str | None = None


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
                allowed_hosts=(*found.allowed_hosts, *one.allowed_hosts),
                timing=one.timing if one.timing != "instant" else found.timing,
                record_mode=one.record_mode or found.record_mode,
            )
        )
    return found or Marked()


def _arguments(
    name: str | None = None,
    allow_unplayed: bool = False,
    allowed_hosts: Collection[str] = (),
    *,
    timing: str | float = "instant",
    record_mode: str | None = None,
) -> Marked:
    given: tuple[object, ...] = (name, record_mode, allow_unplayed, allowed_hosts, timing)
    match given:
        case (str() | None, str() | None, bool(), list() | tuple() | set() | frozenset(), str() | int() | float()):
            return Marked(
                names=() if name is None else (name,),
                allow_unplayed=allow_unplayed,
                allowed_hosts=tuple(allowed_hosts),
                timing=timing,
                record_mode=record_mode,
            )
    raise TypeError
