"""A minimal CometD client on one WebSocket, for several test files."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

CALM = 20
# aiocometd-ng speaks to aiohttp as it was some versions ago.
of_aiocometd = pytest.mark.filterwarnings(
    "ignore:(float parameter 'receive_timeout'|ssl=None) is deprecated:DeprecationWarning"
)


class Talk:
    """A conversation on one WebSocket; responses are read in the order in which they come."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.client_id = ""
        self.batch = 0

    async def send(self, *messages: dict[str, Any]) -> None:
        """Send a WebSocket message."""
        await self.socket.send_str(json.dumps(messages))

    async def hear(self) -> list[Any]:
        """Wait for the next WebSocket message."""
        received = await self.socket.receive_json(timeout=CALM)
        assert isinstance(received, list)
        return received

    async def ask(self, *messages: dict[str, Any]) -> list[Any]:
        """Send a WebSocket message and wait for the next one."""
        await self.send(*messages)
        return await self.hear()

    async def shake_hands(self, subscription: str, *, ack: bool = False) -> None:
        """Shake hands, subscribe, and connect for the first time, which is answered at once."""
        hello = {"channel": "/meta/handshake", "supportedConnectionTypes": ["websocket"], "ext": {"ack": ack}}
        self.client_id = (await self.ask(hello))[0]["clientId"]
        subscribing = {"channel": "/meta/subscribe", "clientId": self.client_id, "subscription": subscription}
        (subscribed,) = await self.ask(subscribing)
        (connected,) = await self.ask(self.connecting())
        assert subscribed["successful"]
        assert connected["successful"]

    def connecting(self, **fields: Any) -> dict[str, Any]:
        """Build the message of a connect."""
        return {"channel": "/meta/connect", "clientId": self.client_id, "connectionType": "websocket", **fields}

    async def hold(self, **fields: Any) -> None:
        """Send a connect, and return once the server holds it: messages are handled in order."""
        await self.send(self.connecting(**fields))
        (response,) = await self.ask({"channel": "/service/nothing", "clientId": self.client_id, "data": {}})
        assert response["channel"] == "/service/nothing"

    def kill(self) -> None:
        """Drop the connection without closing it properly."""
        connection = self.socket._response.connection
        assert connection
        assert connection.transport
        connection.transport.abort()

    async def code(self) -> int | None:
        """Wait for the server to close, and return its code."""
        while not self.socket.closed:
            await self.socket.receive(timeout=CALM)
        return self.socket.close_code


@asynccontextmanager
async def talking(
    url: str, headers: Mapping[str, str] | None = None, *, compress: int = 0, proxy: str | None = None
) -> AsyncIterator[Talk]:
    """Open a WebSocket at a CometD address."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=headers, compress=compress, proxy=proxy, max_msg_size=0) as socket,
    ):
        yield Talk(socket)
