"""The sandbox over real sockets: starting it, its data over REST, authentication and the CSRF token, the log."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gws_replay.errors import GwsReplayError
from gws_replay.sandbox.server import RunningSandbox, serving, start
from tests.support.sandboxes import CHANNEL, ONE, TWO, UPDATE, Agent


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox for one test."""
    with serving() as running:
        yield running


@pytest.fixture
def agent(sandbox: RunningSandbox) -> Iterator[Agent]:
    """A client that has logged in to it."""
    with Agent(sandbox) as agent:
        yield agent


def test_documented_data_is_there(agent: Agent) -> None:
    """Two sessions, with the values of the documentation's samples."""
    one, two = agent.get("/api/v2/me/facebooksessions?fields=*").json()["facebooksessions"]

    assert (
        one["id"],
        len(one["userData"]),
        one["userData"]["UserData1"],
        one["userData"]["UserData2"],
    ) == (ONE, 83, "DATA1", 123456789)
    assert tuple(
        one["userData"][key] for key in ("PegAGSocialMediaAgentGroup", "RTargetObjSelDBID", "RRequestedSkills")
    ) == (1, "117", None)
    assert (TWO, 12) == (two["id"], len(two["userData"]))


def test_list_without_fields_has_uris_that_lead_to_the_sessions(agent: Agent) -> None:
    """Without fields=* a list names the resources only."""
    uris = agent.get("/api/v2/me/facebooksessions").json()["uris"]

    assert [f"{agent.url}/api/v2/facebooksessions/{session_id}" for session_id in (ONE, TWO)] == uris
    assert agent.http.get(uris[1], timeout=60).json()["facebooksession"] == agent.facebooksession(TWO)


def test_uris_name_the_host_that_the_client_used(agent: Agent) -> None:
    """All addresses in a response are complete, and lead back the way the client came."""
    path = f"/api/v2/me/facebooksessions/{ONE}"
    answered = agent.http.get(agent.url + path, headers={"Host": "gws.example:8090"}, timeout=60).json()

    found = answered["facebooksession"]
    assert f"http://gws.example:8090/api/v2/facebooksessions/{ONE}" == found["uri"]
    assert found["suggestedQueueUris"][0].startswith("http://gws.example:8090/api/v2/queues/")
    assert found["participants"][0]["uri"].startswith("http://gws.example:8090/api/v2/users/")


def test_version_needs_no_credentials(sandbox: RunningSandbox) -> None:
    """It is what people try first."""
    answered = requests.get(f"{sandbox.url}/api/v2/diagnostics/version", timeout=60)

    assert (200, {"statusCode": 0, "version": "8.5.200.50"}) == (answered.status_code, answered.json())


def test_rest_responses_are_gzipped_when_the_client_accepts_it(agent: Agent) -> None:
    """Packed or not, the content is the same."""
    packed = agent.get("/api/v2/me")
    plain = agent.http.get(f"{agent.url}/api/v2/me", headers={"Accept-Encoding": "identity"}, timeout=60)

    assert "gzip" == packed.headers["Content-Encoding"]
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == packed.json()


def test_user_and_password_can_be_chosen() -> None:
    """The password may hold a colon; the usual credentials are refused then."""
    with serving(user="ksippo", password="a:b") as running, requests.Session() as http:
        assert 401 == http.get(f"{running.url}/api/v2/me", auth=("agent1", "sandbox"), timeout=60).status_code
        answered = http.get(f"{running.url}/api/v2/me", auth=("ksippo", "a:b"), timeout=60).json()

    assert "ksippo" == answered["user"]["userName"]


# Authentication and the CSRF token


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic " + base64.b64encode(b"agent1:wrong").decode(), "Basic !", "Basic \u00e9", "Bearer abc", ""],
)
@pytest.mark.parametrize("path", ["/api/v2/me", "/api/v2/notifications", "/api/v2/unheard"])
def test_request_without_valid_credentials_is_denied(
    sandbox: RunningSandbox, authorization: str | None, path: str
) -> None:
    """Whatever was sent instead, and wherever."""
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    answered = requests.post(sandbox.url + path, json=[], headers=headers, timeout=60)

    assert (401, {"statusCode": 20, "statusMessage": "Access denied"}) == (answered.status_code, answered.json())
    assert answered.headers["WWW-Authenticate"].startswith("Basic")


def test_login_gives_a_session_cookie_that_stands_for_the_credentials(sandbox: RunningSandbox) -> None:
    """And a CSRF token that lives as long as the session."""
    with requests.Session() as http:
        first = http.get(f"{sandbox.url}/api/v2/me", auth=("agent1", "sandbox"), timeout=60)
        second = http.get(f"{sandbox.url}/api/v2/me", timeout=60)

    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith("JSESSIONID=")
    assert {"HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert "Set-Cookie" not in second.headers
    assert 200 == second.status_code
    assert "X-CSRF-TOKEN" == first.headers["X-CSRF-HEADER"]
    assert second.headers["X-CSRF-TOKEN"] == first.headers["X-CSRF-TOKEN"]


def test_wrong_password_counts_for_more_than_a_cookie(agent: Agent) -> None:
    """A session does not cover for it."""
    assert 401 == agent.http.get(f"{agent.url}/api/v2/me", auth=("agent1", "wrong"), timeout=60).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v2/me", f"/api/v2/me/facebooksessions/{ONE}", "/api/v2/unheard"])
@pytest.mark.parametrize("token", [None, "4a92be65-ec55-4aa2-b9df-9518fd870f2f"])
def test_modifying_request_without_the_token_is_refused(
    agent: Agent, method: str, path: str, token: str | None
) -> None:
    """With 403, and nothing changes."""
    before = agent.userdata(ONE)

    answered = agent.http.request(method, agent.url + path, json=UPDATE, headers={"X-CSRF-TOKEN": token}, timeout=60)

    assert (403, "Missing or invalid Csrf token") == (answered.status_code, answered.text)
    assert before == agent.userdata(ONE)


def test_client_without_a_cookie_store_gets_the_csrf_error(agent: Agent) -> None:
    """A token without its session is worth nothing."""
    headers = {"X-CSRF-TOKEN": str(agent.http.headers["X-CSRF-TOKEN"])}

    answered = requests.post(
        f"{agent.url}/api/v2/me", json=UPDATE, headers=headers, auth=("agent1", "sandbox"), timeout=10
    )

    assert (403, "Missing or invalid Csrf token") == (answered.status_code, answered.text)


def test_ending_the_contact_center_session_ends_the_http_session(agent: Agent) -> None:
    """The cookie is worth nothing any more."""
    started = agent.post("/api/v2/me", {"operationName": "StartContactCenterSession", "channels": ["voice"]})
    ended = agent.post("/api/v2/me", {"operationName": "EndContactCenterSession"})
    agent.http.auth = None

    assert ({"statusCode": 0}, {"statusCode": 0}) == (started.json(), ended.json())
    assert {"statusCode": 20, "statusMessage": "Access denied"} == agent.get("/api/v2/me").json()


def test_busy_port_is_named_with_the_next_step(sandbox: RunningSandbox) -> None:
    """In one sentence."""
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(GwsReplayError, match=f"^Port {port} on 127.0.0.1 is in use: choose another port, or 0 for"):
        asyncio.run(start(port=port))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 65536}, "^Port 65536 on 127.0.0.1 cannot be used"),
        ({"host": "203.0.113.1"}, "^Port 0 on 203.0.113.1 cannot be used"),
        ({"fault": "no-such"}, "^unknown fault 'no-such': use one of extra-key, "),
        ({"push_delay": -1}, "^push delay must be 0 seconds or more, got -1"),
        ({"push_delay": float("nan")}, "push delay must be .* got nan"),
        ({"push_delay": float("inf")}, "push delay must be .* got inf"),
    ],
)
def test_option_that_cannot_be_met_is_one_sentence(options: Any, message: str) -> None:
    """That names it and its value."""
    with pytest.raises(GwsReplayError, match=message), serving(**options):
        pass


def test_log_names_operations_and_statuses_and_no_values() -> None:
    """A line for each request."""
    lines: list[str] = []
    with serving(log=lines.append) as running, Agent(running) as agent:
        agent.listen()
        agent.operate(UPDATE)
        agent.operate({"operationName": "secret value\n"})
        agent.notifications()
        agent.get("/api/v2/me/facebooksessions?fields=secret")

    path = f"/api/v2/me/facebooksessions/{ONE}"
    assert lines[-5:] == [
        "POST /api/v2/notifications /meta/connect -> 200 /meta/connect",
        f"POST {path} UpdateUserData -> 200 statusCode 0",
        f"POST {path} ? -> 200 statusCode 3",
        f"POST /api/v2/notifications /meta/connect -> 200 {CHANNEL}, /meta/connect",
        "GET /api/v2/me/facebooksessions -> 200 statusCode 0",
    ]
