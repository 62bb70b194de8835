"""expect_userdata waits for the changes that a client in another thread or task makes, for a bounded time."""

import asyncio
import threading
import time

import pytest

from gws_replay.errors import UserDataMismatch
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import get, push, update
from tests.support.commands import BEFORE
from tests.support.playbacks import ask, play

TIMEOUT = 30.0
KEYS = {f"K{number}": number for number in range(30)}


def played(**after: object) -> ReplayRun:
    """A playback of one update, and of a second one, after its GET."""
    playback = play(
        get(BEFORE, began=0.0),
        update({"A": 2}, began=1.0),
        push({**BEFORE, "A": 2}, seen=1.5),
        update(KEYS, began=2.0),
        push({**BEFORE, "A": 2, **KEYS, **after}, seen=2.5),
    )
    ask(playback, 0)
    return playback


def test_block_waits_for_a_thread_that_sends_later() -> None:
    """One key, then thirty: the wait ends when all is as expected, not at the first notification."""
    playback, at_the_end = played(), threading.Event()

    def client() -> None:
        at_the_end.wait(TIMEOUT)
        ask(playback, 1)
        ask(playback, 2)

    working = threading.Thread(target=client)
    working.start()
    with playback.expect_userdata("S1", changed={"A": 2}, added=KEYS, timeout=TIMEOUT):
        at_the_end.set()
    working.join(TIMEOUT)


def test_a_task_of_the_same_loop_is_waited_for() -> None:
    """async with leaves the loop free for the client."""
    playback = played()

    async def client(at_the_end: asyncio.Event) -> None:
        await at_the_end.wait()
        ask(playback, 1)
        await asyncio.sleep(0)
        ask(playback, 2)

    async def test() -> None:
        at_the_end = asyncio.Event()
        working = asyncio.create_task(client(at_the_end))
        async with playback.expect_userdata("S1", changed={"A": 2}, added=KEYS, timeout=TIMEOUT):
            at_the_end.set()
        await working

    asyncio.run(test())


def test_a_plain_with_in_a_task_does_not_stop_its_loop() -> None:
    """It checks at once: no client could send while it blocks the loop."""
    playback = played()

    async def test() -> None:
        with playback.expect_userdata("S1", changed={"A": 2}, timeout=TIMEOUT):
            pass

    began = time.monotonic()
    with pytest.raises(UserDataMismatch, match="use `async with`"):
        asyncio.run(test())
    assert time.monotonic() - began < TIMEOUT / 2


@pytest.mark.parametrize("how", ["with", "async with"])
def test_block_does_not_wait_when_everything_was_shown(how: str) -> None:
    """All that was recorded has been shown, and one key of thirty is wrong."""
    playback = played(K7="7")

    expected = playback.expect_userdata("S1", changed={"A": 2}, added=KEYS, timeout=TIMEOUT)

    def plain() -> None:
        with expected:
            ask(playback, 1)
            ask(playback, 2)

    async def awaited() -> None:
        async with expected:
            ask(playback, 1)
            ask(playback, 2)

    began = time.monotonic()
    with pytest.raises(UserDataMismatch, match=r'K7 should be 7 \(integer\), is "7" \(string\)'):
        asyncio.run(awaited()) if how == "async with" else plain()
    assert time.monotonic() - began < TIMEOUT / 2


def test_the_wait_is_bounded() -> None:
    """A thread that sends nothing blocks the test for the timeout, and no longer."""
    playback, done = played(), threading.Event()
    working = threading.Thread(target=done.wait, args=(TIMEOUT,))
    working.start()
    try:
        with (
            pytest.raises(UserDataMismatch, match="nothing showed the userData of S1"),
            playback.expect_userdata("S1", changed={"A": 2}, timeout=0.05),
        ):
            pass
    finally:
        done.set()
        working.join(TIMEOUT)
