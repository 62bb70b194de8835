"""Edge: the recording of a live system's responses to a cassette's requests: journal, redaction, cassette.

The journal is that of `gws-replay record`. The id of a request in it is its place in the cassette, so that an
interrupted run can go on where it was.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.model import Exchange, Request, Response
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats import journal_lines as journal
from gws_replay.formats import journal_reader
from gws_replay.formats.vcr.yaml_text import dump_json
from gws_replay.recording.journal_file import JournalFile, is_left, journal_path
from gws_replay.settings.redaction import KEY_VARIABLE, policy_of, redactor
from gws_replay.storage.files import reason

_FACTS = "drift"


@dataclass(slots=True)
class Earlier:
    """What an interrupted run had recorded: exchanges by place, CometD's by user, requests without a response."""

    answered: dict[int, Exchange] = field(default_factory=dict)
    cometd: list[tuple[int, Exchange]] = field(default_factory=list)
    unanswered: set[int] = field(default_factory=set)


class LiveRecording:
    """The candidate while it is recorded; `earlier` is what it holds when a run is resumed."""

    def __init__(
        self,
        baseline: Cassette,
        candidate: Path,
        facts: Mapping[str, object],
        *,
        keep: Iterable[str] = (),
        force: bool = False,
        resume: bool = False,
    ) -> None:
        """Claim the candidate and its journal.

        Raises GwsReplayError if the candidate exists or somebody else writes it, and, to resume, if there is no
        interrupted run, or one with other `facts`.
        """
        level = "all" if baseline.header.get("redaction", "all") == "all" else "secrets"
        facts = {"baseline": _digest(baseline), **facts}
        self.earlier = Earlier()
        settled: Iterable[str] = ()
        path = journal_path(candidate)
        if resume:
            self.earlier, settled = _earlier(path, facts)
        elif is_left(path):
            raise GwsReplayError(
                f"{path} was left by a run that was interrupted: go on with --resume, save it with `gws-replay recover "
                f"{path}`, or remove it"
            )
        self._redactor = redactor(policy_of(level, {"keep": tuple(keep)}, "--keep"), settled)
        # With one key for all recordings the same value has the same stand-in anyway.
        self._adopts = baseline.header.get("redaction") == "all" and not os.environ.get(KEY_VARIABLE)
        header = {
            "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
            "recorder": f"gws-replay {version('gws-replay')}, drift",
            **self._redactor.facts,
            _FACTS: facts,
        }
        self._journal = JournalFile.reopened(candidate) if resume else JournalFile(candidate, header, force=force)
        self._epoch = time.time() - time.monotonic()
        self._began = len(self.earlier.cometd)
        for index in sorted(self.earlier.unanswered):  # it is sent again, or it is left out
            self._write(journal.moved_line(str(index)))

    @property
    def journal(self) -> Path:
        """Where the journal is."""
        return self._journal.path

    def adopt(self, found: Iterable[Counterpart]) -> None:
        """Let live values have the stand-ins of the recorded ones in whose places they were seen."""
        for each in found if self._adopts else ():
            self._redactor.adopt(each.live, each.recorded)

    def shown(self, baseline: Cassette) -> Cassette:
        """Return a baseline as it is compared: redacted like the responses, also what older rules had left."""
        same = self._redactor.again()
        for stand_in in map(str, baseline.header.get("stand_ins", ())):
            same.adopt(stand_in, stand_in)
        return replace(same.cassette(baseline), header=baseline.header)

    def cometd_id(self, user: int) -> str:
        """Return an id for the next CometD request of a user."""
        self._began += 1
        return f"comet-{user}-{self._began}"

    def request(self, id_: str, request: Request) -> None:
        """Record that a request begins."""
        self._write(journal.request_line(id_, self._now(), self._redactor.request(request)))

    def response(self, id_: str, response: Response) -> None:
        """Record a response."""
        self._write(journal.response_line(id_, self._now(), self._redactor.response(response)))

    def failed(self, id_: str, why: str) -> None:
        """Record that a CometD request gets no response. Another one ends the run, and is sent again by the next."""
        self._write(journal.error_line(id_, self._now(), why))

    def finish(self) -> None:
        """Save the journal as a cassette."""
        self._journal.finish(self._redactor.again())

    def close(self, *, discard: bool) -> None:
        """Keep the journal for a later run, or remove it."""
        if discard:
            self._journal.remove()
        else:
            self._journal.close()

    def _write(self, line: bytes) -> None:
        if stand_ins := self._redactor.fresh():
            self._journal.append(journal.stand_ins_line(stand_ins))
        self._journal.append(line)

    def _now(self) -> float:
        return self._epoch + time.monotonic()


def _earlier(path: Path, facts: Mapping[str, object]) -> tuple[Earlier, Iterable[str]]:
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        raise GwsReplayError(f"there is no interrupted run to resume: {path} does not exist") from None
    except OSError as error:
        raise CassetteError(f"cannot read {path}: {reason(error)}") from None
    read = journal_reader.read(lines, str(path))
    before = read.header.get(_FACTS)
    if before != facts:
        other = [name for name, value in facts.items() if not isinstance(before, dict) or before.get(name) != value]
        raise GwsReplayError(f"{path} belongs to another run (other {', '.join(other)}): start again without --resume")
    found = Earlier()
    for id_, exchange in zip(read.answered, read.recording.exchanges, strict=True):
        if id_.isdigit():
            found.answered[int(id_)] = exchange
        else:
            found.cometd.append((int(id_.split("-")[1]), exchange))
    found.unanswered = {int(id_) for id_ in read.unanswered if id_.isdigit()}
    return found, read.header.get("stand_ins", ())


def _digest(baseline: Cassette) -> str:
    digest = hashlib.sha256()
    for piece in dump_json(baseline):
        digest.update(piece.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]
