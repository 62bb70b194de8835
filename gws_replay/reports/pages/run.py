"""The timeline of a run: what was asked and told, when, and why, in the form that cassettes are drawn from.

What is shown is what the cassette holds, redacted as everywhere, at the times of the run.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Notification, Response
from gws_replay.core.oracle.judge import Update
from gws_replay.core.replay.run import Miss
from gws_replay.errors import GwsReplayError
from gws_replay.reports.pages.cassette import Recorded, Texts, as_value
from gws_replay.reports.pages.frame import data
from gws_replay.reports.run_events import cut, untold
from gws_replay.settings.redaction import policy_of, redactor, shown

if TYPE_CHECKING:
    from gws_replay.playback.run import Run
    from gws_replay.playback.sessions import LiveUser


def timeline_of(run: "Run", judged: Sequence[Sequence[Update]]) -> str:
    """Return a run as JSON for a page, nothing for an empty one; `judged` are the verdicts on each cassette."""
    with suppress(GwsReplayError, OSError):  # what a proxy wrote down has become the cassette by now; a wrong rule
        if run.is_recording:
            return _block(run.cassette, run.cassette.updates(), {})
        happened = _Happened(run, [{each.interaction: each for each in updates} for updates in judged])
        return _block(happened.cassette(), (), happened.marks) if happened.interactions else ""
    return ""


def _block(cassette: Cassette, updates: Sequence[Update], marks: dict[str, dict[str, Any]]) -> str:
    if "redaction" not in cassette.header:
        cassette = shown(cassette, redactor(policy_of()))
    texts = Texts()
    recorded = Recorded(cassette, updates, texts)
    for place, mark in marks.items():
        spelled = {"said": texts.text(mark["said"])} if "said" in mark else {}
        recorded.mark(place, {**mark, **spelled, "reasons": [texts.text(each) for each in mark["reasons"]]})
    return data(as_value([recorded], texts))


@dataclass(slots=True)
class _Happened:
    """What happened, as a cassette of the run, and what is to be said of it besides, by place."""

    run: "Run"
    judged: Sequence[Mapping[int, Update]]
    interactions: list[Exchange] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for user in self.run.users:
            self._take(user)

    def cassette(self) -> Cassette:
        """Return it, in seconds since the first thing that happened."""
        start = min(each.began for each in self.interactions)
        first = self.run.cassettes[0]
        return Cassette(
            interactions=[
                replace(each, began=each.began - start, ended=each.ended - start) for each in self.interactions
            ],
            notifications=[replace(each, seen=max(0.0, each.seen - start)) for each in self.notifications],
            header=first.header if all("redaction" in each.header for each in self.run.cassettes) else {},
            source=self.run.name,
        )

    def _take(self, user: "LiveUser") -> None:
        with user.polls.lock:
            events, misses = tuple(user.session.events), tuple(user.session.misses)
        left = untold(user, events)
        asked: dict[tuple[int, int], int] = {}
        for at, kind, number, index in sorted(events, key=lambda each: each[0]):
            if kind == "missed":
                self._missed(misses[index], at)
            elif kind == "told":
                self._told(number, index, at, asked)
            else:
                asked[number, index] = len(self.interactions)
                self._asked(number, index, at, again=kind == "again")
                for waiting in left.pop((number, index), ()) if kind == "asked" else ():
                    why = "not delivered" if user.session.clients else "no CometD client was there to be told"
                    self.marks[f"notification {len(self.notifications)}"] = {
                        "level": "warning",
                        "said": why,
                        "reasons": [why],
                    }
                    self._told(number, waiting, at, asked)

    def _asked(self, number: int, index: int, at: float, *, again: bool) -> None:
        place = f"interaction {len(self.interactions)}"
        self.interactions.append(replace(self.run.cassettes[number].interactions[index], began=at, ended=at))
        update = None if again else self.judged[number].get(index)
        if update:
            self.marks[place] = {"level": update.verdict, "verdict": update.verdict, "reasons": update.reasons}

    def _missed(self, miss: Miss, at: float) -> None:
        reasons = [cut(line) for line in str(miss).splitlines()]
        mark = {"level": "failed", "verdict": "failed", "said": f"missed: {miss.reason}", "reasons": reasons, "got": []}
        self.marks[f"interaction {len(self.interactions)}"] = mark
        nothing = Response(status=0, reason="no answer")
        self.interactions.append(Exchange(request=miss.request, response=nothing, began=at, ended=at))

    def _told(self, number: int, index: int, at: float, asked: dict[tuple[int, int], int]) -> None:
        told = self.run.cassettes[number].notifications[index]
        place = asked.get((number, told.cause.interaction)) if told.cause else None
        cause = replace(told.cause, interaction=place) if told.cause and place is not None else None
        self.notifications.append(replace(told, seen=at, cause=cause))
