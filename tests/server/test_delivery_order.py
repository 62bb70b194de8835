"""The order that real CometD clients see: nothing before its cause, and no overtaking."""

import asyncio

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.server.server import ServedRun, serving
from tests.support.async_poller import polling, run
from tests.support.builders import SESSIONS, TOPIC, cassette, get, push, update
from tests.support.comet_clients import CLIENTS, OPEN, TRANSPORTS, Open, by_node, needs_node, seen_by
from tests.support.comet_sessions import LOOK, Event, comet, recorded, rest, session, wait
from tests.support.commands import captured, small
from tests.support.sockets import of_aiocometd, talking

UPDATES = 30


def updates(after: str, count: int = UPDATES) -> Cassette:
    """So many updates, whose notifications came after their requests or after their responses."""
    late = 0.5 if after == "response" else 0.05
    moments = [(update({"A": n}, began=float(n)), push({"A": n}, seen=n + late)) for n in range(count)]
    built = cassette(*(each for pair in moments for each in pair))
    assert {after} == {each.cause.after for each in built.notifications if each.cause}
    return built


def test_without_the_update_there_is_no_notification() -> None:
    """A connect is held for its whole time; the state, and the failure, name the missing cause."""
    playback = ServedRun(small().named("small.yaml"))

    async def conversation() -> None:
        async with polling(playback.url) as client, talking(f"{playback.url}{client.path}") as talk:
            await client.shake_hands()
            await talk.shake_hands(TOPIC)
            await client.look()
            (reply,) = await client.connect(timeout_ms=50)
            (other,) = await talk.ask(talk.connecting(advice={"timeout": 50}))
            assert ["/meta/connect"] * 2 == [reply["channel"], other["channel"]]
            (left,) = (await client.state())["unreleased"]
            assert (0, 1) == (left["notification"], left["waits_for"])

    with serving(playback):
        run(conversation)
    assert f"notification 0 on {TOPIC}, caused by interaction 1" in playback.problems()


@of_aiocometd
def test_the_order_is_the_same_however_long_a_client_waits() -> None:
    """Before its updates: 24 clients at once, of both kinds, over both transports."""
    looks = get({"A": 1}, began=0.0), get({"A": 2}, began=3.0)
    played = cassette(*looks, update({"A": 2}, began=1.0), push({"A": 2}, seen=2.0))
    playback = ServedRun(played)

    async def one(number: int) -> list[Event]:
        pause = 1000 if number < 4 else 50 if number % 2 else 0
        open_client = OPEN[-1 if number % 6 == 1 else 0]
        transport = TRANSPORTS[number // 2 % 2]
        async with open_client(playback.url, transport, user=f"agent{number}") as client:
            await client.run(*session(played, pause=pause))
        return client.events

    async def conversation() -> None:
        seen = await asyncio.gather(*map(one, range(24)))
        assert [recorded(played, playback.url)] * 24 == seen

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


@of_aiocometd
@pytest.mark.parametrize("open_client", CLIENTS)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("after", "in_a_row"), [("response", True), ("response", False), ("request", True)])
def test_neither_overtakes_in_many_updates(after: str, in_a_row: bool, transport: str, open_client: Open) -> None:
    """Each notification stays on its side of the response, in its order, once; the client waits for it or does not."""
    played = updates(after)
    playback = ServedRun(played)
    with serving(playback):
        seen = seen_by(open_client, playback.url, transport, session(played, in_a_row=in_a_row))
    responses = [place for place, event in enumerate(seen) if event.kind == "answer"]
    notified = [place for place, event in enumerate(seen) if event.kind == "notification"]
    shown = [seen[place].content["facebooksession"]["userData"]["A"] for place in notified]
    assert (UPDATES, list(range(UPDATES))) == (len(responses), shown)
    early = [n for n in range(UPDATES) if (notified[n] < responses[n]) != (after == "request")]
    assert [] == early
    assert "" == playback.problems()


@needs_node
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ["longpoll-js-update", "longpoll-js-push-first"])
def test_a_client_that_acknowledges_sees_the_same(name: str, transport: str) -> None:
    """The extension is agreed on, and nothing comes twice."""
    played = captured(name).cassette
    playback = ServedRun(played)

    async def conversation() -> None:
        async with by_node(playback.url, transport, ack=True) as client:
            await client.run(*session(played))
            assert 1 == client.counts["acknowledging"]
        assert recorded(played, playback.url) == client.events

    with serving(playback):
        run(conversation)
    assert "" == playback.problems()


@of_aiocometd
def test_after_the_end_a_client_connects_less_than_twice_a_second() -> None:
    """Connects are held to the end of their time, though nothing can come any more."""
    playback = ServedRun(small(), timeout=0.6)
    body = small().interactions[1].request.body.decode()

    async def one(open_client: Open, transport: str, user: str) -> float:
        async with open_client(playback.url, transport, user=user) as client:
            await client.run(LOOK, comet(), rest("POST", f"{SESSIONS}/S1", body), wait("notifications", 1))
            loop, before = asyncio.get_running_loop(), client.counts["connects"]
            began = loop.time()
            await client.run(wait("connects", before + 2))
            return 2 / (loop.time() - began)

    async def conversation() -> None:
        kinds = [(open_client, transport) for open_client in OPEN for transport in TRANSPORTS]
        rates = await asyncio.gather(*(one(*kind, f"agent{number}") for number, kind in enumerate(kinds)))
        assert all(rate < 2 for rate in rates), rates

    with serving(playback):
        run(conversation)
