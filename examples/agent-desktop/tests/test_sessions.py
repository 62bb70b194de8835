"""What the agent is shown."""

import asyncio

import pytest


@pytest.mark.gws_cassette("sessions")
def test_sessions_by_id(desktop):
    """The marker is enough where the test does not need the fixture."""

    async def scenario():
        async with desktop:
            return await desktop.sessions()

    names = {session_id: session["userData"]["FirstName"] for session_id, session in asyncio.run(scenario()).items()}
    assert {"0002DaAVKJ0V0095": "Vitaliy", "0002DaAVKJ0V0097": "Petra"} == names
