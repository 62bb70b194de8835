"""Cases for the tests of report formats."""

from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Results

# Text that tries to steer each format: controls, commands of runners, markup, a broken surrogate, text direction.
EVIL = "a\x1b[31m\nb::error::c%0A\r<script>|`x`</script>]]>&\ud800\x00@all [l](http://e.example) \u202e"


def evil() -> Results:
    """A case that fails, one that passes, one with a note; each text of the first is made to steer a format."""
    issue = Issue(level="error", rule="value", message=EVIL, file=f"cassettes/{EVIL}.yaml", line=3)
    note = Issue(level="info", rule="timing", message="slow", file="b")
    cases = [
        Case(name=EVIL, file=issue.file, issues=(issue,), fails=True),
        Case(name="fine", file="cassettes/b.yaml"),
        Case(name="noted", file="cassettes/b.yaml", issues=(note,)),
    ]
    return Results(cases=cases, summary=EVIL)


def skipped() -> Results:
    """A case that was not compared, by choice."""
    issue = Issue(level="info", rule="unasked", message="m", file="f")
    return Results(cases=[Case(name="n", file="f", issues=[issue])], summary="sum")
