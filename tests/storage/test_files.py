"""Cassette files on disk: written completely or not at all, and each error is one sentence."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.storage.files import (
    cassettes_in,
    check_suffix,
    live_path,
    load_cassette,
    put_in_place,
    read_text,
    save_cassette,
    write_whole,
)
from tests.support.builders import cassette, exchange, get, push, update

SESSION = cassette(get({"A": 0}, began=0), update({"A": 1}, began=1), push({"A": 1}, seen=2))


def names(folder: Path) -> list[str]:
    """The files of a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "b c/ä.yaml", "deep/er/a.json"])
@pytest.mark.parametrize("form", [str, Path])
def test_saved_cassette_is_loaded_again(name: str, form: type[str] | type[Path], tmp_path: Path) -> None:
    """YAML, or JSON by its suffix; missing folders are created; the name is the given one."""
    path = form(tmp_path / name)
    save_cassette(SESSION, path)
    assert SESSION.named(str(path)) == load_cassette(path)
    assert name.endswith(".json") == (tmp_path / name).read_text("utf-8").startswith("{")
    assert [Path(name).name] == names((tmp_path / name).parent)


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    """By the complete new one."""
    path = tmp_path / "a.yaml"
    save_cassette(cassette(*(exchange(began=n) for n in range(50))), path)
    save_cassette(SESSION, path)
    assert SESSION == load_cassette(path).named(SESSION.source)


def failing(error: Exception) -> Iterator[str]:
    """Pieces of a file, and then an error."""
    yield "half a file\n" * 10_000
    raise error


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), CassetteError("binary"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("existing", [True, False])
def test_failure_midway_keeps_the_old_file(error: Exception, existing: bool, tmp_path: Path) -> None:
    """The old file or none, and no temporary file."""
    path = tmp_path / "a.yaml"
    if existing:
        path.write_text("old", "utf-8")
    with pytest.raises((GwsReplayError, KeyboardInterrupt)):
        write_whole(path, failing(error))
    assert (["a.yaml"] if existing else []) == names(tmp_path)
    assert not existing or path.read_text("utf-8") == "old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failing_disk_is_reported(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at the last moment: nothing was changed, and the exit code is that of a recording in danger."""
    path = tmp_path / "a.yaml"
    path.write_text("old", "utf-8")

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", full) if call == "fsync" else (Path, "replace", full)))
    with pytest.raises(GwsReplayError, match=r"^cannot write .*a\.yaml: No space left on device; nothing") as caught:
        save_cassette(SESSION, path)
    assert 4 == caught.value.exit_code
    assert (["a.yaml"], "old") == (names(tmp_path), path.read_text("utf-8"))


def test_a_binary_body_leaves_no_json_file(tmp_path: Path) -> None:
    """It is found before anything is written."""
    with pytest.raises(CassetteError, match="interaction 0: the response body is binary"):
        save_cassette(cassette(exchange(response=b"\xff")), tmp_path / "a.json")
    assert [] == names(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_reported(tmp_path: Path) -> None:
    """In one sentence."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(GwsReplayError, match=r"cannot write .*: Permission denied"):
        save_cassette(SESSION, folder / "a.yaml")


def test_place_that_cannot_be_a_file_is_reported(tmp_path: Path) -> None:
    """A folder with its name, or a file where a folder is needed."""
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "file").write_text("x", "utf-8")
    for path in (tmp_path / "a.yaml", tmp_path / "file" / "a.yaml"):
        with pytest.raises(GwsReplayError, match=r"^cannot write .*(directory|exists)"):
            save_cassette(SESSION, path)
    assert ["a.yaml", "file"] == names(tmp_path)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(mask: int, tmp_path: Path) -> None:
    """Not the narrow ones of a temporary file; the umask does not change."""
    before = os.umask(mask)
    try:
        save_cassette(SESSION, tmp_path / "a.yaml")
    finally:
        assert mask == os.umask(before)
    assert 0o666 & ~mask == (tmp_path / "a.yaml").stat().st_mode & 0o777


def test_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A file that only its owner may read stays so."""
    path = tmp_path / "a.yaml"
    path.touch(mode=0o640)
    path.chmod(0o640)
    save_cassette(SESSION, path)
    assert 0o640 == path.stat().st_mode & 0o777


def test_a_link_stays_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    """Neither is replaced by a file; nor is a device, such as /dev/null."""
    (tmp_path / "there").mkdir()
    real, link, pipe = tmp_path / "there" / "real.yaml", tmp_path / "link.yaml", tmp_path / "pipe"
    link.symlink_to(real)
    save_cassette(SESSION, link)
    assert (True, SESSION) == (link.is_symlink(), load_cassette(real).named(SESSION.source))
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, ["told"])
    assert b"told" == os.read(reader, 9)
    os.close(reader)
    write_whole(Path("/dev/null"), ["told"])
    assert not Path("/dev/null").is_file()
    assert ["link.yaml", "pipe", "there"] == names(tmp_path)


def test_temporary_files_of_ended_processes_are_removed(tmp_path: Path) -> None:
    """Those of a running process stay."""
    (tmp_path / ".gws-replay-dead.tmp").write_text("half a file")
    with (tmp_path / ".gws-replay-alive.tmp").open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        save_cassette(SESSION, tmp_path / "a.yaml")
        assert [".gws-replay-alive.tmp", "a.yaml"] == names(tmp_path)
    save_cassette(SESSION, tmp_path / "a.yaml")
    assert ["a.yaml"] == names(tmp_path)


def test_file_that_cannot_be_moved_stays_and_is_reported(tmp_path: Path) -> None:
    """With its path."""
    new, old = tmp_path / "a.pending.yaml", tmp_path / "a.yaml"
    new.write_text("new")
    old.mkdir()
    with pytest.raises(GwsReplayError, match=r"^cannot write .*a\.yaml: .*; .*a\.pending\.yaml is kept$") as caught:
        put_in_place(new, old)
    assert (4, True) == (caught.value.exit_code, new.exists())
    old.rmdir()
    put_in_place(new, old)
    assert "new" == old.read_text()


def test_pieces_are_written_as_they_are(tmp_path: Path) -> None:
    """UTF-8, without a change of line ends."""
    write_whole(tmp_path / "a", ["ä\r\n", "\n", "\u2028"])
    assert "ä\r\n\n\u2028".encode() == (tmp_path / "a").read_bytes()
    assert "ä\r\n\n\u2028" == read_text(tmp_path / "a")


@pytest.mark.parametrize("name", ["missing.yaml", "no/where.json"])
def test_missing_file_is_reported(name: str, tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(CassetteError, match=rf"^cannot read .*{name}: No such file"):
        load_cassette(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"version: 1\n\xff", r"is not UTF-8 text \(byte 11\)"), (b"\x89PNG\r\n", "is not UTF-8")],
)
def test_file_that_is_not_a_cassette_is_reported(content: bytes, message: str, tmp_path: Path) -> None:
    """With its path."""
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(CassetteError, match=rf"^{tmp_path}/a\.yaml {message}") as caught:
        load_cassette(tmp_path / "a.yaml")
    assert 2 == caught.value.exit_code


def test_folder_given_as_a_cassette_is_reported(tmp_path: Path) -> None:
    """Without a traceback."""
    with pytest.raises(CassetteError, match=r"^cannot read .*: Is a directory"):
        load_cassette(tmp_path)


def test_impossible_path_is_reported() -> None:
    """A NUL in an argument."""
    with pytest.raises(CassetteError, match="cannot read"):
        load_cassette("a\0b.yaml")


def test_the_cassettes_of_a_folder(tmp_path: Path) -> None:
    """By their suffixes, at any depth, in a stable order; files under the given names."""
    for name in ("b.yaml", "a.json", "sub/c.yml", "sub/notes.md", "d.yaml.journal", ".a.yaml.x.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    (tmp_path / "folder.yaml").mkdir()
    assert ["a.json", "b.yaml", "sub/c.yml"] == [str(p.relative_to(tmp_path)) for p in cassettes_in([tmp_path])]
    named = [tmp_path / "sub" / "notes.md", tmp_path / "b.yaml"]
    assert named == list(cassettes_in(named))
    with pytest.raises(GwsReplayError, match="nowhere does not exist"):
        list(cassettes_in([tmp_path, tmp_path / "nowhere"]))


@pytest.mark.parametrize("name", ["a.txt", "a", "yaml", "a.yaml.gz"])
def test_name_without_a_suffix_is_refused(name: str) -> None:
    """The error lists the suffixes."""
    with pytest.raises(GwsReplayError, match=rf"{name} must end in \.yaml, \.yml or \.json"):
        check_suffix(Path(name))


def test_loaded_cassette_is_frozen(tmp_path: Path) -> None:
    """A test cannot change it for another one."""
    save_cassette(SESSION, tmp_path / "a.yaml")
    found = load_cassette(tmp_path / "a.yaml")
    assert isinstance(found, Cassette)
    with pytest.raises(AttributeError, match="cannot assign"):
        found.interactions = ()  # type: ignore[misc]


def test_unfinished_cassettes_of_a_folder_are_skipped(tmp_path: Path) -> None:
    """A pending recording, and the responses of a live system; by name they are read."""
    for name in ("a.yaml", "a.pending.yaml", "a.drift.yaml"):
        (tmp_path / name).touch()
    assert [tmp_path / "a.yaml"] == list(cassettes_in([tmp_path]))
    live = live_path(tmp_path / "a.yaml")
    assert [live] == list(cassettes_in([live]))


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_cassette_that_reads_back_differently_is_not_saved(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each item is read again before it is written; the old file stays, and the error names the place."""
    path = tmp_path / name
    save_cassette(SESSION, path)
    before = path.read_bytes()
    written = vcr_document.interaction
    count = iter(range(100))

    def spoiled(one: Exchange) -> dict[str, Any]:
        item = written(one)
        return {**item, "request": {**item["request"], "uri": f"http://other/{next(count)}"}}

    monkeypatch.setattr(vcr_document, "interaction", spoiled)
    with pytest.raises(CassetteError, match="interaction 0 would not be read as it was meant, so nothing was written"):
        save_cassette(cassette(exchange(began=1)), path)
    assert (before, [name]) == (path.read_bytes(), names(tmp_path))
