"""`gws-replay diff`: what is reported of files and folders, in each format, and how it ends."""

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.builders import cassette, exchange, get, operation, push, update
from tests.support.commands import BEFORE, command_line, refused, saved, small

WRONG = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": "c"}, seen=2.0))
OTHER = cassette(exchange("GET", "/api/v2/me", None, {"statusCode": 0}))
VALUE = "notification PropertiesUpdated.facebooksession.userData.B"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A correct baseline and a wrong candidate."""
    return saved(small(), tmp_path / "good.yaml"), saved(WRONG, tmp_path / "bad.yaml")


def line_of(path: Path, text: str, *, after: int = 0) -> int:
    """The line on which a text stands in a file."""
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line and number > after)


def test_difference_is_reported_with_its_place(pair: tuple[Path, Path]) -> None:
    """Severity, kind, operation, session, path, values, place; a tally; exit code 1."""
    ended = command_line("diff", *pair)
    assert (1, "") == (ended.code, ended.err)
    assert [
        f"{pair[0]} -> {pair[1]}",
        "  error        verdict  UpdateUserData S1",
        '               verdict: passed -> failed; changed besides: B: "b" -> "c"  [interaction 1]',
        "  error        value    UpdateUserData S1",
        f'               {VALUE}: "b" -> "c"  [notification 0]',
        "1 cassette compared: 2 errors, 0 warnings, 0 infos",
    ] == ended.out.splitlines()


def test_no_difference(pair: tuple[Path, Path]) -> None:
    """A file against itself: exit code 0; with -q no output."""
    ended = command_line("diff", pair[0], pair[0])
    assert (0, "") == (ended.code, ended.err)
    assert "no difference" in ended.out
    assert "" == command_line("diff", "-q", pair[0], pair[0]).out


def test_severity_decides_the_exit_code(pair: tuple[Path, Path]) -> None:
    """Findings of severity info alone do not fail."""
    assert 0 == command_line("diff", *pair, "--severity", "value=info", "--severity", "verdict=info").code
    assert "needs KIND=LEVEL, got value=bad" in refused(command_line("diff", *pair, "--severity", "value=bad"))


def test_ignored_findings_are_counted_and_shown_on_request(pair: tuple[Path, Path]) -> None:
    """By the end of a path, with `*`."""
    options = ("--ignore", "userData.*", "--ignore", "verdict")
    ended = command_line("diff", *pair, *options)
    assert 0 == ended.code
    assert "0 errors, 0 warnings, 0 infos; 2 suppressed (2 ignored)" in ended.out
    assert "  ignored      value    UpdateUserData S1" in command_line("diff", "-v", *pair, *options).out


def test_folders(tmp_path: Path) -> None:
    """Cassettes are paired by path; missing, new and renamed ones are reported."""
    files = {
        "old/same.yaml": small(),
        "new/same.yaml": small(),
        "old/before.yaml": OTHER,
        "new/after.yaml": OTHER,
        "old/gone.yaml": cassette(get(BEFORE, began=0.0)),
        "new/more.json": cassette(update({"A": 1}, began=0.0)),
    }
    for name, played in files.items():
        saved(played, tmp_path / name)
    ended = command_line("diff", tmp_path / "old", tmp_path / "new")
    assert 1 == ended.code
    old, new = tmp_path / "old", tmp_path / "new"
    assert [
        f"{old}/before.yaml -> {new}/after.yaml (renamed): no difference",
        f"{old}/same.yaml -> {new}/same.yaml: no difference",
        f"{new}/more.json: new: the baseline has no such cassette",
        f"{old}/gone.yaml: missing: the candidate has no such cassette",
        "2 cassettes compared, 1 missing, 1 new: 0 errors, 0 warnings, 0 infos",
    ] == sorted(ended.out.splitlines()[:-1], key=lambda line: (" -> " not in line, line)) + ended.out.splitlines()[-1:]


def test_nothing_to_compare(tmp_path: Path) -> None:
    """Empty folders: exit code 5; a path that does not exist, or a file against a folder: 2."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert 5 == command_line("diff", tmp_path / "a", tmp_path / "b").code
    assert f"{tmp_path}/c does not exist" == refused(command_line("diff", tmp_path / "a", tmp_path / "c"))
    file = saved(small(), tmp_path / "x.yaml")
    assert "are a file and a folder: give two files or two folders" in refused(
        command_line("diff", file, tmp_path / "a")
    )


def test_broken_cassette_does_not_hide_the_others(tmp_path: Path) -> None:
    """The others are compared; the exit code is 2."""
    for side in "ab":
        saved(small(), tmp_path / side / "x.yaml")
    (tmp_path / "b" / "broken.yaml").write_text("version: 1\n")
    (tmp_path / "a" / "broken.yaml").write_text("version: 1\n")
    ended = command_line("diff", tmp_path / "a", tmp_path / "b")
    assert 2 == ended.code
    assert "1 cassette compared" in ended.out
    assert f"Error: {tmp_path}/a/broken.yaml, the file" in ended.err


def test_json(pair: tuple[Path, Path]) -> None:
    """One document for each pair, with the schema's name and version, and one with the totals."""
    paired, total = map(json.loads, command_line("diff", "--json", *pair).out.splitlines())
    assert "gws-replay/diff/1" == paired["schema"]
    assert (str(pair[0]), str(pair[1])) == (paired["baseline"], paired["candidate"])
    verdict, value = paired["findings"]
    assert ("verdict", "error") == (verdict["kind"], verdict["severity"])
    assert ("b", "c", VALUE.split(".")) == (value["before"], value["after"], value["path"])
    assert {"compared": 1, "error": 2, "missing": 0, "new": 0, "suppressed": 0}.items() <= total.items()


def test_junit(pair: tuple[Path, Path]) -> None:
    """A suite for the cassette, a failed test case for the operation."""
    suites = ET.fromstring(command_line("diff", "--format", "junit", *pair).out)
    assert ("1", "1") == (suites.get("tests"), suites.get("failures"))
    case = suites.find("testsuite/testcase")
    assert case is not None
    assert "UpdateUserData" == case.get("name")
    assert '"b" -> "c"' in (case.findtext("failure") or "")
    clean = ET.fromstring(command_line("diff", "--format", "junit", pair[0], pair[0]).out)
    assert ("1", "0") == (clean.get("tests"), clean.get("failures"))


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_annotations_of_github_name_the_line(tmp_path: Path, ending: str) -> None:
    """File and line of the interaction and of the notification in the baseline; without an option on GitHub."""
    good, bad = saved(small(), tmp_path / f"good.{ending}"), saved(WRONG, tmp_path / f"bad.{ending}")
    start, reported_start, above = (
        ("- request:", "- channel:", 0) if ending == "yaml" else ('"request":', '"channel":', 1)
    )
    update_line = line_of(good, start, after=line_of(good, start)) - above
    reported_line = line_of(good, reported_start) - above
    summary = tmp_path / "summary.md"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    ended = command_line("diff", good, bad, environment=environment)
    lines = ended.err.splitlines()
    assert lines[0].startswith(
        f"::error file={good},line={update_line},title=gws-replay%3A verdict::UpdateUserData S1:"
    )
    assert lines[1].startswith(
        f"::error file={good},line={reported_line},title=gws-replay%3A value::UpdateUserData S1:"
    )
    assert "| error | value |" in summary.read_text()
    assert ended.err == command_line("diff", "--format", "github", good, bad).out


def test_report_goes_to_a_file(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Only the summary is printed on stdout; text and JSON can be written to a file too."""
    for name in ("text", "json", "junit", "github", "sarif", "markdown"):
        path = tmp_path / "reports" / name
        printed = command_line("diff", "--format", name, *pair).out
        ended = command_line("diff", "--format", name, "--output", path, *pair)
        assert (1, printed) == (ended.code, path.read_text())
        assert f"1 cassette compared: 2 errors, 0 warnings, 0 infos; written to {path}\n" == ended.out


def test_two_formats_are_refused(pair: tuple[Path, Path]) -> None:
    """--json and another --format contradict each other."""
    assert "are two formats: give one" in refused(command_line("diff", "--json", "--format", "sarif", *pair))


def test_accept_rewrites_only_what_drifted(pair: tuple[Path, Path]) -> None:
    """Only the lines of the drifted notification change in the baseline; then nothing differs."""
    before = pair[0].read_text().replace("- request:", "- # a note of a person\n  request:", 1)
    pair[0].write_text(before)
    ended = command_line("diff", "--accept", "--yes", *pair)
    assert (0, f"Rewrote {pair[0]}.\n") == (ended.code, ended.err)
    changed = set(pair[0].read_text().splitlines()) ^ set(before.splitlines())
    assert 2 == len(changed)
    assert all(line.startswith("  data: ") for line in changed)
    assert 0 == command_line("diff", *pair).code


def test_accept_refuses_without_a_terminal(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal and without --yes nothing is written."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    before = pair[0].read_text()
    ended = command_line("diff", "--accept", *pair)
    assert 2 == ended.code
    assert "nobody can be asked here (no terminal): give --yes. Nothing was changed" in ended.err
    assert before == pair[0].read_text()


@pytest.mark.parametrize(("response", "code"), [("y", 0), ("n", 1)])
def test_accept_asks_on_a_terminal(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, response: str, code: int
) -> None:
    """The file changes only if the answer is yes."""
    stdin = io.StringIO(f"{response}\n")
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", stdin)
    before = pair[0].read_text()
    assert code == command_line("diff", "--accept", *pair).code
    assert (response == "n") == (before == pair[0].read_text())


def test_accept_writes_json_cassettes_and_no_foreign_ones(tmp_path: Path) -> None:
    """JSON as well as YAML; a cassette of plain vcrpy must be converted first."""
    good, bad = saved(small(), tmp_path / "good.json"), saved(WRONG, tmp_path / "bad.json")
    assert 0 == command_line("diff", "--accept", "--yes", good, bad).code
    assert 0 == command_line("diff", good, bad).code
    plain = json.loads(saved(small(), tmp_path / "plain.json").read_text())
    (tmp_path / "plain.json").write_text(json.dumps({key: plain[key] for key in ("version", "interactions")}))
    ended = command_line("diff", "--accept", "--yes", tmp_path / "plain.json", bad)
    assert 2 == ended.code
    assert "convert it first (gws-replay convert)" in ended.err
    strict = saved(replace(WRONG, header={"format": 1, "redaction": "default"}), tmp_path / "strict.yaml")
    right = saved(small(), tmp_path / "right.yaml")
    assert "cannot be rewritten: the two are redacted" in command_line("diff", "--accept", "--yes", right, strict).err


def test_accept_without_differences_writes_nothing(pair: tuple[Path, Path]) -> None:
    """No question, no file written."""
    ended = command_line("diff", "--accept", pair[0], pair[0])
    assert (0, "") == (ended.code, ended.err)


def test_summary_that_cannot_be_written(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """One sentence, which names the variable."""
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path)}
    ended = command_line("diff", *pair, environment=environment)
    assert 2 == ended.code
    assert f"Error: cannot write GITHUB_STEP_SUMMARY {tmp_path}: Is a directory" in ended.err


def test_information_and_order_are_reported(tmp_path: Path) -> None:
    """Times as numbers, orders in words; also in a report without a failure."""
    first, second = (
        cassette(
            operation("Accept", began=begin, ended=begin + lasting),
            exchange("GET", "/api/v2/me", None, {"statusCode": 0}, began=10.0 - begin),
        )
        for begin, lasting in ((1.0, 0.1), (11.0, 5.0))
    )
    paths = saved(first, tmp_path / "a.yaml"), saved(second, tmp_path / "b.yaml")
    options = ("--severity", "order=info")
    printed = command_line("diff", *paths, *options).out
    assert "answer.seconds: 0.1 -> 5.0  [interaction 0 / interaction 1]" in printed
    assert "order: Accept S1 then GET /api/v2/me -> GET /api/v2/me then Accept S1" in printed
    ended = command_line("diff", *paths, *options, "--format", "junit")
    assert 0 == ended.code
    assert "<system-out>" in ended.out
