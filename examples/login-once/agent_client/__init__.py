"""A client of Genesys Web Services: one HTTP session for an agent, and a CometD client that polls in a thread."""

import os
import threading
import time
from typing import Any

import requests

TIMEOUT = 30
URL = os.environ.get("GWS_URL", "https://gws.example.com")
USER = os.environ.get("GWS_USER", "agent1"), os.environ.get("GWS_PASSWORD", "sandbox")


class Rest:
    """An agent's HTTP session: it keeps the cookie and the CSRF token."""

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False  # its thread polls while pytest changes the environment between tests
        self.http.auth = USER

    def login(self) -> dict[str, Any]:
        """Open the HTTP session and return the user."""
        response = self.http.get(f"{URL}/api/v2/me", timeout=TIMEOUT)
        self.http.headers[response.headers["X-CSRF-HEADER"]] = response.headers["X-CSRF-TOKEN"]
        user: dict[str, Any] = response.json()["user"]
        return user

    def version(self) -> str:
        """Return the server's version."""
        version: str = self.http.get(f"{URL}/api/v2/diagnostics/version", timeout=TIMEOUT).json()["version"]
        return version

    def sessions(self) -> dict[str, dict[str, Any]]:
        """Return the agent's Facebook sessions by id."""
        response = self.http.get(f"{URL}/api/v2/me/facebooksessions?fields=*", timeout=TIMEOUT)
        return {session["id"]: session for session in response.json()["facebooksessions"]}

    def operate(self, session_id: str, operation: str, **parameters: Any) -> int:
        """Request an operation on a session; return its statusCode."""
        body = {"operationName": operation, **parameters}
        response = self.http.post(f"{URL}/api/v2/me/facebooksessions/{session_id}", json=body, timeout=TIMEOUT)
        status: int = response.json()["statusCode"]
        return status


class Notifications:
    """A CometD client that polls in a thread, until it is closed."""

    def __init__(self, rest: Rest) -> None:
        self._http = rest.http
        self._arrived = threading.Condition()
        self.received: list[dict[str, Any]] = []
        self._client_id = self._send(channel="/meta/handshake", version="1.0")["clientId"]
        self._send(channel="/meta/subscribe", subscription="/v2/me/*")
        self._is_open = True
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnect, and wait until the thread has ended."""
        self._is_open = False
        self._send(channel="/meta/disconnect")
        self._thread.join(TIMEOUT)

    def wait_for(self, session_id: str, key: str, value: Any, *, after: int = 0) -> dict[str, Any]:
        """Return the userData of the first notification, from a number on, that shows a value of a session."""

        def found() -> dict[str, Any] | None:
            for each in self.received[after:]:
                session = each.get("facebooksession", {})
                if session.get("id") == session_id and session.get("userData", {}).get(key) == value:
                    return dict(session["userData"])
            return None

        until = time.monotonic() + TIMEOUT
        with self._arrived:
            while (userdata := found()) is None:
                if not self._arrived.wait(until - time.monotonic()):
                    raise TimeoutError(f"no notification shows {key}={value!r}")
        return userdata

    def _poll(self) -> None:
        while self._is_open:
            self._send(channel="/meta/connect", connectionType="long-polling")

    def _send(self, **message: Any) -> dict[str, Any]:
        if client_id := getattr(self, "_client_id", ""):
            message["clientId"] = client_id
        response = self._http.post(f"{URL}/api/v2/notifications", json=[{"id": "1", **message}], timeout=60)
        own: dict[str, Any] = {}
        with self._arrived:
            for each in response.json():
                if each["channel"] == message["channel"]:
                    own = each
                elif "data" in each:
                    self.received.append(each["data"])
            self._arrived.notify_all()
        return own
