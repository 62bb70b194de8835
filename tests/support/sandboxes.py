"""Clients of the sandbox for its tests: REST on `requests`, and a minimal CometD client."""

import base64
import json
from typing import Any, Self

import requests
from aiocometd_ng.extensions import Extension

from gws_replay.sandbox.server import RunningSandbox

ONE, TWO = "0002DaAVKJ0V0095", "0002DaAVKJ0V0097"
CHANNEL = "/v2/me/facebooksession"
UPDATE = {"operationName": "UpdateUserData", "userData": {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}}
AUTHORIZATION = {"Authorization": "Basic " + base64.b64encode(b"agent1:sandbox").decode()}
ABSENT = "(absent)"


class Agent:
    """A logged-in client on `requests`, with a minimal CometD client."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.url = sandbox.url
        self.http = requests.Session()
        self.http.auth = (sandbox.user, sandbox.password)
        self.http.headers["X-CSRF-TOKEN"] = self.get("/api/v2/me").headers["X-CSRF-TOKEN"]
        self.client_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path, timeout=60)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(self.url + path, json=body, timeout=60)

    def operate(self, body: Any, session_id: str = ONE) -> Any:
        return self.post(f"/api/v2/me/facebooksessions/{session_id}", body).json()

    def facebooksession(self, session_id: str) -> Any:
        return self.get(f"/api/v2/me/facebooksessions/{session_id}").json()["facebooksession"]

    def userdata(self, session_id: str) -> Any:
        return self.facebooksession(session_id)["userData"]

    def bayeux(self, *messages: dict[str, Any], path: str = "") -> list[Any]:
        answered = self.post(f"/api/v2/notifications{path}", list(messages)).json()
        assert isinstance(answered, list)
        return answered

    def listen(self, subscription: str = CHANNEL) -> None:
        self.client_id = self.bayeux({"channel": "/meta/handshake"})[0]["clientId"]
        message = {"channel": "/meta/subscribe", "clientId": self.client_id, "subscription": subscription}
        assert self.bayeux(message)[0]["successful"]
        assert self.bayeux(self.connecting())[0]["successful"]

    def connecting(self) -> dict[str, Any]:
        return {"channel": "/meta/connect", "clientId": self.client_id, "connectionType": "long-polling"}

    def notifications(self, *, until: str = "PropertiesUpdated") -> list[Any]:
        """What is pushed, up to the first notification of that type."""
        found: list[Any] = []
        while not any(each["notificationType"] == until for each in found):
            found += [each["data"] for each in self.bayeux(self.connecting()) if each["channel"] == CHANNEL]
        return found


class Credentials(Extension):
    """Adds the Authorization header that GWS wants on every CometD request."""

    async def outgoing(self, payload: Any, headers: dict[str, str]) -> None:
        headers.update(AUTHORIZATION)

    async def incoming(self, payload: Any, headers: Any = None) -> None:
        pass


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each key that is not the same, value and type, with what it was and is."""
    return {
        key: (before.get(key, ABSENT), after.get(key, ABSENT))
        for key in {**before, **after}
        if json.dumps(before.get(key, ABSENT)) != json.dumps(after.get(key, ABSENT))
    }
