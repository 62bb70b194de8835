"""Edge: compiles a recording into a cassette without loading all of it into memory.

The moments are read one by one. What the cassette keeps of them is redacted, written to an unnamed file beside the
cassette, and read back in the order of the cassette.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from gws_replay.core.bayeux.over_http import is_cometd
from gws_replay.core.compile.compiler import (
    Compiled,
    OtherMessages,
    exchange_since,
    notification_since,
    parts_of,
    parts_of_message,
    put_together,
)
from gws_replay.core.model import CarriedOver, Exchange, Observed, Request, Unanswered, WebSocketMessage
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError
from gws_replay.formats.journal_reader import Reader
from gws_replay.recording.spool import Spool, of_exchanges, of_notifications


class StreamingCompile:
    """A recording on its way to a cassette.

    `answered` and `lost` count its exchanges and the requests that got no answer; it began at `start`, infinite for
    nothing.
    """

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

    def close(self) -> None:
        """Let go of the files; nothing of the cassette can be looked at any more."""
        for spool in self._spools:
            spool.close()

    def compiled(self, header: Mapping[str, Any]) -> Compiled:
        """Return the cassette, whose parts are read when they are looked at."""
        start = self.start
        return put_together(
            self._exchanges.by_time(lambda each: exchange_since(each, start)),
            self._told.by_time(lambda each: notification_since(each, start)),
            header,
            unanswered=self._unanswered,
            earlier=self._earlier,
            more_notes=self._others.notes(),
        )

    def _read(self, moments: Callable[[], Iterable[Observed]], folder: Path, using: Redactor | None) -> None:
        while True:
            known = using.found if using else 0
            self._begin(folder)
            for moment in moments():
                self._take(_redacted(moment, using) if using else moment)
            if using is None or using.found == known:
                return  # or else what was found late may stand in what was read before it

    def _begin(self, folder: Path) -> None:
        self.close()
        self._spools = []
        self._exchanges: Spool[Exchange] = of_exchanges(folder)
        self._spools.append(self._exchanges)
        self._told = of_notifications(folder)
        self._spools.append(self._told)
        self._unanswered: list[Request] = []
        self._others = OtherMessages()
        self.start = float("inf")
        self.answered = self.lost = self._earlier = 0

    def _take(self, moment: Observed) -> None:
        if isinstance(moment, Unanswered):
            self.lost += 1
            if not is_cometd(moment.request):  # dropped polls are many, and no news
                self._unanswered.append(moment.request)
        elif isinstance(moment, CarriedOver):
            for part in parts_of(moment.exchange):
                if isinstance(part, Exchange):
                    self._earlier += 1
                    self._exchanges.add(part, -1.0, part.began)
        elif isinstance(moment, WebSocketMessage):
            self.start = min(self.start, moment.seen)
            self._others.add(moment)
            for told in parts_of_message(moment):
                self._told.add(told, told.seen, float("inf"))
        else:
            self.answered += 1
            self.start = min(self.start, moment.began)
            for part in parts_of(moment):
                if isinstance(part, Exchange):
                    self._exchanges.add(part, part.began)
                else:
                    self._told.add(part, part.seen, moment.began)


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
            raise CassetteError(_nothing_recorded(self._streaming.lost), exit_code=5)

    def close(self) -> None:
        """Close the files; the cassette cannot be read any more."""
        self._streaming.close()

    def compiled(self) -> Compiled:
        """Return the cassette; its parts are read from disk on access."""
        stand_ins = self._using.stand_ins if self._using else ()
        return self._streaming.compiled({**self.reader.header, **({"stand_ins": list(stand_ins)} if stand_ins else {})})

    def _moments(self) -> Iterator[Observed]:
        self._lines.seek(0)
        self.reader = Reader(self._lines, self._source)
        return self.reader.moments()


def _nothing_recorded(unanswered: int) -> str:
    if unanswered:
        return f"nothing was recorded: {unanswered} requests were sent and none got a response; is the server up?"
    return "nothing was recorded: no request matched; check the address the client uses, and the filter"


def _redacted(moment: Observed, using: Redactor) -> Observed:
    if isinstance(moment, Unanswered):
        return Unanswered(using.request(moment.request))
    if isinstance(moment, CarriedOver):
        return CarriedOver(using.exchange(moment.exchange))
    return using.message(moment) if isinstance(moment, WebSocketMessage) else using.exchange(moment)
