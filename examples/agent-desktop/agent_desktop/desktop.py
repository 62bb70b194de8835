"""The desktop: what an agent does with Facebook sessions."""

import asyncio
from typing import Any, Self

from agent_desktop.notifications import Notifications
from agent_desktop.rest import Rest

_CHANNEL = "/v2/me/facebooksession"


class Desktop:
    """An agent at work: `async with` logs in, connects and starts the contact center session, and ends it all."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.rest = Rest(url, user, password)
        self.user: dict[str, Any] = {}
        self._notifications: Notifications

    async def __aenter__(self) -> Self:
        self.user = await asyncio.to_thread(self.rest.login)
        await self._connect()
        await self._operate("/me", "StartContactCenterSession", channels=["facebooksession"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._notifications.close()
        await self._operate("/me", "EndContactCenterSession")
        self.rest.http.close()

    async def sessions(self) -> dict[str, dict[str, Any]]:
        """Return the agent's Facebook sessions by id."""
        content = await asyncio.to_thread(self.rest.get, "/me/facebooksessions", fields="*")
        return {session["id"]: session for session in content["facebooksessions"]}

    async def update_userdata(self, session_id: str, userdata: dict[str, Any]) -> dict[str, Any]:
        """Overwrite keys of a session's userData, and return the userData that GWS then tells of."""
        await self._operate(f"/me/facebooksessions/{session_id}", "UpdateUserData", userData=userdata)

        def shows_it(data: dict[str, Any]) -> bool:
            session: dict[str, Any] = data.get("facebooksession", {})
            shown = session.get("userData", {})
            return session.get("id") == session_id and shown == {**shown, **userdata}

        notification = await self._notifications.wait_for(shows_it)
        return dict(notification["facebooksession"]["userData"])

    async def reconnect(self) -> dict[str, dict[str, Any]]:
        """Connect anew after a lost connection; return the sessions, since notifications may have been missed."""
        await self._notifications.close()
        await self._connect()
        return await self.sessions()

    async def _operate(self, path: str, operation: str, **parameters: Any) -> None:
        await asyncio.to_thread(self.rest.operate, path, operation, **parameters)

    async def _connect(self) -> None:
        self._notifications = Notifications(self.rest.url, _CHANNEL, self.rest.comet_headers)
        await self._notifications.open()
