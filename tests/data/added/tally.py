"""An invented report format: how many cases there are, and how many fail."""

from gws_replay.reports.format import Format, Results


def tally(results: Results) -> str:
    """Return one line."""
    return f"{len(results.cases)} cases, {sum(case.fails for case in results.cases)} failed\n"


FORMAT = Format(name="tally", needs="cases", write=tally)
