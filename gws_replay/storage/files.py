"""Edge: the file system. Cassettes are read whole, and written whole or not at all; from storage they are only read."""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias, overload

from gws_replay.core.cassette import Cassette
from gws_replay.errors import CassetteError, GwsReplayError, did_you_mean
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.storage.locks import is_there, lock
from gws_replay.storage.names import CASSETTE_SUFFIXES
from gws_replay.storage.object_storage import Stored, is_address

Location: TypeAlias = Path | Stored
_PENDING, _LIVE = ".pending", ".drift"
_FIRST_LINE = vcr_yaml.FIRST_LINE.encode()
_TEMPORARY = (".gws-replay-", ".tmp")


def load_cassette(path: str | os.PathLike[str] | Stored) -> Cassette:
    """Load a cassette file, ours or plain vcrpy's, YAML or (by its ending) JSON; also from storage (`s3://...`).

    Raises CassetteError for a file that is missing, torn, not UTF-8 or no cassette: it names the place. Addresses of
    storage need the extra `storage`, and what fsspec has for each kind (s3fs, gcsfs, adlfs).
    """
    if isinstance(path, str) and is_address(path):
        path = Stored(path)
    source = _name(path)
    as_json = path.suffix == ".json" if isinstance(path, Stored) else source.endswith(".json")
    with opened(path) as file:
        if not as_json and file.read(len(_FIRST_LINE)) == _FIRST_LINE:
            from gws_replay.formats.vcr import fast_reader  # noqa: PLC0415  (it reads only what is ours)

            file.seek(0)
            if found := fast_reader.load(file, source):
                return found
        file.seek(0)
        text = _decoded(file.read(), source)
    return vcr_yaml.load(text, source, as_json=as_json)


def save_cassette(cassette: Cassette, path: str | os.PathLike[str]) -> None:
    """Write a cassette file, JSON if the name ends so; the old file stays until the new one is whole on disk.

    Raises CassetteError if the new one would not be read as it is meant, GwsReplayError if it cannot be written.
    """
    from gws_replay.formats.vcr import check as vcr_check  # noqa: PLC0415  (who replays writes none)

    dump = vcr_check.dump_json if os.fspath(path).endswith(".json") else vcr_check.dump_yaml
    write_whole(Path(path), dump(cassette, os.fspath(path)))


def pending_path(cassette: Path) -> Path:
    """Return where the recording of a test is kept until the test has passed."""
    return cassette.with_name(f"{cassette.stem}{_PENDING}{cassette.suffix}")


def live_path(cassette: Path) -> Path:
    """Return where the responses of a live system to a cassette's requests are kept."""
    return cassette.with_name(f"{cassette.stem}{_LIVE}{cassette.suffix}")


def check_suffix(path: Path) -> None:
    """Raise GwsReplayError for a name that does not say which kind of cassette is to be written."""
    if path.suffix not in CASSETTE_SUFFIXES:
        raise GwsReplayError(f"{path} must end in {', '.join(CASSETTE_SUFFIXES[:-1])} or {CASSETTE_SUFFIXES[-1]}")


def check_new(cassette: Path, *, force: bool) -> None:
    """Raise GwsReplayError where a recording cannot make a cassette: it exists, or its name says no kind."""
    check_suffix(cassette)
    if cassette.exists() and not force:
        raise GwsReplayError(f"{cassette} exists: choose another name, or replace it with --force (gws_force=true)")


def read_text(path: str | os.PathLike[str] | Stored) -> str:
    """Read a text file as it is. Raises CassetteError with the reason in a sentence."""
    with opened(path) as file:
        return _decoded(file.read(), _name(path))


@contextmanager
def opened(path: str | os.PathLike[str] | Stored) -> Iterator[BinaryIO]:
    """Open a file for reading. Raises CassetteError with the reason in a sentence."""
    if isinstance(path, Stored):
        yield BytesIO(path.content())
        return
    try:
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise CassetteError(f"cannot read {_name(path)}: {reason(error)}{_similar(Path(path))}") from None
    except OSError as error:
        raise CassetteError(f"cannot read {_name(path)}: {reason(error)}") from None
    except ValueError as error:  # a name that no file can have
        if isinstance(error, CassetteError):
            raise
        raise CassetteError(f"cannot read {_name(path)!r}: {error}") from None


def _similar(path: Path) -> str:
    """Return a question with the name of a file, or of a folder above it, that looks like what was not found."""
    missing = next((each for each in (*reversed(path.parents), path) if not each.exists()), path)
    try:
        names = sorted(each.name for each in missing.parent.iterdir())
    except OSError:
        return ""
    question = did_you_mean(missing.name, names)
    return f".{question}" if question else ""


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CassetteError(f"{source} is not UTF-8 text (byte {error.start}), so it cannot be a cassette") from None


def _name(path: str | os.PathLike[str] | Stored) -> str:
    return str(path) if isinstance(path, Stored) else os.fspath(path)


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a text file by way of a temporary one in the same folder: fsync, then rename.

    A link stays, and what it points to is written; a pipe or a device is written to. An older file hands on its
    permissions. Raises GwsReplayError when that fails; what stood there before is untouched.
    """
    target = Path(os.path.realpath(path))
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            with path.open("w", encoding="utf-8", newline="") as pipe:
                pipe.writelines(pieces)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        with _temporary(target.parent) as (file, temporary):
            file.writelines(pieces)
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
    except OSError as error:
        raise GwsReplayError(f"cannot write {path}: {reason(error)}; nothing there was changed", exit_code=4) from None
    _sync_folder(target.parent)


def put_in_place(new: Path, path: Path) -> None:
    """Let a whole file take another's name. Raises GwsReplayError when that fails; both are as they were then."""
    try:
        new.replace(path)
    except OSError as error:
        raise GwsReplayError(f"cannot write {path}: {reason(error)}; {new} is kept", exit_code=4) from None
    _sync_folder(path.parent)


@overload
def cassettes_in(paths: Iterable[Path]) -> Iterator[Path]: ...
@overload
def cassettes_in(paths: Iterable[Location]) -> Iterator[Location]: ...
def cassettes_in(paths: Iterable[Location]) -> Iterator[Location]:
    """Yield the cassette files among paths: files as they are, folders searched through, in a stable order.

    Recordings that are pending (see `pending_path`) and responses of a live system (see `live_path`) are left out.

    Raises GwsReplayError for a path that does not exist.
    """
    for path in paths:
        if isinstance(path, Stored):
            yield from path.files() if path.is_dir() else [path]
        elif path.is_dir():
            found = (each for each in path.rglob("*") if each.suffix in CASSETTE_SUFFIXES and each.is_file())
            yield from sorted(each for each in found if not each.stem.endswith((_PENDING, _LIVE)))
        elif path.exists():
            yield path
        else:
            raise GwsReplayError(f"{path} does not exist{_similar(path)}")


def reason(error: OSError) -> str:
    """Say in words why the system refused."""
    return error.strerror or str(error)


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[TextIO, Path]]:
    """Make a file that is gone at the end unless it was renamed, and that `_sweep` takes for one in use."""
    while True:
        path = folder / f"{_TEMPORARY[0]}{secrets.token_hex(8)}{_TEMPORARY[1]}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            if lock(handle) == "another's" or not is_there(handle, path):
                continue  # swept away before it was locked
            try:
                yield file, path
            finally:
                path.unlink(missing_ok=True)
            return


def _sweep(folder: Path) -> None:
    """Remove the temporary files that killed processes have left in a folder."""
    for path in folder.glob(f"{_TEMPORARY[0]}*{_TEMPORARY[1]}"):
        with suppress(OSError), path.open("rb") as file:
            if lock(file.fileno()) == "ours":
                path.unlink()


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # a folder cannot be opened, and need not be synced, on Windows
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of file systems that have no such thing
            raise GwsReplayError(
                f"{folder} was written to, but the disk has not confirmed it: {reason(error)}", exit_code=4
            ) from None
