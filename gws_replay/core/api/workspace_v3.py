"""Workspace v3 as tables: the successor of GWS v2, with verbs in the path and userData as a list.

Sources: workspace-client-js and workspace-client-java (models made of the official description), and
agent-api-simulator, all of github.com/GenesysPureEngage. The names of types in userData ("str", "int", "kvlist") are
spelled in several ways there, so they are not compared: the types of the values are.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gws_replay.core.api.schema import (
    ABSENT,
    ONE_LESS,
    Another,
    Api,
    Call,
    Channel,
    Delete,
    Key,
    Operation,
    Subject,
    Taken,
    pairs_as_user_data,
    writes_nothing,
)

VOICE = Channel(
    name="Workspace call",
    collection="calls",
    key="call",
    topic="/workspace/v3/voice",
    message_type="CallStateChanged",
    userdata_kind="AttachedDataChanged",
    deletes={"delete-user-data-pair": Delete.KEY, "delete-user-data": Delete.KEYS},
    repeats=True,
)
MEDIA = Channel(
    name="Workspace interaction",
    collection="interactions",
    key="interaction",
    topic="/workspace/v3/media",
    message_type="InteractionStateChanged",
    deletes={"delete-user-data": Delete.KEYS},
    repeats=True,
)
CHANNELS = (VOICE, MEDIA)
# The messageTypes by which a notification of this API is recognised: the keys of its resources are those of GWS v2 too.
_MESSAGE_TYPES = frozenset({channel.message_type for channel in CHANNELS})

_PATH = re.compile(r"/workspace/v3/(?:voice/(calls)|media/[^/]+/(interactions))(?:/([^/]+)(?:/([^/]+))?)?/?$")
_BY_COLLECTION = {channel.collection: channel for channel in CHANNELS}


def _data(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    data = sent.get("data")
    return data if isinstance(data, dict) else {}


def _sets(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    wrote = pairs_as_user_data(_data(sent).get("userData")) or {}
    return dict(wrote.items())


def _attaches(sent: Mapping[str, Any], channel: Channel) -> Mapping[Key, Any]:
    return {key: Another(value) for key, value in _sets(sent, channel).items()}


def _deletes(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    keys = _data(sent).get("keys")
    return {str(key): ABSENT for key in keys} if isinstance(keys, list) else {}


def _deletes_pair(sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    key = _data(sent).get("key")
    return {key: ONE_LESS} if isinstance(key, str) else {}


def _comments(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"comment": _data(sent).get("comment")}


def _shows_comment(sent: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    return resource.get("comment") == _data(sent).get("comment")


_CHANGES = ("StatusChange", "ParticipantsUpdated")
_LIFE = frozenset({"state", "participants", "capabilities"})

OPERATIONS: Mapping[str, Operation] = {
    row.name: row
    for row in (
        Operation(name="attach-user-data", writes=_attaches),
        Operation(name="update-user-data", writes=_sets),
        Operation(name="delete-user-data", writes=_deletes),
        Operation(name="delete-user-data-pair", writes=_deletes_pair),
        Operation(
            name="set-comment",
            answered_by=("PropertiesUpdated", "StatusChange"),
            writes=writes_nothing,
            shows=_shows_comment,
            sets=_comments,
            may_change=frozenset({"comment"}),
        ),
        *(
            Operation(name=name, answered_by=_CHANGES, may_change=_LIFE)
            for name in (
                *("accept", "reject", "complete", "transfer", "place-in-queue"),
                *("answer", "hold", "retrieve", "release"),
                *("initiate-transfer", "complete-transfer", "initiate-conference", "complete-conference"),
                *("single-step-transfer", "single-step-conference", "invite", "consult", "leave"),
            )
        ),
    )
}


def call_of(path: str, method: str, sent: Mapping[str, Any]) -> Call:
    """Read a request as an operation: the verb at the end of the path."""
    match = _PATH.search(path)
    if match is None:
        return Call(operation=None, channel=None, resource_id=None, sent=sent)
    verb = match[4] if method == "POST" else None
    return Call(
        operation=verb,
        channel=_BY_COLLECTION[match[1] or match[2]],
        resource_id=match[3],
        sent=sent,
        row=OPERATIONS.get(verb) if verb else None,
        attached=pairs_as_user_data(_data(sent).get("userData")),
    )


def subject_of(notification: Mapping[str, Any]) -> Subject | None:
    """Find the resource that a notification's data shows."""
    return next(_subjects(notification), None)


def resources_in(response: Mapping[str, Any]) -> Iterator[Subject]:
    """Yield the resources of a response to a GET: under `data`, one or a list."""
    data = response.get("data")
    return _subjects(data) if isinstance(data, dict) else iter(())


def _subjects(data: Mapping[str, Any]) -> Iterator[Subject]:
    for channel in CHANNELS:
        for name in (channel.key, channel.collection):
            yield from _shown(channel, data.get(name))


def _shown(channel: Channel, found: Any) -> Iterator[Subject]:
    resources: Iterable[Any] = found if isinstance(found, list) else (found,)
    for resource in resources:
        if isinstance(resource, dict) and resource.get("id"):
            shown = pairs_as_user_data(resource.get("userData"))
            yield Subject(channel=channel, resource_id=str(resource["id"]), resource=resource, user_data=shown)


def _code_of(response: Mapping[str, Any]) -> tuple[str, Any] | None:
    status = response["status"]
    return ("status.code", status["code"]) if "code" in status else None


def _taken(response: Mapping[str, Any]) -> Taken:
    """Read `status.code`: 0 is done, 1 is accepted and done later (StatusCode of the Java client)."""
    code = response["status"].get("code", 0)
    return "taken" if code in (0, 1) and type(code) is int else "refused"


API = Api(
    name="workspace-v3",
    paths=("/workspace/v3/",),
    login_paths=("/auth/v3/",),
    account_paths=("/current-session",),
    root=r"/workspace/v\d",
    cometd="/workspace/v3/notifications",
    is_response=lambda response: isinstance(response.get("status"), dict) and "statusCode" not in response,
    is_notification=lambda notification: (
        isinstance(kind := notification.get("messageType"), str) and kind in _MESSAGE_TYPES
    ),
    call_of=call_of,
    subject_of=subject_of,
    resources_in=resources_in,
    kind_of=lambda notification: str(notification.get("notificationType") or notification.get("messageType") or ""),
    taken=_taken,
    code_of=_code_of,
    account_of=lambda response: _data(response).get("user"),
    user_data_of=pairs_as_user_data,
    user_data="userData",
    pair_key="key",
    envelopes=frozenset({"data"}),
    message_type="messageType",
    reference="operationId",
    channels=CHANNELS,
    operations=OPERATIONS,
    creating_operations=frozenset(
        {
            *(
                "make-call",
                "initiate-conference",
                "initiate-transfer",
                "single-step-conference",
                "single-step-transfer",
            ),
            *("create", "consult", "consult-by-queue", "accept", "answer", "reply", "reply-all", "forward", "pull"),
        }
    ),
    get_resources=lambda channel: (
        f"GET /workspace/v3/{'voice' if channel is VOICE else 'media/chat'}/{channel.collection}"
    ),
    # The clients distinguish only 0 and 1 (accepted) from all other codes.
    error_body=lambda text: {"status": {"code": 500, "message": text}},
    # The last segments of the paths of workspace-client-js: verbs that write no userData, and what belongs to no call
    # or interaction.
    vocabulary=frozenset(
        {
            *("alternate", "clear", "delete-from-conference", "merge", "reconnect", "redirect", "send-dtmf"),
            *("start-recording", "stop-recording", "pause-recording", "resume-recording", "send-user-event"),
            *("switch-to-barge-in", "switch-to-coaching", "switch-to-listen-in", "start-monitoring", "stop-monitoring"),
            *("add-comment", "cancel-consultation", "consult-by-queue", "invite-by-queue", "remove-participant"),
            *("send-message", "send-typing-started", "send-typing-stopped", "send-url", "send-system-command"),
            *("send-custom-notification", "set-in-focus", "transfer-agent", "transfer-queue", "assign-contact"),
            *("reply", "reply-all", "forward", "send", "save", "add-attachment", "remove-attachment"),
            *("ready", "not-ready", "dnd-on", "dnd-off", "login", "logout", "make-call", "cancel-forward"),
            *("initialize-workspace", "activate-channels", "current-session", "configuration", "notifications"),
            *("voice", "media", "chat", "email", "targets", "ucs", "reporting", "documents"),
        }
    ),
    protocol_keys=frozenset({"messageType", "notificationType", "state", "type", "capabilities", "keys", "key"}),
    volatile_between_recordings=("operationId",),
    session_cookies=("WORKSPACE_SESSIONID",),
)
