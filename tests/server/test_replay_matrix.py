"""What real CometD clients saw live, they see on replay: recorded by one over one transport, replayed to the other.

A few pairs run always. GWS_REPLAY_MATRIX=5 runs all of them five times, the racing ones four times as often, and prints
a table.
"""

import asyncio
import itertools
import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gws_replay.playback.replay_run import ReplayRun
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.server.server import serving
from gws_replay.storage.files import load_cassette
from tests.support.comet_clients import CALM, TRANSPORTS, CometClient, Open, by_aiocometd, by_node, has_node, needs_node
from tests.support.comet_sessions import Command, Event, comet, login, rest
from tests.support.racing_gws import CHATS, DEVICES, racing
from tests.support.sockets import of_aiocometd

pytestmark = of_aiocometd

ME, LIST = rest("GET", "/api/v2/me"), rest("GET", "/api/v2/me/chats?fields=*")
RUNS = int(os.environ.get("GWS_REPLAY_MATRIX", "0"))
LOGIN = login("/auth/v3/oauth/token")


def update(user: str, value: Any) -> Command:
    """An update of a user's chat."""
    body = json.dumps({"operationName": "UpdateUserData", "userData": {"Note": value}})
    return rest("POST", f"/api/v2/me/chats/chat-{user}", body)


@dataclass(frozen=True)
class Until:
    """Wait until a client has received so many notifications on a channel."""

    channel: str
    count: int


# Which client does what, one after the other; None ends it.
Script = Sequence[tuple[int, Command | Until | None]]


@dataclass(frozen=True)
class Scenario:
    """A script for clients, each of a user, at a server with some options."""

    script: Script
    users: Sequence[str] = ("anna",)
    server: dict[str, Any] = field(default_factory=dict)
    races: bool = False


def updates(count: int, pushes: int) -> Script:
    """Begin, and wait after each update until all its notifications have come."""
    begin: Script = [(0, ME), (0, comet(CHATS, DEVICES)), (0, LIST)]
    steps = [step for n in range(1, count + 1) for step in ((0, update("anna", n)), (0, Until(CHATS, n * pushes)))]
    return [*begin, *steps, (0, LIST)]


def both(script: Callable[[int], Script]) -> Script:
    """The same of two clients, each step first of one, then of the other."""
    return [step for pair in zip(script(0), script(1), strict=True) for step in pair]


def agents() -> Script:
    """Two users, who update their own chats in turn."""

    def of(number: int) -> Script:
        user = ("anna", "bert")[number]
        begin: Script = [(number, ME), (number, comet(CHATS, DEVICES)), (number, LIST)]
        steps = [s for n in (1, 2) for s in ((number, update(user, n)), (number, Until(CHATS, n)))]
        return [*begin, *steps]

    return both(of)


TABS: Script = [
    *((0, ME), (0, comet(CHATS)), (1, ME), (1, comet(CHATS))),
    *((0, update("anna", 1)), (0, Until(CHATS, 1)), (1, Until(CHATS, 1))),
    *((1, update("anna", 2)), (1, Until(CHATS, 2)), (0, Until(CHATS, 2))),
]
AGAIN: Script = [
    *((0, ME), (0, comet(CHATS)), (0, update("anna", 1)), (0, Until(CHATS, 1)), (0, None)),
    *((1, ME), (1, comet(CHATS)), (1, LIST), (1, update("anna", 2)), (1, Until(CHATS, 1))),
]
RENEWED: Script = [
    *((0, LOGIN), (0, ME), (0, comet(CHATS)), (0, update("anna", 1)), (0, Until(CHATS, 1))),
    *((0, LOGIN), (0, LIST), (0, update("anna", 2)), (0, Until(CHATS, 2)), (0, LIST)),
]
SCENARIOS = {
    "update": Scenario(updates(2, 1)),
    "before": Scenario(updates(2, 1), server={"race": "before"}, races=True),
    "around": Scenario(updates(2, 2), server={"race": "around", "pushes": 2}, races=True),
    "three": Scenario(updates(2, 3), server={"pushes": 3}, races=True),
    "unsolicited": Scenario(updates(3, 1), server={"unsolicited": 0.15}, races=True),
    "two tabs": Scenario(TABS, users=("anna", "anna")),
    "two agents": Scenario(agents(), users=("anna", "bert")),
    "login again": Scenario(AGAIN, users=("anna", "anna")),
    "renewed token": Scenario(RENEWED),
}


CLIENTS: dict[str, Open] = {"aiocometd": by_aiocometd, "node": by_node}
Counts = list[tuple[int, ...]]


async def performed(
    scenario: Scenario, open_client: Open, url: str, transport: str, counts: Counts | None = None
) -> tuple[list[list[Event]], Counts]:
    """Let clients follow a script; return what each of them saw, and how much that was before each step.

    With the `counts` of another run, each step waits until as much was seen as there.
    """
    seen: Counts = []
    events: dict[int, list[Event]] = {}
    clients: dict[int, CometClient] = {}
    async with AsyncExitStack() as stack:
        stacks = [await stack.enter_async_context(AsyncExitStack()) for _ in scenario.users]

        async def reached(number: int, count: int, channel: str | None = None) -> None:
            client: Any = clients[number]
            async with client.changed:
                await client.changed.wait_for(lambda: _count(client.events, channel) >= count)

        for at, (number, step) in enumerate([*scenario.script, (0, Until("", 0))]):
            if number not in events:
                opened = open_client(url, transport, user=scenario.users[number])
                clients[number] = await stacks[number].enter_async_context(opened)
                events[number] = clients[number].events
            if counts:
                for each in clients:
                    await reached(each, counts[at][each])
            seen.append(tuple(_count(events.get(each, []), None) for each in range(len(scenario.users))))
            if step is None:
                del clients[number]
                await stacks[number].aclose()
            elif isinstance(step, Until):
                await (reached(number, step.count, step.channel) if number in clients else asyncio.sleep(0))
            else:
                await clients[number].run(step)
        logs = [list(events[each]) for each in sorted(events)]
        return logs, seen


def _count(events: Sequence[Event], channel: str | None) -> int:
    return sum(each.kind == "notification" and channel in (None, each.where) for each in events)


def followed(*arguments: Any) -> tuple[list[list[Event]], Counts]:
    """Perform a script within a bounded time: a client that hangs fails the test."""
    return asyncio.run(asyncio.wait_for(performed(*arguments), CALM))


def plain(events: Sequence[Event]) -> list[Event]:
    """Events without what differs from run to run: tokens and addresses."""

    def same(content: Any) -> Any:
        text = json.dumps(content)
        return json.loads(re.sub(r'"access_token": "[^"]*"|http://localhost:\d+', '"access_token": ""', text))

    return [Event(each.kind, each.where, same(each.content)) for each in events]


def settled(events: Sequence[Event]) -> list[Event]:
    """Events with unsolicited notifications moved behind the responses around them, up to the next caused notification.

    A busy client reads its two connections in another order than the server wrote, live and in replay.
    """
    found: list[Event] = []
    uncaused: list[Event] = []
    for each in events:
        if each.where == DEVICES:
            uncaused.append(each)
            continue
        if each.kind == "notification":
            found += uncaused
            uncaused = []
        found.append(each)
    return found + uncaused


def compared(folder: Path, name: str, recorded: tuple[str, str], replayed: Sequence[tuple[str, str]]) -> list[str]:
    """Record a scenario by one client over one transport, and return how each replay differs; empty texts for none."""
    scenario = SCENARIOS[name]
    path = folder / f"{next(_NUMBERS)}.yaml"
    with racing(**scenario.server) as live:
        settings = Settings(cassette=path, upstream=live.url, redact="secrets")
        with Recorder(settings, say=lambda _: None) as recorder:
            logs, counts = followed(scenario, CLIENTS[recorded[0]], recorder.url, recorded[1])
    return [_difference(path, scenario, logs, counts, each) for each in replayed]


_NUMBERS = itertools.count()


def _difference(
    path: Path, scenario: Scenario, logs: list[list[Event]], counts: Counts, replayed: tuple[str, str]
) -> str:
    client, transport = replayed
    run = ReplayRun(load_cassette(path))
    try:
        with serving(run) as server:
            again, _ = followed(scenario, CLIENTS[client], server.url, transport, counts)
    except TimeoutError:
        return "hangs"
    if run.misses or run.faults:
        return "; ".join([*map(str, run.misses), *run.faults])
    for number, (events, others) in enumerate(zip(logs, again, strict=True)):
        # What came after the last step, or was on its way to the client when it ended, may or may not have been seen.
        if settled(plain(events)) != settled(plain(others))[: len(events)]:
            return f"client {number} saw\n{others}\nnot\n{events}"
    return ""


PAIRS = [
    ("around", ("aiocometd", "websocket"), ("node", "long-polling")),
    ("unsolicited", ("node", "long-polling"), ("aiocometd", "websocket")),
    ("two agents", ("aiocometd", "long-polling"), ("node", "websocket")),
    ("renewed token", ("node", "websocket"), ("aiocometd", "long-polling")),
]


@pytest.mark.parametrize(("name", "recorded", "replayed"), [pytest.param(*each, id=each[0]) for each in PAIRS])
def test_a_client_sees_on_replay_what_another_saw_live(
    name: str, recorded: tuple[str, str], replayed: tuple[str, str], tmp_path: Path
) -> None:
    """By whatever client and transport it was recorded."""
    if "node" in (recorded[0], replayed[0]) and not has_node:
        recorded, replayed = ("aiocometd", recorded[1]), ("aiocometd", replayed[1])
    assert [""] == compared(tmp_path, name, recorded, [replayed])


@needs_node
@pytest.mark.skipif(not RUNS, reason="takes minutes: GWS_REPLAY_MATRIX is the number of runs of each pair")
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("recorded", list(itertools.product(CLIENTS, TRANSPORTS)), ids="-".join)
def test_every_client_and_transport(name: str, recorded: tuple[str, str], tmp_path: Path) -> None:
    """The whole matrix, printed as a table (-rP shows it)."""
    others = list(itertools.product(CLIENTS, TRANSPORTS))
    runs = RUNS * (4 if SCENARIOS[name].races else 1)
    failed: dict[tuple[str, str], list[str]] = {each: [] for each in others}
    for _ in range(runs):
        for each, difference in zip(others, compared(tmp_path, name, recorded, others), strict=True):
            failed[each] += [difference] if difference else []
    for each, differences in failed.items():
        hangs = differences.count("hangs")
        print(f"| {name} | {' '.join(recorded)} | {' '.join(each)} | {runs - len(differences)}/{runs} | {hangs} |")
    assert not any(failed.values()), next(differences[0] for differences in failed.values() if differences)
