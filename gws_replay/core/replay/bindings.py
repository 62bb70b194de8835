"""Replay of a redacted cassette: what stands for a person's data in it is taken for whatever the client says there.

A redacted place of a recorded request matches any value of its JSON type. The live value is then bound to the stand-in
for the rest of the run: responses and notifications show the client the value that it sent. Two live values are never
bound to one stand-in, nor one to two. The ids of resources are bound in the same way where the client has its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gws_replay.core.model import Exchange, Notification, Request, Response
from gws_replay.core.redaction.live_text import Shown
from gws_replay.core.redaction.text import TextRedactor
from gws_replay.core.replay.wildcard_index import UNIQUE, Candidates, Pairs, StandInIndex

# How many recorded requests a conflict is looked for in.
_LOOKED_AT = 50


class Bindings:
    """Which live value stands for which stand-in in one run."""

    def __init__(self, index: StandInIndex) -> None:
        self._index = index
        self._live: dict[str, str] = {}
        self._recorded: dict[str, str] = {}
        self._starts: dict[int, int] = {}
        self._shown = Shown()
        # Recorded requests that were sent word for word, and bind each stand-in to itself: put off until that counts.
        self._as_recorded: list[int] = []
        # Whether any live value is another than the recorded one.
        self._is_changed = False
        self._texts = TextRedactor(index.rules, self._shown)

    def bind_value(self, recorded: str, live: str) -> None:
        """Let a live value stand for a recorded one, if nothing speaks against it."""
        self._settle()
        if (pairs := self._bound([(recorded, live)])) is not None:
            self._bind(pairs)

    def stand_in_of(self, value: str) -> str | None:
        """Return the recorded value that a live one stands for in this run; None if it stands for none."""
        self._settle()
        return self._recorded.get(value)

    @property
    def live_values(self) -> Collection[str]:
        """The client's own values that stand for recorded ones."""
        self._settle()
        return self._recorded.keys()

    def resolve(
        self,
        request: Request,
        sent: Collection[int],
        same: Sequence[int] = (),
        among: Collection[int] | None = None,
    ) -> tuple[int, Pairs | None] | None:
        """Return the recorded request that a live one matches, by index, and what it binds; None if it matches none.

        The first that has not been sent; if all have, the last; only of `among`, if that is given. `same` are those
        that it is word for word: it binds None then, which is each stand-in to itself.
        """
        if same and same[-1] not in sent and self._is_as_recorded(same[0]):
            return same[0], None
        self._settle()
        last: tuple[int, Pairs] | None = None
        first: tuple[int, Pairs] | None = None
        for found in self._index.candidates(request):
            new = self._first(found, range(self._start(found, sent), len(found.recorded)), sent, among)
            if new and (first is None or new[0] < first[0]):
                first = new
            if first is None and last is None:
                last = self._first(found, range(len(found.recorded) - 1, -1, -1), (), among)
        return first or last

    def is_conflict(self, request: Request) -> bool:
        """Tell whether a live request differs only in what stood for another value before."""
        return self.resolve(request, ()) is None and any(
            found.pairs(number, self._live) is not None
            for found in self._index.candidates(request)
            for number in range(min(len(found.recorded), _LOOKED_AT))
        )

    def _is_as_recorded(self, index: int) -> bool:
        """Tell whether each stand-in of a recorded request may be bound to itself."""
        if not self._index.is_unique(index):
            return False
        return not self._is_changed or all(
            self._live.get(each, each) == each == self._recorded.get(each, each) for each in self._index.redacted(index)
        )

    def _start(self, found: Candidates, sent: Collection[int]) -> int:
        """Return the first of some recorded requests that has not been sent."""
        if not sent:
            return 0
        at = self._starts.get(id(found.recorded), 0)
        while at < len(found.recorded) and found.recorded[at][0] in sent:
            at += 1
        self._starts[id(found.recorded)] = at
        return at

    def _first(
        self, found: Candidates, numbers: range, sent: Collection[int], among: Collection[int] | None
    ) -> tuple[int, Pairs] | None:
        for number in numbers:
            index = found.recorded[number][0]
            if index in sent or (among is not None and index not in among):
                continue
            pairs = found.pairs(number, self._live)
            if pairs is not None and (bound := self._bound(pairs)) is not None:
                return index, bound
        return None

    def bind(self, index: int, pairs: Pairs | None) -> None:
        """Keep to what a live request has bound that is a recorded one."""
        if pairs is not None:
            self._bind(pairs)
            return
        self._as_recorded.append(index)
        if self._is_changed:
            self._settle()

    def _settle(self) -> None:
        """Do what was put off."""
        for index in self._as_recorded:
            self._bind({each: each for each in self._index.redacted(index) if each})
        self._as_recorded.clear()

    def _bind(self, pairs: Pairs) -> None:
        for recorded, live in pairs.items():
            if recorded not in self._live:
                self._live[recorded] = live
                self._recorded[live] = recorded
                self._is_changed |= live != recorded
                self._shown.take(recorded, live, anywhere=len(recorded) >= UNIQUE or recorded in self._index.ids)

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return an exchange whose response shows the client's own values."""
        if not self._is_changed:
            return exchange
        old = exchange.response
        text = old.body.decode("utf-8", "surrogateescape")
        body = self._texts.body(text).encode("utf-8", "surrogateescape")
        headers = replace(
            old.headers, pairs=tuple((name, self._texts.text(value)) for name, value in old.headers.pairs)
        ).replacing("content-length", str(len(body)))
        response = Response(status=old.status, reason=old.reason, headers=headers, body=body)
        return replace(exchange, response=response)

    def data(self, data: str) -> str:
        """Return a notification's data with the client's own values."""
        return self._texts.json(data) if self._is_changed else data

    def notification(self, notification: Notification) -> Notification:
        """Return a notification that shows the client's own values."""
        return replace(notification, data=self.data(notification.data)) if self._is_changed else notification

    def _bound(self, pairs: Sequence[tuple[str, str]]) -> Pairs | None:
        """Return what is to be bound if nothing speaks against it."""
        new: dict[str, str] = {}
        taken: dict[str, str] = {}
        for recorded, live in pairs:
            if (live_before := self._live.get(recorded, new.get(recorded))) is not None:
                if live_before != live:
                    return None
            elif live in self._recorded or live in taken or (live != recorded and self._is_recorded(live)):
                return None
            else:
                new[recorded], taken[live] = live, recorded
        return new

    def _is_recorded(self, live: str) -> bool:
        return live in self._index.ids or (len(live) >= UNIQUE and live in self._index.stand_ins)
