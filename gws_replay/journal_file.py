"""Edge: the journal on disk. One recorder at a time; each line is with the system before the traffic goes on."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from gws_replay.core.compile import Compiled, compile_recording
from gws_replay.core.model import Recording
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.files import check_suffix, reason, save_cassette
from gws_replay.formats import journal

_lock: Callable[[int], None] | None
try:
    import fcntl
except ImportError:  # Windows: the exclusive creation below still keeps a second recorder out
    _lock = None
else:

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class JournalFile:
    """The journal that belongs to a cassette: claimed, appended to, and at the end compiled and removed."""

    def __init__(self, cassette: Path, header: Mapping[str, object], *, force: bool = False) -> None:
        """Claim the journal. Raises GwsReplayError when the cassette exists, or another recording has claimed it."""
        check_suffix(cassette)
        self.cassette = cassette
        self.path = journal_path(cassette)
        if cassette.exists() and not force:
            raise GwsReplayError(f"{cassette} exists: choose another name, or replace it with --force (gws_force=true)")
        try:
            cassette.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GwsReplayError(f"cannot make the folder {cassette.parent}: {reason(error)}") from None
        try:
            self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        except FileExistsError:
            raise GwsReplayError(_claimed(self.path)) from None
        except OSError as error:
            raise GwsReplayError(f"cannot write {self.path}: {reason(error)}") from None
        if _lock:
            _lock(self._handle)
        self.append(journal.header_line(header))

    @classmethod
    def reopened(cls, cassette: Path) -> Self:
        """Claim the journal of a recording that was interrupted; a last line that was cut off goes.

        Raises GwsReplayError when it cannot be had, or another recorder has it.
        """
        journal_file = cls.__new__(cls)
        journal_file.cassette = cassette
        path = journal_file.path = journal_path(cassette)
        try:
            handle = journal_file._handle = os.open(path, os.O_RDWR | os.O_APPEND)  # noqa: SLF001 (its own class)
        except OSError as error:
            raise GwsReplayError(f"cannot write {path}: {reason(error)}") from None
        try:
            if _lock:
                _lock(handle)
        except OSError:
            journal_file.close()
            raise GwsReplayError(_claimed(path)) from None
        os.ftruncate(handle, path.read_bytes().rfind(b"\n") + 1)
        return journal_file

    def append(self, line: bytes) -> None:
        """Write one line. Raises GwsReplayError when the disk refuses; all lines before it are safe."""
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            raise GwsReplayError(
                f"cannot write {self.path}: {reason(error)}; recording stopped, the traffic goes on. "
                f"Make room, then run: gws-replay recover {self.path}",
                exit_code=4,
            ) from None

    def finish(self, last: Callable[[Recording], Recording] = lambda seen: seen) -> Compiled:
        """Compile the journal into the cassette and remove it. If that fails (GwsReplayError), the journal stays.

        `last` has a last look at the whole recording: what gave away a personal value may have come late.
        """
        self.close()
        try:
            compiled = recover(self.path, self.cassette, last).compiled
        except CassetteError as error:
            if error.exit_code == 5:
                self.path.unlink(missing_ok=True)
            raise
        self.path.unlink(missing_ok=True)
        return compiled

    def close(self) -> None:
        """Let go of the file and its lock."""
        with suppress(OSError):
            os.close(self._handle)


class Recovered:
    """What a journal gave: the compiled cassette, and what was wrong with the journal."""

    def __init__(self, compiled: Compiled, read: journal.Journal) -> None:
        self.compiled = compiled
        self.torn = read.torn
        self.damaged = read.damaged


def recover(
    path: Path, cassette: Path, last: Callable[[Recording], Recording] = lambda recording: recording
) -> Recovered:
    """Compile a journal into a cassette file; the journal stays.

    Raises CassetteError for what is no journal (exit code 4) or holds no finished exchange (5), GwsReplayError when
    the cassette cannot be written.
    """
    try:
        with path.open("rb") as lines:
            read = journal.read(lines, str(path))
    except OSError as error:
        raise CassetteError(f"cannot read {path}: {reason(error)}") from None
    if not read.recording.exchanges:
        raise CassetteError(_nothing(read.recording.unanswered), exit_code=5)
    compiled = compile_recording(last(read.recording), read.header)
    try:
        save_cassette(compiled.cassette, cassette)
    except GwsReplayError as error:
        raise GwsReplayError(
            f"{error}. The recording is safe in {path}: gws-replay recover {path}", exit_code=4
        ) from None
    return Recovered(compiled, read)


def journal_path(cassette: Path) -> Path:
    """Return where the journal of a cassette is."""
    return cassette.with_name(f"{cassette.name}.journal")


def is_being_written(path: Path) -> bool:
    """Tell whether a recorder that lives holds the journal; False where the system cannot tell."""
    if _lock is None:
        return False
    handle = os.open(path, os.O_RDONLY)
    try:
        _lock(handle)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _claimed(path: Path) -> str:
    if is_being_written(path):
        return f"{path} is being written by another recorder: stop that one, or record to another cassette"
    return (
        f"{path} was left by a recording that was interrupted: save it with `gws-replay recover {path}`, or remove it"
    )


def _nothing(unanswered: tuple[object, ...]) -> str:
    if unanswered:
        return f"nothing was recorded: none of the requests seen ({len(unanswered)}) got an answer; is the server up?"
    return "nothing was recorded: no request matched; check the address the client uses, and the filter"
