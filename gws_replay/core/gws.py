"""Every GWS fact as a table: channels, operations, what they write, what answers them.

Sources are the API pages at docs.genesys.com (Documentation/GWS and HTCC, 8.5.2 and 8.6.0); the page's name stands
beside what it says. Adding a channel or an operation is adding a row.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gws_replay.core.lossless_json import canonical
from gws_replay.core.model import Request

API = "gws-v2"
REST_PATH = "/api/v2/"
COMETD_PATH = "/api/v2/notifications"

# ReturnValues: 7 is partial success and counts as success for clients; everything else is an error.
SUCCESS_CODES = (0, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One kind of interaction: where it is in REST paths and answers, and in notifications."""

    name: str
    collection: str
    key: str
    topic: str
    message_type: str


CHANNELS = (
    # FacebookPMMessageType, FacebookPMUpdateUserData: the topic is singular, the path plural.
    Channel(
        name="Facebook session",
        collection="facebooksessions",
        key="facebooksession",
        topic="/v2/me/facebooksession",
        message_type="FacebooksessionStateChangeMessage",
    ),
)


class Absent(Enum):
    """The value that a deletion writes; null is another thing."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
ANY_KEY = ""  # no userData key is empty; stands for the key that only the server's configuration knows

Writes = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Shows = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operationName: the notificationTypes that answer it, what it writes, and how a notification shows it.

    `writes(sent)` gives the userData keys that the request writes, with the values (ABSENT for a deletion);
    None for an operation that leaves userData alone. `shows(sent, resource)` is the evidence for those;
    None where the documentation gives nothing to look for.
    """

    name: str
    answered_by: tuple[str, ...]
    writes: Writes | None = None
    shows: Shows | None = None


def _sets(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    wrote = sent.get("userData")
    return wrote if isinstance(wrote, dict) else {}


def _deletes(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = sent.get("keys")
    return {str(key): ABSENT for key in keys} if isinstance(keys, list) else {}


def _disposes(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    return {str(sent.get("dispositionKey") or ANY_KEY): sent.get("disposition")}


def _shows_comment(sent: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    return "userData" not in resource and resource.get("comment") == sent.get("comment")


def _shows_completed(_sent: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    return resource.get("state") == "Completed"


_PROPERTIES = ("PropertiesUpdated",)

# The Facebook Private Messaging pages (FacebookPM<operation>); "answered by" as their samples show.
OPERATIONS: Mapping[str, Operation] = {
    row.name: row
    for row in (
        Operation(name="AttachUserData", answered_by=_PROPERTIES, writes=_sets),
        Operation(name="UpdateUserData", answered_by=_PROPERTIES, writes=_sets),
        Operation(name="DeleteUserData", answered_by=_PROPERTIES, writes=_deletes),
        # Without dispositionKey the server uses the key it is configured with.
        Operation(name="SetDisposition", answered_by=_PROPERTIES, writes=_disposes),
        # Its PropertiesUpdated has no userData, which means "unchanged".
        Operation(name="AddComment", answered_by=_PROPERTIES, shows=_shows_comment),
        Operation(name="Accept", answered_by=("StatusChange", "ParticipantsUpdated", "NewMessages")),
        Operation(name="Reject", answered_by=("StatusChange",), shows=_shows_completed),
        Operation(name="Complete", answered_by=("StatusChange",), shows=_shows_completed),
        Operation(name="Leave", answered_by=("StatusChange",)),
        Operation(name="SendMessage", answered_by=("NewMessages",)),
        Operation(name="SendUrl", answered_by=("NewMessages",)),
        Operation(name="SendToAgents", answered_by=("NewMessages",)),
        Operation(name="Consult", answered_by=("ParticipantsUpdated", "StatusChange")),
        Operation(name="Transfer", answered_by=("ParticipantsUpdated", "StatusChange")),
        Operation(name="RemoveParticipantFromConference", answered_by=("NewMessages", "ParticipantsUpdated")),
    )
}

# StartContactCenterSession, EndContactCenterSession: they frame a session, and each client of a user asks them.
FRAMING_OPERATIONS = frozenset({"StartContactCenterSession", "EndContactCenterSession"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request read as an operation on a resource; both parts may be unknown (None)."""

    operation: str | None
    channel: Channel | None
    resource_id: str | None
    sent: Mapping[str, Any]

    @property
    def row(self) -> Operation | None:
        """The operation's row in the table, or None for one the table does not know."""
        return OPERATIONS.get(self.operation) if self.operation else None

    @property
    def writes(self) -> Mapping[str, Any] | None:
        """The userData keys that the request writes; None for a request that is no userData operation."""
        row = self.row
        return row.writes(self.sent) if row and row.writes and self.resource_id else None

    def shown_in(self, resource: Mapping[str, Any]) -> bool | None:
        """Tell whether a resource shows what the request wrote; None where there is nothing to look for."""
        writes = self.writes
        if writes is not None:
            shown = resource.get("userData")
            return isinstance(shown, dict) and all(shows_key(shown, key, value) for key, value in writes.items())
        return self.row.shows(self.sent, resource) if self.row and self.row.shows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The resource that a notification or a GET answer shows."""

    channel: Channel
    resource_id: str
    resource: Mapping[str, Any]


def shows_key(user_data: Mapping[str, Any], key: str, value: Any) -> bool:
    """Tell whether userData shows one written key: its exact value, or its absence."""
    if value is ABSENT:
        return key not in user_data
    shown = user_data.values() if key == ANY_KEY else [user_data[key]] if key in user_data else []
    return any(canonical(each) == canonical(value) for each in shown)


_BY_SEGMENT = {segment: channel for channel in CHANNELS for segment in (channel.collection, channel.key)}
_RESOURCE_PATH = re.compile(rf"/(?:me/)?({'|'.join(_BY_SEGMENT)})(?:/([^/]+))?/?$")


def call_of(request: Request, sent: Any) -> Call:
    """Read a request (`sent` is its parsed body) as an operation on a resource.

    The path may be plural or, as the pages had it until 2019, singular.
    """
    match = _RESOURCE_PATH.search(request.path)
    fields = sent if isinstance(sent, dict) else {}
    name = fields.get("operationName")
    return Call(
        operation=name if isinstance(name, str) else None,
        channel=_BY_SEGMENT[match[1]] if match else None,
        resource_id=match[2] if match else None,
        sent=fields,
    )


def subject_of(data: Any) -> Subject | None:
    """Find the resource that a notification's data shows, by its key and id (or the end of its uri)."""
    if isinstance(data, dict):
        for channel in CHANNELS:
            resource = data.get(channel.key, data.get(channel.collection))
            if isinstance(resource, dict):
                resource_id = resource.get("id") or str(resource.get("uri") or "").rpartition("/")[2]
                return Subject(channel=channel, resource_id=str(resource_id), resource=resource)
            # MessageLogUpdated has neither id nor resource, only facebooksessionUri (FacebookPMSendMessage).
            uri = data.get(f"{channel.key}Uri")
            if isinstance(uri, str):
                return Subject(channel=channel, resource_id=uri.rpartition("/")[2], resource={})
    return None


def resources_in(answer: Any) -> Iterator[Subject]:
    """Yield the resources of a GET answer: one under its key, or a list under the collection's name."""
    if not isinstance(answer, dict):
        return
    for channel in CHANNELS:
        many = answer.get(channel.collection)
        for resource in (answer.get(channel.key), *(many if isinstance(many, list) else ())):
            if isinstance(resource, dict) and resource.get("id"):
                yield Subject(channel=channel, resource_id=str(resource["id"]), resource=resource)


def succeeded(status: int, answer: Any) -> bool:
    """Tell whether an answer says that the operation was taken (InterpretingaResponse, ReturnValues)."""
    code = answer.get("statusCode", 0) if isinstance(answer, dict) else 0
    return status < 400 and code in SUCCESS_CODES
