"""One HTML page that needs no network, for people with a browser."""

from gws_replay.reports.format import Format, Results


def html(results: Results) -> str:
    """Return the page."""
    from gws_replay.reports.pages.cassettes import page  # noqa: PLC0415 (only when a page is written)

    return "".join(page(results.parts, results.summary, first=results.heading))


FORMAT = Format(name="html", needs="parts", write=html)
