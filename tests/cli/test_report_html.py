"""`--format html` of show, verify and diff: a whole page, on stdout or in a file, and the exit code of any format."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from gws_replay.reports.pages.cassettes import part_of
from tests.reports.pages.pages import Parsed
from tests.support.builders import cassette, get, push, update
from tests.support.commands import command_line, saved, small


def index_of(page: str) -> Any:
    """The entries in the list of a page."""
    Parsed(page)
    found = re.search(r'id="index">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return saved(small(), tmp_path / "one" / "good.yaml")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    wrong = cassette(get({"A": 1, "B": "b"}, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": 1}, seen=2.0))
    return saved(wrong, tmp_path / "two" / "good.yaml")


def test_show_writes_a_timeline(good: Path, tmp_path: Path) -> None:
    """The same page on stdout and in a file; with a file, stdout has a summary."""
    printed = command_line("show", "--format", "html", good)
    path = tmp_path / "page.html"
    ended = command_line("show", "--format", "html", "--output", path, good)
    assert (0, f"2 exchanges and 1 notification in 2.000 s; written to {path}\n") == (ended.code, ended.out)
    assert printed.out == path.read_text("utf-8")
    assert {"first": "", "parts": [{"name": str(good), "sides": [""]}]}.items() <= index_of(printed.out).items()


def test_show_prints_where_the_report_was_written(good: Path, tmp_path: Path) -> None:
    """Text and JSON go to a file as they would be printed."""
    for name in ("text", "json"):
        ended = command_line("show", "--format", name, "--output", tmp_path / "out", good)
        assert f"written to {tmp_path / 'out'}\n" == ended.out
        assert command_line("show", "--format", name, good).out == (tmp_path / "out").read_text("utf-8")


def test_show_writes_nothing_for_github(good: Path, tmp_path: Path) -> None:
    """It adds nothing to the summary of a step."""
    summary = tmp_path / "summary"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    command_line("show", good, environment=environment)
    assert not summary.exists()


def test_verify_writes_verdicts(good: Path, bad: Path) -> None:
    """Failed ones first; annotations for GitHub are written as well."""
    printed = command_line("verify", "--format", "html", good, bad, environment={"GITHUB_ACTIONS": "true"})
    index = index_of(printed.out)
    assert (1, "Verdicts", ["failed", "passed"]) == (
        printed.code,
        index["first"],
        [row["level"] for row in index["rows"]],
    )
    assert printed.err.startswith("::error")


def test_page_has_the_parts_of_other_processes() -> None:
    """Results of --jobs and --dask are complete."""
    part = part_of(small(), small().updates())
    assert part == pickle.loads(pickle.dumps(part))


def test_passed_timelines_are_left_out_if_the_page_would_be_too_large(
    good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their verdicts stay, and the timelines of failures stay; the timeline of a single cassette always stays."""
    monkeypatch.setattr("gws_replay.cli.report._ROOM", 10)
    index = index_of(command_line("verify", "--format", "html", good, bad).out)
    assert ([[], [""]], 2) == ([part["sides"] for part in index["parts"]], len(index["rows"]))
    assert [[""]] == [part["sides"] for part in index_of(command_line("show", "--format", "html", good).out)["parts"]]


def test_diff_writes_findings(good: Path, bad: Path) -> None:
    """Those that count; cassettes of a folder without a difference are not on the page."""
    printed = command_line("diff", "--format", "html", good, bad)
    index = index_of(printed.out)
    assert 1 == printed.code
    assert [{"name": f"{good} → {bad}", "sides": ["baseline", "candidate"]}] == index["parts"]
    assert {"verdict", "type"} == {row["rule"] for row in index["rows"]}
    saved(small(), bad.parent / "new.yaml")
    alone = index_of(command_line("diff", "--format", "html", good.parent, bad.parent).out)
    assert [["baseline", "candidate"], []] == [part["sides"] for part in alone["parts"]]
    same = index_of(command_line("diff", "--format", "html", good, good).out)
    assert ([], []) == (same["parts"], same["rows"])
