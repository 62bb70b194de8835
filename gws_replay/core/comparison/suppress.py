"""What of a comparison does not count because somebody said so: patterns of paths, and noise that was learned.

A userData key that an operation writes is what the oracle judges: noise never covers it.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from gws_replay.core.comparison.finding import Finding, spelled
from gws_replay.core.comparison.noise import Noise

IGNORED, NOISE = "ignored", "noise"


def suppressed(findings: Iterable[Finding], ignore: Iterable[str], noise: Noise | None = None) -> tuple[Finding, ...]:
    """Return the findings with those marked that do not count.

    An `ignore` pattern is a path or the end of one (`userData.LCA_*`); `*` stands for anything.
    """
    ignored = re.compile("|".join(map(_pattern, ignore)) or r"(?!)", re.DOTALL)
    return tuple(_marked(each, ignored, noise) for each in findings)


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
