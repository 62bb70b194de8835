"""Several clients at once: of one user, of two users, and of two hundred."""

import asyncio
from contextlib import AsyncExitStack

from gws_replay.server.server import ServedRun, serving
from tests.support.async_poller import polling, run, shown
from tests.support.builders import TOPIC
from tests.support.comet_clients import OPEN, TRANSPORTS
from tests.support.comet_sessions import LOOK, comet, wait
from tests.support.commands import BEFORE, small
from tests.support.sockets import of_aiocometd, talking

AFTER = {**BEFORE, "A": 2}


@of_aiocometd
def test_every_client_of_a_user_gets_each_notification() -> None:
    """Once, whichever of them sent the operation; a client of another user gets none."""
    playback = ServedRun(small())

    async def conversation() -> None:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(open_client(playback.url, transport, user="one"))
                for open_client in OPEN
                for transport in TRANSPORTS
            ]
            await asyncio.gather(*(client.run(LOOK, comet()) for client in clients))
            asking = await stack.enter_async_context(polling(playback.url, "one"))
            other = await stack.enter_async_context(polling(playback.url, "two"))
            await other.shake_hands()
            await asking.update()
            await asyncio.gather(*(client.run(wait("notifications", 1)) for client in clients))
            assert [] == await other.notified(timeout_ms=50)
            for client in clients:
                assert [AFTER] == [event.content["facebooksession"]["userData"] for event in client.events[1:]]

    with serving(playback):
        run(conversation)


def test_two_hundred_clients_at_once_get_theirs() -> None:
    """Each is a user with its own run; half of them use WebSocket."""
    playback = ServedRun(small())

    async def one(number: int) -> tuple[int, list[object]]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(polling(playback.url, f"agent{number}"))
            if number % 2:
                headers = {"Authorization": client.http.headers["Authorization"]}
                talk = await stack.enter_async_context(talking(playback.url + client.path, headers))
                await talk.shake_hands(TOPIC)
                await talk.hold()
                hearing = asyncio.create_task(talk.hear())
            else:
                await client.shake_hands()
                hearing = asyncio.create_task(client.connect())
            looked = await client.look()
            assert 200 == await client.update()
            return looked["facebooksessions"][0]["userData"]["A"], shown(await hearing)

    async def conversation() -> None:
        assert [(1, [AFTER])] * 200 == await asyncio.gather(*map(one, range(200)))

    with serving(playback):
        run(conversation)
    assert 200 == sum(user.session.served > 0 for user in playback.sessions.users)
    assert "" == playback.problems()
