"""The one scenario in which every fault of the sandbox shows, on every channel, without sockets."""

import unicodedata
from collections.abc import Callable
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.oracle.judge import Update
from gws_replay.sandbox.channels import Channel
from gws_replay.sandbox.replies import Json
from gws_replay.sandbox.userdata import Operation, Outcome, faithful
from tests.support.sandbox_in_process import Wire, deletion

# Each value is one that some kind of server spoils.
VALUES: dict[str, Any] = {
    "UserData1": 987654321,
    "UserData2": "DATAUPDATE-@123",
    "Count": 42,
    "Digits": "00042",
    "Price": 1234.5678912,
    "Flag": True,
    "Nothing": None,
    "Empty": "",
    "List": [1, 0, 3, 2],
    "Nested": {"a": {"b": [1, "x", None]}, "n": 2},
    "Big": 2**53 + 1,
    "Long": "a text that is longer than thirty-two characters",
    "Composed": unicodedata.normalize("NFC", "Zürich"),
    "Decomposed": unicodedata.normalize("NFD", "Zürich"),
    "Space": "  two  ",
    "Markup": "<b>R & D</b>",
}

LAST: Json = {"operationName": "UpdateUserData", "userData": {"Last": "written"}}


def operations(channel: Channel) -> tuple[Json, ...]:
    """Attach, update with every kind of value, update one of them again, delete one; what more the channel takes."""
    more: tuple[Json, ...] = (
        {"operationName": "SetDisposition", "disposition": "resolved", "dispositionKey": "DispositionCode"},
        {"operationName": "AddComment", "comment": "Called back"},
    )
    return (
        {"operationName": "AttachUserData", "userData": {"Attached": "one", "Attached2": 2}},
        {"operationName": "UpdateUserData", "userData": VALUES},
        {"operationName": "UpdateUserData", "userData": {"UserData1": 1}},
        deletion(channel, "Attached"),
        *(each for each in more if each["operationName"] in channel.operations),
    )


def played(channel: Channel, apply: Callable[[Operation], Outcome] = faithful) -> tuple[Update, ...]:
    """Play the scenario, and judge it.

    The last operation goes well on every server: it shows that notifications still arrived. Its verdict is not
    returned.
    """
    return recorded(channel, apply).updates()[:-1]


def recorded(channel: Channel, apply: Callable[[Operation], Outcome] = faithful) -> Cassette:
    """Play the scenario: a second apart, each operation, its notifications, and a GET of everything."""
    wire = Wire(channel, lambda operation: (faithful if operation.written == LAST["userData"] else apply)(operation))
    session, _ = wire.ids
    wire.sent(0.0, 0.1, wire.path())
    for second, body in enumerate([*operations(channel), LAST], 1):
        reply = wire.sent(second, second + 0.1, wire.path(session), body)
        for number, push in enumerate(reply.notifications):
            wire.notified(second + 0.2 + number / 100, [push])
        wire.sent(second + 0.5, second + 0.6, wire.path())
    return wire.cassette()
