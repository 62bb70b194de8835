"""Two client processes at one server: two agents, and two tabs of one agent, each as it was recorded."""

import asyncio
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.server.server import ServedRun, serving
from gws_replay.storage.files import load_cassette
from tests.server.test_replay_matrix import SCENARIOS, Until, followed, plain
from tests.support.comet_clients import CALM, TRANSPORTS, by_aiocometd
from tests.support.comet_sessions import Command, Event
from tests.support.racing_gws import racing
from tests.support.sockets import of_aiocometd

pytestmark = of_aiocometd


def client_process(
    where: tuple[str, str], user: str, steps: Sequence[Command | Until], both_listen: Any, seen: Any
) -> None:
    """Be one client, and put what it saw into a queue. The first operation waits until both clients listen."""

    async def obey() -> list[Event]:
        async with by_aiocometd(*where, user=user) as client:
            events: Any = client.events
            for step in steps:
                if isinstance(step, Until):
                    changed: Any = client.changed  # type: ignore[attr-defined]
                    async with changed:
                        await changed.wait_for(lambda step=step: _count(events, step.channel) >= step.count)
                    continue
                await client.run(step)
                if step["do"] == "comet":
                    await asyncio.to_thread(both_listen.wait, CALM)
            return list(events)

    seen.put(asyncio.run(asyncio.wait_for(obey(), CALM)))


def _count(events: Sequence[Event], channel: str) -> int:
    return sum(each.where == channel for each in events)


def in_two_processes(url: str, transport: str, name: str) -> list[list[Event]]:
    """Let each client of a scenario be a process, and return what each of them saw."""
    context = multiprocessing.get_context("spawn")
    both_listen, scenario = context.Barrier(2), SCENARIOS[name]
    queues = [context.Queue() for _ in scenario.users]
    processes = []
    for number, (user, seen) in enumerate(zip(scenario.users, queues, strict=True)):
        steps = [step for of, step in scenario.script if of == number]
        arguments = ((url, transport), user, steps, both_listen, seen)
        processes.append(context.Process(target=client_process, args=arguments, daemon=True))
        processes[-1].start()
    try:
        return [seen.get(timeout=2 * CALM) for seen in queues]
    finally:
        for process in processes:
            process.join(CALM)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ["two agents", "two tabs"])
def test_two_processes_see_what_two_clients_saw_live(name: str, transport: str, tmp_path: Path) -> None:
    """Each its own responses, and each of its user's notifications once."""
    path = tmp_path / "x.yaml"
    with racing() as live:
        settings = Settings(cassette=path, upstream=live.url, redact="secrets")
        with Recorder(settings, say=lambda _: None) as recorder:
            logs, _ = followed(SCENARIOS[name], by_aiocometd, recorder.url, transport)
    run = ServedRun(load_cassette(path))
    with serving(run) as server:
        again = in_two_processes(server.url, transport, name)
    assert ((), [], ()) == (run.misses, run.faults, run.unplayed)
    assert [plain(events) for events in logs] == [plain(events) for events in again]
