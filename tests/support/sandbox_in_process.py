"""A recording of the sandbox without sockets or clock: what a proxy would have seen, at times of the test's choice."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange, Headers, Recording, Request, Response
from gws_replay.core.oracle.judge import Update
from gws_replay.sandbox import workspace_v3 as sandbox_workspace
from gws_replay.sandbox.bodies import encode
from gws_replay.sandbox.channels import Channel
from gws_replay.sandbox.replies import Json, Push, Reply
from gws_replay.sandbox.resources import Resources
from gws_replay.sandbox.server import documented_data
from gws_replay.sandbox.userdata import Operation, Outcome, faithful
from gws_replay.sandbox.workspace_v3 import WORKSPACE

ORIGIN = "http://gws.example"
JSON = Headers((("Content-Type", "application/json"),))
SESSION = [{"channel": "/meta/connect", "clientId": "1", "connectionType": "long-polling"}]
data = cache(documented_data)


@dataclass
class Wire:
    """One client of the resources of a channel, and everything that was seen between them."""

    channel: Channel
    apply: Callable[[Operation], Outcome] = faithful
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.resources = Resources(data()["resources"], self.apply)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the channel's two resources."""
        return self.resources.ids(self.channel)

    @property
    def is_workspace(self) -> bool:
        """Whether the channel is one of Workspace v3."""
        return self.channel in WORKSPACE.values()

    def path(self, resource_id: str | None = None) -> str:
        """The path of the collection, or of a resource."""
        resource = f"/{resource_id}" if resource_id else ""
        if self.is_workspace:
            return (
                f"/workspace/v3/{'voice/calls' if self.channel.key == 'call' else 'media/chat/interactions'}{resource}"
            )
        kind = "/promotion" if self.channel.depth > 1 and resource_id else ""
        return f"/api/v2/me/{self.channel.path}{kind}{resource}"

    def sent(self, began: float, ended: float, path: str, body: Json | None = None) -> Reply:
        """Send now, and record that the response came at `ended`; notifications are in the return value.

        `body` uses the words of GWS; for Workspace v3 it is recorded in the words of that API.
        """
        method = "GET" if body is None else "POST"
        if self.is_workspace:
            if body is not None:
                path, body = f"{path}/{verb(body)}", workspace_body(body)
            reply = sandbox_workspace.respond(self.resources, method, path, body)
        else:
            reply = self.resources.respond(method, path, whole=True, body=body, origin=ORIGIN)
        uri = f"{ORIGIN}{path}{'?fields=*' if body is None and not self.is_workspace else ''}"
        request = Request(method=method, uri=uri, headers=JSON, body=encode(body) if body is not None else b"")
        self._seen(began, ended, request, reply)
        return reply

    def shown(self, resource_id: str) -> Json:
        """Return a resource as a message shows it now, without anyone seeing it."""
        segments = self.path(resource_id).removeprefix(f"{self.path()}/").split("/")
        reply = self.resources.of(self.channel, tuple(segments), "GET", origin=ORIGIN)
        found: Json = reply.body[self.channel.key]
        return {**found, "userData": sandbox_workspace.listed(found["userData"])} if self.is_workspace else found

    def notified(self, seen: float, pushes: Iterable[Push]) -> None:
        """Write down notifications that came with the answer to a connect."""
        messages = [{"channel": topic, "data": shown} for topic, shown in pushes]
        path = "/workspace/v3/notifications" if self.is_workspace else "/api/v2/notifications"
        request = Request(method="POST", uri=f"{ORIGIN}{path}", headers=JSON, body=encode(SESSION))
        body: Any = [*messages, {"channel": "/meta/connect", "successful": True}]
        self._seen(seen - 0.001, seen, request, Reply(status=200, body=body))

    def _seen(self, began: float, ended: float, request: Request, reply: Reply) -> None:
        response = Response(status=reply.status, headers=JSON, body=encode(reply.body))
        self.exchanges.append(Exchange(request=request, response=response, began=began, ended=ended))

    def cassette(self) -> Cassette:
        """Compile what was seen."""
        return compile_recording(Recording(exchanges=tuple(self.exchanges))).cassette

    def verdicts(self) -> tuple[Update, ...]:
        """Compile what was seen, and judge it."""
        return self.cassette().updates()


def verb(body: Json) -> str:
    """Return an operationName in the words of Workspace v3, whether it has such an operation or not."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", str(body["operationName"])).lower()


def workspace_body(body: Json) -> Json:
    """Return a body in the words of Workspace v3."""
    fields = {key: value for key, value in body.items() if key != "operationName"}
    return {"data": {**fields, **({"userData": pairs(fields["userData"])} if "userData" in fields else {})}}


def pairs(userdata: Json) -> list[Json]:
    """Write userData as a list, objects inside as lists of their own."""
    return [
        {"key": key, "type": "kvlist", "value": pairs(value)}
        if isinstance(value, dict)
        else {"key": key, "type": "str", "value": value}
        for key, value in userdata.items()
    ]


def deletion(channel: Channel, *names: str) -> Json:
    """Build the deletion of named keys as a channel wants it: of the first only, where it takes but one."""
    operation = "DeleteUserDataPair" if "DeleteUserDataPair" in channel.operations else "DeleteUserData"
    kind = channel.operations[operation]
    return {"operationName": operation, str(kind.parameter): list(names) if kind.type is list else names[0]}
