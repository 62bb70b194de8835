"""Edge: the pipes between the proxy and its writer, in an event loop: what is sent never blocks it.

Where the system can wait for pipes (all but Windows) the loop itself does; elsewhere a thread each does.
"""

import asyncio
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from gws_replay.recording.pipe import PIECE

if TYPE_CHECKING:
    import subprocess

_LARGEST = 1 << 20  # bytes that wait for the writer and survive the proxy, where the system allows it


class Pipes(Protocol):
    """Sends bytes in order; what comes back is given to a function, empty bytes at the end."""

    def send(self, data: bytes) -> None:
        """Send bytes without waiting."""

    def detach(self) -> None:
        """Stop: the writer has ended."""

    def finish(self, data: bytes) -> bytes:
        """Send the last bytes, and wait for the writer's end; return what came back in that time."""


if sys.platform != "win32":

    class PolledPipes:
        """The event loop waits for both pipes."""

        def __init__(self, process: "subprocess.Popen[bytes]", received: Callable[[bytes], None]) -> None:
            self._loop = asyncio.get_running_loop()
            self._process = process
            self._to, self._from = to, from_ = numbers_of(process)
            self._rest = bytearray()
            self._is_full = False
            _enlarge(to)
            os.set_blocking(to, False)
            os.set_blocking(from_, False)
            self._loop.add_reader(from_, lambda: received(os.read(from_, PIECE)))

        def send(self, data: bytes) -> None:
            """Send bytes without waiting."""
            self._rest += data
            self._write()

        def detach(self) -> None:
            """Stop."""
            self._loop.remove_reader(self._from)
            self._loop.remove_writer(self._to)

        def finish(self, data: bytes) -> bytes:
            """Send the last bytes, and wait for the writer's end."""
            self.detach()
            returned, _ = self._process.communicate(bytes(self._rest) + data)
            return returned

        def _write(self) -> None:
            try:
                del self._rest[: os.write(self._to, self._rest)]
            except BlockingIOError:
                pass
            except BrokenPipeError:  # the writer died, which is seen at the other pipe
                self._rest.clear()
            if bool(self._rest) != self._is_full:
                self._is_full = not self._is_full
                if self._is_full:
                    self._loop.add_writer(self._to, self._write)
                else:
                    self._loop.remove_writer(self._to)


class ThreadedPipes:
    """A thread waits for each pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]", received: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._to, self._from = numbers_of(process)
        self._received = received
        self._to_send: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, daemon=True)
        self._receiver = threading.Thread(target=self._receive_all, daemon=True)
        self._sender.start()
        self._receiver.start()

    def send(self, data: bytes) -> None:
        """Send bytes without waiting."""
        self._to_send.put(data)

    def detach(self) -> None:
        """Stop."""
        self._to_send.put(None)
        self._sender.join()

    def finish(self, data: bytes) -> bytes:
        """Send the last bytes, and wait for the writer's end."""
        self._to_send.put(data)
        self.detach()
        if self._process.stdin:
            self._process.stdin.close()
        self._receiver.join()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        return b"".join(self._all_arrived())

    def _send_all(self) -> None:
        while (data := self._to_send.get()) is not None:
            rest = memoryview(data)
            with suppress(OSError):  # the writer died, which is seen at the other pipe
                while rest:
                    rest = rest[os.write(self._to, rest) :]

    def _receive_all(self) -> None:
        piece = b"begin"
        while piece:
            piece = os.read(self._from, PIECE)
            self._arrived.put(piece)
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        for piece in self._all_arrived():
            self._received(piece)

    def _all_arrived(self) -> Iterator[bytes]:
        with suppress(queue.Empty):
            while True:
                yield self._arrived.get_nowait()


def numbers_of(process: "subprocess.Popen[bytes]") -> tuple[int, int]:
    """Return the numbers of the pipes to and from a process."""
    to, from_ = process.stdin, process.stdout
    return (to.fileno() if to else -1), (from_.fileno() if from_ else -1)


def _enlarge(pipe: int) -> None:
    """Let a pipe hold more, so that a killed proxy leaves nothing unsent; only Linux can."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 (other systems have none)

        with suppress(OSError):  # more than this user may have
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _LARGEST)


if sys.platform == "win32":
    SystemPipes = ThreadedPipes
else:
    SystemPipes = PolledPipes
