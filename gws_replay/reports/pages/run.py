"""The timeline of a run: its requests and notifications in the form of a cassette, at the times of the run.

The values are those of the played cassettes, redacted.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Notification, Response
from gws_replay.core.oracle.judge import Update
from gws_replay.core.replay.miss import Miss
from gws_replay.errors import GwsReplayError
from gws_replay.reports.pages.cassette import Texts, Timeline, as_value
from gws_replay.reports.pages.page_skeleton import data
from gws_replay.reports.run_events import cut, undelivered, why_undelivered
from gws_replay.settings.redaction import policy_of, redactor, shown

if TYPE_CHECKING:
    from gws_replay.playback.run import Run
    from gws_replay.playback.sessions import LiveUser


def timeline_of(run: "Run", judged: Sequence[Sequence[Update]]) -> str:
    """Return a run as JSON for a page, empty if nothing happened; `judged` are the verdicts on each cassette."""
    with suppress(GwsReplayError, OSError):  # the journal has become the cassette by now, or a rule is wrong
        if run.is_recording:
            return _block(run.cassette, run.cassette.updates(), {})
        played = _Played(run, [{each.interaction: each for each in updates} for updates in judged])
        return _block(played.cassette(), (), played.marks) if played.interactions else ""
    return ""


def _block(cassette: Cassette, updates: Sequence[Update], marks: dict[str, dict[str, Any]]) -> str:
    if "redaction" not in cassette.header:
        cassette = shown(cassette, redactor(policy_of()))
    texts = Texts()
    timeline = Timeline(cassette, updates, texts)
    for place, mark in marks.items():
        result = {"result": texts.text(mark["result"])} if "result" in mark else {}
        timeline.mark(place, {**mark, **result, "reasons": [texts.text(each) for each in mark["reasons"]]})
    return data(as_value([timeline], texts))


@dataclass(slots=True)
class _Played:
    """The events of a run as a cassette, and `marks`: what the page adds to them, by place."""

    run: "Run"
    judged: Sequence[Mapping[int, Update]]
    interactions: list[Exchange] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for user in self.run.users:
            self._add_user(user)

    def cassette(self) -> Cassette:
        """Return the cassette, with times in seconds since the first event."""
        start = min(each.began for each in self.interactions)
        users = list(self.run.users)
        redacted = all("redaction" in each.header for each in self.run.cassettes)
        header = {name: value for name, value in self.run.cassettes[0].header.items() if redacted and name != "users"}
        return Cassette(
            interactions=[
                replace(each, began=each.began - start, ended=each.ended - start) for each in self.interactions
            ],
            notifications=[replace(each, seen=max(0.0, each.seen - start)) for each in self.notifications],
            header={**header, **({"users": [{} for _ in users]} if len(users) > 1 else {})},
            source=self.run.name,
        )

    def _add_user(self, user: "LiveUser") -> None:
        with user.polls.lock:
            events = tuple(user.session.events)
            misses = {number: user.session.miss(number) for _, kind, _, number in events if kind == "missed"}
        lost = undelivered(user)
        places: dict[tuple[int, int], int] = {}
        for at, kind, number, index in sorted(events, key=lambda each: each[0]):
            if kind == "missed":
                self._add_miss(misses[index], at, user.number)
            elif kind == "delivered":
                self._add_notification(number, index, at, places, user.number)
            else:
                places[number, index] = len(self.interactions)
                self._add_exchange(number, index, at, user.number, again=kind == "repeated")
                for other in lost.pop((number, index), ()) if kind == "sent" else ():
                    why = why_undelivered(user, self.run.cassettes[number].notifications[other].channel)
                    mark = {"level": "warning", "result": why, "reasons": [why]}
                    self.marks[f"notification {len(self.notifications)}"] = mark
                    self._add_notification(number, other, at, places, user.number)

    def _add_exchange(self, number: int, index: int, at: float, user: int, *, again: bool) -> None:
        place = f"interaction {len(self.interactions)}"
        recorded = self.run.cassettes[number].interactions[index]
        self.interactions.append(replace(recorded, began=at, ended=at, user=user))
        update = None if again else self.judged[number].get(index)
        if update:
            self.marks[place] = {"level": update.verdict, "verdict": update.verdict, "reasons": update.reasons}

    def _add_miss(self, miss: Miss, at: float, user: int) -> None:
        reasons = [cut(line) for line in str(miss).splitlines()]
        result = f"missed: {miss.why}"
        mark = {"level": "failed", "verdict": "failed", "result": result, "reasons": reasons, "received": []}
        self.marks[f"interaction {len(self.interactions)}"] = mark
        nothing = Response(status=0, reason="no response")
        self.interactions.append(Exchange(request=miss.request, response=nothing, began=at, ended=at, user=user))

    def _add_notification(
        self, number: int, index: int, at: float, places: Mapping[tuple[int, int], int], user: int
    ) -> None:
        recorded = self.run.cassettes[number].notifications[index]
        place = places.get((number, recorded.cause.interaction)) if recorded.cause else None
        cause = replace(recorded.cause, interaction=place) if recorded.cause and place is not None else None
        self.notifications.append(replace(recorded, seen=at, cause=cause, user=user))
