"""Recordings of the sandbox to compare: one scenario on a channel, played anew with other ids, times and hosts."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange, Recording
from gws_replay.sandbox.channels import CHANNELS, Channel
from gws_replay.sandbox.userdata import Operation, Outcome, faithful
from tests.support.fault_scenario import LAST, operations
from tests.support.sandbox_in_process import Wire

# Ids of the sandbox's data: of sessions, people and queues, as another run of a real server would have others.
IDS = ("0002DaAVKJ0V0095", "0002DaAVKJ0V0097", "5e101708f14442c7ab79814bb4f799b2", "007355E6EE0B0109")


def played(channel: Channel = CHANNELS["Facebook PM"], apply: Callable[[Operation], Outcome] = faithful) -> Cassette:
    """The scenario of the faults, compiled; the last operation goes well on every server."""
    wire = Wire(channel, lambda operation: (faithful if operation.written == LAST["userData"] else apply)(operation))
    session, other = wire.ids
    wire.sent(0.0, 0.1, wire.path())
    todo = [(session, body) for body in operations(channel)]
    for second, (resource_id, body) in enumerate([*todo, (other, LAST)], 1):
        reply = wire.sent(second, second + 0.1, wire.path(resource_id), body)
        for number, push in enumerate(reply.notifications):
            wire.notified(second + 0.2 + number / 100, [push])
        wire.sent(second + 0.5, second + 0.6, wire.path())
    return compile_recording(Recording(exchanges=tuple(wire.exchanges))).cassette


@cache
def right() -> Cassette:
    """The scenario on a correct server."""
    return played()


def renamed(cassette: Cassette, ids: dict[str, str], *, slower: float = 1.0, host: str = "gws.example") -> Cassette:
    """The same recording with other ids, on another host, at another pace."""

    def text(old: str) -> str:
        for one, other in ids.items():
            old = old.replace(one, other)
        return old.replace("gws.example", host)

    def exchange(old: Exchange) -> Exchange:
        request = replace(old.request, uri=text(old.request.uri), body=text(old.request.body.decode()).encode())
        response = replace(old.response, body=text(old.response.body.decode()).encode())
        return Exchange(request=request, response=response, began=old.began * slower, ended=old.ended * slower)

    return replace(
        cassette,
        interactions=tuple(map(exchange, cassette.interactions)),
        notifications=tuple(
            replace(each, data=text(each.data), seen=each.seen * slower) for each in cassette.notifications
        ),
    )


def with_answer(cassette: Cassette, index: int, change: Callable[[dict[str, object]], None]) -> Cassette:
    """The same recording with the JSON answer of one exchange changed."""
    old = cassette.interactions[index]
    answer = json.loads(old.response.body)
    change(answer)
    new = replace(old, response=replace(old.response, body=json.dumps(answer).encode()))
    return replace(cassette, interactions=(*cassette.interactions[:index], new, *cassette.interactions[index + 1 :]))


def with_data(cassette: Cassette, index: int, change: Callable[[dict[str, object]], None]) -> Cassette:
    """The same recording with the data of one notification changed."""
    old = cassette.notifications[index]
    data = json.loads(old.data)
    change(data)
    new = replace(old, data=json.dumps(data))
    return replace(cassette, notifications=(*cassette.notifications[:index], new, *cassette.notifications[index + 1 :]))
