"""The journal on disk: claimed once, kept when something fails, removed when the cassette is saved."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gws_replay.core.model import Request, Response
from gws_replay.errors import GwsReplayError
from gws_replay.formats import journal_lines as journal
from gws_replay.recording.journal_file import JournalFile, is_being_written
from gws_replay.sandbox.server import serving
from gws_replay.storage.files import load_cassette
from tests.support.proxies import GWS, Running, client, environment, operations, run

REQUEST = journal.request_line("1", 1.0, Request(method="GET", uri="http://h/x"))
ANSWERED = journal.response_line("1", 2.0, Response(status=200))


def test_a_journal_becomes_the_cassette(tmp_path: Path) -> None:
    """Claimed while it is written, compiled and removed at the end."""
    written = JournalFile(tmp_path / "new" / "c.yaml", {"recorder": "me"})
    assert is_being_written(written.path)
    written.append(REQUEST)
    written.append(ANSWERED)
    compiled = written.finish()
    assert compiled.cassette == load_cassette(tmp_path / "new" / "c.yaml").named("<memory>")
    assert ["c.yaml"] == [path.name for path in (tmp_path / "new").iterdir()]


def test_interrupted_journal_can_be_continued(tmp_path: Path) -> None:
    """Without a line that was cut off; a journal in use, or a missing one, is refused."""
    first = JournalFile(tmp_path / "c.yaml", {})
    first.append(REQUEST + ANSWERED[:-5])
    with pytest.raises(GwsReplayError, match="is being written by another recorder"):
        JournalFile.reopened(tmp_path / "c.yaml")
    first.close()
    second = JournalFile.reopened(tmp_path / "c.yaml")
    second.append(ANSWERED)
    assert 1 == len(second.finish().cassette.interactions)
    with pytest.raises(GwsReplayError, match=r"cannot write .*c\.yaml\.journal: No such file"):
        JournalFile.reopened(tmp_path / "c.yaml")


def test_second_recorder_and_left_journal_have_different_messages(tmp_path: Path) -> None:
    """Neither recording is lost."""
    first = JournalFile(tmp_path / "c.yaml", {})
    with pytest.raises(GwsReplayError, match="is being written by another recorder"):
        JournalFile(tmp_path / "c.yaml", {})
    first.append(REQUEST)
    first.close()
    with pytest.raises(GwsReplayError, match="was left by a recording that was interrupted: save it with"):
        JournalFile(tmp_path / "c.yaml", {}, force=True)
    assert REQUEST in first.path.read_bytes()


def test_an_existing_cassette_needs_force(tmp_path: Path) -> None:
    """And a name must have a known suffix."""
    (tmp_path / "c.yaml").write_text("precious")
    with pytest.raises(GwsReplayError, match="exists: choose another name"):
        JournalFile(tmp_path / "c.yaml", {})
    with pytest.raises(GwsReplayError, match=r"must end in \.yaml, \.yml or \.json"):
        JournalFile(tmp_path / "c.txt", {})
    with pytest.raises(GwsReplayError, match=r"cannot make the folder .*: File exists"):
        JournalFile(tmp_path / "c.yaml" / "d.yaml", {})
    JournalFile(tmp_path / "c.yaml", {}, force=True).close()
    assert "precious" == (tmp_path / "c.yaml").read_text()


def test_nothing_recorded_leaves_nothing(tmp_path: Path) -> None:
    """Exit code 5, and no file."""
    empty = JournalFile(tmp_path / "c.yaml", {})
    empty.append(REQUEST)
    with pytest.raises(GwsReplayError, match="1 request sent, and no response") as caught:
        empty.finish()
    assert (5, []) == (caught.value.exit_code, list(tmp_path.iterdir()))


def test_a_cassette_that_cannot_be_written_leaves_the_journal(tmp_path: Path) -> None:
    """The sentence names the journal and the next step."""
    written = JournalFile(tmp_path / "c.json", {})
    written.append(REQUEST)
    written.append(ANSWERED)
    (tmp_path / "c.json").mkdir()
    with pytest.raises(GwsReplayError, match=r"The recording is safe in .*: gws-replay recover") as caught:
        written.finish()
    assert (4, True) == (caught.value.exit_code, written.path.exists())


HOLDER = """
import sys, time
from pathlib import Path
from gws_replay.recording.journal_file import JournalFile
held = JournalFile(Path(sys.argv[1]), {})
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_recorder_is_gone(tmp_path: Path) -> None:
    """At once, even if another process has its id; a running recorder keeps all others out."""
    cassette = tmp_path / "c.yaml"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(cassette)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(GwsReplayError, match="is being written by another recorder"):
            JournalFile(cassette, {})
        done = run(*GWS, "recover", "c.yaml.journal", cwd=tmp_path)
        assert (2, True) == (done.returncode, "is being written: stop that recorder" in done.stderr)
        holder.kill()
        holder.wait()
    JournalFile(cassette, {}).remove()
    assert [] == list(tmp_path.iterdir())


def test_a_line_that_the_disk_refused_leaves_no_half_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next line starts on a line of its own."""
    written = JournalFile(tmp_path / "c.yaml", {})
    before = written.path.read_bytes()
    write = os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return write(handle, data[:20])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(GwsReplayError, match="No space left on device; recording stopped"):
            written.append(REQUEST)
    assert before == written.path.read_bytes()
    written.append(REQUEST)
    written.append(ANSWERED)
    assert 1 == len(written.finish().cassette.interactions)


LIMITED = (
    "import resource, signal, sys;"
    "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000));"
    "from gws_replay.cli import main; sys.argv[0] = 'gws-replay'; main()"
)


def test_a_full_disk_stops_the_recording_and_not_the_traffic(tmp_path: Path) -> None:
    """One sentence, exit code 4; everything before it is recovered."""
    command = [sys.executable, "-c", LIMITED, "record", "--cassette", "c.yaml", "--listen", "127.0.0.1:0"]
    # Coverage in the child would hit the limit too, with its own traceback.
    plain = {name: value for name, value in environment().items() if not name.startswith("COVERAGE")}
    with serving() as sandbox, Running([*command, "--upstream", sandbox.url], cwd=tmp_path, env=plain) as recorder:
        url = recorder.line("Recording").split()[1]
        with client(url) as agent:
            statuses = {agent.get(f"{url}/api/v2/me/facebooksessions?fields=*").status_code for _ in range(20)}
        recorder.line("recording stopped, the traffic goes on")
        recorder.process.terminate()
        assert 4 == recorder.finish()
        assert "Traceback" not in recorder.text
    assert {200} == statuses
    assert 0 == run(*GWS, "recover", "c.yaml.journal", cwd=tmp_path).returncode
    found = operations(load_cassette(tmp_path / "c.yaml"))
    assert 1 < len(found) < 21
    assert "GET /api/v2/me/facebooksessions" == found[-1]
