"""Annotations of GitHub Actions: workflow commands, which a runner reads from what a step prints."""

from collections.abc import Iterable

from gws_replay.core.json_compare import printable
from gws_replay.reports.cases import Case, issues_of

_LEVELS = {"info": "notice", "warning": "warning", "error": "error"}


def github(cases: Iterable[Case]) -> str:
    """Return a line for each issue (Workflow commands for GitHub Actions)."""
    return "".join(
        f"::{_LEVELS[issue.level]} file={_property(issue.file)},line={issue.line},"
        f"title={_property(f'gws-replay: {issue.rule}')}::{_data(printable(issue.message))}\n"
        for issue in issues_of(cases)
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
