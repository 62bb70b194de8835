"""Markdown shows what was recorded as text."""

from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Results
from gws_replay.reports.formats.markdown import markdown
from tests.support.report_cases import evil, skipped


def test_recorded_text_is_not_markup() -> None:
    """It makes no cell, link or mention."""
    row = next(line for line in markdown(evil()).splitlines() if line.startswith("| error"))
    assert 5 == row.count("|")
    assert not set("<>`@[]*") & set(row)
    assert "http://" not in row


def test_table_is_cut() -> None:
    """A step summary is not filled by one cassette."""
    issue = Issue(level="error", rule="value", message="m", file="f")
    text = markdown(Results(cases=[Case(name="n", file="f", issues=[issue] * 501, fails=True)], summary="sum"))
    assert "and 1 more" in text
    assert 500 == text.count("| error |")


def test_heading_is_not_clean_if_something_was_not_compared() -> None:
    """Many people read only the heading."""
    assert markdown(skipped()).startswith("### gws-replay: something to look at")
