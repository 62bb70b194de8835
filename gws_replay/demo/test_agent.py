"""The agent's tests: they replay cassettes/update.yaml. No staging system, no network, no credentials.

Made by `gws-replay demo`. Run them with `pytest`.
"""

import asyncio
import os
import subprocess
import sys

import pytest
from agent import SESSION, UPDATE, Agent


@pytest.mark.gws_cassette("update")
def test_update_changes_exactly_two_keys(gws):
    """Whatever else stands in the 83 keys of userData stays as it is."""

    async def scenario():
        async with Agent("https://gws.example.com", "anybody", "anything") as agent:
            await agent.sessions()
            with gws.expect_userdata(SESSION, changed=UPDATE):
                await agent.update_userdata(SESSION, UPDATE)
            await agent.sessions()

    asyncio.run(scenario())


@pytest.mark.gws_cassette("update")
def test_agent_receives_the_notification_of_its_update(gws_server):
    """The whole program, as a process of its own: its CometD client gets the notification after the update."""
    subprocess.run([sys.executable, "agent.py"], env={**os.environ, "GWS_REPLAY_URL": gws_server.url}, check=True)
