"""GWS v2 as tables: operations, what they write, which notifications answer them, which attributes are volatile.

Sources: the API pages at docs.genesys.com (Documentation/GWS and HTCC, 8.5.2 and 8.6.0), which comments name.
To add a channel or an operation, add a row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gws_replay.core.api.gws_v2_channels import CHANNELS
from gws_replay.core.api.schema import (
    ABSENT,
    ALL_KEYS,
    ANY_KEY,
    ONE_LESS,
    Another,
    Api,
    Call,
    Channel,
    Csrf,
    Delete,
    Key,
    Operation,
    Subject,
    Taken,
    pairs_as_user_data,
    writes_nothing,
)

# ReturnValues.
_INTERNAL_ERROR, _NOT_AUTHENTICATED = 4, 20
# A long response that begins with its status.
_LEADING_STATUS = re.compile(rb'\A\s*\{\s*("statusCode"\s*:\s*\d+)\s*,.{1000,}\Z', re.DOTALL)


def _user_data(value: Any) -> Mapping[str, Any] | None:
    """Read userData: an object, or a list of `{key, value}` as some servers send it."""
    return value if isinstance(value, dict) else pairs_as_user_data(value or None)


def _sets(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    return dict((_user_data(sent.get("userData")) or {}).items())


def _attaches(sent: Mapping[str, Any], channel: Channel) -> Mapping[Key, Any]:
    wrote = _sets(sent, channel)
    return {key: Another(value) for key, value in wrote.items()} if channel.repeats else wrote


def _deletes(sent: Mapping[str, Any], channel: Channel) -> Mapping[Key, Any]:
    shape = channel.deletes.get(str(sent.get("operationName")))
    if shape is Delete.ALL:
        return {ALL_KEYS: ABSENT}
    if shape is Delete.KEY:
        key = sent.get("key")
        return {key: ONE_LESS if channel.repeats else ABSENT} if isinstance(key, str) else {}
    keys = sent.get("keys")
    return {str(key): ABSENT for key in keys} if isinstance(keys, list) else {}


def _disposes(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    return {str(sent["dispositionKey"]) if sent.get("dispositionKey") else ANY_KEY: sent.get("disposition")}


def _comments(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"comment": sent.get("comment")}


def _shows_comment(sent: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    return "userData" not in resource and resource.get("comment") == sent.get("comment")


def _shows_completed(_sent: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    return resource.get("state") == "Completed"


_LIFE = frozenset({"state", "participants", "participantsInfo", "capabilities"})
_STATUS = ("StatusChange",)
_PARTIES = ("ParticipantsUpdated", "StatusChange")
_MESSAGES = ("NewMessages",)

# The Facebook Private Messaging pages (FacebookPM<operation>), "answered by" as their samples show; the other
# channels' pages show the same. Operations of one channel only name its page.
OPERATIONS: Mapping[str, Operation] = {
    row.name: row
    for row in (
        Operation(name="AttachUserData", writes=_attaches),
        Operation(name="UpdateUserData", writes=_sets),
        Operation(name="DeleteUserData", writes=_deletes),
        Operation(name="DeleteUserDataPair", writes=_deletes),
        # Without dispositionKey the server uses the key it is configured with. The sample shows that key alone.
        Operation(name="SetDisposition", writes=_disposes, may_show_part=True),
        # Its PropertiesUpdated has no userData, which means "unchanged".
        Operation(
            name="AddComment",
            answered_by=("PropertiesUpdated",),
            writes=writes_nothing,
            shows=_shows_comment,
            sets=_comments,
            may_change=frozenset({"comment"}),
        ),
        Operation(name="Accept", answered_by=(*_PARTIES, *_MESSAGES), may_change=_LIFE),
        Operation(name="Reject", answered_by=_STATUS, shows=_shows_completed, may_change=_LIFE),
        Operation(name="Complete", answered_by=_STATUS, shows=_shows_completed, may_change=_LIFE),
        Operation(name="Leave", answered_by=_STATUS, may_change=_LIFE),
        Operation(name="SendMessage", answered_by=_MESSAGES),
        Operation(name="SendUrl", answered_by=_MESSAGES),
        Operation(name="SendToAgents", answered_by=_MESSAGES),
        Operation(name="SendStartTypingNotification", answered_by=_MESSAGES),
        Operation(name="SendStopTypingNotification", answered_by=_MESSAGES),
        Operation(name="Consult", answered_by=_PARTIES, may_change=_LIFE),
        Operation(name="Invite", answered_by=_PARTIES, may_change=_LIFE),
        Operation(name="Transfer", answered_by=_PARTIES, may_change=_LIFE),
        Operation(name="RemoveParticipantFromConference", answered_by=(*_MESSAGES, *_PARTIES), may_change=_LIFE),
        Operation(name="GetInteractionContent", answered_by=("GetInteractionContentMessage",), reads=True),
    )
}

_BY_SEGMENT = {segment: channel for channel in CHANNELS for segment in channel.segments}
_BY_KEY = {key: channel for channel in CHANNELS for key in (*channel.segments, *channel.keys)}
_BY_URI_FIELD = {f"{channel.key}Uri": channel for channel in CHANNELS}
# Old deployments have a prefix such as /cloud-web before it.
_RESOURCE_PATH = re.compile(
    rf"/api/v\d+/(?:me/|ucs/)?({'|'.join(sorted(_BY_SEGMENT, key=len, reverse=True))})((?:/[^/]+)*)/?$"
)


def _located(path: str) -> tuple[Channel | None, str | None]:
    match = _RESOURCE_PATH.search(path)
    if match is None:
        return None, None
    channel, segments = _BY_SEGMENT[match[1]], match[2].split("/")[1:]
    if len(segments) > channel.depth:
        return None, None
    return channel, segments[-1] if len(segments) == channel.depth else None


def call_of(path: str, _method: str, sent: Mapping[str, Any]) -> Call:
    """Read a request (`sent` is its parsed body) as an operation on a resource.

    The path may be plural or, as on the pages until 2019, singular; with or without `me`.
    """
    channel, resource_id = _located(path)
    name = sent.get("operationName")
    operation = name if isinstance(name, str) else None
    row = OPERATIONS.get(operation) if operation else None
    return Call(
        operation=operation,
        channel=channel,
        resource_id=resource_id,
        sent=sent,
        row=row,
        attached=_user_data(sent.get("userData")),
    )


def subject_of(data: Mapping[str, Any]) -> Subject | None:
    """Find the resource that a notification's data shows, by its key and id (or the end of its uri)."""
    for key, value in data.items():
        channel = _BY_KEY.get(key)
        if channel and isinstance(value, dict):
            resource_id = value.get("id") or str(value.get("uri") or "").rpartition("/")[2]
            is_whole = data.get("notificationType") == channel.userdata_kind
            return _subject(channel, str(resource_id), value, whole=is_whole)
    for key, value in data.items():
        # MessageLogUpdated has neither id nor resource, only facebooksessionUri (FacebookPMSendMessage), or a chatUri
        # that is the uri of a Facebook session (FacebookPMSendUrl).
        if key in _BY_URI_FIELD and isinstance(value, str):
            channel = _located(value)[0] or _BY_URI_FIELD[key]
            return Subject(channel=channel, resource_id=value.rpartition("/")[2], resource={})
    return None


def resources_in(answer: Mapping[str, Any]) -> Iterator[Subject]:
    """Yield the resources in the response to a GET: one under its key, or a list under the name of the collection.

    They may be subresources of the user (RecoveringExistingState).
    """
    user = answer.get("user")
    for key, value in (*answer.items(), *(user.items() if isinstance(user, dict) else ())):
        channel = _BY_KEY.get(key)
        if channel is None:
            continue
        resources: Iterable[Any] = value if isinstance(value, list) else (value,)
        for resource in resources:
            if isinstance(resource, dict) and resource.get("id"):
                yield _subject(channel, str(resource["id"]), resource, whole="state" in resource)


def _subject(channel: Channel, resource_id: str, resource: Mapping[str, Any], *, whole: bool) -> Subject:
    """Return the resource with its userData: empty if the `whole` resource has none, and the channel omits it then."""
    shown = _user_data(resource.get("userData"))
    nothing: Mapping[str, Any] | None = {} if channel.omits_empty and whole and "userData" not in resource else None
    return Subject(
        channel=channel,
        resource_id=resource_id,
        resource=resource,
        user_data=nothing if shown is None else shown,
    )


def taken(response: Mapping[str, Any]) -> Taken:
    """Read the `statusCode`: 7 is partial success and counts as success; all but 0 and 7 are errors (ReturnValues)."""
    if response.get("status") == "error":  # AsyncTelephonyOpsPresence of 8.5.0: errors had a form of their own
        return "refused"
    code = response.get("statusCode", 0)
    if type(code) is not int or code not in (0, 7):
        return "refused"
    return "partly" if code else "taken"


def kind_of(notification: Mapping[str, Any]) -> str:
    """Return the notificationType; if there is none, the `action` of workbins or the messageType, else nothing."""
    get = notification.get
    return str(get("notificationType") or get("action") or get("messageType") or "")


API = Api(
    name="gws-v2",
    fallback=True,
    paths=("/api/v2/",),
    account_paths=("/me",),
    root=r"/api/v?\d",
    cometd="/api/v2/notifications",
    is_response=lambda response: "statusCode" in response,
    is_notification=lambda notification: any(key in _BY_KEY or key in _BY_URI_FIELD for key in notification),
    call_of=call_of,
    subject_of=subject_of,
    resources_in=resources_in,
    kind_of=kind_of,
    taken=taken,
    code_of=lambda response: ("statusCode", response["statusCode"]) if "statusCode" in response else None,
    # InterpretingaResponse.
    is_unauthenticated=lambda response: response.get("statusCode") == _NOT_AUTHENTICATED,
    account_of=lambda response: response.get("user"),
    reports_error=lambda notification: "errorMessage" in notification,
    user_data_of=_user_data,
    operation_mark=b'"operationName"',
    status_part=lambda body: _LEADING_STATUS.sub(b"{\\1}", body, count=1),
    user_data="userData",
    envelopes=frozenset({"user"}),
    message_type="messageType",
    reference="referenceId",
    reference_type=int,
    channels=CHANNELS,
    operations=OPERATIONS,
    # The voice pages of the API, and the operations of each channel that create an interaction.
    creating_operations=frozenset(
        {
            *(
                "Dial",
                "MakeCall",
                "InitiateConference",
                "InitiateTransfer",
                "SingleStepConference",
                "SingleStepTransfer",
            ),
            *("Create", "CreateNew", "Consult", "Accept", "Answer", "Reply", "ReplyAll", "Forward", "Pull", "GetNext"),
        }
    ),
    framing_operations=frozenset({"StartContactCenterSession", "EndContactCenterSession"}),
    get_resources=lambda channel: f"GET /me/{channel.collection}?fields=*",
    error_body=lambda text: {"statusCode": _INTERNAL_ERROR, "statusMessage": text},
    vocabulary=frozenset(
        {
            *("notifications", "Processing", "Completed", "Invited", "Revoked", "Created", "Composing", "Inbound"),
            *("Outbound", "Customer", "Environment", "default", "Neutral", "Positive", "Negative", "Unknown"),
        }
    ),
    protocol_keys=frozenset(
        {
            *("operationName", "messageType", "notificationType", "statusCode", "statusMessage", "state", "type"),
            *("capabilities", "visibility", "facebooksessionType", "roles", "keys", "key", "dispositionKey"),
        }
    ),
    # A message log grows, and what is counted of it, whoever wrote the message (ChatMessageType).
    moved_by=dict.fromkeys(("NewMessages", "MessageLogUpdated"), ("*essage*", "transcript*")),
    # Addresses, clocks and counters.
    volatile=(
        *("uri", "path", "*Uri", "*Uris", "*Path", "*Paths"),
        *("duration", "timestamp*", "*Date", "index", "referenceId"),
    ),
    volatile_between_recordings=("OccuredAt", "*TimeStamp*", "*Hash", "version"),
    # The channels' samples: LCATimeStamp_*, LastCalledAgent_TimeStamp, _facebookCreatedTime, Header_Date ...
    volatile_user_data=("*TimeStamp*", "*CreatedTime", "Header_Date", "ChatServerHost", "ChatServerPort"),
    # SecuredConnectionsSAMLHTCCFlow, AuthenticationOrder: the headers of Salesforce and Oracle Service Cloud sessions.
    secret_headers=frozenset({"ssid", "surl", "susername", "rnurl", "rnsid", "rnusername"}),
    secret_keys=frozenset({"ssid", "surl", "susername", "rnsid", "rnurl", "rnusername"}),
    credential_headers=("ssid", "rnsid"),
    harmless_headers=("genesys-*-version",),
    # The samples of all channels.
    personal_keys=(
        *("ownerinformation", "e164number", "digits", "ani", "dnis"),
        *("contactid", "contactidlist", "_facebookactorname", "_facebookactorid", "_facebookmessagetext"),
        *("_facebookpminboxurl", "_facebookpmthreadid", "_facebookpmmessageid", "_facebooksex", "_facebooklocale"),
        *("_facebookbirthdaydate", "_facebook*location", "_facebook*xml", "_facebooklanguages", "_facebooktimezone"),
        *("_twitter*name", "_twitter*url", "_twitter*text", "_twitter*userid", "_twitter*id", "_twitter*location"),
    ),
    session_cookies=("JSESSIONID",),
    csrf=Csrf(name_header="X-CSRF-HEADER", header="X-CSRF-TOKEN", path="/api/v2/me"),
)
