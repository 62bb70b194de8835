"""The sandbox's Workspace v3, the successor of GWS: verbs in the path, userData in lists, operationIds.

It is our own reading of the clients that Genesys published ([WJS], [WJAVA]) and of its simulator ([SIM]), limited to
the operations on userData. A request is translated into one of GWS, and the reply is translated back. The response of a
GET is documented nowhere: its shape here is ours.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from gws_replay.sandbox.channels import DELETE_KEYS, DELETE_PAIR, WRITE, Channel
from gws_replay.sandbox.replies import Json, Reply, not_found, not_json
from gws_replay.sandbox.resources import Resources
from gws_replay.sandbox.userdata import userdata_of

# On both, attaching a key that exists adds a second pair to the list.
WORKSPACE: Final = {
    "Workspace media": Channel(
        path="interactions",
        key="interaction",
        topic="/workspace/v3/media/chat",
        message_type="InteractionStateChanged",
        collection="interactions",
        operations={**WRITE, **DELETE_KEYS},
        repeats=True,
    ),
    "Workspace voice": Channel(
        path="workspace-calls",
        key="call",
        topic="/workspace/v3/voice",
        message_type="CallStateChanged",
        collection="calls",
        notification="AttachedDataChanged",
        operations={**WRITE, **DELETE_PAIR},
        repeats=True,
    ),
}
MEDIA, VOICE = WORKSPACE.values()
VERBS: Final = {
    "attach-user-data": "AttachUserData",
    "update-user-data": "UpdateUserData",
    "delete-user-data": "DeleteUserData",
    "delete-user-data-pair": "DeleteUserDataPair",
}
_PATH: Final = re.compile(r"/workspace/v3/(?:media/chat/interactions|(voice)/calls)(?:/([^/]+)(?:/([^/]+))?)?")
# status.code 0 is done and 1 "taken, done later" [WJAVA]; those of refusals are ours: GWS's, from 100 on.
_DONE, _TAKEN, _REFUSED = 0, 1, 100


def respond(resources: Resources, method: str, path: str, body: Any) -> Reply:
    """Reply to a request for a path of Workspace v3."""
    match = _PATH.fullmatch(path)
    channel = VOICE if match and match[1] else MEDIA
    if match is None or (method, bool(match[3])) not in {("GET", False), ("POST", True)}:
        return _translated_reply(not_found(), body)
    resource = (match[2],) if match[2] else ()
    if method == "GET":
        return _translated_reply(resources.of(channel, resource, method), body)
    translated = _translated_body(VERBS.get(match[3], match[3]), body)
    return _translated_reply(
        not_json() if translated is None else resources.of(channel, resource, method, body=translated), body
    )


def listed(userdata: Mapping[str, Any]) -> list[Json]:
    """Write userData as a list of key, type and value."""
    return [{"key": str(key), "type": _type(value), "value": _listed(value)} for key, value in userdata.items()]


def _listed(value: Any) -> Any:
    return listed(value) if isinstance(value, Mapping) else value


def _type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "kvlist"
    return "int" if isinstance(value, int) and not isinstance(value, bool) else "str"


def _translated_body(operation: str, body: Any) -> Json | None:
    """Translate a body into that of GWS; None if it is malformed."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return None
    if "userData" not in data:
        return {**data, "operationName": operation}
    userdata = _unlisted(data["userData"]) if isinstance(data["userData"], list) else None
    return {"operationName": operation, "userData": userdata} if isinstance(userdata, dict) else None


def _unlisted(value: Any) -> Any:
    """Read a list of key, type and value; another value stays as it is."""
    if isinstance(value, list) and all(isinstance(each, dict) and {"key", "value"} <= each.keys() for each in value):
        return userdata_of(
            (str(each["key"]), _unlisted(each["value"]) if each.get("type") == "kvlist" else each["value"])
            for each in value
        )
    return value


def _translated_reply(reply: Reply, body: Any) -> Reply:
    """Translate the reply and the notifications of GWS into those of Workspace v3."""
    content = {**reply.body}
    code = content.pop("statusCode")
    given = body.get("operationId") if isinstance(body, dict) else None
    operation_id = given or next((f"operation-{data['referenceId']}" for _, data in reply.notifications), None)
    named = {"operationId": operation_id} if operation_id else {}
    pushes = tuple((topic, _pushed(data, named)) for topic, data in reply.notifications)
    if code:
        status: Json = {"code": _REFUSED + code, "message": content["statusMessage"]}
    elif content:
        return replace(reply, body={"status": {"code": _DONE}, "data": _with_lists(content)})
    else:
        status = {"code": _TAKEN}
    return replace(reply, body={"status": status, **named}, notifications=pushes)


def _pushed(data: Json, named: Json) -> Json:
    return {**{key: _with_lists(each) for key, each in data.items() if key != "referenceId"}, **named}


def _with_lists(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_lists(each) for each in value]
    if isinstance(value, dict):
        return {key: listed(each) if key == "userData" else _with_lists(each) for key, each in value.items()}
    return value
