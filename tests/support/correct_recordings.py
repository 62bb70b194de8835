"""Recordings of correct servers: the captures, the sandbox on every channel, and random runs of one to three users."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.sandbox.channels import CHANNELS as GWS
from gws_replay.sandbox.channels import Channel
from gws_replay.sandbox.replies import Json
from gws_replay.sandbox.workspace_v3 import WORKSPACE
from tests.support import fault_scenario
from tests.support.builders import CAPTURES, DATA
from tests.support.random_runs import KEY_NAMES, TICK, PlannedRequest, Run
from tests.support.readers import read_flow
from tests.support.redactors import redactor

CHANNELS = {**GWS, **WORKSPACE}
_VALUES: tuple[Any, ...] = (
    *(0, 1, True, False, None, "", "1", 1.0, 2**53 + 1, "DATA1", 1e300, -0.0, -7, 0.1, "text", "[1]"),
    *([], {}, [1, "x", None], {"a": {"b": [True]}}, [{"x": 1}], [[], [0]]),
)


def captured() -> Iterator[Cassette]:
    """Yield the captures of third-party servers and clients."""
    for name in CAPTURES:
        recording = read_flow((DATA / "captures" / f"{name}.flow").read_bytes(), name)
        yield compile_recording(redactor("secrets").recording(recording)).cassette


def sandboxed() -> Iterator[Cassette]:
    """Yield the scenario of the fault catalogue, played without a fault, on each channel."""
    return (fault_scenario.recorded(channel) for channel in CHANNELS.values())


def random_run(seed: int) -> Cassette:
    """Return the recording of a random run: operations that overlap, any latencies, one to three users."""
    random = Random(seed)
    channel = random.choice(list(CHANNELS.values()))
    requests = [_planned(random, channel) for _ in range(random.randint(1, 8))]
    run = Run(channel=channel, requests=requests, shown_late=random.random() < 0.5)
    return with_users(run.cassette(), random.randint(1, 3), random)


def with_users(cassette: Cassette, count: int, random: Random) -> Cassette:
    """Return a recording as if several users had sent its requests; each receives each notification, some later."""
    if count == 1:
        return cassette
    exchanges = tuple(replace(each, user=random.randrange(count)) for each in cassette.interactions)
    notifications = []
    for user in range(count):
        latest = 0.0
        for each in cassette.notifications:
            latest = max(latest, each.seen + (random.random() * 8 * TICK if user else 0.0))
            notifications.append(replace(each, user=user, seen=latest))
    end = max([exchanges[-1].began, *(each.seen for each in notifications)])
    last = replace(exchanges[-1], began=end + TICK, ended=end + 2 * TICK)
    users = [{"name": f"user-{number}"} for number in range(count)]
    return replace(
        cassette,
        interactions=(*exchanges[:-1], last),
        notifications=tuple(sorted(notifications, key=lambda each: each.seen)),
        header={**cassette.header, "users": users},
    )


def _planned(random: Random, channel: Channel) -> PlannedRequest:
    several = [random.randint(0, 8) for _ in range(3)]
    return PlannedRequest(random.randint(0, 1), _body(random, channel), random.randint(0, 2), *several)


def _body(random: Random, channel: Channel) -> Json | None:
    def userdata() -> Json:
        return {random.choice(KEY_NAMES): random.choice(_VALUES) for _ in range(random.randint(0, 3))}

    def keys(operation: str) -> Json:
        kind = channel.operations.get(operation)
        if kind is None or kind.parameter is None:
            return {}
        named = [random.choice(KEY_NAMES) for _ in range(random.randint(0, 3))]
        return {kind.parameter: named if kind.type is list else random.choice(KEY_NAMES)}

    found: dict[str, Json] = {
        "AttachUserData": {"userData": userdata()},
        "UpdateUserData": {"userData": userdata()},
        "DeleteUserData": keys("DeleteUserData"),
        "DeleteUserDataPair": {"key": random.choice(KEY_NAMES)},
        "SetDisposition": {"disposition": random.choice(("", "a", "Done")), "dispositionKey": random.choice(KEY_NAMES)},
        "AddComment": {"comment": random.choice(("", "b", "c"))},
    }
    names = [name for name in found if name in channel.operations]
    chosen = random.choice([None, *names, "UpdateUserData", "Fly", "refused"])
    if chosen is None:
        return None
    if chosen == "Fly":  # unknown: refused, it must change nothing
        return {"operationName": "Fly", "userData": userdata()}
    if chosen == "refused":
        return {"operationName": "UpdateUserData", "data": userdata()}
    return {"operationName": chosen, **found[chosen]}
