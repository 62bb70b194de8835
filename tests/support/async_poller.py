"""A minimal CometD client on aiohttp and long-polling, and helpers to read the state of a server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.support.builders import NOTIFICATIONS, SESSIONS, TOPIC
from tests.support.comet_clients import basic

CALM = 30
SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}


class Poller:
    """A client of one user; it sends only what the test calls for."""

    def __init__(self, http: aiohttp.ClientSession, url: str, path: str) -> None:
        self.http = http
        self.url = url
        self.path = path
        self.client_id = ""

    async def post(self, *messages: dict[str, Any]) -> list[Any]:
        """Post a batch of messages."""
        async with self.http.post(self.url + self.path, json=messages) as response:
            received = await response.json(content_type=None)
        assert isinstance(received, list)
        return received

    async def shake_hands(self, *subscriptions: str, ack: bool = False) -> None:
        """Shake hands, subscribe, and connect for the first time, which is answered at once."""
        hello = {"channel": "/meta/handshake", "supportedConnectionTypes": ["long-polling"], "ext": {"ack": ack}}
        self.client_id = (await self.post(hello))[0]["clientId"]
        replies = [*await self.post(self.subscribing(*subscriptions or (TOPIC,))), *await self.connect()]
        assert [True, True] == [each["successful"] for each in replies]

    def subscribing(self, *subscriptions: str) -> dict[str, Any]:
        """Build the message of a subscription."""
        return {"channel": "/meta/subscribe", "clientId": self.client_id, "subscription": list(subscriptions)}

    def connecting(self, **fields: Any) -> dict[str, Any]:
        """Build the message of a connect."""
        return {"channel": "/meta/connect", "clientId": self.client_id, "connectionType": "long-polling", **fields}

    async def connect(self, *, timeout_ms: int | None = None, **fields: Any) -> list[Any]:
        """Connect, held for so long at the most."""
        advice = {} if timeout_ms is None else {"advice": {"timeout": timeout_ms}}
        return await self.post(self.connecting(**advice, **fields))

    async def notified(self, **fields: Any) -> list[Any]:
        """Connect, and return the userData that the notifications in the response show."""
        return shown(await self.connect(**fields))

    async def update(self, **instead: Any) -> int:
        """Update A to 2, or send another operation; return the status."""
        async with self.http.post(f"{self.url}{SESSIONS}/S1", **(instead or {"json": SENT})) as response:
            await response.read()
            return response.status

    async def look(self) -> Any:
        """Get all sessions."""
        async with self.http.get(f"{self.url}{SESSIONS}?fields=*") as response:
            return await response.json(content_type=None)

    async def state(self) -> Any:
        """Return what the control endpoint shows."""
        async with self.http.get(f"{self.url}/__gws_replay__") as response:
            return await response.json(content_type=None)

    async def until(self, **expected: Any) -> None:
        """Read the control endpoint until it shows what is expected."""
        while expected != {name: value for name, value in (await self.state()).items() if name in expected}:  # noqa: ASYNC110
            await asyncio.sleep(0)  # there is no event for it


@asynccontextmanager
async def polling(url: str, user: str = "agent1", path: str = NOTIFICATIONS) -> AsyncIterator[Poller]:
    """Create a client that has not sent anything yet."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers={"Authorization": basic(user)}, connector=connector) as http:
        yield Poller(http, url, path)


def shown(messages: list[Any]) -> list[Any]:
    """The userData that the notifications among some messages show."""
    return [each["data"]["facebooksession"]["userData"] for each in messages if each["channel"] == TOPIC]


def run(conversation: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end."""
    asyncio.run(asyncio.wait_for(conversation(), CALM))
