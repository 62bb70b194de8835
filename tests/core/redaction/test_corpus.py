"""The corpus:

every value that must be redacted is, and hardly anything else changes; docs/security.md has the figures.
"""

from pathlib import Path

from tests.support import redaction_corpus as corpus

PAGE = Path(__file__).parents[3] / "docs" / "security.md"


def test_search_finds_every_value_in_the_raw_corpus() -> None:
    """So it would find a missed one."""
    for case in corpus.canaries():
        text = corpus.readable(case.recording)
        assert any(form in text for form in corpus.forms_of(case.value)), case.name


def test_nothing_is_missed_and_nothing_spoiled_and_the_page_says_so() -> None:
    """At least 300 values of each kind; the table of the page is the one that is measured."""
    lines, wrong = corpus.table()
    assert [] == wrong
    assert 300 <= sum(1 for _ in corpus.canaries())
    assert 300 <= sum(1 for _ in corpus.harmless())
    assert "\n".join(lines) in PAGE.read_text("utf-8")
