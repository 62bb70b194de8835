"""What a command that judges has found, in the form that every report is written from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gws_replay.core.comparison.finding import Severity

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
    "unread": "something could not be read, or done: it was not compared",
    "nothing": "there was nothing to compare",
    "unasked": "a live system was not asked this: it was not compared",
}
# Those that say nothing of what was recorded: no report that holds one may look clean.
_UNCOMPARED = frozenset({"unread", "nothing", "unasked"})


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
    """One thing that was judged, with what was found; `fails` tells whether that fails it."""

    name: str
    file: str
    issues: Sequence[Issue] = ()
    fails: bool = False

    @property
    def is_skipped(self) -> bool:
        """Whether nobody has judged it, by choice."""
        return not self.fails and any(issue.rule in _UNCOMPARED for issue in self.issues)


def issues_of(cases: Iterable[Case]) -> list[Issue]:
    """Return all issues in their order."""
    return [issue for case in cases for issue in case.issues]
