"""What the runs have left: interactions that no user sent, notifications that were not shown or that reached nobody.

The texts of failures and the server's control endpoint are both made of these.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gws_replay.core.replay.cassette_run import CassetteRun
from gws_replay.core.replay.waits import interaction_text, nobody, waits_of
from gws_replay.playback.sessions import LiveUser, Sessions

__all__ = ["Undelivered", "Unplayed", "interaction_text", "undelivered_of", "unplayed_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """An interaction that was not sent, or a notification with the interaction that it waits for."""

    cassette: str
    text: str
    interaction: int | None = None
    notification: int | None = None
    waits_for: int | None = None
    why: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A notification that was released and that no client received, and why."""

    cassette: str
    notification: int
    channel: str
    why: str

    def __str__(self) -> str:
        return f"notification {self.notification} on {self.channel} reached nobody: {self.why}"


def unplayed_of(sessions: Sessions) -> tuple[Unplayed, ...]:
    """Return what was not played in any run, cassette by cassette."""
    return tuple(
        left for number in range(len(sessions.indexes)) for left in _unplayed_of_cassette(_runs(sessions, number))
    )


def undelivered_of(sessions: Sessions) -> tuple[Undelivered, ...]:
    """Return the notifications that no client received in any run, though nothing holds them back."""
    found: list[Undelivered] = []
    users = tuple(sessions.used())
    for number, index in enumerate(sessions.indexes):
        delivered, waiting = set[int](), dict[int, LiveUser]()
        for user in users:
            with user.polls.lock:
                user.polls.changed()
                delivered |= user.session.roles[number].delivered
                waiting |= dict.fromkeys(user.session.undelivered_of(number), user)
        for each in sorted(waiting.keys() - delivered):
            channel = index.cassette.notifications[each].channel
            why = nobody(waiting[each].session.bayeux, channel)
            found.append(Undelivered(cassette=index.cassette.source, notification=each, channel=channel, why=why))
    return tuple(found)


def waits_text(sessions: Sessions) -> tuple[str, ...]:
    """Return what waits for what, a sentence for each notification that was not released in the latest run."""
    found: list[str] = []
    for number in range(len(sessions.indexes)):
        found += [wait.sentence for wait in waits_of(_runs(sessions, number)[-1])]
    return tuple(found)


def out_of_order_text(sessions: Sessions) -> tuple[str, ...]:
    """Return what was released out of recorded order, a sentence for each."""
    found = []
    for number, index in enumerate(sessions.indexes):
        for run in _runs(sessions, number):
            for each in (one for user in run.users for one in user.schedule.out_of_order):
                if each.request is not None:
                    before = f"before {interaction_text(index.cassette, each.request)}, which was recorded before it"
                elif each.after is not None:
                    before = f"after notification {each.after}, which was recorded after it"
                else:
                    before = "before a notification that was recorded before it"
                found.append(f"notification {each.notification} was delivered {before}")
    return tuple(found)


def _runs(sessions: Sessions, number: int) -> Sequence[CassetteRun]:
    """Return the runs of a cassette that somebody plays."""
    return tuple(dict.fromkeys(user.session.run.cassettes[number] for user in sessions.used()))


def _unplayed_of_cassette(runs: Sequence[CassetteRun]) -> Iterator[Unplayed]:
    index = runs[0].index
    cassette, name = index.cassette, index.cassette.source
    unplayed = set(runs[0].unplayed).intersection(*(each.unplayed for each in runs[1:]))
    not_shown = set(_not_shown(runs[0])).intersection(*map(_not_shown, runs[1:]))
    for interaction in sorted(unplayed):
        yield Unplayed(cassette=name, text=interaction_text(cassette, interaction), interaction=interaction)
    if not not_shown:
        return
    for wait in sorted(waits_of(runs[0])):
        if wait.notification in not_shown:
            yield Unplayed(
                cassette=name,
                text=wait.short,
                notification=wait.notification,
                waits_for=wait.interaction,
                why=wait.sentence,
            )


def _not_shown(run: CassetteRun) -> tuple[int, ...]:
    return tuple(each for user in run.users for each in user.schedule.not_shown)
