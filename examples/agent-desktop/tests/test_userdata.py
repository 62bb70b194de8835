"""What an update does to a session's userData, and what it leaves alone."""

import asyncio
import os
import subprocess
import sys

import pytest

from gws_replay import assert_only_changed

SESSION = "0002DaAVKJ0V0095"
OTHER = "0002DaAVKJ0V0097"


def test_an_update_changes_exactly_its_keys(gws, desktop):
    """Request, notification and the next GET agree, and the other 80 keys are as they were."""
    update = {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}

    async def scenario():
        async with desktop:
            await desktop.sessions()
            with gws.expect_userdata(SESSION, changed=update):
                await desktop.update_userdata(SESSION, update)
            await desktop.sessions()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("key", "value"),
    [("Priority", 5), ("Amount", 5.5), ("Note", "5"), ("Vip", True), ("Callback", None)],
    ids=["integer", "number", "text", "boolean", "null"],
)
def test_a_new_key_keeps_its_type(gws, desktop, key, value):
    """A cassette for each value: cassettes/test_userdata/test_a_new_key_keeps_its_type[<id>].yaml."""

    async def scenario():
        async with desktop:
            await desktop.sessions()
            with gws.expect_userdata(SESSION, added={key: value}):
                await desktop.update_userdata(SESSION, {key: value})

    asyncio.run(scenario())


def test_the_agent_sees_one_session_change(gws, desktop):
    """Judged by what the desktop itself shows: dicts, without the fixture's help."""

    async def scenario():
        async with desktop:
            before = await desktop.sessions()
            await desktop.update_userdata(OTHER, {"CustomerSegment": "gold"})
            return before, await desktop.sessions()

    before, after = asyncio.run(scenario())
    assert_only_changed(before[OTHER]["userData"], after[OTHER]["userData"], {"CustomerSegment": "gold"})
    assert before[SESSION] == after[SESSION]


def test_a_new_connection_misses_nothing(gws, desktop):
    """After a reconnect the desktop shows what was updated before, and is told of what is updated then."""

    async def scenario():
        async with desktop:
            await desktop.update_userdata(SESSION, {"Subject": "before"})
            sessions = await desktop.reconnect()
            assert "before" == sessions[SESSION]["userData"]["Subject"]
            shown = await desktop.update_userdata(SESSION, {"Subject": "after"})
            assert "after" == shown["Subject"]

    asyncio.run(scenario())


@pytest.mark.gws_cassette("command")
def test_the_command_is_a_process_of_its_own(gws_server):
    """A server plays the cassette to it; in another language it would be the same."""
    login = {"GWS_USER": "agent1", "GWS_PASSWORD": "sandbox", **os.environ, "GWS_URL": gws_server.url}
    command = [sys.executable, "-m", "agent_desktop", SESSION, "Subject=by command"]
    done = subprocess.run(command, env=login, capture_output=True, text=True, check=True)
    assert "Subject=by command\n" == done.stdout
