"""`gws-replay pending`: recordings of failed tests are listed, reviewed, accepted and rejected, and nothing else."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gws_replay.cli import group
from gws_replay.core.cassette import Cassette
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.storage.files import load_cassette, pending_path
from tests.support.builders import exchange
from tests.support.commands import saved


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, version in (("a/one", 1), ("b/two", 2)):
        cassette = tmp_path / f"{name}.yaml"
        saved(recording({"state": version}), cassette)
        saved(recording({"state": 9}), pending_path(cassette))
    pending_path(tmp_path / "b/two.yaml").replace(pending_path(tmp_path / "b/new.yaml"))
    (tmp_path / ".venv").mkdir()
    saved(recording({}), tmp_path / ".venv/other.pending.yaml")
    return tmp_path


def recording(response: object) -> Cassette:
    return Cassette(interactions=(exchange("GET", "/api/v2/me", None, response),), header={"format": 1})


def run(*arguments: str) -> tuple[int, str]:
    # Through the group: click keeps the help options of a command from the first context that it sees.
    result = CliRunner().invoke(group, ["pending", *arguments], standalone_mode=False, catch_exceptions=False)
    return result.return_value, result.stdout


@pytest.mark.usefixtures("folder")
def test_all_below_the_folder_are_listed_with_what_differs() -> None:
    """In order, with a count; those of other tools' folders are not ours."""
    code, output = run()
    first, second = output.splitlines()
    assert 1 == code
    assert first.startswith("a/one.pending.yaml: 1 exchange, 0 notifications; 1 difference from one.yaml")
    assert "b/new.pending.yaml: 1 exchange, 0 notifications; there is no cassette new.yaml yet" == second


@pytest.mark.usefixtures("folder")
def test_review_shows_the_differences() -> None:
    """Value by value, as `diff` does."""
    _, output = run("review", "a")
    assert "1 -> 9" in output
    documents = [json.loads(line) for line in run("review", "a/one.yaml", "--json")[1].splitlines()]
    assert ["a/one.yaml"] == [each["cassette"] for each in documents]
    assert "1 -> 9" in documents[0]["differences"][0]


def test_accept_makes_them_the_cassettes(folder: Path) -> None:
    """All of them, or those that are named; there is nothing to do a second time."""
    assert (0, "a/one.yaml: recorded anew\n") == run("accept", "a/one.pending.yaml")
    assert {"state": 9} == load_cassette(folder / "a/one.yaml").interactions[0].response_json
    assert {"state": 2} == load_cassette(folder / "b/two.yaml").interactions[0].response_json
    assert (0, "b/new.yaml: recorded anew\n") == run("accept")
    assert (0, "") == run()


def test_reject_removes_them(folder: Path) -> None:
    """The cassettes stay."""
    assert (0, "a/one.pending.yaml: removed\n") == run("reject", "a")
    assert {"state": 1} == load_cassette(folder / "a/one.yaml").interactions[0].response_json
    assert pending_path(folder / "b/new.yaml").exists()


def test_missing_or_damaged_recording_is_refused(folder: Path) -> None:
    """A damaged recording never replaces a cassette."""
    with pytest.raises(GwsReplayError, match=r"b/two\.yaml: nothing is pending there"):
        run("accept", "b/two.yaml")
    pending_path(folder / "a/one.yaml").write_text("version: 1\ninteractions:\n- request: {", "utf-8")
    with pytest.raises(CassetteError):
        run("accept", "a")
    assert {"state": 1} == load_cassette(folder / "a/one.yaml").interactions[0].response_json
