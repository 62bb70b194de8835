"""An invented API: verbs after a colon, what is written nested in `change`, userData called `traits`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gws_replay.core.api.schema import (
    ABSENT,
    ERROR,
    Api,
    Call,
    Channel,
    Delete,
    Key,
    Operation,
    Subject,
    Taken,
)

TICKET = Channel(
    name="ticket",
    collection="tickets",
    key="ticket",
    topic="/desk/tickets",
    message_type="ticket",
    userdata_kind="TraitsAmended",
    deletes={"forget": Delete.KEYS},
)
_PATH = re.compile(r"/desk/v1/tickets(?:/([^/:]+))?(?::(\w+))?$")


def _traits(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def _amends(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    return dict((_traits(sent.get("change", {}).get("traits")) or {}).items())


def _forgets(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    return dict.fromkeys(sent.get("change", {}).get("names", ()), ABSENT)


def _call_of(path: str, _method: str, sent: Mapping[str, Any]) -> Call:
    match = _PATH.search(path)
    if match is None:
        return Call(operation=None, channel=None, resource_id=None, sent=sent)
    return Call(operation=match[2], channel=TICKET, resource_id=match[1], sent=sent, row=OPERATIONS.get(match[2] or ""))


def _subject_of(notification: Mapping[str, Any]) -> Subject | None:
    return next(_subjects([notification["about"]]), None)


def _resources_in(response: Mapping[str, Any]) -> Iterator[Subject]:
    return _subjects(response.get("tickets", []))


def _subjects(tickets: list[Mapping[str, Any]]) -> Iterator[Subject]:
    for ticket in tickets:
        traits = _traits(ticket.get("traits"))
        yield Subject(channel=TICKET, resource_id=ticket["ticketNo"], resource=ticket, user_data=traits)


def _taken(response: Mapping[str, Any]) -> Taken:
    return "refused" if response["outcome"] == "rejected" else "taken"


OPERATIONS = {
    row.name: row
    for row in (
        Operation(name="amend", writes=_amends),
        Operation(name="forget", writes=_forgets),
        Operation(name="escalate", answered_by=("Escalated",), may_change=frozenset({"level"})),
    )
}

API = Api(
    name="desk-v1",
    paths=("/desk/v1/",),
    root=r"/desk/v\d",
    cometd="/desk/v1/stream",
    is_response=lambda response: "outcome" in response,
    is_notification=lambda notification: "about" in notification,
    call_of=_call_of,
    subject_of=_subject_of,
    resources_in=_resources_in,
    kind_of=lambda notification: ERROR if "failure" in notification else str(notification["what"]),
    taken=_taken,
    code_of=lambda response: ("outcome", response["outcome"]),
    user_data_of=_traits,
    user_data="traits",
    identity="ticketNo",
    reference="link",
    channels=(TICKET,),
    operations=OPERATIONS,
    get_resources=lambda _channel: "GET /desk/v1/tickets",
    error_body=lambda text: {"outcome": "rejected", "why": text},
    protocol_keys=frozenset({"outcome", "what"}),
    volatile=("at",),
    personal_keys=("nickname", "owner"),
)
