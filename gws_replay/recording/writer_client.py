"""Edge: the process that writes a recording, as the proxy sees it.

The proxy is one thread, for which all clients wait: so it takes what passes as it is, and sends it through a pipe to a
process that redacts and writes. A response is held until that process says that it is with the system: whichever of the
two is killed, what a client has seen is not lost.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import GwsReplayError
from gws_replay.recording.pipe import PIECE, Unpacking, packed
from gws_replay.recording.writer_pipes import Pipes, SystemPipes, numbers_of
from gws_replay.storage.files import reason

# While a moment of so many bytes is redacted and written, which may take seconds, others are held no longer than this.
_LARGE = 1 << 18
_PATIENCE = 0.05
_COMMAND = (sys.executable, "-m", "gws_replay.recording.writer")


# What this process has recorded: mitmproxy loads its scripts again when they change, and this module once.
recorded: set[Path] = set()


class WriterProcess:
    """A writer that runs. `receive` gets what it sends: `lines`, `saved`, `failed`, and `ended` when it died."""

    def __init__(
        self,
        receive: Callable[..., None],
        cassette: Path,
        recorder: str,
        policy: Policy,
        *,
        split: str,
        force: bool,
        mode: str = "reverse",
    ) -> None:
        """Start it for the running event loop, and claim the journal. Raises GwsReplayError when it cannot be had."""
        self.cassette = cassette
        if cassette.absolute() in recorded and cassette.exists():
            raise GwsReplayError(
                f"{cassette} was recorded before the script was loaded again, and is kept: set gws_cassette to another"
            )
        self._receive = receive
        self._journal = ""
        self._loop = asyncio.get_running_loop()
        self._moments: list[tuple[Any, ...]] = []
        self._is_planned = False
        self._count = self._acked = 0
        self._held: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._large: deque[int] = deque()  # which moments are large, of those that are not written yet
        self._unpacking = Unpacking()
        start = {"cassette": str(cassette), "recorder": recorder, "policy": astuple(policy)}
        recorded.add(cassette.absolute())
        self._start({**start, "split": split, "force": force, "mode": mode})

    def begun(self, *moment: Any) -> None:
        """Send what nobody waits for, soon; what is held from now on is written after it."""
        self._add(moment)
        if not self._is_planned:
            self._is_planned = True
            self._loop.call_soon(self._flush_planned)

    def held(self, *moment: Any) -> "asyncio.Future[None]":
        """Send what has to be written before the traffic goes on: that is when the future is done.

        Behind another client's large moment the traffic goes on after a moment: that client alone has to wait.
        """
        is_behind = bool(self._large)
        is_large = self._add(moment)
        self._flush()  # at once: the writer works while the rest of this turn of the loop goes on
        future = self._loop.create_future()
        self._held.append((self._count, future))
        if is_behind and not is_large:
            self._loop.call_later(_PATIENCE, _release, future)
        return future

    def _add(self, moment: tuple[Any, ...]) -> bool:
        """Take up a moment; tell whether it is large."""
        self._moments.append(moment)
        self._count += 1
        is_large = any(len(part) >= _LARGE for part in moment if isinstance(part, bytes))
        if is_large:
            self._large.append(self._count)
        return is_large

    def finish(self) -> None:
        """Let it save, and wait for its end."""
        self._moments.append(("finish",))
        returned = self._pipes.finish(packed(self._moments))
        self._moments.clear()
        self._take(returned)
        self._release(self._count)
        if self._process.returncode:
            self._receive("ended", self._how_it_ended(), 4)

    def _start(self, start: dict[str, Any]) -> None:
        try:
            self._process = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the proxy, which has more to send
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
        except OSError as error:
            raise GwsReplayError(f"cannot start the process that writes {self.cassette}: {reason(error)}") from None
        to, from_ = numbers_of(self._process)
        with suppress(BrokenPipeError):
            os.write(to, packed(start))
        try:
            self._claim(from_)
        except BaseException:
            self._close()
            raise
        self._pipes: Pipes = SystemPipes(self._process, self._received)

    def _claim(self, from_: int) -> None:
        while not self._journal:
            piece = os.read(from_, PIECE)
            if not piece:
                raise GwsReplayError(f"cannot write {self.cassette}: the process that is to do it ended at once")
            for kind, *values in self._unpacking.values(piece):
                if kind == "failed":
                    text, exit_code = values
                    raise GwsReplayError(text, exit_code=exit_code)
                (self._journal,) = values

    def _flush_planned(self) -> None:
        self._is_planned = False
        self._flush()

    def _flush(self) -> None:
        if self._moments:
            self._pipes.send(packed(self._moments))
            self._moments.clear()

    def _received(self, piece: bytes) -> None:
        if piece:
            self._take(piece)
            return
        self._pipes.detach()
        self._close()
        self._moments.clear()
        self._release(self._count)
        self._receive("ended", self._how_it_ended(), 4)

    def _take(self, piece: bytes) -> None:
        for kind, *values in self._unpacking.values(piece):
            if kind == "acked":
                count, lines = values
                self._acked += count
                self._release(self._acked)
                if lines:
                    self._receive("lines", lines)
            elif kind == "writes":
                (self._journal,) = values
            else:
                self._receive(kind, *values)

    def _release(self, count: int) -> None:
        """Let all the traffic go on that waits for so many moments."""
        while self._large and self._large[0] <= count:
            self._large.popleft()
        while self._held and self._held[0][0] <= count:
            _, future = self._held.popleft()
            _release(future)

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"
        return (
            f"the process that writes {self._journal} {how}; recording stopped, the traffic goes on. "
            f"Save what it has written with: gws-replay recover {self._journal}"
        )


def _release(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
