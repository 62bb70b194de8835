"""Edge: tests that record: what `gws` and `gws_server` are in a writing mode.

A recording grows in a pending file beside the cassette, and takes its place only when the test has passed. The
journal, the redaction, the compile and the file are those of `gws-replay record`.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gws_replay.core.bayeux.over_http import is_cometd
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording, laid_out
from gws_replay.core.compile.identity import evidence_of
from gws_replay.core.compile.parts import appended, with_part
from gws_replay.core.counted import counted
from gws_replay.core.model import Exchange, Recording, Request, Response
from gws_replay.core.oracle.history import Snapshot, history
from gws_replay.core.redaction.policy import Policy
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.rehost import bare
from gws_replay.errors import CassetteError, GwsReplayError, ReplayMiss
from gws_replay.formats import journal_lines as lines
from gws_replay.formats import journal_reader
from gws_replay.playback.change_signal import ChangeSignal
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.run import Run
from gws_replay.playback.sent_requests import SentRequest
from gws_replay.playback.sessions import LiveUser
from gws_replay.pytest_plugin.vcr_options import PLAIN, VcrConfig
from gws_replay.recording.fingerprints import Fingerprints
from gws_replay.recording.journal_file import JournalFile, safe_in
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.settings.redaction import new_key
from gws_replay.settings.redaction import redactor as new_redactor
from gws_replay.storage.files import load_cassette, pending_path, put_in_place, save_cassette
from gws_replay.storage.names import shown

# How long an expectation waits for a live notification.
_PATIENCE = 10.0
_NOTHING = (
    "nothing was recorded, so there would be nothing to replay: remove the cassette from what sends no request, and "
    "use gws_server for a client outside of this process"
)


class RecordingRun(Run):
    """A run that is recorded. What `old` holds is replayed; the rest goes live."""

    def __init__(self, path: Path, redactor: Redactor, old: Cassette | None = None, vcr: VcrConfig = PLAIN) -> None:
        self.url = ""
        self.live = 0
        self.faults = []
        self.blocked = []
        self.allowed_hosts = frozenset()
        self.patience = _PATIENCE
        self.notes: tuple[str, ...] = ()  # what a person should look at, as `gws-replay record` says it
        self._lacks_all = False
        self.path = path
        self.pending = pending_path(path)
        self.redactor = redactor
        self.old = old or Cassette(interactions=(), source=str(path))
        self.changes = ChangeSignal()
        self._sent: list[Request] = []
        self._replay = ReplayRun(CassetteIndex(self.old, vcr.matching))

    @property
    def is_recording(self) -> bool:
        """It writes its cassette."""
        return True

    @property
    def name(self) -> str:
        """What messages call the cassette."""
        return self.old.source

    @property
    def cassettes(self) -> tuple[Cassette, ...]:
        """The cassette as it was before."""
        return (self.old,)

    @property
    def indexes(self) -> tuple[CassetteIndex, ...]:
        """The same, as it was prepared for replay."""
        return self._replay.indexes

    @property
    def users(self) -> tuple[LiveUser, ...]:
        """The live users to whom something of the old cassette was replayed."""
        return self._replay.users

    @property
    def requests(self) -> tuple[SentRequest, ...]:
        """The REST requests that the client has sent; those that pass through the proxy are redacted."""
        return tuple(map(SentRequest, self._sent))

    @property
    def misses(self) -> tuple[Miss, ...]:
        """Nothing is missed: what the old cassette does not hold is recorded."""
        return ()

    def respond(self, request: Request) -> Response | None:  # noqa: ARG002 (the proxy's client is elsewhere)
        """Let a request go live."""
        return None

    async def respond_async(self, request: Request) -> Response | None:
        """Let a request of this task go live."""
        return self.respond(request)

    def take(self, exchange: Exchange) -> None:
        """Leave an exchange alone: the proxy records it."""

    def websocket(self, url: str) -> None:
        """Leave a WebSocket alone: the proxy records it."""

    def wait_for_change(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Block until something recorded has made it happen, for so many seconds at the most."""
        return self.changes.wait(seconds, happened)

    def close(self) -> None:
        """Answer the held connects of what is replayed."""
        self._replay.close()

    def recorded(self) -> Cassette:
        """Return the cassette as it would be saved now."""
        raise NotImplementedError

    def as_shown(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a test expects, redacted as the recording is: it shows stand-ins."""
        try:
            found: Mapping[str, Any] = json.loads(self.redactor.data(json.dumps(values)))
        except TypeError:  # a value that cannot be JSON is in no recording
            return values
        return found

    @property
    def cassette(self) -> Cassette:
        """The cassette as it would be saved now, under the name that it has if the test fails."""
        return self.recorded().named(shown(self.pending))

    def save(self) -> None:
        """Write the pending file. Raises CassetteError (exit code 5) when there is nothing to save."""
        raise NotImplementedError

    def userdata(self, resource_id: str) -> tuple[Snapshot, ...]:
        """Return the history of a resource's userData as it was recorded so far."""
        return history(self.recorded()).get(resource_id, ())

    @property
    def unplayed(self) -> tuple[str, ...]:
        """Nothing is left over while a cassette is being made."""
        return ()

    @property
    def undelivered(self) -> tuple[str, ...]:
        """Nothing is delivered by us while a cassette is being made."""
        return ()

    @property
    def others_may_send(self) -> bool:
        """The live server itself may show more."""
        return True

    @property
    def over(self) -> bool:
        """A live server may always show more."""
        return False

    def problems(self, *, allow_unplayed: bool = False) -> str:  # noqa: ARG002 (nothing is left over)
        """Say what failed: a request that the old cassette does not know is recorded, and no miss."""
        return "\n".join(self.faults)

    def left(self, *, allow_unplayed: bool = False) -> str:
        """Return what failed. Where nothing was recorded, the replay would fail: so the recording fails already."""
        nothing = f"{self.path}: {_NOTHING}" if self._lacks_all else ""
        return "\n".join(filter(None, (self.problems(allow_unplayed=allow_unplayed), nothing)))

    def exchanges(self, saved: int) -> int:
        """Return how many of the saved exchanges were recorded now."""
        return saved - len(self.old.interactions)

    def finish(self, *, passed: bool) -> str:
        """Save, and put the pending file in the cassette's place if the test passed; return what became of it."""
        try:
            self.save()
        except CassetteError as error:
            if error.exit_code != 5:
                raise
            self._lacks_all = not self.old.interactions
            return f"{self.path}: {error}"
        count = len(load_cassette(self.pending).interactions)
        self.live = self.exchanges(count)
        if passed:
            put_in_place(self.pending, self.path)
            where = str(self.path)
        else:
            then = "gws-replay pending accept makes it the cassette"
            then = f"{self.path} is as it was" if self.path.exists() else then
            where = f"{self.pending}, since the test failed; {then}"
        return "; note: ".join([f"{counted(count, 'exchange')} recorded to {where}", *self.notes])


class InProcessRecording(RecordingRun):
    """The requests of this process go live; those to `allowed_hosts` are not recorded.

    What the replay `outer` knows is replayed from there. If `part` names a test, its part of the cassette `old` is
    recorded; otherwise what `old` answers is replayed, and the rest is appended. Raises GwsReplayError when the
    cassette cannot be written, or is being recorded by somebody else.
    """

    def __init__(
        self,
        path: Path,
        old: Cassette | None = None,
        vcr: VcrConfig = PLAIN,
        policy: Policy | None = None,
        *,
        part: str = "",
        allowed_hosts: Collection[str] = (),
        outer: ReplayRun | None = None,
        opens_late: bool = False,
    ) -> None:
        settled = old.header.get("stand_ins", ()) if old else ()
        super().__init__(path, new_redactor(policy or Policy(), settled), None if part else old, vcr)
        self._shared = old
        self._part = part
        self._outer = outer
        self._appends = old is not None and not part
        self._fingerprints = Fingerprints(self.redactor)
        self._vcr = vcr
        self.allowed_hosts = frozenset((*allowed_hosts, *vcr.ignored_hosts))
        self._exchanges: list[Exchange] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._epoch = time.time() - time.monotonic()
        # A fixture that sends nothing leaves no trace, and is in nobody's way.
        self._journal = None if opens_late else self._opened()

    def _opened(self) -> JournalFile:
        return JournalFile(self.pending, self._header(), force=True)

    def respond(self, request: Request) -> Response | None:
        """Let a request go live, unless it has a recorded response."""
        self._note(request)
        if self._outer and _knows(self._outer, request):
            return self._outer.respond(request)
        if not self._appends:
            return None
        with suppress(ReplayMiss):
            return self._replay.respond(request)
        return None

    async def respond_async(self, request: Request) -> Response | None:
        """Let a request of this task go live, unless it has a recorded response."""
        self._note(request)
        if self._outer and _knows(self._outer, request):
            return await self._outer.respond_async(request)
        if not self._appends:
            return None
        with suppress(ReplayMiss):
            return await self._replay.respond_async(request)
        return None

    def take(self, exchange: Exchange) -> None:
        """Redact a live exchange and write it down."""
        if urlsplit(exchange.request.uri).hostname in self.allowed_hosts:
            return
        with self._lock:
            evidence = self._fingerprints.of(evidence_of(exchange))
            seen = self._filtered(
                replace(
                    exchange,
                    evidence=evidence,
                    request=self.redactor.request(exchange.request),
                    response=self.redactor.response(exchange.response),
                    began=exchange.began + self._epoch,
                    ended=exchange.ended + self._epoch,
                )
            )
            if seen is None:
                return
            number = str(next(self._numbers))
            self._journal = self._journal or self._opened()
            if given := self.redactor.fresh():
                self._journal.append(lines.stand_ins_line(given))
            self._journal.append(lines.request_line(number, seen.began, seen.request, evidence))
            self._journal.append(lines.response_line(number, seen.ended, seen.response, evidence))
            self._exchanges.append(seen)
        self.changes.send()

    def _note(self, request: Request) -> None:
        if not is_cometd(request):
            self._sent.append(request)

    def _filtered(self, exchange: Exchange) -> Exchange | None:
        """Apply the user's own filters and hooks, which see REST only; None for what they leave out."""
        if is_cometd(exchange.request):
            return exchange
        request, response = self._vcr.request(exchange.request), self._vcr.response(exchange.response)
        if request is None or response is None:
            return None
        return replace(exchange, request=request, response=response)

    def websocket(self, url: str) -> None:
        """Refuse to let a WebSocket go by unrecorded."""
        raise GwsReplayError(
            f"a WebSocket to {bare(url)} cannot be recorded inside the test process: use the fixture gws_server with "
            "--gws-upstream, which records through the proxy"
        )

    def recorded(self) -> Cassette:
        """Return the old cassette, if there is one, and what has gone live since."""
        with self._lock:
            # What gave away a personal value may have come after others that hold it.
            seen = self.redactor.again().recording(Recording(exchanges=tuple(self._exchanges)))
        compiled = compile_recording(seen, {**self._header(), **self.redactor.header})
        self.notes, new = (*compiled.notes, *self.redactor.notes()), compiled.cassette
        if self._part:
            return with_part(self._shared, new, self._part)
        return appended(laid_out(self.old), new) if self._appends else new

    def exchanges(self, saved: int) -> int:
        """Return how many exchanges went live, and were not left out."""
        return len(self._exchanges) if self._part else super().exchanges(saved)

    def save(self) -> None:
        """Write the pending file, and remove the journal."""
        journal = self._journal
        if journal is None or not self._exchanges:
            if journal:
                journal.remove()
            raise CassetteError("nothing was recorded: no request went live", exit_code=5)
        try:
            with safe_in(journal.path, self.pending):
                save_cassette(self.recorded(), self.pending)
            journal.remove()
        finally:
            journal.close()

    def _header(self) -> Mapping[str, str]:
        return {
            "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
            "recorder": f"gws-replay {version('gws-replay')}",
            **self.redactor.facts,
        }


def _knows(run: ReplayRun, request: Request) -> bool:
    """Whether an equal request was recorded, be it played or not."""
    sent = run.indexes[0].matching.live(request)
    return sent is not None and any(index.key_of(sent) in index.by_key for index in run.indexes)


class ProxyRecording(RecordingRun):
    """The recording proxy in front of a server, for clients anywhere; `url` is the proxy's.

    Raises GwsReplayError when the proxy cannot start, or the cassette is being recorded by somebody else.
    """

    def __init__(self, path: Path, upstream: str, policy: Policy | None = None, *, ca: Path | None = None) -> None:
        chosen, key = policy or Policy(), new_key()
        super().__init__(path, new_redactor(chosen, key=key))
        settings = Settings(
            cassette=self.pending,
            upstream=upstream,
            upstream_ca=ca,
            force=True,
            redact=chosen.level,
            rules={"keep": chosen.keep, "secret": chosen.secret, "personal": chosen.personal},
            key=key,
        )
        self._recorder = Recorder(settings, say=lambda _line: self.changes.send()).__enter__()
        self.url = self._recorder.url

    @property
    def requests(self) -> tuple[SentRequest, ...]:
        """The REST requests that the client has sent, redacted."""
        return tuple(SentRequest(exchange.request) for exchange in self.recorded().interactions)

    def recorded(self) -> Cassette:
        """Return what the proxy has written down so far."""
        with (path := self.pending.with_name(f"{self.pending.name}.journal")).open("rb") as file:
            read = journal_reader.read(file, str(path))
        return compile_recording(read.recording, read.header).cassette

    def save(self) -> None:
        """Stop the proxy, which saves."""
        self._recorder.__exit__(None, None, None)
        self.notes = tuple(note for saved in self._recorder.saved for note in saved["notes"])
