"""The CometD side of GWS."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiocometd_ng import Client, ConnectionType, Extension

_TIMEOUT = 30


class Notifications(Extension):
    """The notifications of a channel. As the client's extension it puts the HTTP session's headers on each request."""

    def __init__(self, url: str, channel: str, headers: Callable[[], dict[str, str]]) -> None:
        self._client = Client(f"{url}/api/v2/notifications", ConnectionType.LONG_POLLING, extensions=[self])
        self._channel = channel
        self._headers = headers

    async def open(self) -> None:
        """Connect and subscribe."""
        await self._client.open()
        await self._client.subscribe(self._channel)

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()

    async def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next notification that is wanted; what others bring about comes between, and is passed over."""
        async with asyncio.timeout(_TIMEOUT):
            while True:
                data: dict[str, Any] = (await self._client.receive())["data"]
                if wanted(data):
                    return data

    async def outgoing(self, _payload: Any, headers: dict[str, str]) -> None:
        """Add the HTTP session's headers."""
        headers.update(self._headers())

    async def incoming(self, _payload: Any, _headers: dict[str, str] | None = None) -> None:
        """Leave what comes in as it is."""
