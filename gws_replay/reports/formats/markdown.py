"""Markdown for step summaries and merge requests. Recorded text is escaped: no markup, no links, no mentions."""

import re

from gws_replay.core.json_compare import printable
from gws_replay.reports.cases import issues_of
from gws_replay.reports.format import Format, Results

_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&@$]|:(?=//)")
_MOST = 500  # a step summary holds 1 MiB


def markdown(results: Results) -> str:
    """Return a heading, the summary, and a table of issues, cut after the first 500."""
    issues = issues_of(results.cases)
    is_clean = not any(case.fails or case.is_skipped for case in results.cases)
    lines = [f"### gws-replay: {'clean' if is_clean else 'something to look at'}", "", escaped(results.summary), ""]
    if issues:
        lines += ["| | rule | where | what |", "|---|---|---|---|"]
        lines += [
            f"| {each.level} | {each.rule} | {escaped(each.file)} line {each.line} | {escaped(each.message)} |"
            for each in issues[:_MOST]
        ]
    if len(issues) > _MOST:
        lines.append(f"\nand {len(issues) - _MOST} more")
    return "\n".join([*lines, ""])


def escaped(text: str) -> str:
    """Replace every character that could be markup, a mention or a link by a character reference."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", printable(text))


FORMAT = Format(name="markdown", needs="cases", write=markdown)
