"""Edge: the journal on disk. One recorder at a time; each line is with the system before the traffic goes on."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gws_replay.core.compile.compiler import Compiled
from gws_replay.core.model import Request
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats import journal_lines as journal
from gws_replay.formats import journal_reader
from gws_replay.recording.streaming_compile import JournalCompile
from gws_replay.storage.files import check_new, reason, save_cassette
from gws_replay.storage.locks import Held, is_there, lock

_START = 1 << 16


class JournalFile:
    """The journal that belongs to a cassette: claimed, appended to, and at the end compiled and removed."""

    def __init__(self, cassette: Path, header: Mapping[str, object], *, force: bool = False) -> None:
        """Claim the journal. Raises GwsReplayError when the cassette exists, or another recording has claimed it."""
        check_new(cassette, force=force)
        self.cassette = cassette
        self.path = journal_path(cassette)
        try:
            cassette.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GwsReplayError(f"cannot make the folder {cassette.parent}: {reason(error)}") from None
        self._size = 0
        self.last = b""  # the last line of one that was reopened
        try:
            self._handle = _claim(self.path)
        except OSError as error:
            raise GwsReplayError(f"cannot write {self.path}: {reason(error)}") from None
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
        if lock(handle) == "another's":
            journal_file.close()
            raise GwsReplayError(_taken(path))
        journal_file._size, journal_file.last = _whole_lines(path)  # noqa: SLF001
        os.ftruncate(handle, journal_file._size)  # noqa: SLF001
        return journal_file

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    def append(self, line: bytes) -> None:
        """Write one line. Raises GwsReplayError when the disk refuses; all lines before it are safe."""
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            with suppress(OSError):  # a line that comes later is to stand on a line of its own
                os.ftruncate(self._handle, self._size)
            raise GwsReplayError(
                f"cannot write {self.path}: {reason(error)}; recording stopped, the traffic goes on. "
                f"Make room, then run: gws-replay recover {self.path}",
                exit_code=4,
            ) from None
        self._size += len(line)

    def finish(self, using: Redactor | None = None) -> Compiled:
        """Compile the journal into the cassette and remove it. If that fails (GwsReplayError), the journal stays.

        `using` has a last look at the whole recording: what gave away a personal value may have come late.
        """
        try:
            compiled = recover(self.path, self.cassette, using).compiled
        except CassetteError as error:
            if error.exit_code == 5:
                self.remove()
            raise
        else:
            self.remove()
        finally:
            self.close()
        return compiled

    def remove(self) -> None:
        """Remove the file while nobody else can have claimed it. Raises GwsReplayError when that fails."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise GwsReplayError(f"cannot remove {self.path}: {reason(error)}; all in it was saved") from None
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file and its lock."""
        handle, self._handle = self._handle, -1
        with suppress(OSError):
            os.close(handle)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a journal gave: the compiled cassette, and what was wrong with the journal."""

    compiled: Compiled
    begun: Sequence[Request]
    cut: int
    damaged: Sequence[int]


def recover(path: Path, cassette: Path, using: Redactor | None = None) -> Recovered:
    """Compile a journal into a cassette file; the journal stays.

    Raises CassetteError for a file that is not a journal (exit code 4) or holds no finished exchange (5), and
    GwsReplayError if the cassette cannot be written.
    """
    try:
        lines = path.open("rb")
    except OSError as error:
        raise CassetteError(
            f"cannot read {path}: {reason(error)}; nothing in it is lost, save it with: gws-replay recover {path}",
            exit_code=4,
        ) from None
    with lines, safe_in(path, cassette):
        cassette.parent.mkdir(parents=True, exist_ok=True)
        read = JournalCompile(lines, str(path), cassette.parent, using)
        try:
            compiled = read.compiled()
            save_cassette(compiled.cassette, cassette)
        except BaseException:
            read.close()
            raise
    return Recovered(compiled, read.reader.begun, read.reader.cut, read.reader.damaged)


@contextmanager
def safe_in(journal: Path, cassette: Path) -> Iterator[None]:
    """Add to the error of saving a cassette where its recording still is."""
    try:
        yield
    except CassetteError:
        raise
    except OSError as error:
        raise GwsReplayError(_safe(f"cannot write beside {cassette}: {reason(error)}", journal), exit_code=4) from None
    except GwsReplayError as error:
        raise GwsReplayError(_safe(str(error), journal), exit_code=4) from None


def _safe(problem: str, journal: Path) -> str:
    return f"{problem}. The recording is safe in {journal}: gws-replay recover {journal}"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep a journal from all others. Raises GwsReplayError when another has it, or it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise CassetteError(f"cannot read {path}: {reason(error)}") from None
    try:
        if lock(handle) == "another's":
            raise GwsReplayError(f"{path} is being written: stop that recorder, and it saves the cassette itself")
        yield
    finally:
        os.close(handle)


def journal_path(cassette: Path) -> Path:
    """Return where the journal of a cassette is."""
    return cassette.with_name(f"{cassette.name}.journal")


def is_left(path: Path) -> bool:
    """Tell whether a journal holds a recording that nobody goes on with."""
    if not path.is_file() or is_being_written(path):
        return False
    with path.open("rb") as file:
        start = file.read(_START)
    return bool(start) and not journal_reader.holds_nothing(start)


def is_being_written(path: Path) -> bool:
    """Tell whether a recorder that lives holds the journal; False where the system cannot tell."""
    try:
        with held(path):
            return False
    except CassetteError:
        return False
    except GwsReplayError:
        return True


def _whole_lines(path: Path) -> tuple[int, bytes]:
    """Return how long a file is up to its last whole line, and that line; only its end is read."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        end = b""
        while at and end.count(b"\n") < 3:
            step = min(at, _START)
            at = file.seek(at - step)
            end = file.read(step) + end
    whole = end[: end.rfind(b"\n") + 1]
    return at + len(whole), whole[whole.rfind(b"\n", 0, -1) + 1 :]


def _claim(path: Path) -> int:
    """Open a journal for one recorder: a new one, or one that was left with nothing in it.

    Raises GwsReplayError when another recorder has it or it holds a recording, OSError when it cannot be opened.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        whose = lock(handle)
        if whose != "another's" and not is_there(handle, path):
            os.close(handle)  # the recorder that had it has finished meanwhile
            continue
        if problem := _not_free(handle, path, whose):
            os.close(handle)
            raise GwsReplayError(problem)
        os.ftruncate(handle, 0)
        return handle


def _not_free(handle: int, path: Path, whose: Held) -> str:
    if whose == "another's":
        return _taken(path)
    start = os.read(handle, _START)
    if not start or (whose == "ours" and journal_reader.holds_nothing(start)):
        return ""
    return (
        f"{path} was left by a recording that was interrupted: save it with `gws-replay recover {path}`, or remove it"
    )


def _taken(path: Path) -> str:
    return f"{path} is being written by another recorder: stop that one, or record to another cassette"
