"""A baseline with what drifted taken from a candidate: those exchanges and notifications alone, under its own ids.

What did not drift is the same object as before. The order of the baseline stays: a difference in order or time is not
taken over.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gws_replay.core.aliases import translation
from gws_replay.core.difference import SEVERITY, SHOWN_BEFORE, Finding
from gws_replay.core.lexicon import Lexicon
from gws_replay.core.model import Cassette, Cause, Exchange, Notification
from gws_replay.core.pairing import Asked, Heard, Item, Pair
from gws_replay.core.regress import Comparison

_UNIQUE = 8  # a shorter id cannot be told from other text
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
    if any(len(each) < _UNIQUE for each in renamed):
        raise ValueError("the ids of the candidate are too short to be found in text: record the baseline anew")
    taking = _Taking(renamed, comparison.exchanges)
    exchanges = [
        (pair, taking.exchange(pair))
        for pair in comparison.exchanges
        if _is_kept(pair, places) or _is_new(pair, places)
    ]
    exchanges = [
        (pair, new if _is_drifted(pair, places) or pair[0] is None else pair[0].exchange) for pair, new in exchanges
    ]
    exchanges.sort(key=lambda each: (each[1].began, each[0][0].index if each[0][0] else -1))
    index: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for number, (pair, _) in enumerate(exchanges):
        for side in (0, 1):
            one = pair[side]
            if one is not None:
                index[side][one.index] = number
    told = [
        _with_cause(pair, taking, places, index)
        for pair in comparison.told
        if _is_kept(pair, places) or _is_new(pair, places)
    ]
    return replace(
        baseline,
        interactions=tuple(exchange for _, exchange in exchanges),
        notifications=tuple(sorted(told, key=lambda each: each.seen)),
        header=_header(baseline, candidate, renamed),
    )


class _Taking:
    """Takes what the candidate has, with the baseline's ids and at the baseline's times."""

    def __init__(self, renamed: Mapping[str, str], exchanges: Sequence[Pair[Asked]]) -> None:
        self._ids = Lexicon()
        for theirs, mine in renamed.items():
            self._ids.add(theirs, mine)
        both = sorted((b.exchange.began, a.exchange.began) for a, b in exchanges if a and b)
        self._theirs, self._mine = [each[0] for each in both], [each[1] for each in both]

    def exchange(self, pair: Pair[Asked]) -> Exchange:
        """Return the exchange of a pair as it is to be: the candidate's, or the baseline's where there is none."""
        mine, theirs = pair
        if theirs is None:
            return next(each for each in pair if each).exchange
        new = theirs.exchange
        began = mine.exchange.began if mine else self.time(new.began)
        ended = mine.exchange.ended if mine else began + new.ended - new.began
        request = replace(new.request, uri=self.text(new.request.uri), body=self.bytes(new.request.body))
        response = replace(new.response, body=self.bytes(new.response.body))
        return Exchange(request=request, response=response, began=began, ended=ended)

    def notification(self, pair: Pair[Heard]) -> Notification:
        """Return the notification of a pair as it is to be, likewise."""
        mine, theirs = pair
        if theirs is None:
            return next(each for each in pair if each).notification
        new = theirs.notification
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


def _with_cause(
    pair: Pair[Heard], taking: _Taking, places: Sequence[set[str | None]], index: tuple[dict[int, int], dict[int, int]]
) -> Notification:
    takes = _is_drifted(pair, places) or pair[0] is None
    old = taking.notification(pair) if takes else next(each for each in pair if each).notification
    if old.cause is None:
        return old
    number = index[1 if takes and pair[1] else 0].get(old.cause.interaction)
    if number == old.cause.interaction:
        return old
    cause = None if number is None else Cause(interaction=number, rule=old.cause.rule, after=old.cause.after)
    return replace(old, cause=cause)


def _is_drifted(pair: Pair[Item], places: Sequence[set[str | None]]) -> bool:
    return any(one is not None and one.place in places[side] for side, one in enumerate(pair))


def _is_kept(pair: Pair[Item], places: Sequence[set[str | None]]) -> bool:
    """Tell whether the baseline's stays: it is there, and not gone for good."""
    return pair[0] is not None and (pair[1] is not None or not _is_drifted(pair, places))


def _is_new(pair: Pair[Item], places: Sequence[set[str | None]]) -> bool:
    return pair[0] is None and _is_drifted(pair, places)


def _header(baseline: Cassette, candidate: Cassette, renamed: Mapping[str, str]) -> Mapping[str, object]:
    mine, theirs = (list(each.header.get("stand_ins") or ()) for each in (baseline, candidate))
    more = [each for each in theirs if each not in renamed and each not in mine]
    return {**baseline.header, "stand_ins": [*mine, *more]} if more else baseline.header
