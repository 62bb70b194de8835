"""Edge: what a recorder does with the traffic that it sees: redact, write down, and in the end, or part by part, save.

Nothing here knows the proxy. Where a recording is split, the next part begins with what it needs of the one before:
the requests that still wait for their responses, the stand-ins, the users, and the last operations, which may cause
notifications that are still to come.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gws_replay.core.bayeux.over_http import is_cometd
from gws_replay.core.compile.compiler import Compiled, is_accepted
from gws_replay.core.compile.identity import evidence_of_message, received_in, sent_in
from gws_replay.core.compile.users import Users
from gws_replay.core.model import Evidence, Request, Response, WebSocketMessage
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats import journal_lines as journal
from gws_replay.formats import journal_reader
from gws_replay.formats.wire_tuples import outcome_of
from gws_replay.recording.fingerprints import Fingerprints
from gws_replay.recording.journal_file import JournalFile, journal_path
from gws_replay.recording.split import Split, check_free, number_of, part_of

# How many operations, and for how many seconds, a part remembers those of the one before.
_EARLIER, _EARLIER_FOR = 64, 60.0


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that waits for its response, redacted, with its line in the journal."""

    request: Request
    began: float
    line: bytes
    evidence: Evidence

    @property
    def may_have_effects(self) -> bool:
        """Whether notifications may answer it."""
        return not self.request.is_safe and not is_cometd(self.request)


class RecordingSession:
    """One recording. Its methods return the redacted message, and raise GwsReplayError when the disk refuses.

    `recorder` names what records. `saved` is called for each part that is saved, `failed` for one that cannot be saved:
    in other threads, except for the last part.
    """

    def __init__(
        self,
        cassette: Path,
        using: Redactor,
        recorder: str,
        *,
        force: bool = False,
        split: Split = Split(),  # noqa: B008 (a frozen value)
        saved: Callable[[Path, Compiled], None],
        failed: Callable[[GwsReplayError], None],
        key: bytes = b"",
        goes_on: Path | None = None,
    ) -> None:
        """Claim the journal. Raises GwsReplayError when the cassette exists, or another recording has claimed it.

        `key` is of the fingerprints. `goes_on` is the journal of a process that was killed: this one goes on in it.
        """
        if split != Split() and not goes_on:
            check_free(cassette, force=force)
        self.cassette = cassette
        self._redactor = using
        self._fingerprints = Fingerprints(using, key)
        self._users = Users()
        self._recorder = recorder
        self._force = force
        self._split = split
        self._saved = saved
        self._failed = failed
        self._pending: dict[str, PendingRequest] = {}
        self._earlier: deque[tuple[float, str, bytes, bytes]] = deque(maxlen=_EARLIER)
        self._savers: list[threading.Thread] = []
        self._number = 1
        if goes_on:
            self._go_on(goes_on)
        else:
            self._begin(JournalFile(cassette, self._header(), force=force))

    @property
    def journal(self) -> Path:
        """Where the part is that is being written."""
        return self._journal.path

    def redacted(self, request: Request) -> Request:
        """Return a request that is shown and not written down."""
        return self._redactor.request(request)

    def begun(self, id_: str, at: float, request: Request, connection: str = "") -> Request:
        """Write down that a request began, on a connection of the client."""
        if self._written >= self._split.size or time.monotonic() >= self._until:
            self._cut(at)
        evidence = self._fingerprints.of(Evidence(sent=sent_in(request), connection=connection))
        request = self._redactor.request(request)
        line = journal.request_line(id_, at, request, evidence)
        self._pending[id_] = PendingRequest(request, at, line, evidence)
        self._write(line)
        return request

    def answered(self, id_: str, at: float, response: Response) -> tuple[PendingRequest, Response] | None:
        """Write down a complete response, and return it with its request; None if that is not recorded."""
        pending = self._pending.pop(id_, None)
        if pending is None or self._is_written("response", id_, at):
            return None
        received = received_in(pending.request, response, pending.evidence.connection)
        evidence = replace(pending.evidence, received=self._fingerprints.of(Evidence(received=received)).received)
        is_rest = not is_cometd(pending.request)
        self._users.add(evidence, pending.began, is_accepted=is_accepted(response), is_rest=is_rest)
        response = self._redactor.response(response)
        line = journal.response_line(id_, at, response, evidence)
        self._write(line)
        if self._split != Split() and pending.may_have_effects:
            self._earlier.append((at, id_, pending.line, line))
        return pending, response

    def forget(self, id_: str) -> Request | None:
        """Return a request whose response cannot be recorded."""
        pending = self._pending.pop(id_, None)
        return pending.request if pending else None

    def broken(self, id_: str, at: float, message: str) -> Request | None:
        """Write down that a request will get no response, and return it; None if it is not recorded."""
        if request := self.forget(id_):
            if self._is_written("error", id_, at):
                return None
            self._write(journal.error_line(id_, at, message, outcome_of(message)))
        return request

    def message(self, message: WebSocketMessage, connection: str = "") -> WebSocketMessage:
        """Write down a WebSocket message of a connection of the client."""
        if self._is_written("frame", None, message.seen):
            return self._redactor.message(message)
        message = replace(message, evidence=Evidence(connection=connection or message.uri))
        evidence = self._fingerprints.of(evidence_of_message(message))
        self._users.add(evidence, message.seen, is_rest=False)
        message = replace(message, evidence=evidence)
        message = self._redactor.message(message)
        self._write(journal.message_line(message))
        return message

    def finish(self) -> None:
        """Save the last part; all others are saved when this returns."""
        self._save(self._journal, self._redactor.again(), is_only=self._number == 1, is_last=True)
        for saver in self._savers:
            saver.join()

    def close(self) -> None:
        """Let go of the journal as it is."""
        self._journal.close()

    def _header(self) -> Mapping[str, object]:
        recorded = datetime.now(UTC).isoformat(timespec="seconds")
        return {"recorded": recorded, "recorder": self._recorder, **self._redactor.facts}

    def _go_on(self, left: Path) -> None:
        """Go on in the journal of a process that was killed, and save the parts that it did not come to save."""
        self._number = number_of(left.with_suffix(""), self.cassette)
        self._begin(JournalFile.reopened(part_of(self.cassette, self._number)))
        self._written = self._journal.size
        for number in range(1, self._number):
            part = part_of(self.cassette, number)
            if journal_path(part).exists():
                self._savers.append(
                    threading.Thread(target=self._save, args=(JournalFile.reopened(part), self._redactor.again()))
                )
                self._savers[-1].start()

    def _is_written(self, kind: str, id_: str | None, at: float) -> bool:
        """Tell whether this is the last line of the process that was killed: nobody knows that it was written."""
        return bool(self._journal.last) and journal_reader.is_last(self._journal.last, kind, id_, at)

    def _begin(self, claimed: JournalFile) -> None:
        self._journal = claimed
        self._written = 0
        self._until = time.monotonic() + self._split.seconds

    def _write(self, line: bytes) -> None:
        if stand_ins := self._redactor.fresh():
            line = journal.stand_ins_line(stand_ins) + line
        self._journal.append(line)
        self._written += len(line)

    def _cut(self, at: float) -> None:
        """Go on in the next part; where that cannot be had, in this one."""
        number = self._number + 1
        try:
            header = {**self._header(), "part": number}
            claimed = JournalFile(part_of(self.cassette, number), header, force=self._force)
        except GwsReplayError as error:
            self._split = Split()
            self._until = float("inf")
            self._failed(error)
            return
        done = self._journal
        done.append(b"".join(map(journal.moved_line, self._pending)))
        again = self._redactor.again()
        saver = threading.Thread(target=self._save, args=(done, again), name=f"gws-replay part {self._number}")
        self._number = number
        self._begin(claimed)
        if reported := self._redactor.stand_ins:
            self._redactor.fresh()
            self._write(journal.stand_ins_line(reported))
        if users := self._users.seeds():
            self._write(journal.users_line(users))
        for ended, id_, request_line, response_line in self._earlier:
            if ended >= at - _EARLIER_FOR:
                self._write(journal.earlier_line(id_) + request_line + response_line)
        for pending in self._pending.values():
            self._write(pending.line)
        self._savers.append(saver)
        saver.start()

    def _save(self, done: JournalFile, using: Redactor, *, is_only: bool = False, is_last: bool = False) -> None:
        try:
            compiled = done.finish(using)
        except CassetteError as error:
            if is_only or error.exit_code != 5:  # a last part without a response is not worth a message
                self._failed(error)
        except GwsReplayError as error:
            self._failed(error)
        else:
            notes = self._redactor.notes() if is_last else ()
            self._saved(done.cassette, replace(compiled, notes=(*compiled.notes, *notes)))
