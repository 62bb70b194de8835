"""Files that could not be read and requests that were not sent are in every report:

none looks clean because of them.
"""

import itertools
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gws_replay.reports.formats.registry import FORMATS
from tests.reports.pages.pages import Parsed, block_of
from tests.support.commands import NOT_COMPARED, Ended, command_line, saved, small

SHOWN = [name for name, each in FORMATS.items() if each.needs != "cases"]
WHY = "the field 'interactions' is missing"


def failures(name: str, report: str) -> list[str]:
    """The entries that a program or a person reads as a failure."""
    if name == "json":
        return list(json.loads(report.splitlines()[-1])["broken"])
    if name == "junit":
        return [each.get("message") or "" for each in ET.fromstring(report).findall(".//failure")]
    if name == "sarif":
        results = json.loads(report)["runs"][0]["results"]
        return [each["message"]["text"] for each in results if each["level"] == "error"]
    if name == "html":
        Parsed(report)
        return [row["result"] for row in block_of(report, "index")["rows"] if row["level"] == "error"]
    marks = {"text": "Error: ", "github": "::error ", "markdown": "| error | "}
    return [line for line in report.splitlines() if line.startswith(marks[name])]


def written(path: Path, name: str, *arguments: object) -> tuple[Ended, str]:
    """How a command ended, and the report that it wrote over an older one."""
    path.write_text("clean")
    ended = command_line(*arguments, "--format", name, "--output", path)
    return ended, path.read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cassette, and a file that is not a cassette."""
    saved(small(), tmp_path / "mine" / "good.yaml")
    (tmp_path / "mine" / "torn.yaml").write_text("version: 1\n")
    return tmp_path / "mine"


@pytest.mark.parametrize("name", FORMATS)
def test_unreadable_file_is_a_failure_in_the_report(folder: Path, tmp_path: Path, name: str) -> None:
    """verify and diff report the file, the reason and the next step, beside the results of the other files."""
    saved(small(), tmp_path / "other" / "good.yaml")
    saved(small(), tmp_path / "other" / "torn.yaml")
    for arguments in (("verify", folder), ("diff", tmp_path / "other", folder), ("diff", folder, tmp_path / "other")):
        ended, report = written(tmp_path / "out", name, *arguments)
        (expected,) = failures(name, report)
        assert (2, True) == (ended.code, f"Error: {folder}/torn.yaml, the file: {WHY}" in ended.err)
        assert (True, True, True) == ("torn.yaml" in expected, WHY in expected, NOT_COMPARED in expected)


@pytest.mark.parametrize(
    ("command", "name"),
    [*itertools.product(["verify", "diff", "drift"], FORMATS), *itertools.product(["show"], SHOWN)],
)
def test_command_that_cannot_start_writes_a_report(folder: Path, tmp_path: Path, name: str, command: str) -> None:
    """It replaces the report of an earlier run with the error that stderr shows."""
    missing = tmp_path / "none.yaml"
    arguments: dict[str, list[object]] = {
        "verify": [folder, missing],
        "diff": [folder, missing],
        "drift": [missing, "--upstream", "http://127.0.0.1:1"],
        "show": [missing],
    }
    ended, report = written(tmp_path / "out", name, command, *arguments[command])
    (expected,) = failures(name, report)
    assert (2, 1) == (ended.code, len(ended.err.splitlines()))
    assert (True, True) == ("none.yaml" in expected, NOT_COMPARED in expected)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("text", "json")])
def test_nothing_to_compare_is_a_failure(tmp_path: Path, name: str) -> None:
    """In the report as in the exit code; the file or folder is named."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments in (("verify", empty), ("diff", empty, empty)):
        ended, report = written(tmp_path / "out", name, *arguments)
        (expected,) = failures(name, report)
        assert (5, True) == (ended.code, "there was nothing to" in expected)


def test_github_shows_unreadable_files(folder: Path, tmp_path: Path) -> None:
    """As an annotation of the file and in the summary of the step, in every format, and also if nothing was started."""
    summary = tmp_path / "summary"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    for path in (folder / "torn.yaml", tmp_path / "none.yaml"):
        summary.unlink(missing_ok=True)
        ended = command_line("verify", path, environment=environment)
        assert f"::error file={path},line=1,title=gws-replay%3A unread::" in ended.err
        assert "### gws-replay: something to look at" in summary.read_text()


def test_error_after_the_report_keeps_the_report(folder: Path, tmp_path: Path) -> None:
    """--accept without a terminal is an error; the differences are reported all the same."""
    changed = tmp_path / "changed.yaml"
    changed.write_text((folder / "good.yaml").read_text().replace('"B": "b"', '"B": "c"'))
    ended, report = written(tmp_path / "out", "junit", "diff", "--accept", folder / "good.yaml", changed)
    assert (2, True) == (ended.code, "nobody can be asked here" in ended.err)
    assert "unread" not in report
    assert failures("junit", report)
