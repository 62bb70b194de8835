"""What a message means, whichever API it is of: GWS v2 or Workspace v3, as the message itself shows.

The tables are in `gws` and `workspace`; nothing else needs to know that there are two.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gws_replay.core.api import gws_v2 as gws
from gws_replay.core.api import workspace_v3 as workspace
from gws_replay.core.api.gws_v2_channels import CHANNELS as _GWS_CHANNELS
from gws_replay.core.api.schema import Call, Subject, Taken
from gws_replay.core.json_compare import show
from gws_replay.core.model import Request

CHANNELS = (*_GWS_CHANNELS, *workspace.CHANNELS)
# The names under which resources stand in answers and notifications, and those of what they may be wrapped in.
RESOURCE_NAMES = frozenset(name for channel in CHANNELS for name in (*channel.segments, *channel.keys))
ENVELOPES = frozenset({"data", "user"})
ERROR = "Error"
_WORKSPACE_PATH = "/workspace/v3/"


def api_of(requests: Iterable[Request]) -> str:
    """Return the name of the API that requests are for, as it stands in a cassette's header."""
    return workspace.API if any(_WORKSPACE_PATH in request.uri for request in requests) else gws.API


def call_of(request: Request, sent: Any) -> Call:
    """Read a request (`sent` is its parsed body) as an operation on a resource."""
    fields = sent if isinstance(sent, dict) else {}
    path = request.path
    found = workspace.call_of(path, request.method, fields) if _WORKSPACE_PATH in path else None
    return found or gws.call_of(path, fields)


def subject_of(data: Any) -> Subject | None:
    """Find the resource that a notification's data shows."""
    if not isinstance(data, dict):
        return None
    kind = data.get("messageType")
    is_workspace = isinstance(kind, str) and kind in workspace.MESSAGE_TYPES
    return workspace.subject_of(data) if is_workspace else gws.subject_of(data)


def resources_in(answer: Any) -> Iterator[Subject]:
    """Yield the resources of a GET answer."""
    if not isinstance(answer, dict):
        return iter(())
    return workspace.resources_in(answer) if _is_workspace(answer) else gws.resources_in(answer)


def kind_of(data: Any) -> str:
    """Return the notificationType; `action` of workbins, or the messageType, where there is none (empty: neither)."""
    if not isinstance(data, Mapping):
        return ""
    return str(data.get("notificationType") or data.get("action") or data.get("messageType") or "")


def reference_of(message: Any) -> int | str | None:
    """Return what links an answer and a notification with each other: referenceId, or operationId in Workspace v3."""
    if not isinstance(message, Mapping):
        return None
    number, text = message.get(gws.REFERENCE), message.get(workspace.REFERENCE)
    return number if type(number) is int else text if isinstance(text, str) and text else None


def spelled_reference(message: Any) -> str:
    """Spell what links a message with others for people, with a space before it; empty where there is nothing."""
    for name in (gws.REFERENCE, workspace.REFERENCE):
        if isinstance(message, Mapping) and name in message:
            return f" {name} {message[name]}"
    return ""


def taken(status: int, answer: Any) -> Taken:
    """Tell whether an answer says that the operation was taken (InterpretingaResponse, ReturnValues)."""
    if status >= 400:
        return "refused"
    if not isinstance(answer, dict):
        return "taken"
    if _is_workspace(answer):
        return workspace.taken(answer["status"].get("code", 0))
    # AsyncTelephonyOpsPresence of 8.5.0: errors had a form of their own.
    return "refused" if answer.get("status") == "error" else gws.taken(answer.get("statusCode", 0))


def is_unauthenticated(status: int, answer: Any) -> bool:
    """Tell whether an answer says that the client has not said who it is, or not rightly (InterpretingaResponse)."""
    return status == 401 or (isinstance(answer, dict) and answer.get("statusCode") == gws.NOT_AUTHENTICATED)


def succeeded(status: int, answer: Any) -> bool:
    """Tell whether the operation was taken, if only in part."""
    return taken(status, answer) != "refused"


def code_of(answer: Any) -> str | None:
    """Spell the status in an answer's body, with the name of its field; None where there is none."""
    if not isinstance(answer, dict):
        return None
    if _is_workspace(answer) and "code" in answer["status"]:
        return f"status.code {show(answer['status']['code'])}"
    return f"statusCode {show(answer['statusCode'])}" if "statusCode" in answer else None


def _is_workspace(answer: Mapping[str, Any]) -> bool:
    return isinstance(answer.get("status"), dict) and "statusCode" not in answer
