"""Real CometD clients behind one signature: aiocometd-ng, and npm cometd under Node, each over both transports.

A client obeys commands (`comet_sessions`) and tells what it saw, in the order in which it saw it: answers of REST and
notifications.
"""

import asyncio
import base64
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from aiocometd_ng import Client, ConnectionType, Extension
from yarl import URL

from tests.support.builders import NOTIFICATIONS
from tests.support.comet_sessions import Command, Event, response_event

CALM = 30
JS = Path(__file__).parents[1] / "js"
TRANSPORTS = ("long-polling", "websocket")
has_node = bool(shutil.which("node")) and (JS / "node_modules/cometd-nodejs-client").is_dir()
needs_node = pytest.mark.skipif(
    not has_node,
    reason="needs Node, and the packages of tests/js/package.json: npm install --no-package-lock --prefix tests/js",
)


class CometClient(Protocol):
    """A client that has begun; `counts` are its connects, handshakes, notifications and subscriptions so far."""

    events: list[Event]
    counts: Counter[str]

    async def run(self, *commands: Command) -> None:
        """Obey commands, one after the other."""


Open = Callable[..., AbstractAsyncContextManager[CometClient]]


def basic(user: str) -> str:
    """Spell the credentials of a user."""
    return f"Basic {base64.b64encode(f'{user}:x'.encode()).decode()}"


@dataclass
class _Seen:
    """What a client has seen; each change wakes every task that waits for a count."""

    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def count(self, what: str) -> None:
        async with self.changed:
            self.counts[what] += 1
            self.changed.notify_all()

    async def reached(self, what: str, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.counts[what] >= count)


class _Python(_Seen, Extension):
    """aiocometd-ng, and aiohttp for REST. It is also the extension that sees each message of the control traffic."""

    def __init__(self, url: str, path: str, user: str, transport: str) -> None:
        super().__init__()
        self.url = url
        self.headers = {"Authorization": basic(user)}
        self.http = aiohttp.ClientSession()
        kind = ConnectionType(transport)
        self.comet = Client(url + path, kind, extensions=[self], connection_timeout=0, max_pending_count=0)
        self.listening: asyncio.Task[None] | None = None

    async def outgoing(self, _payload: Any, headers: dict[str, str]) -> None:
        cookies = self.http.cookie_jar.filter_cookies(URL(self.url)).values()
        headers.update(self.headers, Cookie="; ".join(f"{each.key}={each.value}" for each in cookies))

    async def incoming(self, payload: Any, _headers: Any = None) -> None:
        names = {"/meta/connect": "connects", "/meta/handshake": "handshakes", "/meta/subscribe": "subscribed"}
        for message in payload:
            if message["channel"] in names and message["successful"]:
                await self.count(names[message["channel"]])

    async def run(self, *commands: Command) -> None:
        for command in commands:
            if command["do"] == "comet":
                await self.comet.open()
                self.listening = asyncio.create_task(self._listen())
                for channel in command["subscriptions"]:
                    await self.comet.subscribe(channel)
            elif command["do"] == "wait":
                await self.reached(command["what"], command["count"])
            else:
                await self._rest(**command)

    async def _listen(self) -> None:
        async for message in self.comet:
            self.events.append(Event("notification", message["channel"], message["data"]))
            await self.count("notifications")

    async def _rest(self, *, method: str, path: str, body: str, pause: int, do: str) -> None:
        """Send a request; after a `login`, go on with the token that it returns."""
        if pause:
            await asyncio.sleep(pause / 1000)
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        async with self.http.request(method, self.url + path, data=body or None, headers=headers) as got:
            text = await got.text()
            self.events.append(response_event(got.status, text))
            if do == "login":
                self.headers["Authorization"] = f"Bearer {json.loads(text)['access_token']}"
            if name := got.headers.get("X-CSRF-HEADER"):
                self.headers[name] = got.headers[name]

    async def close(self) -> None:
        if self.listening:
            self.listening.cancel()
            await asyncio.wait([self.listening])
        # It drops its own held connect when it closes, and asyncio would log that as an error.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        await self.comet.close()
        await self.http.close()


@asynccontextmanager
async def by_aiocometd(
    url: str, transport: str, *, path: str = NOTIFICATIONS, user: str = "agent1"
) -> AsyncIterator[CometClient]:
    """Begin a client of Python."""
    client = _Python(url, path, user, transport)
    try:
        yield client
    finally:
        await client.close()


class _Node(_Seen):
    """npm cometd in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process
        self.reader = asyncio.create_task(self._read())

    async def run(self, *commands: Command) -> None:
        assert self.process.stdin
        done = self.counts["done"]
        self.process.stdin.write(b"".join(json.dumps(command).encode() + b"\n" for command in commands))
        reached = asyncio.create_task(self.reached("done", done + len(commands)))
        await asyncio.wait([reached, self.reader], return_when=asyncio.FIRST_COMPLETED)
        if not reached.done():
            reached.cancel()
            raise AssertionError(f"the client ended: {await self._complaint()}")

    async def _complaint(self) -> str:
        assert self.process.stderr
        return (await self.process.stderr.read()).decode()

    async def _read(self) -> None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            reader = json.loads(line)
            kind = reader["event"]
            if kind == "answer":
                self.events.append(response_event(reader["status"], reader["text"]))
            elif kind == "notification":
                self.events.append(Event(kind, reader["channel"], reader["data"]))
            if reader.get("successful", True):
                plural = {"notification": "notifications", "connect": "connects", "handshake": "handshakes"}
                await self.count(plural.get(kind, kind))
            if reader.get("ack"):
                await self.count("acknowledging")

    async def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        await self.reader
        assert 0 == await self.process.wait(), await self._complaint()


@asynccontextmanager
async def by_node(
    url: str, transport: str, *, path: str = NOTIFICATIONS, user: str = "agent1", ack: bool = False
) -> AsyncIterator[CometClient]:
    """Begin a client of JavaScript."""
    options = json.dumps({"url": url, "comet": path, "user": user, "transport": transport, "ack": ack})
    process = await asyncio.create_subprocess_exec(
        *("node", str(JS / "client.mjs"), options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    client = _Node(process)
    try:
        yield client
        await client.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


# Those that are there, for a test that needs several at once.
OPEN: list[Open] = [by_aiocometd, by_node] if has_node else [by_aiocometd]
CLIENTS = [pytest.param(by_aiocometd, id="aiocometd"), pytest.param(by_node, id="node", marks=needs_node)]


def seen_by(open_client: Open, url: str, transport: str, commands: Sequence[Command], **options: Any) -> list[Event]:
    """Let a client obey commands, and return what it saw."""

    async def conversation() -> list[Event]:
        async with open_client(url, transport, **options) as client:
            await client.run(*commands)
        return client.events

    return asyncio.run(asyncio.wait_for(conversation(), CALM))
