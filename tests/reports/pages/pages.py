"""Pages of a session, made of runs that tests describe, for several test files."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from gws_replay.playback.replay_run import ReplayRun
from gws_replay.reports.pages.run import timeline_of
from gws_replay.reports.pages.session import page
from gws_replay.reports.run_data import Counts, RanTest, counts_of, details_of

BEGAN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
VOID = {"meta", "input", "rect", "br"}


def ran(nodeid: str = "test_a.py::test_it", playback: ReplayRun | None = None, **fields: Any) -> RanTest:
    """A test that ran, with what its playback came to."""
    test: RanTest = {
        "nodeid": nodeid,
        "block": False,
        "outcome": "passed",
        "seconds": 0.0125,
        "cassette": "cassettes/small.yaml",
        "counts": Counts(played=0, missed=0, unplayed=0, undelivered=0, stopped=0, live=0),
        "recorded": "",
        "allows_hosts": False,
        "unwatched": [],
        "undelivered": "",
        "not_replayed": [],
    }
    if playback:
        test["counts"] = counts_of(playback)
        judged = [each.updates() for each in playback.cassettes]
        test["details"], test["timeline"] = details_of(playback, judged), timeline_of(playback, judged)
    return {**test, **fields}  # type: ignore[typeddict-item]


def written(*tests: RanTest) -> str:
    """The whole page."""
    return "".join(page(tests, BEGAN))


def block_of(content: str, name: str = "part0") -> Any:
    """A block of data, as the script reads it."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', content, re.DOTALL)
    assert found
    return json.loads(found[1])


class Parsed(HTMLParser):
    """A page as a browser would take it: its elements with attributes, its text, and that all that is opened closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert [] == self._open

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        return next(
            attributes["content"] or ""
            for name, attributes in self.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of a class."""
        return [attributes for _, attributes in self.elements if name in (attributes.get("class") or "").split()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style"):
            if "type" not in self.elements[-1][1]:  # blocks of data run nothing
                self.inside[self._open[-1]] = data
        elif data.strip():
            self.texts.append(data.strip())
