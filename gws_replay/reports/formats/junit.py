"""JUnit XML for CI servers: a suite for each cassette, a test case for each thing that was judged."""

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from gws_replay.core.json_compare import printable
from gws_replay.reports.cases import Case
from gws_replay.reports.format import Format, Results


def junit(results: Results) -> str:
    """Return the document; the issues of cases that do not fail are output."""
    listed = sorted(results.cases, key=lambda case: case.file)
    suites = [_suite(file, list(group)) for file, group in groupby(listed, key=lambda case: case.file)]
    failed = sum(case.fails for case in listed)
    top = f'<testsuites name="gws-replay" tests="{len(listed)}" failures="{failed}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', top, *suites, "</testsuites>", ""])


def _suite(file: str, cases: list[Case]) -> str:
    failed, skipped = sum(case.fails for case in cases), sum(case.is_skipped for case in cases)
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="{skipped}"'
    top = f"  <testsuite name={_attribute(file)} {counts}>"
    return "\n".join([top, *map(_case, cases), "  </testsuite>"])


def _case(case: Case) -> str:
    top = f"    <testcase classname={_attribute(case.file)} name={_attribute(case.name)}"
    if not case.issues:
        return f"{top}/>"
    text = "\n".join(f"{each.file}:{each.line}: {each.level}: {printable(each.message)}" for each in case.issues)
    first = case.issues[0]
    shown = escape(printable_lines(text))
    inside = (
        f"<failure type={_attribute(first.rule)} message={_attribute(first.message)}>{shown}</failure>"
        if case.fails
        else f"<skipped message={_attribute(first.message)}/>"
        if case.is_skipped
        else f"<system-out>{shown}</system-out>"
    )
    return f"{top}>\n      {inside}\n    </testcase>"


def printable_lines(text: str) -> str:
    """Escape the characters that XML and terminals do not allow, line by line."""
    return "\n".join(map(printable, text.split("\n")))


def _attribute(text: str) -> str:
    return quoteattr(printable(text))


FORMAT = Format(name="junit", needs="cases", write=junit)
