"""The interactions of the sandbox's agent, on every channel, and the operations on them.

It is our own reading of the documentation, independent of `gws_replay.core.api`, so that the stand-in does not share
the mistakes of what it helps to test. Nothing here knows sockets, HTTP sessions or time: an operation returns its reply
together with the notifications to push.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

from gws_replay.sandbox.channels import Channel, Kind, located, requested_change
from gws_replay.sandbox.replies import (
    Json,
    Push,
    Reply,
    missing,
    not_found,
    not_json,
    not_valid,
    refusal,
    success,
)
from gws_replay.sandbox.userdata import Operation, Outcome, UserData

_UNNAMED: Final = frozenset({"userData"})


class Resources:
    """The interactions by channel; `apply` computes the outcome of a userData operation (a fault, or `faithful`).

    `data` is a list of documents for each channel's path. Documents are replaced and never changed in place, so a
    notification is a snapshot of the moment of its request.
    """

    def __init__(self, data: Mapping[str, Sequence[Json]], apply: Callable[[Operation], Outcome]) -> None:
        self._apply = apply
        self._documents: dict[str, dict[str, Json]] = {
            path: {each["id"]: each for each in documents} for path, documents in data.items()
        }
        self._earlier: dict[tuple[str, str], UserData] = {}
        self._reference_ids = count(11)  # the resource page's sample has 11 [FBRES]

    def ids(self, channel: Channel) -> tuple[str, ...]:
        """Return the ids of a channel's resources."""
        return tuple(self._documents[channel.path])

    def respond(self, method: str, path: str, *, whole: bool, body: Any, origin: str) -> Reply:
        """Reply to a request for a collection or a resource; `origin` is the scheme and host that the client used."""
        found = located(path)
        return self.of(*found, method, whole=whole, body=body, origin=origin) if found else not_found()

    def of(
        self,
        channel: Channel,
        segments: tuple[str, ...],
        method: str,
        *,
        whole: bool = True,
        body: Any = None,
        origin: str = "",
    ) -> Reply:
        """Reply to a request for a channel; `segments` lead from its collection to a resource."""
        if method not in ("GET", "POST"):
            return not_found()
        if method == "GET" and len(segments) < channel.depth:
            return self._list(channel, whole=whole, origin=origin)
        document = self._documents[channel.path].get(segments[-1]) if len(segments) == channel.depth else None
        if document is None or not document["uri"].endswith("/".join(segments)):
            return not_found()
        if method == "GET":
            return success(**{channel.key: _shown(channel, document, origin)})
        return _objection(channel, document, body) or self._carry_out(channel, document, body, origin)

    def _list(self, channel: Channel, *, whole: bool, origin: str) -> Reply:
        """Name the resources by their uris, or with fields=* show them whole [RV851]."""
        found = [_shown(channel, each, origin) for each in self._documents[channel.path].values()]
        return success(**{channel.collection: found}) if whole else success(uris=[each["uri"] for each in found])

    def _carry_out(self, channel: Channel, document: Json, body: Json, origin: str) -> Reply:
        name: str = body["operationName"]
        kind = channel.operations[name].notification or channel.notification
        status_code = 0
        if name == "AddComment":
            # Its notification leaves userData out, which means "unchanged" and not "empty" [FBCOM].
            changed = [_without_userdata(self._store(channel, {**document, "comment": body["comment"]}))]
        elif name == "Complete":
            changed = [self._store(channel, {**document, "state": "Completed", "capabilities": []})]
        else:
            outcome, changed = self._change_userdata(channel, document, name, body)
            kind, status_code = outcome.kind or kind, outcome.status_code
        first = next(self._reference_ids)
        pushes = tuple(
            _push(channel, kind, first if each["id"] == document["id"] else next(self._reference_ids), each, origin)
            for each in changed
        )
        if status_code:
            return refusal(status_code, not_valid(name, document["state"]).body["statusMessage"], pushes)
        reply = success(referenceId=first) if channel.response_has_reference else success()
        return replace(reply, notifications=pushes)

    def _change_userdata(self, channel: Channel, document: Json, name: str, body: Json) -> tuple[Outcome, list[Json]]:
        """Store the outcome of a userData operation; return the documents that its notifications show."""
        other = next(each for each in self._documents[channel.path].values() if each["id"] != document["id"])
        place = (channel.path, document["id"])
        before: UserData = document["userData"]
        written, removed = requested_change(name, body, before)
        operation = Operation(
            before=before,
            written=written,
            removed=removed,
            other=other["userData"],
            earlier=self._earlier.get(place, before),
            attaches=channel.repeats and name == "AttachUserData",
            detaches=channel.repeats and name == "DeleteUserDataPair",
        )
        outcome = self._apply(operation)
        self._earlier[place] = before
        changed = self._store(channel, {**document, **outcome.attributes, "userData": outcome.stored})
        subject = {**changed, **{name: other[name] for name in ("id", "uri")}} if outcome.misdirected else changed
        shown = [_with_userdata(subject, each) for each in outcome.notified]
        if outcome.other is not None:
            shown.append(self._store(channel, {**other, "userData": outcome.other}))
        return outcome, shown

    def _store(self, channel: Channel, document: Json) -> Json:
        self._documents[channel.path][document["id"]] = document
        return document


def absolute(value: Any, origin: str, *, name: str = "") -> Any:
    """Complete the uris of a document; userData is the client's own and stays as it is."""
    if isinstance(value, list):
        return [absolute(each, origin, name=name) for each in value]
    if isinstance(value, dict):
        return {key: each if key in _UNNAMED else absolute(each, origin, name=key) for key, each in value.items()}
    return f"{origin}{value}" if name.lower().endswith(("uri", "uris")) else value


def _shown(channel: Channel, document: Json, origin: str) -> Json:
    omitted = channel.omits_empty and not document.get("userData")
    shown: Json = absolute(_without_userdata(document) if omitted else document, origin)
    return shown


def _push(channel: Channel, kind: str, reference_id: int, document: Json, origin: str) -> Push:
    return channel.topic, {
        **({"referenceId": reference_id} if channel.notification_has_reference else {}),
        "notificationType": kind,
        "messageType": channel.message_type,
        channel.key: _shown(channel, document, origin),
    }


def _without_userdata(document: Json) -> Json:
    return {key: value for key, value in document.items() if key != "userData"}


def _with_userdata(document: Json, userdata: UserData | None) -> Json:
    return _without_userdata(document) if userdata is None else {**document, "userData": userdata}


def _objection(channel: Channel, document: Json, body: Any) -> Reply | None:
    """Say why an operation cannot be carried out; None when it can."""
    if not isinstance(body, dict):
        return not_json()
    name = body.get("operationName")
    if name is None:
        return missing("operationName")
    kind = channel.operations.get(name) if isinstance(name, str) else None
    if kind is None:
        return refusal(3, f"Operation {name} is forbidden")
    if document["state"] == "Completed":
        return not_valid(name, "Completed")
    return None if kind.parameter is None else _parameter_objection(kind.parameter, kind, body)


def _parameter_objection(parameter: str, kind: Kind, body: Json) -> Reply | None:
    value = body.get(parameter)
    if value is None:
        return missing(parameter)
    if not isinstance(value, kind.type) or (isinstance(value, list) and not all(isinstance(key, str) for key in value)):
        return refusal(10, f"Parameter {parameter} is not valid")
    return None
