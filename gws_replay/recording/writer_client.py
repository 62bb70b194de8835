"""Edge: the process that writes a recording, as the proxy sees it.

The proxy is one thread, for which all clients wait: so it takes what passes as it is, and sends it through a pipe to a
process that redacts and writes. A response is held until that process says that it is with the system: whichever of the
two is killed, what a client has seen is not lost. A writer that was killed is followed by another, which gets all that
the first had not written; the proxy remembers for it what was found to be secret.
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
from typing import TYPE_CHECKING, Any

from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import GwsReplayError
from gws_replay.recording.pipe import PIECE, Unpacking, packed
from gws_replay.recording.writer_pipes import Pipes, SystemPipes, numbers_of
from gws_replay.settings.redaction import new_key
from gws_replay.storage.files import reason

if TYPE_CHECKING:
    from gws_replay.core.redaction.redactor import Learned

# While a moment of so many bytes is redacted and written, which may take seconds, others are held no longer than this.
_LARGE = 1 << 18
_PATIENCE = 0.05
# How often in a row a writer may end that has written nothing, until the recording is given up.
_FRUITLESS = 3
_ANSWERS = ("answered", "broken", "streamed")
_COMMAND = (sys.executable, "-m", "gws_replay.recording.writer")


# What this process has recorded: mitmproxy loads its scripts again when they change, and this module once.
recorded: set[Path] = set()


class WriterProcess:
    """A writer that runs. `receive` gets what it sends: `lines`, `saved`, `failed`.

    And `restarted` when it was killed and another one goes on, `ended` when it died and none does.
    """

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
        self._sent: deque[tuple[Any, ...]] = deque()  # what is not written yet
        self._pending: dict[str, tuple[Any, ...]] = {}  # requests that are written, and wait for their responses
        self._learned: list[Learned] = []
        self._ended: list[str] = []  # how writers ended, and how many of them had written nothing
        self._fruitless = self._missing = 0
        recorded.add(cassette.absolute())
        self._start_with: dict[str, Any] = {
            "cassette": str(cassette),
            "recorder": recorder,
            "policy": astuple(policy),
            "split": split,
            "force": force,
            "mode": mode,
            "keys": (new_key(), os.urandom(32)),
        }
        self._start()

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
        self._sent.append(moment)
        self._count += 1
        is_large = any(len(part) >= _LARGE for part in moment if isinstance(part, bytes))
        if is_large:
            self._large.append(self._count)
        return is_large

    def finish(self) -> None:
        """Let it save, and wait for its end."""
        self._add(("finish",))
        self._finish()
        while self._process.returncode and self._sent and self._is_restarted():
            self._finish()
        self._release(self._count)
        if self._process.returncode and self._sent:
            self._receive("ended", self._how_it_ended(), 4)

    def _finish(self) -> None:
        """Send the rest, wait for the writer's end, and take what it has returned."""
        returned = self._pipes.finish(packed(self._moments))
        self._moments.clear()
        self._take(returned)

    def _start(self) -> None:
        """Start the first writer, and wait until it has claimed the journal."""
        to, from_ = self._launch()
        with suppress(BrokenPipeError):
            os.write(to, packed(self._start_with))
        try:
            self._claim(from_)
        except BaseException:
            self._close()
            raise
        self._pipes: Pipes = SystemPipes(self._process, self._received)

    def _is_restarted(self) -> bool:
        """Start another writer after one that died, unless it is of no use, and give it what is not written.

        What was sent first is left out if two have ended over it.
        """
        self._fruitless += 1
        how = self._how()
        if self._fruitless >= _FRUITLESS or not self._process.returncode:
            return False
        first = next((number for number, (kind, *_) in enumerate(self._sent, 1) if kind != "begun"), 0)
        if self._fruitless > 1 and first and self._sent[first - 1] != ("finish",):
            self._missing += 1
            self._written(first)
        self._ended.append(how)
        after = {
            "journal": self._journal,
            "pending": list(self._pending.values()),
            "learned": self._learned,
            "ended": self._ended,
            "missing": self._missing,
        }
        try:
            self._launch()
        except GwsReplayError:
            return False
        self._unpacking = Unpacking()
        self._pipes = SystemPipes(self._process, self._received)
        self._pipes.send(packed({**self._start_with, "after": after}))
        self._pipes.send(packed([*self._sent]))
        self._moments.clear()
        self._receive("restarted", f"the process that writes {self._journal} {how}, and is started again")
        return True

    def _launch(self) -> tuple[int, int]:
        """Start a process; return the numbers of the pipes to it and from it."""
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
        return numbers_of(self._process)

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
        if not self._is_restarted():
            self._moments.clear()
            self._release(self._count)
            self._receive("ended", self._how_it_ended(), 4)

    def _take(self, piece: bytes) -> None:
        for kind, *values in self._unpacking.values(piece):
            if kind == "acked":
                count, lines, learned = values
                self._fruitless = 0
                self._written(count)
                if learned:
                    self._learned.append(learned)
                if lines:
                    self._receive("lines", lines)
            elif kind == "writes":
                (self._journal,) = values
                if self._fruitless == 1 and not self._held:
                    self._fruitless = 0  # it was killed while there was nothing to write
            else:
                self._receive(kind, *values)

    def _written(self, count: int) -> None:
        """Forget so many moments, and let the traffic go on that waited for them."""
        for _ in range(min(count, len(self._sent))):
            kind, *values = moment = self._sent.popleft()
            if kind == "begun":
                self._pending[values[0]] = moment
            elif kind in _ANSWERS:
                self._pending.pop(values[0], None)
        self._acked += count
        self._release(self._acked)

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

    def _how(self) -> str:
        code = self._process.returncode
        return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"

    def _how_it_ended(self) -> str:
        return (
            f"the process that writes {self._journal} {self._how()}; recording stopped, the traffic goes on. "
            f"Save what it has written with: gws-replay recover {self._journal}"
        )


def _release(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
