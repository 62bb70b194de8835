"""Edge: the process that writes a recording, a child of the proxy: `python -m gws_replay.writer`.

Its standard input brings what the proxy has taken; that is redacted, written down, and saved in the end. Its standard
output says how much is with the system, and what a person is to see. It ends with its input, when all of it is written
down; where the proxy was killed, whose last word is missing then, the journal stays. What is not redacted is in its
memory only.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from traceback import extract_tb
from typing import Any

from gws_replay.core.bayeux.over_http import is_cometd
from gws_replay.core.compile.compiler import Compiled
from gws_replay.core.model import WebSocketMessage
from gws_replay.core.redaction.policy import Level, Policy
from gws_replay.errors import GwsReplayError
from gws_replay.formats import wire_tuples as raw
from gws_replay.recording import live_lines as live
from gws_replay.recording.pipe import PIECE, Unpacking, packed
from gws_replay.recording.session import RecordingSession
from gws_replay.recording.split import Split
from gws_replay.settings.redaction import redactor

_STREAMED = "its body was streamed past the recorder"
_Lines = Iterable[str]


class Writer:
    """One recording, moment by moment; `tell` is what the proxy hears: `writes` (where), `acked`, `saved`, `failed`."""

    def __init__(
        self,
        tell: Callable[..., None],
        *,
        cassette: str,
        recorder: str,
        policy: tuple[Level, *tuple[tuple[str, ...], ...]],
        split: str,
        force: bool,
    ) -> None:
        """Claim the journal; `split` says when to go on in the next cassette, never if empty. Raises GwsReplayError."""
        self._tell = tell
        self._count = 0
        self._writes: Path | None = None
        self._session: RecordingSession | None = RecordingSession(
            Path(cassette),
            redactor(Policy(*policy)),
            recorder,
            force=force,
            split=Split.parse(split),
            saved=self._saved,
            failed=self._failed,
        )
        self._tell_where(self._session)

    def take(self, moments: Iterable[tuple[Any, ...]]) -> None:
        """Do what each moment says; after all that the proxy waits for, tell how many there were since.

        All are with the system then, or were told of as lost.
        """
        for kind, *moment in moments:
            self._count += 1
            lines = self._done(kind, moment)
            if (
                kind != "begun"
            ):  # one by one: what was sent together would go on together, and the proxy idle until then
                count, self._count = self._count, 0
                self._tell("acked", count, lines)

    def _done(self, kind: str, moment: Iterable[Any]) -> list[str]:
        if self._session is None:
            return []  # the recording has stopped, the traffic goes on
        try:
            lines = list(_DOES[kind](self._session, *moment))
            self._tell_where(self._session)
        except GwsReplayError as error:
            self.close()
            self._failed(error)
        except Exception as error:  # noqa: BLE001 (one message is not to end a recording, nor to be shown)
            self._failed(_unexpected(error))
        else:
            return lines
        return []

    def close(self) -> None:
        """Let go of the journal as it is."""
        session, self._session = self._session, None
        if session:
            session.close()

    def _tell_where(self, session: RecordingSession) -> None:
        if session.journal != self._writes:
            self._writes = session.journal
            self._tell("writes", str(self._writes))

    def _saved(self, path: Path, compiled: Compiled) -> None:
        cassette = compiled.cassette
        fields = {
            "text": live.summary(compiled, str(path)),
            "path": str(path),
            "interactions": len(cassette.interactions),
            "notifications": len(cassette.notifications),
            "notes": list(compiled.notes),
        }
        self._tell("saved", fields)

    def _failed(self, error: GwsReplayError) -> None:
        self._tell("failed", str(error), error.exit_code)


def _begun(session: RecordingSession, id_: str, at: float, *request: *raw.Request) -> _Lines:
    session.begun(id_, at, raw.request(*request))
    return ()


def _answered(session: RecordingSession, id_: str, at: float, *response: *raw.Response) -> _Lines:
    found = session.answered(id_, at, raw.response(*response))
    if found is None:
        return ()
    pending, complete = found
    if is_cometd(pending.request):
        return live.notification_lines(complete.body)
    return (live.exchange_line(pending.request, complete, at - pending.began),)


def _broken(session: RecordingSession, id_: str, at: float, problem: str) -> _Lines:
    request = session.broken(id_, at, problem)
    return (live.failure_line(request, problem),) if request and not is_cometd(request) else ()


def _streamed(session: RecordingSession, id_: str) -> _Lines:
    request = session.forget(id_)
    return (live.failure_line(request, _STREAMED),) if request else ()


def _unread(session: RecordingSession, *request: *raw.Request) -> _Lines:
    return (live.failure_line(session.redacted(raw.request(*request)), _STREAMED),)


def _message(session: RecordingSession, uri: str, seen: float, from_client: bool, text: str) -> _Lines:
    message = session.message(WebSocketMessage(uri=uri, seen=seen, from_client=from_client, text=text))
    return () if message.from_client else live.notification_lines(message.text)


def _finish(session: RecordingSession) -> _Lines:
    session.finish()
    return ()


_DOES: dict[str, Callable[..., _Lines]] = {
    "begun": _begun,
    "answered": _answered,
    "broken": _broken,
    "streamed": _streamed,
    "unread": _unread,
    "message": _message,
    "finish": _finish,
}


def _unexpected(error: Exception) -> GwsReplayError:
    """Say what went wrong and where, but not with what: no redactor has seen that."""
    place = extract_tb(error.__traceback__)[-1]
    return GwsReplayError(
        f"a message was not recorded: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}, is "
        "an error of gws-replay; please report it",
        exit_code=4,
    )


def main() -> None:
    """Write one recording, from the beginning of the input to its end."""
    # Whoever wants it to end ends the proxy: then the rest of what that has seen comes, and the end of the input.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)
    to_proxy = os.dup(1)
    os.dup2(2, 1)  # whatever else is printed is not for the proxy to read
    telling = threading.Lock()

    def tell(*told: Any) -> None:
        rest = memoryview(packed(told))
        with telling, suppress(BrokenPipeError):  # the proxy was killed: what came is written down all the same
            while rest:
                rest = rest[os.write(to_proxy, rest) :]

    received = _received()
    start = next(received, None)
    if start is None:
        return  # the proxy was killed before it could say what to write
    try:
        writer = Writer(tell, **start)
    except GwsReplayError as error:
        tell("failed", str(error), error.exit_code)
        return
    for moments in received:
        writer.take(moments)
    writer.close()


def _received() -> Iterator[Any]:
    unpacking = Unpacking()
    while piece := os.read(0, PIECE):
        yield from unpacking.values(piece)


if __name__ == "__main__":
    main()
