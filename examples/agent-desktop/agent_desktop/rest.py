"""The REST side of GWS."""

from typing import Any

import requests

_TIMEOUT = 30


class GwsError(Exception):
    """GWS refused a request; `status_code` is its own, or HTTP's where it has none."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(f"{status_code}: {message}")
        self.status_code = status_code


class Rest:
    """An agent's HTTP session with GWS: it keeps the cookie and the CSRF token."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.auth = (user, password)

    def login(self) -> dict[str, Any]:
        """Open the HTTP session and return the user. Its answer names the CSRF header, and holds the token."""
        answer = self.http.get(f"{self.url}/api/v2/me", timeout=_TIMEOUT)
        user: dict[str, Any] = _content(answer)["user"]
        if name := answer.headers.get("X-CSRF-HEADER"):
            self.http.headers[name] = answer.headers[name]
        return user

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask for a resource."""
        return _content(self.http.get(f"{self.url}/api/v2{path}", params=query, timeout=_TIMEOUT))

    def operate(self, path: str, operation: str, **parameters: Any) -> None:
        """Ask for an operation. It was only sent on when this returns: what comes of it is told by a notification."""
        body = {"operationName": operation, **parameters}
        _content(self.http.post(f"{self.url}/api/v2{path}", json=body, timeout=_TIMEOUT))

    def comet_headers(self) -> dict[str, str]:
        """Return what makes a CometD request belong to this HTTP session."""
        prepared = self.http.prepare_request(requests.Request("POST", self.url))
        names = ("Authorization", "Cookie", "X-CSRF-TOKEN")
        return {name: prepared.headers[name] for name in names if name in prepared.headers}


def _content(answer: requests.Response) -> dict[str, Any]:
    try:
        content: dict[str, Any] = answer.json()
    except requests.JSONDecodeError:
        raise GwsError(answer.status_code, answer.text) from None
    if content["statusCode"] != 0:
        raise GwsError(content["statusCode"], content["statusMessage"])
    return content
