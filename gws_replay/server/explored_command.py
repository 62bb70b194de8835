"""Edge: a command in any language that is run under variants: each time with a replay server of its own.

It finds its server in GWS_REPLAY_URL. Whether it has succeeded is for its exit code to say.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from gws_replay.core.explore.deviation import Variant
from gws_replay.core.explore.exploration import Ended
from gws_replay.core.explore.plan import Plan
from gws_replay.core.explore.space import Space, is_fault
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.errors import GwsReplayError
from gws_replay.playback.explored_run import explored_run, observed_run
from gws_replay.server.server import ServedRun, serving
from gws_replay.storage.files import reason

# How much of what a command prints is kept: its end.
_TAIL = 4000


class CommandEnded(NamedTuple):
    """How a command ended: in words, empty for a success; the end of what it printed, and what replay missed."""

    problem: str
    output: str
    missed: tuple[str, ...] = ()


class _Process(NamedTuple):
    code: int | None
    output: str


@dataclass(eq=False)
class ExploredCommand:
    """Runs a command against a cassette, as recorded and under variants; at once from several threads, too.

    A run that takes longer than `timeout` seconds is stopped, with everything that the command has started.
    """

    command: Sequence[str]
    index: CassetteIndex
    timeout: float
    recorded: Plan = field(init=False)
    _running: set[subprocess.Popen[bytes]] = field(init=False, default_factory=set)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _closed: bool = field(init=False, default=False)

    def as_recorded(self) -> CommandEnded:
        """Run the command as recorded. Raises GwsReplayError if it cannot be run."""
        run, self.recorded = observed_run(ServedRun, [self.index])
        return self._ended(run, self._run(run))

    def under(self, space: Space, variant: Variant) -> Ended[CommandEnded]:
        """Run the command under a variant; it has been run as recorded before."""
        run, plan = explored_run(ServedRun, space, variant)
        process = self._run(run)
        fault = any(map(is_fault, variant.deviations))
        storm = plan.storm(self.recorded) if fault else ""
        if fault and process.code is not None and process.code >= 0:
            process = process._replace(code=0)  # that a client reports a fault is right
        ended = self._ended(run, process, storm)
        return Ended(bool(ended.problem), plan.seen, ended)

    def close(self) -> None:
        """Stop what runs, and start nothing more."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _stop(process)

    def _ended(self, run: ServedRun, process: _Process, storm: str = "") -> CommandEnded:
        code = process.code
        if code is None:
            problem = f"it did not end within {self.timeout:g} s"
        elif code < 0:
            problem = f"it was ended by signal {-code}"
        else:
            problem = f"it ended with exit code {code}" if code else storm
        problems = [problem, *run.faults] if problem else run.faults
        return CommandEnded("; ".join(problems), process.output, tuple(map(str, run.misses)))

    def _run(self, run: ServedRun) -> _Process:
        with serving(run) as server, tempfile.TemporaryFile() as output:
            process = self._started(server.url, output)
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                with self._lock:
                    self._running.discard(process)
                _stop(process)  # and what it has left behind
            return _Process(code, _tail(output))

    def _started(self, url: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise GwsReplayError("the exploration was stopped")
            try:
                process = subprocess.Popen(
                    self.command,
                    env={**os.environ, "GWS_REPLAY_URL": url},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # so that what it starts can be stopped with it
                )
            except OSError as error:
                raise GwsReplayError(f"cannot run {self.command[0]}: {reason(error)}") from None
            self._running.add(process)
            return process


class Ahead:
    """Runs the variants that come next in threads, so that their results are there when they are needed."""

    def __init__(
        self, run: Callable[[Variant], Ended[CommandEnded]], upcoming: Iterator[Variant], *, jobs: int
    ) -> None:
        self._run = run
        self._upcoming = upcoming
        self._jobs = jobs
        self._threads = ThreadPoolExecutor(jobs, "gws-replay explore")
        self._begun: dict[Variant, Future[Ended[CommandEnded]]] = {}

    def __call__(self, variant: Variant) -> Ended[CommandEnded]:
        """Return the result of a variant."""
        self._begin()
        if variant not in self._begun:  # it is run once more, or smaller
            return self._threads.submit(self._run, variant).result()
        for skipped in list(self._begun):
            found = self._begun.pop(skipped)
            if skipped == variant:
                break
            found.cancel()
        self._begin()
        return found.result()

    def _begin(self) -> None:
        while self._jobs > 1 and len(self._begun) < self._jobs and (variant := next(self._upcoming, None)):
            self._begun[variant] = self._threads.submit(self._run, variant)

    def close(self) -> None:
        """Wait for what runs."""
        self._threads.shutdown(cancel_futures=True)


def _tail(output: IO[bytes]) -> str:
    """Return the end of what was printed."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL))
    return output.read().decode("utf-8", "replace").strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a command and what it has started, at once."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
