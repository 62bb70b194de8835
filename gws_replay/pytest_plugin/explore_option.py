"""Edge: `--gws-explore` and the other ways to ask for it. Off, it costs the reading of one option.

What runs the variants (`explore`) is loaded when a collected test is to be explored.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gws_replay.core.explore.space import Level

_OPTION = "--gws-explore"
_LEVELS = ("orders", "interruptions", "faults")
_COUNT = 50
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, None: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be explored: how many variants of each test (0 for marked tests only), or one variant by its text."""

    count: int
    variant: str
    level: "Level"
    seed: int
    seconds: float


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("gws_replay")
    group.addoption(
        _OPTION,
        nargs="?",
        const=str(_COUNT),
        metavar="N|@v1:...",
        help=f"Run each marked test again under N variants ({_COUNT}) of its recording's order, or under one variant.",
    )
    group.addoption(
        "--gws-explore-level",
        choices=_LEVELS,
        default="orders",
        help="What deviates from the recording. Default: orders. interruptions has those, too; faults has both.",
    )
    group.addoption(
        "--gws-explore-seed", type=int, default=0, metavar="SEED", help="Which variants are drawn. Default: 0."
    )
    group.addoption(
        "--gws-explore-time", metavar="60s", help="Explore each test for this time at the most: 60s, 5m, 1h."
    )
    parser.addini("gws_explore", "How many variants are run where the command line does not say so.")


@pytest.fixture
def gws_fault() -> Callable[[str], object]:
    """Return what is called after a test under a fault, with its kind; override it to raise if the client did wrong.

    It is called for variants of the level `faults` only. The kinds are those of docs/explore.md.
    """
    return lambda _kind: None


def wish_of(config: pytest.Config, *, is_marked: bool) -> Wish | None:
    """Return what is to be explored, if a marker asks for it or not. Raises UsageError for a wrong option."""
    wanted = config.getoption(_OPTION) or config.getini("gws_explore")
    if not wanted and not is_marked:
        return None
    is_variant = str(wanted).startswith("@")
    if wanted and not is_variant and not (str(wanted).isdecimal() and int(wanted) > 0):
        raise pytest.UsageError(
            f"{_OPTION} needs a number of variants from 1 on, or a variant (@v1:...), not {wanted!r}: "
            f"write {_OPTION}={_COUNT}"
        )
    return Wish(
        count=int(wanted) if wanted and not is_variant else 0,
        variant=wanted if is_variant else "",
        level=config.getoption("--gws-explore-level"),
        seed=config.getoption("--gws-explore-seed"),
        seconds=_seconds(config.getoption("--gws-explore-time")),
    )


def _seconds(text: str | None) -> float:
    found = _SECONDS.fullmatch(text) if text else None
    if text and (not found or not float(found[1])):
        raise pytest.UsageError(f"--gws-explore-time needs a time such as 60s or 5m, not {text!r}")
    return float(found[1]) * _UNITS[found[2]] if found else float("inf")
