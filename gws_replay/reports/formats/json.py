"""JSON for programs: one document a line, the last with the totals."""

from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.reports.format import Format, Results


def json(results: Results) -> str:
    """Return the lines and the totals."""
    return "".join(f"{line}\n" for line in (*results.lines, dumps_ascii(results.totals)))


FORMAT = Format(name="json", needs="json", write=json)
