"""Lines of text for people."""

from gws_replay.reports.format import Format, Results


def text(results: Results) -> str:
    """Return the lines, what could not be read, and the summary."""
    problems = [f"Error: {problem}" for problem in results.problems]
    listed = [*results.lines, *problems, *filter(None, [results.summary])]
    return "".join(f"{line}\n" for line in listed)


FORMAT = Format(name="text", needs="text", write=text)
