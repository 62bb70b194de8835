"""Real CometD clients, over both transports, receive every notification once under every order that is allowed."""

import json
import os
from functools import partial

import pytest

from tests.support.comet_clients import CLIENTS, TRANSPORTS, Open, seen_by
from tests.support.comet_sessions import Command, session
from tests.support.explorations import explored, two_sessions
from tests.support.sockets import of_aiocometd

COUNT = int(os.environ.get("GWS_REPLAY_VARIANTS", "25"))


def played(open_client: Open, transport: str, commands: list[Command], url: str) -> str:
    """Let a client obey commands; return what it saw wrong."""
    try:
        seen = seen_by(open_client, url, transport, commands)
    except Exception as error:  # noqa: BLE001 (whatever it is, the client has failed)
        return repr(error)
    statuses = {each.where for each in seen if each.kind == "answer"}
    pushed = sorted(json.dumps(each.content) for each in seen if each.kind == "notification")
    wanted = sorted(json.dumps(each.value) for each in two_sessions().notifications)
    return "" if (statuses, pushed) == ({200}, wanted) else f"{statuses}, {pushed}"


@of_aiocometd
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("open_client", CLIENTS)
def test_a_correct_client_fails_under_no_order(open_client: Open, transport: str) -> None:
    """It waits for the notifications at its end only, so each may come as late as that."""
    commands = session(two_sessions(), in_a_row=True)
    exploration = explored(two_sessions(), partial(played, open_client, transport, commands), count=COUNT)
    for _ in exploration.explore():
        assert not exploration.findings
    assert COUNT == exploration.ran
