"""kill -9 and a failing disk at every system call of saving, recording and recovering."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.recording.journal_file import JournalFile, recover
from gws_replay.storage.files import load_cassette, save_cassette
from tests.faults.crashing import EXCHANGES, NAME, NEW, OLD
from tests.support.proxies import environment

KILLS = int(os.environ.get("GWS_REPLAY_KILLS", "10"))
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def tries(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Each job, killed before each of its calls and at random moments, and with an error at each."""
    top = tmp_path_factory.mktemp("crashes")
    command = [sys.executable, "-m", "tests.faults.crashing", str(top), str(KILLS)]
    options = {"env": environment(), "capture_output": True, "text": True, "timeout": 900}
    done = subprocess.run(command, cwd=ROOT, check=False, **options)  # type: ignore[call-overload]
    assert (0, False) == (done.returncode, "Traceback" in done.stderr), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def of(tries: list[dict[str, Any]], job: str) -> list[dict[str, Any]]:
    """The tries of a job: some were killed, some had an error, and one of each kind reached its end."""
    found = [each for each in tries if each["job"] == job]
    assert sum(each["killed"] for each in found) >= 9
    assert sum(bool(each["said"]) for each in found) >= 6
    assert sum(not each["killed"] and not each["said"] for each in found) >= 2
    return found


def test_a_cassette_is_the_old_or_the_new_one(tries: list[dict[str, Any]]) -> None:
    """At every moment of the save; the next save removes the temporary files."""
    for each in of(tries, "save"):
        folder = Path(each["folder"])
        found = load_cassette(folder / NAME).named(OLD.source)
        assert found in (OLD, NEW), each
        assert found == NEW or each["killed"] or each["said"].startswith("4 cannot write"), each
        save_cassette(NEW, folder / NAME)
        assert [NAME] == [path.name for path in folder.iterdir()], each


def saved(folder: Path) -> int:
    """How many exchanges a recording has saved, directly or after recovery; then a new recording can begin."""
    cassette = folder / NAME
    journal = folder / f"{NAME}.journal"
    if journal.exists():
        with suppress(CassetteError):  # nothing in it was answered
            recover(journal, cassette)
        journal.unlink()
    if folder.exists():
        JournalFile(cassette, {}, force=True).remove()
    return len(load_cassette(cassette).interactions) if cassette.exists() else 0


def test_no_recorded_response_is_lost(tries: list[dict[str, Any]]) -> None:
    """It is in the cassette, or in a journal from which it can be recovered; the error names the file."""
    for each in of(tries, "record"):
        assert saved(Path(each["folder"]) / "new") >= each["promised"], each
        if each["promised"]:
            assert not each["said"] or each["said"].startswith(("4 cannot", "4 /", "2 cannot remove")), each


def test_nothing_is_lost_between_two_parts(tries: list[dict[str, Any]]) -> None:
    """A recording that is split is saved part by part, while it goes on."""
    most = 0
    for each in of(tries, "split"):
        folder = Path(each["folder"]) / "new"
        for journal in folder.glob("*.journal"):
            with suppress(CassetteError):  # nothing in it was answered
                recover(journal, journal.with_suffix(""))
        parts = [load_cassette(path).interactions for path in folder.glob("*.yaml")]
        assert sum(map(len, parts)) >= each["promised"], each
        assert len({one.request.path for part in parts for one in part}) >= each["promised"], each
        most = max(most, len(parts))
    assert most > 1


def test_recovered_recording_is_never_lost(tries: list[dict[str, Any]]) -> None:
    """It stays in the journal until it is in the cassette."""
    for each in of(tries, "recover"):
        assert EXCHANGES == saved(Path(each["folder"])), each


def test_every_error_of_a_failing_disk_is_one_sentence(tries: list[dict[str, Any]]) -> None:
    """Only errors of gws_replay are raised."""
    assert [] == [each["said"] for each in tries if each["said"].startswith("crash")]


def test_journal_with_exchanges_is_never_overwritten(tmp_path: Path) -> None:
    """An empty one is: there is nothing to lose."""
    path = tmp_path / f"{NAME}.journal"
    begun = JournalFile(tmp_path / NAME, {"recorder": "me"})
    begun.close()
    header = path.read_bytes()
    JournalFile(tmp_path / NAME, {"recorder": "you"}).close()
    assert b"you" in path.read_bytes()
    for content in (header + b"1", header + header, b"notes of somebody\n", b"\0" * 100):
        path.write_bytes(content)
        with pytest.raises(GwsReplayError, match="was left by a recording that was interrupted"):
            JournalFile(tmp_path / NAME, {}, force=True)
        assert content == path.read_bytes()
