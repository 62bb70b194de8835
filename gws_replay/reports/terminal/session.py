"""One line about the marked tests of a pytest session."""

from collections.abc import Sequence

from gws_replay.core.counted import counted
from gws_replay.reports.run_data import Counts, RanTest


def total(tests: Sequence[RanTest]) -> Counts:
    """Add up the counts."""
    counts = [test["counts"] for test in tests]
    return Counts(
        played=sum(each["played"] for each in counts),
        missed=sum(each["missed"] for each in counts),
        unplayed=sum(each["unplayed"] for each in counts),
        undelivered=sum(each["undelivered"] for each in counts),
        stopped=sum(each["stopped"] for each in counts),
        live=sum(each["live"] for each in counts),
    )


def summary(tests: Sequence[RanTest]) -> str:
    """Return the line: what was played, how many connections were stopped, and what could not be watched."""
    counts = total(tests)
    parts = [
        " and ".join(counted(number, word) for word, number in _kinds(tests) if number),
        f"{counts['played']} played",
        f"{counts['missed']} missed",
        f"{counts['unplayed']} unplayed",
        *([f"{counts['undelivered']} undelivered"] if counts["undelivered"] else []),
        f"{counted(counts['stopped'], 'connection')} stopped",
        *([counted(counts["live"], "live exchange")] if counts["live"] else []),
    ]
    return f"gws_replay: {', '.join(parts)}{_unwatched(tests)}"


def _kinds(tests: Sequence[RanTest]) -> tuple[tuple[str, int], ...]:
    blocks = sum(test["block"] for test in tests)
    return ("test", len(tests) - blocks), ("block", blocks)


def colour(tests: Sequence[RanTest]) -> str:
    """Return pytest's colour for the line: red if a test failed, yellow if something is unusual."""
    if any(test["outcome"] in ("failed", "error") for test in tests):
        return "red"
    counts = total(tests)
    return "yellow" if counts["missed"] or counts["stopped"] or counts["live"] else "green"


def _unwatched(tests: Sequence[RanTest]) -> str:
    """Name the allowed hosts, and the loaded libraries that open connections where nothing sees them."""
    names = sorted({name for test in tests for name in test["unwatched"]})
    if any(test["allows_hosts"] for test in tests):
        names.insert(0, "allowed hosts")
    return f" (not watched: {', '.join(names)})" if names else ""
