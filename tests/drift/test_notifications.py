"""A run waits for each notification once, and stops waiting when none comes any more."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.model import Response
from gws_replay.drift.notifications import LiveNotifications
from tests.support.builders import bayeux, body, cassette, push

PATIENCE = 7.0


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The timeout of each wait; no notification comes."""
    seconds: list[float] = []

    async def until(_notifications: LiveNotifications, is_so: Callable[[], bool], patience: float) -> bool:
        seconds.append(patience)
        return is_so()

    monkeypatch.setattr(LiveNotifications, "_until", until)
    return seconds


def test_waiting_stops_after_three_missing_notifications(waited: list[float]) -> None:
    """Until one is received again; a missing one is not waited for twice."""
    recorded = cassette(*(push({}, seen=float(n), session=f"S{n}") for n in range(6)))
    response = Response(status=200, body=body([bayeux(recorded.notifications[4])]))

    async def run() -> None:
        live = LiveNotifications(recorded, LiveValues(recorded, {f"S{n}": f"S{n}" for n in range(6)}), PATIENCE)
        await live.wait_for([0])  # no client is connected yet
        listener: Any = object()
        live._listeners[0] = listener
        for number in (0, 0, 1, 2, 3):
            await live.wait_for([number])
        live.take(response, user=0)
        await live.wait_for([4])
        await live.wait_for([5])

    asyncio.run(run())
    assert [PATIENCE, PATIENCE, PATIENCE, 0.0, PATIENCE] == waited
