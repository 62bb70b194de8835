"""Runs a job many times in its own process, and ends or disturbs it at a different system call each time.

`python -m tests.faults.crashing FOLDER COUNT` runs each job in three ways: killed before its first, second, ... call
until it reaches its end; with an error (EIO) at each of these calls; killed at COUNT random moments. It prints a JSON
line for each try.
"""

import errno
import json
import mmap
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from gws_replay.cli import main
from gws_replay.core.model import Request, Response
from gws_replay.errors import GwsReplayError
from gws_replay.formats import journal_lines as journal
from gws_replay.recording.journal_file import JournalFile
from gws_replay.recording.session import RecordingSession
from gws_replay.recording.split import Split
from gws_replay.storage.files import save_cassette
from tests.support.builders import cassette, exchange
from tests.support.redactors import redactor

NAME = "c.yaml"
SEED = 20261124
OLD = cassette(*(exchange(began=n) for n in range(3)))
NEW = cassette(*(exchange(began=n) for n in range(20)))
EXCHANGES = 3
# The calls that change something on a disk, or prepare it.
CALLS = frozenset(("open", "write", "writelines", "flush", "fsync", "replace", "unlink", "mkdir", "ftruncate", "flock"))

promised = mmap.mmap(-1, 1)  # how many exchanges the recorder has reported to a client; this file outlives the process


def save(folder: Path) -> None:
    """Save a cassette over another one."""
    save_cassette(NEW, folder / NAME)


def record(folder: Path) -> None:
    """Record exchanges, and compile them."""
    recording = JournalFile(folder / "new" / NAME, {"recorder": "me"})
    write(recording)
    recording.finish()


def write(recording: JournalFile) -> None:
    """Write exchanges, as the recorder does before the client receives their responses."""
    for number in range(EXCHANGES):
        request = Request(method="GET", uri=f"http://h/api/v2/{number}")
        recording.append(journal.request_line(f"{number}", number, request))
        recording.append(journal.response_line(f"{number}", number + 0.5, Response(status=200, body=b'{"a":1}')))
        promised[0] = number + 1


def record_parts(folder: Path) -> None:
    """Record exchanges in several parts, each saved while the next is written."""
    failed: list[GwsReplayError] = []
    cassette = folder / "new" / NAME
    session = RecordingSession(
        cassette, redactor(), "me", split=Split(size=200), saved=lambda *_: None, failed=failed.append
    )
    for number in range(EXCHANGES):
        session.begun(f"{number}", number, Request(method="POST", uri=f"http://h/api/v2/{number}"))
        session.answered(f"{number}", number + 0.5, Response(status=200, body=b'{"a":1}'))
        promised[0] = number + 1
    session.finish()
    for error in failed:
        raise error


def recover_left(folder: Path) -> None:
    """Recover an interrupted recording with the command."""
    sys.argv = ["gws-replay", "recover", str(folder / f"{NAME}.journal")]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise GwsReplayError("said on stderr", exit_code=int(ended.code)) from None


JOBS: dict[str, Callable[[Path], None]] = {
    "save": save,
    "record": record,
    "split": record_parts,
    "recover": recover_left,
}


def prepare(job: str, folder: Path) -> None:
    """Create the folder in which a job starts."""
    folder.mkdir(parents=True)
    promised[0] = 0
    if job == "save":
        save_cassette(OLD, folder / NAME)
    if job == "recover":
        left = JournalFile(folder / NAME, {"recorder": "me"})
        write(left)
        left.close()


def disturbed(work: Callable[[], None], at: int, disturb: Callable[[], None]) -> bool:
    """Run a job and disturb it before one of its calls; return whether it got that far."""
    count = 0

    def watch(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal count
        if event == "c_call" and called.__name__ in CALLS and not isinstance(called.__self__, str | bytes):
            count += 1
            if count == at:
                disturb()

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count >= at


def kill() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    """Raise the error of a disk that is failing."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def tried(job: str, folder: Path, disturb: Callable[[], None], at: int, moment: float | None = None) -> dict[str, Any]:
    """Run a job in its own process, disturbed at a call, or killed after a time; return the result."""
    prepare(job, folder)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        text, reached = "", True
        try:
            reached = disturbed(lambda: JOBS[job](folder), at, disturb)
        except GwsReplayError as error:
            text = f"{error.exit_code} {error}"
        except BaseException as error:  # noqa: BLE001 (the test needs it)
            text = f"crash: {error!r}"
        os.write(writer, json.dumps([text, reached]).encode())
        os._exit(0)
    os.close(writer)
    if moment is not None:
        time.sleep(moment)  # the random moment itself
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        outcome = pipe.read()
    os.waitpid(child, 0)
    text, reached = json.loads(outcome) if outcome else ("", True)
    seen = {"job": job, "folder": str(folder), "killed": not outcome, "said": text, "promised": promised[0]}
    print(json.dumps(seen), flush=True)
    return {**seen, "reached": reached}


def try_all(top: Path, count: int) -> None:
    """Try each job at all its calls, and at so many random moments."""
    chance = random.Random(SEED)
    for job in JOBS:
        for disturb in (kill, fail):
            at = 1
            while tried(job, top / f"{job}-{disturb.__name__}-{at}", disturb, at)["reached"]:
                at += 1
        for number in range(count):
            tried(job, top / f"{job}-{number}", kill, 0, chance.uniform(0, 0.01))


if __name__ == "__main__":
    try_all(Path(sys.argv[1]), int(sys.argv[2]))
