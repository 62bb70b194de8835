"""The agent's test: replays cassettes/update.yaml. No server, no network, no credentials.

Made by `gws-replay demo`. Run it with `pytest`.
"""

import asyncio

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
