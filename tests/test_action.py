"""The GitHub Action and the GitLab snippet: their shell lines run as a runner runs them."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gws_replay.core.cassette import Cassette
from tests.support.builders import cassette, get, push, update
from tests.support.commands import BEFORE, saved, small

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
CONDITION = re.compile(r"inputs\.([\w-]+) (==|!=) '(\w*)'")
WRONG = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": "b", "C": 1}, seen=2.0))


@dataclass(frozen=True)
class Ran:
    """The steps that ran, with their exit codes and what they printed."""

    codes: dict[str, int]
    printed: str
    summary: str


def shell(lines: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run lines as a runner does, with the gws-replay of this test run."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def runs(step: dict[str, Any], inputs: dict[str, str]) -> bool:
    """Return whether a step runs: the few conditions that the action uses."""
    for part in step.get("if", "!cancelled()").split(" && "):
        found = CONDITION.fullmatch(part)
        assert found or part == "!cancelled()"
        if found and (inputs[found[1]] == found[3]) != (found[2] == "=="):
            return False
    return "run" in step


def action(folder: Path, **given: str) -> Ran:
    """Run the steps of the action; a step that needs another action is skipped."""
    inputs = {name: each["default"] for name, each in ACTION["inputs"].items()}
    inputs |= {"install": "", "jobs": "1", **{name.replace("_", "-"): value for name, value in given.items()}}
    summary = folder / "summary.md"
    codes, printed = {}, ""
    for name, step in STEPS.items():
        if runs(step, inputs):
            values = {key: INPUT.sub(lambda found: inputs[found[1]], value) for key, value in step["env"].items()}
            values |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
            ended = shell(step["run"], folder, values)
            codes[name] = ended.returncode
            printed += ended.stdout + ended.stderr
    return Ran(codes, printed, summary.read_text("utf-8") if summary.exists() else "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a cassette, and a candidate that differs."""
    clean = {"format": 1, "redaction": "all"}
    for name, played in (("tests/cassettes", small()), ("candidate", WRONG)):
        saved(replace(played, header=clean), tmp_path / name / "update.yaml")
    return tmp_path


def test_shell_lines_read_inputs_from_the_environment() -> None:
    """No expression stands in a shell line, where its value would run as code."""
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")
    used = set(re.findall(r"inputs\.([\w-]+)", str(ACTION["runs"])))
    assert set(ACTION["inputs"]) == used


def test_cassettes_are_checked_and_judged(folder: Path) -> None:
    """With the installed gws-replay: pip has nothing to install."""
    ran = action(folder, install="gws-replay")
    assert {
        "Install gws-replay": 0,
        "Check for secrets and personal data": 0,
        "Check userData operations": 0,
    } == ran.codes
    assert "1 userData operation in 1 cassette: 1 passed" in ran.summary


@pytest.mark.parametrize(("given", "installed"), [("repository", "/the/action"), ("a b.whl", "a b.whl")])
def test_action_installs_its_own_repository_by_default(tmp_path: Path, given: str, installed: str) -> None:
    """Or what the input names: gws-replay is on no package index."""
    assert "repository" == ACTION["inputs"]["install"]["default"]
    lines = f'python() {{ printf "%s\\n" "$@"; }}\n{STEPS["Install gws-replay"]["run"]}'
    ended = shell(lines, tmp_path, {"INSTALL": given, "REPOSITORY": "/the/action"})
    assert installed == ended.stdout.splitlines()[-1]


def test_drifted_candidate_fails_the_step(folder: Path) -> None:
    """It annotates the line, adds to the summary, and writes the SARIF file for the upload."""
    ran = action(folder, candidate="candidate", sarif="out/diff.sarif", scrub="false")
    assert {"Check userData operations": 0, "Compare with the candidate": 1} == ran.codes
    assert "::error file=tests/cassettes/update.yaml,line=" in ran.printed
    assert "| warning | added |" in ran.summary
    assert '"version": "2.1.0"' in (folder / "out" / "diff.sarif").read_text("utf-8")
    options = "--ignore\nuserData.C\n--ignore\nverdict\n"
    assert (
        0 == action(folder, candidate="candidate", arguments=options, scrub="false").codes["Compare with the candidate"]
    )


@pytest.mark.parametrize("name", ["cassettes", "candidate", "noise", "sarif", "jobs", "arguments"])
def test_input_is_never_run_as_a_command(folder: Path, name: str) -> None:
    """Any text: nothing is run, and the step reports the error, or that the file does not exist."""
    evil = "x y; touch owned `touch owned` $(touch owned)"
    step = STEPS["Compare with the candidate"]
    inputs = {"cassettes": "tests/cassettes", "candidate": "candidate", "jobs": "1", "noise": "", "sarif": ""}
    inputs |= {"arguments": "", name: evil}
    values = {key: INPUT.sub(lambda found: inputs[found[1]], value) for key, value in step["env"].items()}
    lines = f'gws-replay() {{ printf "%s\\n" "$@"; }}\n{step["run"]}'
    ended = shell(lines, folder, values)
    assert (0, True) == (ended.returncode, evil in ended.stdout.splitlines())
    assert not (folder / "owned").exists()


def test_cassettes_without_userdata_pass(folder: Path) -> None:
    """There is nothing to judge in them. A missing folder is an error."""
    judge = STEPS["Check userData operations"]["run"]
    saved(Cassette(interactions=(get(BEFORE, began=0.0),), header={"format": 1}), folder / "none" / "x.yaml")
    assert 0 == shell(judge, folder, {"CASSETTES": "none", "JOBS": "1"}).returncode
    assert 2 == shell(judge, folder, {"CASSETTES": "nowhere", "JOBS": "1"}).returncode


def test_gitlab_job_does_the_same(folder: Path) -> None:
    """Its lines after the recording, copied from the document; the last one fails, after it has written its report."""
    document = (ROOT / "docs" / "ci.md").read_text("utf-8")
    (block,) = re.findall(r"# \.gitlab-ci\.yml\n(.*?)```", document, re.DOTALL)
    job = yaml.safe_load(block)["regressions"]
    install, record, *lines = job["script"]
    assert ('pip install "gws-replay[record] @ $GWS_REPLAY"', True) == (
        install,
        record.startswith("gws-replay record "),
    )
    (folder / "noise.json").write_text('{"format": 1, "noise": []}')
    codes = [shell(line, folder, {"GITHUB_ACTIONS": ""}).returncode for line in lines]
    assert [0, 1, 1] == codes
    assert "<failure" in (folder / job["artifacts"]["reports"]["junit"]).read_text("utf-8")
