"""Edge: compiles a recording into a cassette without loading all of it into memory.

The moments are read one by one. What the cassette keeps of them is redacted, written to an unnamed file beside the
cassette, and read back in the order of the cassette.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from gws_replay.core.compile.compiler import Compilation, Compiled
from gws_replay.core.compile.identity import evidence_of, evidence_of_message, redacted_evidence
from gws_replay.core.counted import counted
from gws_replay.core.model import CarriedOver, Exchange, Observed, Unfinished, WebSocketMessage
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError
from gws_replay.formats.journal_reader import Reader
from gws_replay.recording.spool import Spool, of_exchanges, of_messages, of_notifications


class StreamingCompile:
    """A recording on its way to a cassette, on disk. `observed` counts its exchanges."""

    def __init__(
        self,
        moments: Callable[[], Iterable[Observed]],
        folder: Path,
        using: Redactor | None = None,
        *,
        is_raw: bool = False,
    ) -> None:
        """Read the moments, as often as it takes until `using` finds nothing new; OSError and what they raise.

        What `is_raw` is read once more, first, so that nothing is written before what gives it away has been seen.
        """
        self._spools: list[Spool[Any]] = []
        try:
            if is_raw and using:
                for moment in moments():
                    _redacted(moment, using)
            self._read(moments, folder, using)
        except BaseException:
            self.close()
            raise

    @property
    def answered(self) -> int:
        """How many requests got a response."""
        return self._compilation.answered

    @property
    def unanswered(self) -> int:
        """How many requests got none."""
        return self._compilation.unanswered

    @property
    def start(self) -> float:
        """When the recording began; infinite if it is empty."""
        return self._compilation.start

    def close(self) -> None:
        """Close the files; nothing of the cassette can be read any more."""
        for spool in self._spools:
            spool.close()

    def compiled(self, header: Mapping[str, Any], earlier_users: Iterable[Mapping[str, Any]] = ()) -> Compiled:
        """Return the cassette, whose parts are read when they are looked at."""
        return self._compilation.compiled(header, earlier_users)

    def _read(self, moments: Callable[[], Iterable[Observed]], folder: Path, using: Redactor | None) -> None:
        while True:
            found_before = using.found if using else 0
            self.close()
            parts = of_exchanges(folder), of_notifications(folder), of_messages(folder)
            self._spools = [*parts]
            self._compilation = Compilation(*parts)
            for moment in moments():
                self._compilation.add(_redacted(moment, using) if using else moment)
            if using is None or using.found == found_before:
                return  # or else what was found late may stand in what was read before it


class JournalCompile:
    """A journal on its way to a cassette. `using` redacts it again with everything it has found while it recorded."""

    def __init__(self, lines: BinaryIO, source: str, folder: Path, using: Redactor | None = None) -> None:
        """Read the journal. Raises CassetteError for what is not a journal or holds no exchange, OSError."""
        self._lines = lines
        self._source = source
        self._using = using
        self._streaming = StreamingCompile(self._moments, folder, using)
        if not self._streaming.answered:
            self.close()
            raise CassetteError(_nothing_recorded(self._streaming.unanswered), exit_code=5)

    def close(self) -> None:
        """Close the files; the cassette cannot be read any more."""
        self._streaming.close()

    def compiled(self) -> Compiled:
        """Return the cassette; its parts are read from disk on access."""
        stand_ins = self._using.stand_ins if self._using else ()
        header = {**self.reader.header, **({"stand_ins": list(stand_ins)} if stand_ins else {})}
        return self._streaming.compiled(header, self.reader.earlier_users)

    def _moments(self) -> Iterator[Observed]:
        self._lines.seek(0)
        self.reader = Reader(self._lines, self._source)
        return self.reader.moments()


def _nothing_recorded(unanswered: int) -> str:
    if unanswered:
        return f"nothing was recorded: {counted(unanswered, 'request')} sent, and no response"
    return "nothing was recorded: no request matched; check the address the client uses, and the filter"


def _redacted(moment: Observed, using: Redactor) -> Observed:
    """Return a moment without secrets. What it shows of its user is looked at first: that must survive."""
    if isinstance(moment, CarriedOver):
        return CarriedOver(_redacted_exchange(moment.exchange, using))
    if isinstance(moment, Unfinished):
        return Unfinished(using.request(moment.request))
    if isinstance(moment, WebSocketMessage):
        evidence = redacted_evidence(evidence_of_message(moment), using.user_name)
        return using.message(replace(moment, evidence=evidence))
    return _redacted_exchange(moment, using)


def _redacted_exchange(exchange: Exchange, using: Redactor) -> Exchange:
    evidence = redacted_evidence(evidence_of(exchange), using.user_name)
    return using.exchange(replace(exchange, evidence=evidence))
