"""Servers as stagings are: the sandbox behind a front with TLS, secure cookies, a sign-in, and CometD elsewhere."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from gws_replay.sandbox.server import serving
from gws_replay.web.listening import in_a_thread, listen
from tests.support.builders import NOTIFICATIONS
from tests.support.comet_sessions import Command, comet, rest, wait
from tests.support.proxies import SESSION

SIGN_IN = "/auth/v3/sign-in"
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "host", "upgrade"}
_V2 = f"/api/v2/me/facebooksessions/{SESSION}"
_V3 = "/workspace/v3/media/chat/interactions/0000Wb1DCM7X00A"


@dataclass(frozen=True)
class Kind:
    """How a staging differs from a plain server."""

    tls: bool = False
    secure: bool = False
    signs_in: bool = False
    cometd: str = NOTIFICATIONS
    v3: bool = False

    @property
    def commands(self) -> tuple[Command, ...]:
        """What an agent does here: sign in, look, listen, update, wait for the notification, and look again."""
        path, channel, write = _V2, "/v2/me/facebooksession", rest("POST", _V2, json.dumps(_UPDATE))
        if self.v3:
            path, channel = _V3, "/workspace/v3/media/chat"
            write = rest("POST", f"{_V3}/update-user-data", json.dumps(_UPDATE_V3))
        first = [rest("GET", SIGN_IN)] if self.signs_in else []
        return (*first, rest("GET", "/api/v2/me"), comet(channel), rest("GET", path), write, _WAIT, rest("GET", path))


_WAIT = wait("notifications", 1)
_UPDATE = {"operationName": "UpdateUserData", "userData": {"UserData1": "changed"}}
_UPDATE_V3 = {"data": {"userData": [{"key": "UserData1", "type": "str", "value": "changed"}]}}
KINDS = {
    "http": Kind(),
    "private-ca": Kind(tls=True),
    "secure-cookies": Kind(tls=True, secure=True),
    "sign-in": Kind(signs_in=True),
    "cometd-elsewhere": Kind(cometd="/genesys/cometd"),
    "workspace-v3": Kind(v3=True),
}


@dataclass
class Staging:
    """A front that runs; `pages` are what it serves itself, `seen` gets what is posted to /done."""

    kind: Kind
    behind: str
    context: ssl.SSLContext | None
    pages: Callable[[str], bytes | None] = lambda _path: None
    seen: list[Any] = field(default_factory=list)
    url: str = ""

    async def start(self) -> "Staging":
        own = ("Accept-Encoding", "User-Agent", "Accept", "Content-Type")
        self.session = aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=own)
        self.server = web.Server(self.handle)
        self.listening = await listen(self.server, "127.0.0.1", 0, tls=self.context)
        self.url = self.listening.url.replace("127.0.0.1", "localhost")
        return self

    async def close(self) -> None:
        self.listening.close()
        self.server.pre_shutdown()
        await self.server.shutdown(1)
        await self.session.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if (own := await self._own(request)) is not None:
            return own
        target = re.sub(f"^{self.kind.cometd}", NOTIFICATIONS, request.raw_path)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request, target)
        return await self._passed_on(request, target)

    async def _own(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Return what the front responds by itself."""
        path = request.path
        page = self.pages(path)
        if path == "/done":
            self.seen.append(await request.json())
        elif page is not None:
            return web.Response(body=page, content_type="text/html" if path == "/page" else "text/javascript")
        elif path == SIGN_IN:
            cookie = "SIGNED=n0de-abc-123; Path=/; HttpOnly"
            return web.json_response(
                {}, status=302, headers={"Location": f"{self.url}/auth/v3/home", "Set-Cookie": cookie}
            )
        elif self.kind.signs_in and "SIGNED=n0de-abc-123" not in request.headers.get("Cookie", ""):
            return web.json_response({"statusCode": 3}, status=403)
        elif path.startswith(NOTIFICATIONS) and self.kind.cometd != NOTIFICATIONS:
            return web.Response(status=404)
        elif path != "/auth/v3/home":
            return None
        return web.json_response({"statusCode": 0})

    async def _passed_on(self, request: web.BaseRequest, target: str) -> web.StreamResponse:
        fields = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        async with self.session.request(
            request.method, self.behind + target, headers=fields, data=await request.read(), allow_redirects=False
        ) as got:
            response = web.Response(status=got.status, body=await got.read())
            for name, value in got.headers.items():
                tied = "; Secure; SameSite=None; Domain=localhost" if name.lower() == "set-cookie" else ""
                if name.lower() not in _HOP_BY_HOP:
                    response.headers.add(name, value + (tied if self.kind.secure else ""))
            return response

    async def _socket(self, request: web.BaseRequest, target: str) -> web.StreamResponse:
        fields = {name: value for name, value in request.headers.items() if name in ("Cookie", "Authorization")}
        async with self.session.ws_connect(self.behind + target, headers=fields) as inner:
            outer = web.WebSocketResponse()
            await outer.prepare(request)

            async def back() -> None:
                async for message in inner:
                    await outer.send_str(message.data)

            task = asyncio.create_task(back())
            async for message in outer:
                await inner.send_str(message.data)
            task.cancel()
        return outer


@contextmanager
def staging(
    kind: Kind, context: ssl.SSLContext, pages: Callable[[str], bytes | None] = lambda _path: None
) -> Iterator[Staging]:
    """A staging of this kind, until the block ends."""
    with serving(password="x") as sandbox:
        front = Staging(kind, sandbox.url, context if kind.tls else None, pages)
        with in_a_thread(front.start, "staging") as running:
            yield running
