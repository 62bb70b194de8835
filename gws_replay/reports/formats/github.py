"""Annotations of GitHub Actions: workflow commands, which a runner reads from the output of a step."""

from gws_replay.core.json_compare import printable
from gws_replay.reports.cases import issues_of
from gws_replay.reports.format import Format, Results

_LEVELS = {"info": "notice", "warning": "warning", "error": "error"}


def github(results: Results) -> str:
    """Return a line for each issue (Workflow commands for GitHub Actions)."""
    return "".join(
        f"::{_LEVELS[issue.level]} file={_property(issue.file)},line={issue.line},"
        f"title={_property(f'gws-replay: {issue.rule}')}::{_data(printable(issue.message))}\n"
        for issue in issues_of(results.cases)
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


FORMAT = Format(name="github", needs="cases", write=github)
