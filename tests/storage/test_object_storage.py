"""Cassettes on object storage, by fsspec: in memory, in a zip file, on the file system, and an unreachable one."""

import logging
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from gws_replay import load_cassette
from gws_replay.errors import CassetteError
from gws_replay.storage.object_storage import Stored, is_address
from tests.support.builders import cassette, get, push, update
from tests.support.commands import BEFORE, Ended, command_line, refused, saved, small

WRONG = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": "c"}, seen=2.0))
SECRET = "https://me:pass%2Fword@host/folder/a.yaml?signature=abc"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A baseline and a candidate of two cassettes; the second differs."""
    for side, second in (("old", small()), ("new", WRONG)):
        saved(small(), tmp_path / side / "sub" / "a.json")
        saved(second, tmp_path / side / "b.yaml")
        (tmp_path / side / "notes.txt").write_text("no cassette")
    return tmp_path / "old", tmp_path / "new"


@pytest.fixture
def memory(folders: tuple[Path, Path]) -> Iterator[str]:
    """The same in memory, as on object storage."""
    system = fsspec.filesystem("memory")
    for folder in folders:
        system.put(f"{folder}/", f"/bucket/{folder.name}/", recursive=True)
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def zipped(folder: Path) -> str:
    """The address of a folder in a zip file."""
    return f"zip://::file://{shutil.make_archive(str(folder), 'zip', folder)}"


def as_if(ended: Ended, *names: tuple[object, object]) -> Ended:
    """The same output with other names."""
    out = ended.out
    for old, new in names:
        out = out.replace(str(old), str(new))
    return Ended(ended.code, out, ended.err)


def test_a_bucket_is_a_folder(folders: tuple[Path, Path], memory: str) -> None:
    """diff, verify and show have the same results, and name the addresses."""
    old, new = folders
    names = (f"{old}/", f"{memory}/old/"), (f"{new}/", f"{memory}/new/")
    assert as_if(command_line("diff", *folders), *names) == command_line("diff", f"{memory}/old", f"{memory}/new")
    assert as_if(command_line("diff", *folders), names[1]) == command_line("diff", old, f"{memory}/new")
    assert as_if(command_line("verify", new), names[1]) == command_line("verify", f"{memory}/new/")
    shown = command_line("show", f"{memory}/old/sub/a.json")
    assert as_if(command_line("show", old / "sub" / "a.json"), names[0]) == shown
    junit = command_line("diff", "--format", "junit", f"{memory}/old", f"{memory}/new").out
    assert f"{memory}/old/b.yaml" in junit


def test_an_archive_is_read_by_several_processes(folders: tuple[Path, Path]) -> None:
    """Each opens it itself; file names stand before the archive."""
    old, new = map(zipped, folders)
    ended = command_line("diff", "--jobs", "2", old, new)
    assert as_if(command_line("diff", old, new)) == ended
    archives = (f"file://{folder}.zip" for folder in folders)
    assert " -> ".join(f"zip://b.yaml::{each}" for each in archives) == ended.out.splitlines()[0]


def test_a_test_loads_from_storage(memory: str) -> None:
    """By the public function; errors use the given name."""
    assert f"{memory}/old/b.yaml" == load_cassette(f"{memory}/old/b.yaml").source
    with pytest.raises(CassetteError, match=r"cannot read memory://bucket/none\.yaml: there is no such file"):
        load_cassette(f"{memory}/none.yaml")


def test_storage_is_not_written(folders: tuple[Path, Path], memory: str) -> None:
    """--accept refuses a baseline on storage; a candidate may be there."""
    refusal = refused(command_line("diff", "--accept", "--yes", f"{memory}/old", folders[1]))
    assert f"--accept rewrites files, and {memory}/old is on storage: copy it to a folder first" == refusal
    assert 0 == command_line("diff", "--accept", "--yes", folders[0], f"{memory}/new").code
    assert 0 == command_line("diff", *folders).code


def test_broken_file_on_storage_is_one_sentence(memory: str) -> None:
    """It is reported beside the others."""
    fsspec.filesystem("memory").pipe("/bucket/old/broken.yaml", b"version: 1\n")
    ended = command_line("verify", f"{memory}/old")
    assert (2, True) == (ended.code, "2 userData operations in 3 cassettes" in ended.out)
    assert f"Error: {memory}/old/broken.yaml, the file: the field 'interactions' is missing" in ended.err


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its name for pip, whatever fsspec calls it."""
    for module in ("s3fs", "lakefs_spec"):
        monkeypatch.setitem(sys.modules, module, None)
    needs = "its kind of storage needs one more package: pip install"
    assert f"cannot read s3://b/a.yaml: {needs} s3fs" == refused(command_line("show", "s3://b/a.yaml"))
    assert f"cannot read lakefs://b/a.yaml: {needs} lakefs-spec" == refused(command_line("show", "lakefs://b/a.yaml"))


def test_missing_storage_file_or_folder_is_named(memory: str, tmp_path: Path) -> None:
    """An unknown kind of storage, a missing file or folder, and a folder where a file is needed."""
    kind = "there is no such kind of storage: is it s3://, gs://, abfs://, https:// or another of fsspec's?"
    assert f"cannot read nothing://x/a.yaml: {kind}" == refused(command_line("show", "nothing://x/a.yaml"))
    gone = f"cannot read {memory}/none: there is no such file or folder"
    assert gone == refused(command_line("show", f"{memory}/none"))
    assert gone == refused(command_line("diff", f"{memory}/none", tmp_path))
    is_folder = f"cannot read {memory}/old: it is a folder: give a cassette that is in it"
    assert is_folder == refused(command_line("show", f"{memory}/old"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError("Forbidden"), "access is refused (Forbidden): set credentials where its package"),
        (type("NoCredentialsError", (Exception,), {})("Unable"), "access is refused (Unable): set credentials where"),
        (type("Answered", (Exception,), {"status": 403})("url?sig"), "access is refused (HTTP 403): set credentials"),
        (type("Answered", (Exception,), {"status": 500})("url?sig"), "the server returned 500"),
        (OSError("no route"), "no route"),
    ],
    ids=["s3fs", "botocore", "forbidden", "server", "other"],
)
def test_storage_error_is_one_sentence(
    error: Exception, message: str, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each package has its own errors; their log messages are not printed."""
    monkeypatch.setattr(MemoryFileSystem, "cat_file", mock.Mock(side_effect=error))
    sentence = refused(command_line("show", f"{memory}/a.yaml"))
    assert sentence.startswith(f"cannot read {memory}/a.yaml: {message}")
    assert logging.getLogger("fsspec").handlers


def test_noise_is_learned_from_storage(folders: tuple[Path, Path], memory: str, tmp_path: Path) -> None:
    """As from folders."""
    learned = [tmp_path / "mine.json", tmp_path / "theirs.json"]
    for top, path in zip((tmp_path, memory), learned, strict=True):
        paths = [f"{top}/{side}/{name}" for side, name in (("old", "b.yaml"), ("new", "b.yaml"))]
        assert 0 == command_line("noise", "learn", *paths, "--output", path).code
    mine, theirs = (path.read_text() for path in learned)
    assert "userData" in mine
    assert mine.replace(f"{tmp_path}/", f"{memory}/") == theirs


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install."""
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    sentence = "cannot read s3://bucket/a.yaml: addresses need `pip install 'gws-replay[storage]'`"
    assert sentence == refused(command_line("show", "s3://bucket/a.yaml"))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("s3://bucket/a@b.yaml", "s3://bucket/a@b.yaml"),
        ("https://host:8080/a.yaml", "https://host:8080/a.yaml"),
        (SECRET, "https://host/folder/a.yaml"),
        ("ftp://me:pa/ss@host/a.yaml", "ftp://host/a.yaml"),
        ("ftp://me@host/a.yaml", "ftp://host/a.yaml"),
        ("simplecache::https://me:x@host/a.json?sig=1", "simplecache::https://host/a.json"),
        ("zip://a.yaml::ftp://me:x@host/b.zip", "zip://a.yaml::ftp://host/b.zip"),
    ],
)
def test_name_shows_no_credential(address: str, name: str) -> None:
    """User, password and signature are only for the storage; the suffix is that of the file."""
    assert is_address(address)
    assert name == str(Stored(address))
    assert "me:" not in repr(Stored(address))
    assert (".json" if "json" in address else ".yaml") == Stored(address).suffix


def test_error_shows_no_credential() -> None:
    """An error of a storage that holds the address is not repeated."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    message = refused(command_line("show", f"http://me:password@127.0.0.1:{port}/a.yaml?sig=token"))
    assert message.startswith(f"cannot read http://127.0.0.1:{port}/a.yaml: ")
    assert not any(secret in message for secret in ("password", "token", "me:"))


@pytest.mark.parametrize("path", ["a.yaml", "/tmp/a.yaml", "C:\\a.yaml", "C:/a.yaml", "folder/a::b.yaml", "./s3://x"])
def test_path_is_not_read_as_an_address(path: str) -> None:
    """Neither with a drive letter, nor with colons further on."""
    assert not is_address(path)


@pytest.mark.parametrize("command", ["serve", "convert x.yaml", "diff a b --noise", "recover"])
def test_other_commands_refuse_addresses(command: str) -> None:
    """An address is not a path with fewer slashes, and its password is not printed."""
    message = refused(command_line(*command.split(), "ftp://me:password@host/a.yaml"))
    assert "ftp://host/a.yaml is on storage, which show, verify, diff and noise learn read: give a path here" == message


def test_scrub_takes_only_local_files() -> None:
    """It rewrites them in place."""
    message = "s3://bucket is on storage, and files are rewritten in place here: copy it to a folder first"
    assert message == refused(command_line("scrub", "s3://bucket"))
