"""SARIF 2.1.0 (OASIS) for code scanning: a result for each issue, at its line in the cassette."""

import json
from typing import Any
from urllib.parse import quote

from gws_replay import __version__
from gws_replay.core.json_compare import printable
from gws_replay.reports.cases import RULES, Issue, issues_of
from gws_replay.reports.format import Format, Results

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"info": "note", "warning": "warning", "error": "error"}


def sarif(results: Results) -> str:
    """Return the log, with one run."""
    issues = issues_of(results.cases)
    used = sorted({issue.rule for issue in issues})
    driver = {
        "name": "gws-replay",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": RULES[rule]}} for rule in used],
    }
    found = [_result(issue, used.index(issue.rule)) for issue in issues]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": found}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


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


FORMAT = Format(name="sarif", needs="cases", write=sarif)
