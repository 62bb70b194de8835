"""SARIF 2.1.0 (OASIS), as code scanning reads it: a result for each issue, at its line in the cassette."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from gws_replay.core.json_compare import printable
from gws_replay.reports.cases import RULES, Case, Issue, issues_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"info": "note", "warning": "warning", "error": "error"}


def sarif(cases: Iterable[Case], version: str) -> dict[str, Any]:
    """Return the log, with one run; `version` is ours."""
    issues = issues_of(cases)
    used = sorted({issue.rule for issue in issues})
    driver = {
        "name": "gws-replay",
        "version": version,
        "rules": [{"id": rule, "shortDescription": {"text": RULES[rule]}} for rule in used],
    }
    results = [_result(issue, used.index(issue.rule)) for issue in issues]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _result(issue: Issue, rule: int) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(issue.file, errors="surrogatepass")},
        "region": {"startLine": issue.line},
    }
    return {
        "ruleId": issue.rule,
        "ruleIndex": rule,
        "level": _LEVELS[issue.level],
        "message": {"text": printable(issue.message)},
        "locations": [{"physicalLocation": place}],
    }
