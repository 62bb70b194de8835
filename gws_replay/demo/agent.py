"""A small agent client of GWS: REST with aiohttp, notifications with aiocometd-ng.

Made by `gws-replay demo`. Run it against a server, or through `gws-replay record`, which sets GWS_REPLAY_URL.
"""

import asyncio
import base64
import logging
import os
from typing import Any, Self

import aiohttp
from yarl import URL

SESSION = "0002DaAVKJ0V0095"
UPDATE = {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}


class Agent:
    """An agent's session: logs in on entering, ends the contact center session on leaving."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(headers=self.headers)
        async with self.http.get(f"{self.url}/api/v2/me") as answer:
            self.csrf = {answer.headers["X-CSRF-HEADER"]: answer.headers["X-CSRF-TOKEN"]}
        await self.post("/me", operationName="StartContactCenterSession", channels=["facebooksession"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.post("/me", operationName="EndContactCenterSession")
        await self.http.close()

    async def post(self, path: str, **body: Any) -> Any:
        """Send an operation; GWS returns `{"statusCode": 0}`, which only means that it was forwarded."""
        async with self.http.post(f"{self.url}/api/v2{path}", json=body, headers=self.csrf) as answer:
            return await answer.json()

    async def sessions(self) -> dict[str, Any]:
        """Return the agent's Facebook sessions by id, each with its userData."""
        async with self.http.get(f"{self.url}/api/v2/me/facebooksessions", params={"fields": "*"}) as answer:
            return {session["id"]: session for session in (await answer.json())["facebooksessions"]}

    async def update_userdata(self, session_id: str, user_data: dict[str, Any]) -> Any:
        """Overwrite keys of a session's userData."""
        return await self.post(f"/me/facebooksessions/{session_id}", operationName="UpdateUserData", userData=user_data)

    def comet_headers(self) -> dict[str, str]:
        """Return what the CometD requests must carry: they belong to the same HTTP session as the REST ones."""
        cookies = self.http.cookie_jar.filter_cookies(URL(self.url)).values()
        return {**self.headers, **self.csrf, "Cookie": "; ".join(f"{each.key}={each.value}" for each in cookies)}


async def main() -> None:
    """Log in, subscribe, update two keys, wait for the notification, look again."""
    from aiocometd_ng import Client, ConnectionType, Extension  # noqa: PLC0415 (the replayed test does without it)

    class Session(Extension):
        async def outgoing(self, _payload: Any, headers: dict[str, str]) -> None:
            headers.update(agent.comet_headers())

        async def incoming(self, _payload: Any, headers: dict[str, str] | None = None) -> None:
            pass

    # The client drops its own held /meta/connect when it closes, and asyncio would log that as an error.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    async with Agent(os.environ["GWS_REPLAY_URL"], "agent1", "sandbox") as agent:
        notifications = f"{agent.url}/api/v2/notifications"
        async with Client(notifications, ConnectionType.LONG_POLLING, extensions=[Session()]) as comet:
            await comet.subscribe("/v2/me/facebooksession")
            await agent.sessions()
            await agent.update_userdata(SESSION, UPDATE)
            await asyncio.wait_for(comet.receive(), timeout=30)
            await agent.sessions()


if __name__ == "__main__":
    asyncio.run(main())
