"""The results of a command that judges, in the form from which every report is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gws_replay.core.comparison.finding import Severity

# The rules that an issue can break, as SARIF and people name them.
RULES = {
    "added": "something that is not in the baseline",
    "removed": "something of the baseline is missing",
    "value": "another value",
    "type": "another JSON type",
    "order": "another order of exchanges or notifications",
    "cause": "another cause of a notification",
    "timing": "much slower, or much faster",
    "verdict": "another verdict on a userData operation",
    "missing": "a cassette of the baseline is missing",
    "new": "a cassette that is not in the baseline",
    "renamed": "a cassette has another name",
    "failed": "userData did not change exactly as requested",
    "unknown": "the recording does not show what a userData operation changed",
    "unread": "something could not be read or done, and was not compared",
    "nothing": "there was nothing to compare",
    "unasked": "a request that was not sent to the live system, and was not compared",
}
# Rules for what was not compared: a report with one of them must not look clean.
_UNCOMPARED = frozenset({"unread", "nothing", "unasked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One problem or note: the rule, one line of text, the file and the line in it."""

    level: Severity
    rule: str
    message: str
    file: str
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that was judged, with its issues; `fails` says whether it failed."""

    name: str
    file: str
    issues: Sequence[Issue] = ()
    fails: bool = False

    @property
    def is_skipped(self) -> bool:
        """Whether it was left out by choice."""
        return not self.fails and any(issue.rule in _UNCOMPARED for issue in self.issues)


def issues_of(cases: Iterable[Case]) -> list[Issue]:
    """Return all issues, in order."""
    return [issue for case in cases for issue in case.issues]
