"""Annotations of GitHub Actions cannot be steered by what was recorded."""

from gws_replay.reports.formats.github import github
from tests.support.report_cases import evil


def test_annotation_is_one_line_and_one_command() -> None:
    """Nothing recorded begins a line, ends a property or starts another command."""
    first, second = github(evil()).splitlines()
    assert first.startswith("::error file=cassettes/a\\u001b[31m\\u000ab%3A%3Aerror%3A%3Ac%250A\\u000d<script>")
    assert 2 == first.replace("b::error::c", "").count("::")
    assert second.startswith("::notice file=b,line=1,title=gws-replay%3A timing::slow")
