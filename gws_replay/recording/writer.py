"""Edge: the process that writes a recording, a child of the proxy: `python -m gws_replay.recording.writer`.

Its standard input brings what the proxy has seen; that is redacted, appended to the journal, and saved at the end. Its
standard output says how much is written, and what to show. It ends with its input, when all of it is written. If the
proxy was killed, the journal stays. Unredacted data is in its memory only.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb
from typing import Any

from gws_replay.core.bayeux.over_http import is_cometd
from gws_replay.core.compile.compiler import Compiled
from gws_replay.core.counted import counted
from gws_replay.core.model import Request, WebSocketMessage
from gws_replay.core.redaction.policy import Level, Policy
from gws_replay.errors import GwsReplayError
from gws_replay.formats import wire_tuples as raw
from gws_replay.recording import live_lines as live
from gws_replay.recording.journal_file import journal_path
from gws_replay.recording.known_traffic import Kind, is_bayeux_text, notes_on_left_out
from gws_replay.recording.pipe import PIECE, Unpacking, packed
from gws_replay.recording.session import RecordingSession
from gws_replay.recording.split import Split
from gws_replay.settings.redaction import redactor

_STREAMED = "its body was streamed past the recorder"
_Lines = Iterable[str]
_Message = tuple[str, float, bool, str | bytes]  # address, time, whether it is the client's, content
_DOCS = "docs/recording.md"


class Writer:
    """One recording, moment by moment; `send` sends to the proxy: `writes` (where), `acked`, `saved`, `failed`."""

    def __init__(
        self,
        send: Callable[..., None],
        *,
        cassette: str,
        recorder: str,
        policy: tuple[Level, *tuple[tuple[str, ...], ...]],
        split: str,
        force: bool,
        mode: str = "reverse",
        keys: tuple[str, bytes] = ("", b""),
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Claim the journal. Raises GwsReplayError.

        `split` says when to go on in the next cassette (empty: never), `mode` how the proxy is used. `keys` are of
        stand-ins and fingerprints. `after` is what is known of processes that were killed before: the `journal`, the
        `pending` requests, what they have `learned`, how they `ended`, and how many messages are `missing`.
        """
        self._send = send
        self._mode = mode
        self._count = 0
        self._exchanges = 0
        self._has_cometd = False
        self._left_out: list[tuple[Kind, str, int]] = []
        self._problem = ""  # why the last request got no response
        self._last: Path | None = None  # the part that is saved at the end
        self._writes: Path | None = None
        self._after = after or {}
        self._redactor = redactor(Policy(*policy), key=keys[0])
        for learned in self._after.get("learned", ()):
            self._redactor.know(learned)
        self._session: RecordingSession | None = RecordingSession(
            Path(cassette),
            self._redactor,
            recorder,
            force=force,
            split=Split.parse(split),
            saved=self._saved,
            failed=self._failed,
            key=keys[1],
            goes_on=Path(after["journal"]) if after else None,
        )
        for _, *request in self._after.get("pending", ()):
            self._on_begun(self._session, *request)
        self._send_place(self._session)

    def take(self, moments: Iterable[tuple[Any, ...]]) -> None:
        """Do what each moment says; after each that the proxy waits for, send how many there were since the last one.

        All of them are written then, or were reported as lost.
        """
        for kind, *moment in moments:
            self._count += 1
            lines = self._done(kind, moment)
            if kind != "begun":  # one by one: or else the proxy would wait idle for the last of them
                count, self._count = self._count, 0
                self._send("acked", count, lines, self._redactor.learned())

    def close(self) -> None:
        """Close the journal as it is."""
        session, self._session = self._session, None
        if session:
            session.close()

    def _done(self, kind: str, moment: Iterable[Any]) -> list[str]:
        if self._session is None:
            return []  # the recording has stopped, the traffic goes on
        try:
            lines = list(getattr(self, f"_on_{kind}")(self._session, *moment))
            self._send_place(self._session)
        except GwsReplayError as error:
            self.close()
            self._failed(error)
        except Exception as error:  # noqa: BLE001 (one message is not to end a recording, nor to be shown)
            self._failed(_unexpected(error))
        else:
            return lines
        return []

    def _on_begun(
        self, session: RecordingSession, id_: str, at: float, connection: str, *request: *raw.Request
    ) -> _Lines:
        session.begun(id_, at, raw.request(*request), connection)
        return ()

    def _on_answered(self, session: RecordingSession, id_: str, at: float, *response: *raw.Response) -> _Lines:
        found = session.answered(id_, at, raw.response(*response))
        if found is None:
            return ()
        pending, complete = found
        if is_cometd(pending.request):
            self._has_cometd = True
            return live.notification_lines(complete.body)
        self._exchanges += 1
        return (live.exchange_line(pending.request, complete, at - pending.began),)

    def _on_broken(self, session: RecordingSession, id_: str, at: float, problem: str) -> _Lines:
        request = session.broken(id_, at, problem)
        if request is None or is_cometd(request):
            return ()
        self._problem = problem
        return (live.failure_line(request, problem),)

    def _on_streamed(self, session: RecordingSession, id_: str) -> _Lines:
        request = session.forget(id_)
        return (live.failure_line(request, _STREAMED),) if request else ()

    def _on_unread(self, session: RecordingSession, *request: *raw.Request) -> _Lines:
        return (live.failure_line(session.redacted(raw.request(*request)), _STREAMED),)

    def _on_message(self, session: RecordingSession, connection: str, *message: *_Message) -> _Lines:
        uri, seen, from_client, content = message
        observed = WebSocketMessage(uri=uri, seen=seen, from_client=from_client, content=content)
        written = session.message(observed, connection)
        if isinstance(written.content, bytes):
            return ()
        self._has_cometd |= is_bayeux_text(written.content)
        return () if from_client else live.notification_lines(written.content)

    def _on_left_out(self, session: RecordingSession, counts: list[tuple[Kind, str, int]]) -> _Lines:
        """Remember what the proxy did not record; the places are redacted like recorded ones."""
        places = (session.redacted(Request(method="GET", uri=place)).uri for _, place, _ in counts)
        self._left_out = [(kind, place, count) for (kind, _, count), place in zip(counts, places, strict=True)]
        return ()

    def _on_finish(self, session: RecordingSession) -> _Lines:
        self._last = session.journal
        session.finish()
        if missing := self._after.get("missing", 0):
            self._send("failed", f"{counted(missing, 'message')} could not be written: the rest was saved", 4)
        return ()

    def _send_place(self, session: RecordingSession) -> None:
        if session.journal != self._writes:
            self._writes = session.journal
            self._send("writes", str(self._writes))

    def _saved(self, path: Path, compiled: Compiled) -> None:
        if self._last and journal_path(path) == self._last:
            notes = (
                *notes_on_left_out(self._left_out, only_known=True),
                *self._notes_on_cometd(),
                *self._notes_on_restarts(),
            )
            compiled = replace(compiled, notes=(*compiled.notes, *notes))
        cassette = compiled.cassette
        fields = {
            "text": live.summary(compiled, str(path)),
            "path": str(path),
            "interactions": len(cassette.interactions),
            "notifications": len(cassette.notifications),
            "notes": list(compiled.notes),
        }
        self._send("saved", fields)

    def _notes_on_cometd(self) -> Iterator[str]:
        has_any = self._has_cometd or bool(self._after) or any(kind == "CometD" for kind, _, _ in self._left_out)
        if self._mode == "regular" and self._exchanges and not has_any:
            yield (
                "no CometD request came through the proxy, so no notification is recorded: the CometD client does not "
                f"use the proxy variables (aiohttp needs trust_env=True); see the page on clients in {_DOCS}"
            )

    def _notes_on_restarts(self) -> Iterator[str]:
        ended, missing = self._after.get("ended", ()), self._after.get("missing", 0)
        if ended:
            lost = f"{counted(missing, 'message')} could not be written" if missing else "nothing is missing"
            yield f"the process that writes {'; then it '.join(ended)}, and was started again: {lost}"

    def _failed(self, error: GwsReplayError) -> None:
        text = str(error)
        if error.exit_code == 5:
            reasons = [self._problem, *notes_on_left_out(self._left_out, only_known=False)]
            text = "; ".join([text, *filter(None, reasons)])
        self._send("failed", text, error.exit_code)


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
    sending = threading.Lock()

    def send(*values: Any) -> None:
        rest = memoryview(packed(values))
        with sending, suppress(BrokenPipeError):  # the proxy was killed: what came is written down all the same
            while rest:
                rest = rest[os.write(to_proxy, rest) :]

    received = _received()
    start = next(received, None)
    if start is None:
        return  # the proxy was killed before it could say what to write
    try:
        writer = Writer(send, **start)
    except GwsReplayError as error:
        send("failed", str(error), error.exit_code)
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
