"""Several replays at once: each thread and task gets the responses of its own cassette, and every patch is undone."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from gws_replay.core.cassette import Cassette
from gws_replay.errors import ReplayMiss
from gws_replay.interception.context_scope import InForce
from gws_replay.interception.interceptor import replaying
from gws_replay.interception.patching import Patches, Swap
from gws_replay.playback.replay_run import ReplayRun
from tests.interception.test_no_leak import patched_places
from tests.support.builders import exchange
from tests.support.clients import ANYWHERE

CALM = 20


def named(name: str, count: int = 20) -> ReplayRun:
    """A playback that returns its name."""
    responses = (exchange("POST", "/x", {"n": n}, {"from": name, "n": n}, began=float(n)) for n in range(count))
    return ReplayRun(Cassette(interactions=tuple(responses)).named(name))


def by_requests(numbers: range) -> set[str]:
    """Return the name of the cassette that responds."""
    return {requests.post(f"{ANYWHERE}/x", json={"n": n}, timeout=CALM).json()["from"] for n in numbers}


def test_two_cassettes_in_two_threads_do_not_mix() -> None:
    """Each of 2 x 20 requests, also of threads and pools that the two start, gets its own response."""
    before = patched_places()
    barrier = threading.Barrier(2)
    found: dict[str, set[str]] = {}
    left: list[Any] = []

    def work(name: str) -> None:
        playback = named(name)
        with replaying(playback):
            barrier.wait(CALM)
            found[name] = by_requests(range(5))
            child = threading.Thread(target=lambda: found[name].update(by_requests(range(5, 10))))
            child.start()
            child.join(CALM)
            with ThreadPoolExecutor(2) as pool:
                found[name].update(*pool.map(lambda n: by_requests(range(n, n + 1)), range(10, 15)))
            found[name] |= asyncio.run(by_aiohttp(range(15, 20)))
            barrier.wait(CALM)
        left.extend((playback.misses, playback.unplayed, playback.blocked))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CALM)
    assert {"one": {"one"}, "two": {"two"}} == found
    assert [(), (), [], (), (), []] == left
    assert [] == [name for (place, name), what in patched_places().items() if before[place, name] is not what]


async def by_aiohttp(numbers: range) -> set[str]:
    """Return the name of the cassette that responds to aiohttp."""
    async with aiohttp.ClientSession() as session:
        found = set()
        for n in numbers:
            async with session.post(f"{ANYWHERE}/x", json={"n": n}) as response:
                found.add((await response.json(content_type=None))["from"])
            await asyncio.sleep(0)
        return found


async def by_httpx(numbers: range) -> set[str]:
    """Return the name of the cassette that responds to httpx."""
    async with httpx.AsyncClient(verify=False) as client:
        return {(await client.post(f"{ANYWHERE}/x", json={"n": n})).json()["from"] for n in numbers}


def test_two_cassettes_in_two_tasks_of_one_loop_do_not_mix() -> None:
    """Also in work that a task gives to a thread."""

    async def work(name: str) -> set[str]:
        with replaying(named(name)):
            found = await by_aiohttp(range(5)) | await by_httpx(range(5, 10))
            found |= await asyncio.to_thread(by_requests, range(10, 15))
            return found | await asyncio.get_running_loop().run_in_executor(None, by_requests, range(15, 20))

    async def both() -> tuple[set[str], set[str]]:
        one, two = await asyncio.gather(work("one"), work("two"))
        return one, two

    assert ({"one"}, {"two"}) == asyncio.run(both())


def test_shared_pool_uses_the_replay_of_its_caller() -> None:
    """One pool, used by two replays in turn and by work of both."""
    with ThreadPoolExecutor(1) as pool:
        for name in ("one", "two"):
            with replaying(named(name)):
                assert {name} == pool.submit(by_requests, range(3)).result(CALM)


def test_earlier_thread_gets_the_only_recorded_response() -> None:
    """A thread that was started before the replay is patched like every other."""
    with ThreadPoolExecutor(1) as pool:
        begun, goes_on = threading.Event(), threading.Event()

        def work() -> set[str]:
            begun.set()
            goes_on.wait(CALM)
            return by_requests(range(3))

        found = pool.submit(work)
        assert begun.wait(CALM)
        with replaying(named("one")):
            goes_on.set()
            assert {"one"} == found.result(CALM)


def test_third_thread_belongs_to_neither_of_two_replays() -> None:
    """Two threads entered them, and neither started the other.

    Patches stay from the first to the last replay.
    """
    thing = SimpleNamespace(name="a")
    swaps = [Swap(thing, "name", lambda before: f"{before}b")]
    kind: InForce[object] = InForce("test", Patches(lambda: swaps))
    one, two = object(), object()
    seen: list[object] = []
    ready, ends = threading.Barrier(3), threading.Event()

    def work(value: object) -> None:
        with kind.enter(value):
            seen.append(kind.current() is value)
            ready.wait(CALM)
            ends.wait(CALM)

    threads = [threading.Thread(target=work, args=(value,)) for value in (one, two)]
    for thread in threads:
        thread.start()
    ready.wait(CALM)
    assert kind.current() is None
    assert {one, two} == set(kind.all)
    assert "ab" == thing.name
    ends.set()
    for thread in threads:
        thread.join(CALM)
    assert [True, True] == seen
    assert "a" == thing.name
    assert kind.current() is None


def test_replays_may_end_in_any_order() -> None:
    """The first may end first: the other stays in force, and at the end every patch is undone."""
    before = patched_places()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(replaying(named("one")))
        second.enter_context(replaying(named("two")))
        first.close()
        assert {"two"} == by_requests(range(3))
        second.close()
    assert [] == [name for (place, name), what in patched_places().items() if before[place, name] is not what]


def test_request_of_a_thread_outside_both_replays_is_refused() -> None:
    """Its response would depend on chance: the sentence says where to start the thread, and both replays fail."""
    one, two = named("one.yaml"), named("two.yaml")
    ready, ends = threading.Barrier(3), threading.Event()

    def work(playback: ReplayRun) -> None:
        with replaying(playback):
            ready.wait(CALM)
            ends.wait(CALM)

    threads = [threading.Thread(target=work, args=(playback,)) for playback in (one, two)]
    for thread in threads:
        thread.start()
    ready.wait(CALM)
    with pytest.raises(ReplayMiss, match="this thread belongs to neither"):
        requests.post(f"{ANYWHERE}/x", json={"n": 0}, timeout=CALM)
    ends.set()
    for thread in threads:
        thread.join(CALM)
    assert "this thread belongs to neither" in one.problems(allow_unplayed=True)
    assert "this thread belongs to neither" in two.problems(allow_unplayed=True)
