"""Recordings with which users had problems, served to a client as they were sent in."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.server import ServedRun, serving
from gws_replay.storage.files import load_cassette

FILES = Path(__file__).parents[1] / "data" / "served"
CALM = 30
MARK_READ = {"operationName": "MarkRead"}


def run_of(name: str) -> ServedRun:
    """The run of a recording."""
    return ServedRun(load_cassette(FILES / f"{name}.yaml"))


def test_cookies_come_with_the_response_that_set_them() -> None:
    """The session cookie with the user's own value, any other as recorded."""
    with serving(run_of("cookies")) as server:
        response = requests.post(f"{server.url}/workspace/v3/initialize-workspace", data="", timeout=CALM)
    assert ["WORKSPACE_SESSIONID", "lang"] == sorted(response.cookies.keys())
    assert "de" == response.cookies["lang"]
    assert "cook1e77" != response.cookies["WORKSPACE_SESSIONID"]


def test_a_session_cookie_that_was_set_later_is_set_then() -> None:
    """Not with the first response of a user."""
    with serving(run_of("cookie-later")) as server, requests.Session() as session:
        session.auth = ("frieda", "anything")
        first = session.get(f"{server.url}/api/v2/diagnostics/version", timeout=CALM)
        second = session.get(f"{server.url}/api/v2/me", timeout=CALM)
    assert ([], ["JSESSIONID"]) == (list(first.cookies.keys()), list(second.cookies.keys()))
    assert "redacted" not in second.cookies["JSESSIONID"]


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://desktop.example"}], ids=["fast", "aiohttp"])
def test_a_method_in_lower_case_is_the_method(headers: dict[str, str]) -> None:
    """In the recording and from the client, also on a connection that aiohttp has taken over."""
    with serving(run_of("lower-case")) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=CALM)
        if headers:
            connection.request("GET", "/__gws_replay__")
            connection.getresponse().read()
        connection.request("post", "/api/v2/me", headers=headers)
        response = connection.getresponse()
        assert (200, b'{"statusCode": 0}') == (response.status, response.read())
        connection.close()


def test_resource_called_notifications_is_replayed_as_recorded() -> None:
    """Through the server and in the test process."""
    with serving(run_of("mark-read")) as server:
        served = requests.post(f"{server.url}/api/v2/me/notifications", json=MARK_READ, timeout=CALM)
    with replaying(ReplayRun(load_cassette(FILES / "mark-read.yaml"))):
        url = "https://gws.example.com/api/v2/me/notifications"
        in_process = requests.post(url, json=MARK_READ, timeout=CALM)
    assert [{"statusCode": 0}] * 2 == [served.json(), in_process.json()]
