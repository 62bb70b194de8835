"""What a command that judges has found, in the form that every report is written from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gws_replay.core.difference import Severity

# The rules that an issue can break, as SARIF and people name them.
RULES = {
    "added": "something is there that the baseline has not",
    "removed": "something of the baseline is gone",
    "value": "another value",
    "type": "another JSON type",
    "order": "another order of what followed each other",
    "cause": "another cause of a notification",
    "timing": "much slower, or much faster",
    "verdict": "another verdict on a userData operation",
    "missing": "a cassette of the baseline is gone",
    "new": "a cassette that the baseline has not",
    "renamed": "a cassette has another name",
    "failed": "userData did not change exactly as it was asked",
    "unknown": "the recording does not show what a userData operation changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing that is wrong, or worth a word: the rule it breaks, one line of text, the file and the line in it."""

    level: Severity
    rule: str
    message: str
    file: str
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that was judged, with what was found; `counts` tells which issues fail it."""

    name: str
    file: str
    issues: Sequence[Issue] = ()
    fails: bool = False


def issues_of(cases: Iterable[Case]) -> list[Issue]:
    """Return all issues in their order."""
    return [issue for case in cases for issue in case.issues]
