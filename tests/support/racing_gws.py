"""A small GWS to record from that can race: notifications before, after and around a response, one to three for each
operation, some that nobody caused, several users with several CometD clients, logins and renewed tokens.
"""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from aiohttp import web

from gws_replay.core.bayeux.over_http import carried
from gws_replay.core.bayeux.server import BayeuxServer
from gws_replay.core.model import Headers, Request
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.web.bayeux_aiohttp import Conversations, is_websocket, poll
from gws_replay.web.listening import in_a_thread, listen

CHATS, DEVICES = "/v2/me/chats", "/v2/me/devices"
Race = Literal["before", "after", "around"]
# Between a response and its notifications: so long that no client sees them in the other order.
_GAP = 0.05


class _Core(BayeuxServer):
    """The CometD clients of one user; it delivers what the server has put into `due`."""

    next_at = None

    def __init__(self, name: str) -> None:
        numbers = count(1)
        super().__init__(new_id=lambda: f"{name}-{next(numbers)}", timeout=20)
        self.due: list[tuple[str, Any]] = []

    def advance(self, now: float) -> tuple[int, ...]:
        due, self.due = self.due, []
        return tuple(ticket for channel, data in due for ticket in self.deliver(channel, data))


@dataclass
class _User:
    name: str
    core: _Core = field(init=False)
    polls: HeldPolls = field(init=False)
    user_data: dict[str, Any] = field(default_factory=lambda: {"Note": "first"})

    def __post_init__(self) -> None:
        self.core = _Core(self.name)
        self.polls = HeldPolls(self.core)

    def notify(self, channel: str, data: Any) -> None:
        with self.polls.lock:
            self.core.due.append((channel, data))
            self.polls.changed()


class RacingGws:
    """The server: `pushes` notifications for each operation, `race` of them with its response.

    Every `unsolicited` seconds it also sends a notification without a cause (0 for none).
    """

    def __init__(self, *, pushes: int = 1, race: Race = "after", unsolicited: float = 0.0) -> None:
        self.pushes = pushes
        self.race = race
        self.unsolicited = unsolicited
        self.users: dict[str, _User] = {}
        self.user_of: dict[str, str] = {}  # of each token and cookie, the user
        self.conversations = Conversations(lambda request, _messages: self.user(request).polls)
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self) -> "RacingGws":
        self.server = web.Server(self.handle)
        self.listening = await listen(self.server, "127.0.0.1", 0)
        self.url = self.listening.url
        if self.unsolicited:
            self._do(self._disturb())
        return self

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for user in self.users.values():
            user.polls.close()
        self.listening.close()
        await self.conversations.close()
        self.server.pre_shutdown()
        await self.server.shutdown(1.0)

    def user(self, request: web.BaseRequest) -> _User:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        name = self.user_of.get(request.cookies.get("JSESSIONID", ""), "nobody")
        if kind == "Basic":
            name = base64.b64decode(given).decode().partition(":")[0]
        elif kind == "Bearer":
            name = self.user_of[given]
        return self.users.setdefault(name, _User(name))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        user = self.user(request)
        if is_websocket(request):
            return await self.conversations.hold(request)
        body = await request.read()
        headers = Headers(tuple(request.headers.items()))
        messages = carried(
            Request(method=request.method, uri=f"http://x{request.raw_path}", headers=headers, body=body)
        )
        if messages:
            return await poll(request, messages, user.polls)
        if request.path == "/auth/v3/oauth/token":
            token = f"token-{len(self.user_of)}-{user.name}"
            self.user_of[token] = user.name
            return _json({"access_token": token, "token_type": "bearer"})
        if request.path == "/api/v2/me" and request.method == "GET":
            response = _json({"statusCode": 0, "user": {"id": f"id-{user.name}"}})
            session = f"session-{len(self.user_of)}-{user.name}"
            self.user_of[session] = user.name
            response.set_cookie("JSESSIONID", session)
            return response
        if request.path.startswith("/api/v2/me/chats/"):
            return await self._update(request, user, json.loads(body))
        return _json({"statusCode": 0, "chats": [{"id": f"chat-{user.name}", "userData": user.user_data}]})

    async def _update(self, request: web.BaseRequest, user: _User, sent: dict[str, Any]) -> web.StreamResponse:
        user.user_data = {**user.user_data, **sent["userData"]}
        kinds = ["PropertiesUpdated", "ParticipantsUpdated", "NewMessages"][: self.pushes]
        chat = {"id": request.path.rpartition("/")[2], "userData": user.user_data}
        pushes = [{"notificationType": kind, "messageType": "ChatStateChangeMessage", "chat": chat} for kind in kinds]
        early = {"before": pushes, "after": [], "around": pushes[:1]}[self.race]
        for each in early:
            user.notify(CHATS, each)
        if early:
            await asyncio.sleep(_GAP)
        response = _json({"statusCode": 0})
        await response.prepare(request)
        await response.write_eof()
        self._do(self._later(user, pushes[len(early) :]))
        return response

    async def _later(self, user: _User, pushes: list[Any]) -> None:
        await asyncio.sleep(_GAP)
        for each in pushes:
            user.notify(CHATS, each)

    async def _disturb(self) -> None:
        for number in count():
            await asyncio.sleep(self.unsolicited)
            for user in tuple(self.users.values()):
                data = {"notificationType": "StatusChange", "messageType": "DeviceStateChangeMessage", "n": number}
                user.notify(DEVICES, data)

    def _do(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _json(value: Any) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")


@contextmanager
def racing(**options: Any) -> Iterator[RacingGws]:
    """Run the server as long as the block lasts."""
    server = RacingGws(**options)
    with in_a_thread(server.start, "racing GWS"):
        yield server
