"""Held polls: connects that wait in threads and in tasks of several event loops, woken from anywhere."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from gws_replay.core.bayeux.server import Hold, Replies
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.playback.waiting import in_task, in_thread

CALM = 20
CONNECT = ["connect"]


class FakeCore:
    """Holds a "connect" and returns everything else; the test sets what becomes due."""

    def __init__(self) -> None:
        self.tickets = 0
        self.due: list[tuple[float, int]] = []
        self.released: list[int] = []
        self.abandoned: list[int] = []
        self.has_undelivered = False
        self.hold_for = 10.0 * CALM
        self.waiting = threading.Semaphore(0)
        self.answering = threading.Semaphore(0)

    @property
    def next_at(self) -> float | None:
        """Called, under the lock, by each thread or task that is going to wait."""
        self.waiting.release()
        return min((at for at, _ in self.due), default=None)

    def advance(self, now: float) -> tuple[int, ...]:
        ready = tuple(ticket for at, ticket in self.due if at <= now)
        self.due = [each for each in self.due if each[0] > now]
        return ready

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        if messages != CONNECT:
            self.has_undelivered = False
            return Replies(messages=())
        self.tickets += 1
        return Hold(ticket=self.tickets, client_id="c", until=now + self.hold_for)

    def release(self, ticket: int, now: float) -> Replies:
        self.released.append(ticket)
        self.answering.release()
        return Replies(messages=({"ticket": ticket},))

    def abandon(self, ticket: int, now: float) -> None:
        self.abandoned.append(ticket)

    def put_back(self, response: Replies) -> tuple[int, ...]:
        return tuple(each["ticket"] for each in response.messages)

    def wait_until_held(self, count: int) -> None:
        """Wait until so many connects have begun to wait."""
        assert all(self.waiting.acquire(timeout=CALM) for _ in range(count))

    def wait_until_released(self, count: int) -> None:
        """Wait until so many have returned."""
        assert all(self.answering.acquire(timeout=CALM) for _ in range(count))


@pytest.fixture
def core() -> FakeCore:
    """A core that the test drives."""
    return FakeCore()


@pytest.fixture
def polls(core: FakeCore) -> HeldPolls:
    """The polls before it."""
    return HeldPolls(core)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for the polls."""
    with ThreadPoolExecutor(40) as pool:
        yield pool


def in_a_loop(coroutine: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine in an event loop of this thread's own."""
    return asyncio.run(coroutine())


def tickets(responses: Sequence["Future[Replies]"]) -> list[int]:
    """The tickets of the connects that returned."""
    return sorted(each.result(CALM).messages[0]["ticket"] for each in responses)


def deliver(core: FakeCore, polls: HeldPolls, *ready: int, later: float = 0.0) -> None:
    """Make connects ready, now or in some seconds."""
    with polls.lock:
        core.due += [(polls.clock() + later, ticket) for ticket in ready]
        polls.changed()


def test_threads_and_tasks_of_any_loop_are_woken(core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor) -> None:
    """By one delivery from another thread; those that are not ready go on waiting."""
    held = [threads.submit(polls.receive, CONNECT) for _ in range(10)]
    held += [threads.submit(in_a_loop, lambda: polls.receive_async(CONNECT)) for _ in range(10)]

    async def both() -> Replies:
        first = asyncio.create_task(polls.receive_async(CONNECT))
        second = asyncio.create_task(polls.receive_async(CONNECT))
        return Replies(messages=(await first).messages + (await second).messages)

    pair = threads.submit(in_a_loop, both)
    core.wait_until_held(22)
    deliver(core, polls, *range(1, 12))
    core.wait_until_held(11)  # a poll that was woken for nothing waits again
    core.wait_until_released(11)
    assert list(range(1, 12)) == sorted(core.released)
    deliver(core, polls, *range(12, 23))
    assert list(range(1, 23)) == sorted([*tickets(held), *(each["ticket"] for each in pair.result(CALM).messages)])


def test_poll_wakes_at_the_due_time_without_another_call(
    core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor
) -> None:
    """Even if the time was set after the wait began, and not before it."""
    held = [threads.submit(polls.receive, CONNECT), threads.submit(in_a_loop, lambda: polls.receive_async(CONNECT))]
    core.wait_until_held(2)
    begun = time.monotonic()
    deliver(core, polls, 1, 2, later=0.1)
    assert [1, 2] == tickets(held)
    assert 0.1 <= time.monotonic() - begun < CALM / 2


@pytest.mark.parametrize("hold_for", [0.1, 10.0 * CALM])
def test_timeout_ends_the_wait(core: FakeCore, polls: HeldPolls, hold_for: float) -> None:
    """The client's or the core's, whichever is shorter; the connect returns, and is not forgotten."""
    core.hold_for = hold_for
    patience = CALM if hold_for == 0.1 else 0.1
    begun = time.monotonic()
    polls.receive(CONNECT, patience)
    asyncio.run(polls.receive_async(CONNECT, patience))
    assert 0.2 <= time.monotonic() - begun < CALM / 2
    assert ([1, 2], []) == (core.released, core.abandoned)


def test_poll_that_is_not_held_returns_at_once(polls: HeldPolls) -> None:
    """In a thread and in a task."""
    assert Replies(messages=()) == polls.receive(["publish"]) == asyncio.run(polls.receive_async(["publish"]))


def test_a_cancelled_task_is_forgotten(core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor) -> None:
    """Its connect is abandoned; another one waits on."""

    async def cancelled() -> None:
        task = asyncio.create_task(polls.receive_async(CONNECT))
        await asyncio.to_thread(core.wait_until_held, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ([1], []) == (core.abandoned, core.released)
    held = threads.submit(polls.receive, CONNECT)
    core.wait_until_held(1)
    deliver(core, polls, 1, 2)
    assert [2] == tickets([held])


def test_a_task_that_is_ready_and_cancelled_is_forgotten(core: FakeCore, polls: HeldPolls) -> None:
    """Nothing was taken for it: its notification waits for the next connect."""

    async def cancelled() -> None:
        task = asyncio.create_task(polls.receive_async(CONNECT))
        await asyncio.to_thread(core.wait_until_held, 1)
        deliver(core, polls, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ([1], []) == (core.abandoned, core.released)


def test_a_loop_that_was_closed_does_no_harm(core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor) -> None:
    """With a held connect in it: the others are woken all the same."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(polls.receive_async(CONNECT))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    core.wait_until_held(1)
    held = threads.submit(polls.receive, CONNECT)
    core.wait_until_held(1)
    deliver(core, polls, 1, 2)
    assert [2] == tickets([held])
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio would complain, and rightly so


def test_unwritten_notification_is_delivered_by_the_next_connect(
    core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor
) -> None:
    """A connect that is held already returns with it."""
    held = threads.submit(polls.receive, CONNECT)
    core.wait_until_held(1)
    polls.put_back(Replies(messages=({"ticket": 1},)))
    assert [1] == tickets([held])


def test_closing_releases_all_polls_and_holds_no_more(
    core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor
) -> None:
    """Threads, tasks and those that wait for clients to confirm."""
    core.has_undelivered = True
    held = [threads.submit(polls.receive, CONNECT), threads.submit(in_a_loop, lambda: polls.receive_async(CONNECT))]
    hearing = threads.submit(in_thread, partial(polls.until_delivered, CALM))
    core.wait_until_held(2)
    begun = time.monotonic()
    polls.close()
    assert [1, 2] == tickets(held)
    hearing.result(CALM)
    polls.receive(CONNECT)
    asyncio.run(polls.receive_async(CONNECT))
    assert time.monotonic() - begun < CALM / 2


@pytest.mark.parametrize("kind", ["thread", "task"])
def test_waiting_until_all_is_received(
    core: FakeCore, polls: HeldPolls, threads: ThreadPoolExecutor, kind: str
) -> None:
    """It ends when a client connects again, at once when nothing is undelivered, and at the timeout otherwise."""

    def wait(patience: float) -> None:
        if kind == "thread":
            in_thread(partial(polls.until_delivered, patience))
        else:
            asyncio.run(in_task(partial(polls.until_delivered, patience)))

    wait(CALM)
    core.has_undelivered = True
    begun = time.monotonic()
    wait(0.1)
    assert 0.1 <= time.monotonic() - begun
    listening = threads.submit(wait, CALM)
    while not polls._listening and not listening.done():
        time.sleep(0)
    assert not listening.done()
    polls.receive(["publish"])
    listening.result(CALM)
    assert time.monotonic() - begun < CALM / 2
    assert set() == polls._listening
