"""A baseline with what drifted taken from a candidate: those exchanges and notifications alone, under its own ids.

What did not drift is the same object as before. The order of the baseline stays: a difference in order or time is not
taken over.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from gws_replay.core.api.ids import LONG
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import Comparison
from gws_replay.core.comparison.finding import SEVERITY, SHOWN_BEFORE, Finding
from gws_replay.core.comparison.id_mapping import translation
from gws_replay.core.comparison.pairing import Item, NamedExchange, NamedNotification, Pair
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.word_index import Lexicon

_LEFT = frozenset({"order", "timing", "verdict"})


def drifted(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that accepting would settle: also those of later messages that show a difference again."""
    return [each for each in findings if each.suppressed in ("", SHOWN_BEFORE) and each.kind not in _LEFT]


def accepted(baseline: Cassette, candidate: Cassette, findings: Iterable[Finding]) -> Cassette:
    """Return the baseline with the exchanges and notifications that findings are about taken from the candidate.

    Raises ValueError where that cannot be done: other redaction, or ids too short to be found in text.
    """
    comparison = Comparison(baseline, candidate, SEVERITY)
    places = [{each.place[side] for each in drifted(findings)} for side in (0, 1)]
    if baseline.header.get("redaction") != candidate.header.get("redaction"):
        raise ValueError("the two are redacted by different rules: record the candidate with those of the baseline")
    renamed = translation(*comparison.names)
    if any(len(each) < LONG for each in renamed):
        raise ValueError("the ids of the candidate are too short to be found in text: record the baseline anew")
    accepted = _Accepted(renamed, comparison.exchanges)
    exchanges = [
        (pair, accepted.exchange(pair) if fate == "take" else _mine(pair).exchange)
        for pair in comparison.exchanges
        if (fate := _fate(pair, places)) != "drop"
    ]
    exchanges.sort(key=lambda each: each[1].began)
    index: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for number, (pair, _) in enumerate(exchanges):
        for side in (0, 1):
            one = pair[side]
            if one is not None:
                index[side][one.index] = number
    notifications = [
        _with_cause(accepted.notification(pair), index[1])
        if fate == "take"
        else _with_cause(_mine(pair).notification, index[0])
        for pair in comparison.notifications
        if (fate := _fate(pair, places)) != "drop"
    ]
    return replace(
        baseline,
        interactions=tuple(exchange for _, exchange in exchanges),
        notifications=tuple(sorted(notifications, key=lambda each: each.seen)),
        header=_header(baseline, candidate, renamed),
    )


class _Accepted:
    """Takes what the candidate has, with the baseline's ids and at the baseline's times."""

    def __init__(self, renamed: Mapping[str, str], exchanges: Sequence[Pair[NamedExchange]]) -> None:
        self._ids = Lexicon()
        for theirs, mine in renamed.items():
            self._ids.add(theirs, mine)
        both = sorted((b.exchange.began, a.exchange.began) for a, b in exchanges if a and b)
        self._theirs, self._mine = [each[0] for each in both], [each[1] for each in both]

    def exchange(self, pair: Pair[NamedExchange]) -> Exchange:
        """Return the candidate's exchange of a pair."""
        mine, new = pair[0], _theirs(pair).exchange
        began = mine.exchange.began if mine else self.time(new.began)
        ended = mine.exchange.ended if mine else began + new.ended - new.began
        request = replace(new.request, uri=self.text(new.request.uri), body=self.bytes(new.request.body))
        response = replace(new.response, body=self.bytes(new.response.body))
        return replace(new, request=request, response=response, began=began, ended=ended)

    def notification(self, pair: Pair[NamedNotification]) -> Notification:
        """Return the candidate's notification of a pair."""
        mine, new = pair[0], _theirs(pair).notification
        seen = mine.notification.seen if mine else self.time(new.seen)
        return replace(new, data=self.text(new.data), seen=seen)

    def time(self, theirs: float) -> float:
        """Return the time in the baseline that a time in the candidate is: as long after the last common request."""
        last = bisect_right(self._theirs, theirs) - 1
        return theirs if last < 0 else self._mine[last] + theirs - self._theirs[last]

    def text(self, text: str) -> str:
        """Return a text with the baseline's ids."""
        return self._ids.replaced(text)

    def bytes(self, body: bytes) -> bytes:
        """Return a body with the baseline's ids."""
        return self.text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _with_cause(notification: Notification, index: Mapping[int, int]) -> Notification:
    """Return a notification that names its cause by where that stands now; none if that is gone."""
    if notification.cause is None:
        return notification
    number = index.get(notification.cause.interaction)
    if number == notification.cause.interaction:
        return notification
    return replace(notification, cause=None if number is None else replace(notification.cause, interaction=number))


def _fate(pair: Pair[Item], places: Sequence[set[str | None]]) -> Literal["keep", "take", "drop"]:
    """Tell what becomes of a pair: what did not drift stays as the baseline has it, or has it not."""
    is_drifted = any(one is not None and one.place in places[side] for side, one in enumerate(pair))
    if is_drifted:
        return "drop" if pair[1] is None else "take"
    return "drop" if pair[0] is None else "keep"


def _mine(pair: Pair[Item]) -> Item:
    return next(each for each in pair[:1] if each)


def _theirs(pair: Pair[Item]) -> Item:
    return next(each for each in pair[1:] if each)


def _header(baseline: Cassette, candidate: Cassette, renamed: Mapping[str, str]) -> Mapping[str, object]:
    mine, theirs = (list(each.header.get("stand_ins") or ()) for each in (baseline, candidate))
    more = [each for each in theirs if each not in renamed and each not in mine]
    return {**baseline.header, "stand_ins": [*mine, *more]} if more else baseline.header
