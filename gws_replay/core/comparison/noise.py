"""Differences that do not count: those that an `ignore` pattern names, and noise.

Noise is what differs between recordings of one scenario against one build, learned by operation and path: a place is
noise if it differed at least once. How often it differed, and how often it was compared, is kept for people to judge.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff, operations
from gws_replay.core.comparison.finding import VOLATILE, Finding, spelled

FORMAT = 1
IGNORED, NOISE = "ignored", "noise"
_INSIDE = re.compile(r"[.\[]")
Field = tuple[str, str]  # operation, pattern of the path


@dataclass(frozen=True, slots=True)
class Noise:
    """How often each place differed, and how often its operation was compared; `learned_from` says in what."""

    differed: Mapping[Field, int] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    learned_from: Sequence[str] = ()

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is in a place that differs by itself, or inside one: what comes and goes is not alike.

        That a whole message comes and goes says nothing of what is in it.
        """
        pattern = finding.pattern
        places = [pattern, *(pattern[: each.start()] for each in _INSIDE.finditer(pattern))]
        return any((finding.operation, place) in self.differed for place in places if "." in place or place == pattern)

    def as_json(self) -> dict[str, Any]:
        """Return what is written to a noise file, sorted, for people to read and edit."""
        return {
            "format": FORMAT,
            "learned_from": list(self.learned_from),
            "noise": [
                {"operation": operation, "path": path, "differed": count, "seen": self.seen.get(operation, 0)}
                for (operation, path), count in sorted(self.differed.items())
            ],
        }


def learn(recordings: Sequence[Cassette]) -> Noise:
    """Compare each of some recordings of one scenario with each other one, and keep what differed.

    Verdicts and userData keys that an operation writes are never noise.
    """
    differed: Counter[Field] = Counter()
    seen: Counter[str] = Counter()
    for one, other in combinations(recordings, 2):
        seen.update(operations(one))
        differed.update(_fields(diff(one, other)))
    return Noise(dict(differed), dict(seen), tuple(each.source for each in recordings))


def read(document: Any) -> Noise:
    """Read the value of a noise file. Raises ValueError, which says what is wrong with it."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"it is not a noise file of format {FORMAT}")
    rows = document.get("noise")
    if not isinstance(rows, list):
        raise ValueError("'noise' is not a list")  # noqa: TRY004 (the file is wrong, not the call)
    differed: dict[Field, int] = {}
    seen: dict[str, int] = {}
    for number, row in enumerate(rows):
        if (
            not isinstance(row, dict)
            or not isinstance(row.get("operation"), str)
            or not isinstance(row.get("path"), str)
        ):
            raise ValueError(f"entry {number} has no operation and path")  # noqa: TRY004 (as above)
        differed[row["operation"], row["path"]] = row.get("differed", 1)
        seen[row["operation"]] = row.get("seen", 0)
    return Noise(differed, seen, tuple(map(str, document.get("learned_from") or ())))


def suppressed(findings: Iterable[Finding], ignore: Iterable[str], noise: Noise | None = None) -> tuple[Finding, ...]:
    """Return the findings with those marked that do not count.

    An `ignore` pattern is a path or the end of one (`userData.LCA_*`); `*` stands for anything.
    """
    ignored = re.compile("|".join(map(_pattern, ignore)) or r"(?!)", re.DOTALL)
    return tuple(_marked(each, ignored, noise) for each in findings)


def _fields(findings: Iterable[Finding]) -> Iterable[Field]:
    return (
        (each.operation, each.pattern)
        for each in findings
        if each.suppressed != VOLATILE and not each.written and each.kind != "verdict"
    )


def _marked(finding: Finding, ignored: re.Pattern[str], noise: Noise | None) -> Finding:
    if finding.suppressed:
        return finding
    if ignored.fullmatch(spelled(finding.path)) or ignored.fullmatch(finding.pattern):
        return replace(finding, suppressed=IGNORED)
    if noise is not None and not finding.written and noise.covers(finding):
        return replace(finding, suppressed=NOISE)
    return finding


def _pattern(glob: str) -> str:
    return r"(?:.*\.)?" + ".*".join(map(re.escape, glob.split("*")))
