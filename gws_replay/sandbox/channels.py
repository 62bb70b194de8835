"""The channels of the sandbox, a row each: where their resources are, how they are notified, what they take.

It is our own reading of the documentation, kept apart from `gws_replay.core.api`, so that the stand-in does not share
the mistakes of what it helps to test. Page names are those of docs.genesys.com, as elsewhere in the sandbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gws_replay.sandbox.userdata import UserData


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An operation's one required parameter and its JSON type, and the notificationType where it is its own."""

    parameter: str | None = None
    type: type = str
    notification: str | None = None


WRITE: Final = {
    "AttachUserData": Kind(parameter="userData", type=dict),
    "UpdateUserData": Kind(parameter="userData", type=dict),
}
DELETE_KEYS: Final = {"DeleteUserData": Kind(parameter="keys", type=list)}  # [FBDEL]
DELETE_PAIR: Final = {"DeleteUserDataPair": Kind(parameter="key")}  # [VOP]
_MEDIA: Final = {
    **WRITE,  # [FBATT], [FBUPD]
    **DELETE_KEYS,
    "SetDisposition": Kind(parameter="disposition"),  # [FBDIS]
    "AddComment": Kind(parameter="comment"),  # [FBCOM]
    "Complete": Kind(notification="StatusChange"),  # [FBCMP]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One kind of interaction.

    `path` is the collection in addresses (`aliases` are its other names there), `collection` its name in responses, and
    `key` the name of a resource. `depth` is the number of segments that lead from the collection to a resource.
    `response_has_reference` tells whether the response to an operation carries a referenceId,
    `notification_has_reference` whether the notification does. With `omits_empty` a resource without data has no
    userData; with `repeats` attaching a key that exists adds a second value.
    """

    path: str
    key: str
    topic: str
    message_type: str
    collection: str
    aliases: tuple[str, ...] = ()
    depth: int = 1
    notification: str = "PropertiesUpdated"
    operations: Mapping[str, Kind]
    response_has_reference: bool = False
    notification_has_reference: bool = True
    omits_empty: bool = False
    repeats: bool = False


def _media(name: str, path: str, message: str, topic: str, **more: Any) -> Channel:
    return Channel(
        path=path,
        key=name,
        topic=f"/v2/me/{topic}",
        message_type=f"{message}StateChangeMessage",
        collection=path,
        operations=_MEDIA,
        **more,
    )


# The topic of Facebook sessions is singular, though the path is plural [FBMT]; that of SMS is taken to be likewise.
# That Facebook and workitems take DeleteUserData is known from their capabilities only.
CHANNELS: Final = {
    "Facebook PM": _media("facebooksession", "facebooksessions", "Facebooksession", "facebooksession"),
    "Facebook public": _media(
        "facebook", "facebook", "Facebook", "facebook", aliases=("facebooks",), response_has_reference=True
    ),  # [FBPUB]
    "chat": _media("chat", "chats", "Chat", "chats"),  # [CHA]
    "SMS": _media("smssession", "smssessions", "Smssession", "smssession"),  # [SMA]
    "e-mail": _media("email", "emails", "Email", "emails"),  # [EMA]
    "workitem": _media("workitem", "workitems", "Workitem", "workitems", response_has_reference=True),  # [WIA]
    "open media": _media(
        "openmedia", "openmedia", "Openmedia", "openmedia", depth=2, response_has_reference=True
    ),  # [OMA]: the media type stands before the id
    "Twitter": _media(
        "twitter", "twitter", "Twitter", "twitter", aliases=("twitters",), response_has_reference=True
    ),  # [TWA]
    "IM": Channel(  # [IMA], [IMD]: one `key`
        path="im-sessions",
        key="imSession",
        topic="/v2/me/im-sessions",
        message_type="IMSessionStateChangeMessage",
        collection="imSessions",
        notification="AttachedDataChanged",
        operations={**WRITE, "DeleteUserData": Kind(parameter="key")},
        notification_has_reference=False,
    ),
    "voice": Channel(  # [VOA], [VOD]: DeleteUserData takes no argument and deletes all
        path="calls",
        key="call",
        topic="/v2/me/calls",
        message_type="CallStateChangeMessage",
        collection="calls",
        notification="AttachedDataChanged",
        operations={**WRITE, "DeleteUserData": Kind(), **DELETE_PAIR},
        notification_has_reference=False,
        omits_empty=True,
        repeats=True,
    ),
}
_BY_PATH: Final = {name: channel for channel in CHANNELS.values() for name in (channel.path, *channel.aliases)}


def located(path: str) -> tuple[Channel, tuple[str, ...]] | None:
    """Read the path of a channel's collection or resource: the channel, and the segments after the collection.

    `/api/v2/me/X` and `/api/v2/X` name the same thing [INT].
    """
    prefix, *segments = path.removeprefix("/api/v2/").removeprefix("me/").split("/")
    channel = _BY_PATH.get(prefix) if path.startswith("/api/v2/") else None
    return (channel, tuple(segments)) if channel and len(segments) <= channel.depth else None


def requested_change(name: str, body: Mapping[str, Any], before: UserData) -> tuple[UserData, tuple[str, ...]]:
    """Return the data that an operation writes, and the keys that it removes."""
    match name, body:
        case "DeleteUserData", {"keys": keys}:
            return {}, tuple(keys)
        case "DeleteUserData" | "DeleteUserDataPair", {"key": key}:
            return {}, (key,)
        case "DeleteUserData", _:
            return {}, tuple(dict.fromkeys(map(str, before)))
        case "SetDisposition", {"disposition": disposition}:
            # Without a dispositionKey the server's configured one counts; the sample's data suggests this name.
            return {str(body.get("dispositionKey") or "DISP_KEY"): disposition}, ()
        case _:
            return body["userData"], ()
