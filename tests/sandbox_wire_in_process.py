"""A recording of the sandbox without sockets or clock: what a proxy would have seen, at times of the test's choice."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gws_replay.core.compile import compile_recording
from gws_replay.core.judge import Update
from gws_replay.core.model import Exchange, Headers, Recording, Request, Response
from gws_replay.sandbox import documented_data
from gws_replay.sandbox_answers import Json, Push, Reply
from gws_replay.sandbox_channels import Channel
from gws_replay.sandbox_resources import Resources
from gws_replay.sandbox_userdata import Operation, Outcome, faithful
from gws_replay.sandbox_wire import encode

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
        self.resources = Resources(data(), self.apply)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the channel's two resources."""
        return self.resources.ids(self.channel)

    def path(self, resource_id: str | None = None) -> str:
        """The path of the collection, or of a resource."""
        kind = "/promotion" if self.channel.depth > 1 and resource_id else ""
        return f"/api/v2/me/{self.channel.path}{kind}{f'/{resource_id}' if resource_id else ''}"

    def asked(self, began: float, ended: float, path: str, body: Json | None = None) -> Reply:
        """Ask now, and write down that it took until `ended`; what is to be pushed is in the reply."""
        method = "GET" if body is None else "POST"
        reply = self.resources.answer(method, path, whole=True, body=body, origin=ORIGIN)
        uri = f"{ORIGIN}{path}{'?fields=*' if body is None else ''}"
        self._seen(
            began, ended, Request(method=method, uri=uri, headers=JSON, body=encode(body) if body else b""), reply
        )
        return reply

    def shown(self, resource_id: str) -> Json:
        """Return a resource as it is now, without anyone seeing it."""
        reply = self.resources.answer("GET", self.path(resource_id), whole=True, body=None, origin=ORIGIN)
        found: Json = reply.body[self.channel.key]
        return found

    def told(self, seen: float, pushes: Iterable[Push]) -> None:
        """Write down notifications that came with the answer to a connect."""
        messages = [{"channel": topic, "data": shown} for topic, shown in pushes]
        request = Request(method="POST", uri=f"{ORIGIN}/api/v2/notifications", headers=JSON, body=encode(SESSION))
        body: Any = [*messages, {"channel": "/meta/connect", "successful": True}]
        self._seen(seen - 0.001, seen, request, Reply(status=200, body=body))

    def _seen(self, began: float, ended: float, request: Request, reply: Reply) -> None:
        response = Response(status=reply.status, headers=JSON, body=encode(reply.body))
        self.exchanges.append(Exchange(request=request, response=response, began=began, ended=ended))

    def verdicts(self) -> tuple[Update, ...]:
        """Compile what was seen, and judge it."""
        return compile_recording(Recording(exchanges=tuple(self.exchanges))).cassette.updates()


def deletion(channel: Channel, *names: str) -> Json:
    """Build the deletion of named keys as a channel wants it: of the first only, where it takes but one."""
    operation = "DeleteUserDataPair" if "DeleteUserDataPair" in channel.operations else "DeleteUserData"
    kind = channel.operations[operation]
    return {"operationName": operation, str(kind.parameter): list(names) if kind.type is list else names[0]}
