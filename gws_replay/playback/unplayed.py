"""What the runs of a sessions have left: interactions that no user asked, notifications that no user was shown.

The texts of failures and the server's control endpoint are both made of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.playback.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """An interaction, or a notification with the interaction that it waits for."""

    cassette: str
    text: str
    interaction: int | None = None
    notification: int | None = None
    waits_for: int | None = None
    why: str = ""

    def __str__(self) -> str:
        return self.text


def unplayed_of(sessions: Sessions) -> tuple[Unplayed, ...]:
    """Return what no user of the sessions has played, cassette by cassette."""
    return tuple(left for number in range(len(sessions.indexes)) for left in _left_of_cassette(sessions, number))


def interaction_text(cassette: Cassette, index: int) -> str:
    """Name an interaction in messages."""
    exchange = cassette.interactions[index]
    operation = api.call_of(exchange.request, exchange.request_json).operation
    what = f"{exchange.request.method} {exchange.request.path}{f' {operation}' if operation else ''}"
    return f"interaction {index}: {what}"


def _left_of_cassette(sessions: Sessions, number: int) -> Iterator[Unplayed]:
    cassette_index = sessions.indexes[number]
    replays = [user.session.replays[number] for user in sessions.used()]
    unplayed = set.intersection(*(set(replay.unplayed) for replay in replays))
    unreleased = set.intersection(*(set(replay.unreleased) for replay in replays))
    name = cassette_index.cassette.source
    for index in sorted(unplayed):
        yield Unplayed(cassette=name, text=interaction_text(cassette_index.cassette, index), interaction=index)
    for index in sorted(unreleased):
        yield _waiting(cassette_index, index, unplayed, min(unreleased))


def _waiting(cassette_index: CassetteIndex, index: int, unplayed: set[int], first: int) -> Unplayed:
    told, gate = cassette_index.cassette.notifications[index], cassette_index.gates[index]
    waits_for = gate.interaction if gate and gate.interaction in unplayed else None
    if gate is None or waits_for is None:
        why = f"behind notification {first}"
        ahead = cassette_index.gates[first]
        waits_for = ahead.interaction if ahead else None
    elif told.cause:
        why = f"caused by interaction {waits_for}"
    else:
        why = f"which came after interaction {waits_for}"
    return Unplayed(
        cassette=cassette_index.cassette.source,
        text=f"notification {index} on {told.channel}, {why}",
        notification=index,
        waits_for=waits_for,
        why=why,
    )
