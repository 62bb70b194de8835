"""Edge: a journal to a cassette, in memory that does not grow with what was recorded."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gws_replay.core.compile.compiler import Compiled
from gws_replay.core.model import Seen
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError
from gws_replay.formats.journal_reader import Reader
from gws_replay.recording.streaming_compile import SpooledCompile


class JournalCompile:
    """One journal on its way to a cassette; `using` has a last look at what it redacted while it was recorded."""

    def __init__(self, lines: BinaryIO, source: str, folder: Path, using: Redactor | None = None) -> None:
        """Read the journal. Raises CassetteError for what is no journal or holds no exchange, OSError."""
        self._lines = lines
        self._source = source
        self._using = using
        self._spooled = SpooledCompile(self._moments, folder, using)
        if not self._spooled.answered:
            self.close()
            raise CassetteError(_nothing(self._spooled.lost), exit_code=5)

    def close(self) -> None:
        """Let go of the files; nothing of the cassette can be looked at any more."""
        self._spooled.close()

    def compiled(self) -> Compiled:
        """Return the cassette, whose parts are read when they are looked at."""
        made = self._using.stand_ins if self._using else ()
        return self._spooled.compiled({**self.reader.header, **({"stand_ins": list(made)} if made else {})})

    def _moments(self) -> Iterator[Seen]:
        self._lines.seek(0)
        self.reader = Reader(self._lines, self._source)
        return self.reader.moments()


def _nothing(lost: int) -> str:
    if lost:
        return f"nothing was recorded: none of the requests seen ({lost}) got an answer; is the server up?"
    return "nothing was recorded: no request matched; check the address the client uses, and the filter"
