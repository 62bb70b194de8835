"""`gws-replay recover`: what an interrupted recording left becomes a cassette."""

import json
from pathlib import Path

import pytest

from gws_replay.core.model import Request, Response
from gws_replay.formats import journal_lines as journal
from gws_replay.recording.journal_file import JournalFile
from gws_replay.storage.files import load_cassette
from tests.support.proxies import GWS, run

LINES = [
    journal.header_line({"recorder": "me", "redaction": "secrets"}),
    journal.request_line("1", 1.0, Request(method="GET", uri="http://h/api/v2/me")),
    journal.response_line("1", 2.0, Response(status=200, body=b'{"statusCode": 0}')),
    journal.request_line("2", 3.0, Request(method="GET", uri="http://h/api/v2/late")),
]


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A journal that a kill left behind."""
    path = tmp_path / "c.yaml.journal"
    path.write_bytes(b"".join(LINES))
    return path


def recover(path: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit code, stdout and stderr."""
    done = run(*GWS, "recover", str(path), *arguments, cwd=path.parent)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_what_had_finished_is_saved(left: Path) -> None:
    """The journal goes, the unanswered request is named."""
    code, out, _ = recover(left)
    assert 0 == code
    assert "c.yaml: 1 exchange, 0 notifications" in out
    assert "note: GET /api/v2/late had no response when the recording ended" in out
    assert ["/api/v2/me"] == [e.request.path for e in load_cassette(left.with_suffix("")).interactions]
    assert ["c.yaml"] == [path.name for path in left.parent.iterdir()]


def test_torn_end_is_reported(left: Path) -> None:
    """As after a kill in the middle of a write; --json tells it too."""
    half = LINES[2][:-9]
    left.write_bytes(left.read_bytes() + half)
    code, out, err = recover(left, "--json")
    message = json.loads(out)
    assert (0, len(half), 1, []) == (code, message["cut"], message["begun"], message["damaged"])
    assert f"{len(half)} bytes at the end of the journal are half a line" in err
    assert "1 request had begun and not ended" in err


def test_a_damaged_line_is_named_and_the_journal_kept(left: Path) -> None:
    """Exit code 4; the rest is saved."""
    left.write_bytes(b"".join([*LINES[:3], b"deadbeef {}\n", LINES[3]]))
    code, _, err = recover(left)
    assert (4, True, True) == (code, "damaged in line 4" in err, left.exists())
    assert 1 == len(load_cassette(left.with_suffix("")).interactions)


def test_the_cassette_may_be_named(left: Path) -> None:
    """--cassette for another place, --force over an existing one."""
    (left.parent / "c.yaml").write_text("precious")
    code, _, err = recover(left)
    assert (2, True, "precious") == (code, "c.yaml exists" in err, (left.parent / "c.yaml").read_text())
    assert 0 == recover(left, "--cassette", "other.json")[0]
    assert 1 == len(load_cassette(left.parent / "other.json").interactions)


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("none.yaml.journal", None, 2, "does not exist"),
        ("c.journal.bak", b"x", 2, "does not end in .journal"),
        ("c.yaml.journal", b"hello\n", 4, "is not a journal of gws-replay"),
        ("c.yaml.journal", b"", 5, "is empty"),
        ("c.yaml.journal", LINES[0], 5, "nothing was recorded"),
        ("c.txt.journal", b"".join(LINES), 2, "must end in .yaml"),
    ],
)
def test_file_that_cannot_be_recovered_is_reported(
    tmp_path: Path, name: str, content: bytes | None, code: int, message: str
) -> None:
    """In a sentence, and the journal stays."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    found, _, err = recover(tmp_path / name)
    assert (code, True) == (found, message in err), err
    assert (tmp_path / name).exists() == (content is not None)


def test_a_journal_that_is_being_written_is_refused(tmp_path: Path) -> None:
    """Its recorder saves it; with --force too."""
    written = JournalFile(tmp_path / "c.yaml", {})
    for line in LINES[1:]:
        written.append(line)
    for arguments in ([], ["--force"], ["--cassette", "other.yaml"]):
        code, out, err = recover(written.path, *arguments)
        assert (2, "") == (code, out)
        assert "is being written: stop that recorder, and it saves the cassette itself" in err
    written.close()
    assert 0 == recover(written.path)[0]


def test_a_journal_is_never_its_own_cassette(tmp_path: Path) -> None:
    """Saved over itself and then removed, the recording would be gone."""
    renamed = tmp_path / "c.yaml"
    renamed.write_bytes(b"".join(LINES))
    code, _, err = recover(renamed, "--cassette", "c.yaml", "--force")
    assert (2, True) == (code, renamed.exists()), err
    assert b"".join(LINES) == renamed.read_bytes()
