"""What the runs of a stage have left: interactions that no user asked, notifications that no user was shown.

The texts of failures and the server's control endpoint are both made of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import Script
from gws_replay.playback.sessions import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An interaction, or a notification with the interaction that it waits for."""

    cassette: str
    text: str
    interaction: int | None = None
    notification: int | None = None
    waits_for: int | None = None
    why: str = ""

    def __str__(self) -> str:
        return self.text


def left_of(stage: Stage) -> tuple[Left, ...]:
    """Return what no user of the stage has played, cassette by cassette."""
    return tuple(left for number in range(len(stage.scripts)) for left in _left_of_cassette(stage, number))


def interaction_text(cassette: Cassette, index: int) -> str:
    """Name an interaction in messages."""
    exchange = cassette.interactions[index]
    operation = api.call_of(exchange.request, exchange.sent).operation
    what = f"{exchange.request.method} {exchange.request.path}{f' {operation}' if operation else ''}"
    return f"interaction {index}: {what}"


def _left_of_cassette(stage: Stage, number: int) -> Iterator[Left]:
    script = stage.scripts[number]
    replays = [seat.track.replays[number] for seat in stage.used()]
    unplayed = set.intersection(*(set(replay.unplayed) for replay in replays))
    unreleased = set.intersection(*(set(replay.unreleased) for replay in replays))
    name = script.cassette.source
    for index in sorted(unplayed):
        yield Left(cassette=name, text=interaction_text(script.cassette, index), interaction=index)
    for index in sorted(unreleased):
        yield _waiting(script, index, unplayed, min(unreleased))


def _waiting(script: Script, index: int, unplayed: set[int], first: int) -> Left:
    told, gate = script.cassette.notifications[index], script.gates[index]
    waits_for = gate.interaction if gate and gate.interaction in unplayed else None
    if gate is None or waits_for is None:
        why = f"behind notification {first}"
        ahead = script.gates[first]
        waits_for = ahead.interaction if ahead else None
    elif told.cause:
        why = f"caused by interaction {waits_for}"
    else:
        why = f"which came after interaction {waits_for}"
    return Left(
        cassette=script.cassette.source,
        text=f"notification {index} on {told.channel}, {why}",
        notification=index,
        waits_for=waits_for,
        why=why,
    )
