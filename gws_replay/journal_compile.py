"""Edge: a journal to a cassette, in memory that does not grow with what was recorded.

The journal is read once, line by line; what a cassette has of it goes through an unnamed file beside the cassette,
redacted like the journal itself, and is read from there in the order of the cassette.
"""

from pathlib import Path
from typing import Any, BinaryIO

from gws_replay.core import bayeux_text
from gws_replay.core.compile import (
    Compiled,
    exchange_since,
    notification_since,
    parts_of,
    parts_of_frame,
    put_together,
)
from gws_replay.core.model import Exchange, Frame, Request
from gws_replay.core.redact import Redactor
from gws_replay.errors import CassetteError
from gws_replay.formats.journal_reader import Earlier, Reader, Unanswered
from gws_replay.spool import Spool, of_exchanges, of_notifications

_Moment = Exchange | Frame | Unanswered | Earlier


class JournalCompile:
    """One journal on its way to a cassette; `using` has a last look at what it redacted while it was recorded."""

    def __init__(self, lines: BinaryIO, source: str, folder: Path, using: Redactor | None = None) -> None:
        """Read the journal. Raises CassetteError for what is no journal or holds no exchange, OSError."""
        self._spools: list[Spool[Any]] = []
        try:
            self._read(lines, source, folder, using)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files; nothing of the cassette can be looked at any more."""
        for spool in self._spools:
            spool.close()

    def _read(self, lines: BinaryIO, source: str, folder: Path, using: Redactor | None) -> None:
        while True:
            known = using.found if using else 0
            lines.seek(0)
            self.reader = Reader(lines, source)
            self._begin(folder)
            for moment in self.reader.moments():
                self._take(_redacted(moment, using) if using else moment)
            if using is None or using.found == known:
                break  # or else what was found late may stand in what was read before it
        if not self._answered:
            raise CassetteError(_nothing(self._lost), exit_code=5)
        header = self.reader.header
        self._header = {**header, "stand_ins": list(using.stand_ins)} if using and using.stand_ins else header

    def compiled(self) -> Compiled:
        """Return the cassette, whose parts are read when they are looked at."""
        start = self._start
        return put_together(
            self._exchanges.by_time(lambda each: exchange_since(each, start)),
            self._told.by_time(lambda each: notification_since(each, start)),
            self._header,
            unanswered=self._unanswered,
            earlier=self._earlier,
        )

    def _begin(self, folder: Path) -> None:
        self.close()
        self._spools = []
        self._exchanges: Spool[Exchange] = of_exchanges(folder)
        self._spools.append(self._exchanges)
        self._told = of_notifications(folder)
        self._spools.append(self._told)
        self._unanswered: list[Request] = []
        self._start = float("inf")
        self._answered = self._lost = self._earlier = 0

    def _take(self, moment: _Moment) -> None:
        if isinstance(moment, Unanswered):
            self._lost += 1
            if bayeux_text.messages_in(moment.request.body) is None:  # dropped polls are many, and no news
                self._unanswered.append(moment.request)
        elif isinstance(moment, Earlier):
            for part in parts_of(moment.exchange):
                if isinstance(part, Exchange):
                    self._earlier += 1
                    self._exchanges.add(part, -1.0, part.began)
        elif isinstance(moment, Frame):
            self._start = min(self._start, moment.seen)
            for told in parts_of_frame(moment):
                self._told.add(told, told.seen, float("inf"))
        else:
            self._answered += 1
            self._start = min(self._start, moment.began)
            for part in parts_of(moment):
                if isinstance(part, Exchange):
                    self._exchanges.add(part, part.began)
                else:
                    self._told.add(part, part.seen, moment.began)


def _redacted(moment: _Moment, using: Redactor) -> _Moment:
    if isinstance(moment, Unanswered):
        return Unanswered(using.request(moment.request))
    if isinstance(moment, Earlier):
        return Earlier(using.exchange(moment.exchange))
    return using.frame(moment) if isinstance(moment, Frame) else using.exchange(moment)


def _nothing(lost: int) -> str:
    if lost:
        return f"nothing was recorded: none of the requests seen ({lost}) got an answer; is the server up?"
    return "nothing was recorded: no request matched; check the address the client uses, and the filter"
