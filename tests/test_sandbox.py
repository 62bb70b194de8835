"""The sandbox over real sockets: requests, aiohttp and a real CometD client against the documented behaviour."""

import asyncio
import base64
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, Self

import aiohttp
import pytest
import requests
from aiocometd_ng import ConnectionType
from aiocometd_ng.client import Client
from aiocometd_ng.extensions import Extension
from aiohttp import web

from gws_replay.errors import GwsReplayError
from gws_replay.sandbox import RunningSandbox, serving, start
from gws_replay.sandbox_faults import FAULTS, Operation, faithful
from gws_replay.sandbox_pushes import Pushes

ONE, TWO = "0002DaAVKJ0V0095", "0002DaAVKJ0V0097"
CHANNEL = "/v2/me/facebooksession"
UPDATE = {"operationName": "UpdateUserData", "userData": {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}}
AUTHORIZATION = {"Authorization": "Basic " + base64.b64encode(b"agent1:sandbox").decode()}
ABSENT = "(absent)"


class Agent:
    """A logged-in client on `requests`, with a CometD client of the plainest kind beside it."""

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
        return self.http.get(self.url + path, timeout=10)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(self.url + path, json=body, timeout=10)

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


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serving() as running:
        yield running


@pytest.fixture
def agent(sandbox: RunningSandbox) -> Iterator[Agent]:
    with Agent(sandbox) as agent:
        yield agent


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each key that is not the same, value and type, with what it was and is."""
    return {
        key: (before.get(key, ABSENT), after.get(key, ABSENT))
        for key in {**before, **after}
        if json.dumps(before.get(key, ABSENT)) != json.dumps(after.get(key, ABSENT))
    }


# The documented data and REST


def test_documented_data_is_there(agent: Agent) -> None:
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
    assert (two["id"], len(two["userData"])) == (TWO, 12)


def test_list_without_fields_has_uris_that_lead_to_the_sessions(agent: Agent) -> None:
    uris = agent.get("/api/v2/me/facebooksessions").json()["uris"]

    assert uris == [f"{agent.url}/api/v2/facebooksessions/{session_id}" for session_id in (ONE, TWO)]
    assert agent.http.get(uris[1], timeout=10).json()["facebooksession"] == agent.facebooksession(TWO)


def test_uris_name_the_host_that_the_client_used(agent: Agent) -> None:
    path = f"/api/v2/me/facebooksessions/{ONE}"
    answered = agent.http.get(agent.url + path, headers={"Host": "gws.example:8090"}, timeout=10).json()

    found = answered["facebooksession"]
    assert found["uri"] == f"http://gws.example:8090/api/v2/facebooksessions/{ONE}"
    assert found["suggestedQueueUris"][0].startswith("http://gws.example:8090/api/v2/queues/")
    assert found["participants"][0]["uri"].startswith("http://gws.example:8090/api/v2/users/")


def test_version_needs_no_credentials(sandbox: RunningSandbox) -> None:
    answered = requests.get(f"{sandbox.url}/api/v2/diagnostics/version", timeout=10)

    assert (answered.status_code, answered.json()) == (200, {"statusCode": 0, "version": "8.5.200.50"})


def test_rest_answers_are_gzipped_when_the_client_accepts_it(agent: Agent) -> None:
    packed = agent.get("/api/v2/me")
    plain = agent.http.get(f"{agent.url}/api/v2/me", headers={"Accept-Encoding": "identity"}, timeout=10)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == packed.json()


def test_user_and_password_can_be_chosen() -> None:
    with serving(user="ksippo", password="a:b") as running, requests.Session() as http:
        assert http.get(f"{running.url}/api/v2/me", auth=("agent1", "sandbox"), timeout=10).status_code == 401
        answered = http.get(f"{running.url}/api/v2/me", auth=("ksippo", "a:b"), timeout=10).json()

    assert answered["user"]["userName"] == "ksippo"


# Authentication and the CSRF token


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic " + base64.b64encode(b"agent1:wrong").decode(), "Basic !", "Basic \u00e9", "Bearer abc", ""],
)
@pytest.mark.parametrize("path", ["/api/v2/me", "/api/v2/notifications", "/api/v2/unheard"])
def test_request_without_valid_credentials_is_denied(
    sandbox: RunningSandbox, authorization: str | None, path: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    answered = requests.post(sandbox.url + path, json=[], headers=headers, timeout=10)

    assert (answered.status_code, answered.json()) == (401, {"statusCode": 20, "statusMessage": "Access denied"})
    assert answered.headers["WWW-Authenticate"].startswith("Basic")


def test_login_gives_a_session_cookie_that_stands_for_the_credentials(sandbox: RunningSandbox) -> None:
    with requests.Session() as http:
        first = http.get(f"{sandbox.url}/api/v2/me", auth=("agent1", "sandbox"), timeout=10)
        second = http.get(f"{sandbox.url}/api/v2/me", timeout=10)

    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith("JSESSIONID=")
    assert {"HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert "Set-Cookie" not in second.headers
    assert second.status_code == 200
    assert first.headers["X-CSRF-HEADER"] == "X-CSRF-TOKEN"
    assert first.headers["X-CSRF-TOKEN"] == second.headers["X-CSRF-TOKEN"]


def test_wrong_password_counts_for_more_than_a_cookie(agent: Agent) -> None:
    assert agent.http.get(f"{agent.url}/api/v2/me", auth=("agent1", "wrong"), timeout=10).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v2/me", f"/api/v2/me/facebooksessions/{ONE}", "/api/v2/unheard"])
@pytest.mark.parametrize("token", [None, "4a92be65-ec55-4aa2-b9df-9518fd870f2f"])
def test_modifying_request_without_the_token_is_refused(
    agent: Agent, method: str, path: str, token: str | None
) -> None:
    before = agent.userdata(ONE)

    answered = agent.http.request(method, agent.url + path, json=UPDATE, headers={"X-CSRF-TOKEN": token}, timeout=10)

    assert (answered.status_code, answered.text) == (403, "Missing or invalid Csrf token")
    assert agent.userdata(ONE) == before


def test_client_without_a_cookie_store_gets_the_csrf_error(agent: Agent) -> None:
    headers = {"X-CSRF-TOKEN": str(agent.http.headers["X-CSRF-TOKEN"])}

    answered = requests.post(
        f"{agent.url}/api/v2/me", json=UPDATE, headers=headers, auth=("agent1", "sandbox"), timeout=10
    )

    assert (answered.status_code, answered.text) == (403, "Missing or invalid Csrf token")


def test_ending_the_contact_center_session_ends_the_http_session(agent: Agent) -> None:
    started = agent.post("/api/v2/me", {"operationName": "StartContactCenterSession", "channels": ["voice"]})
    ended = agent.post("/api/v2/me", {"operationName": "EndContactCenterSession"})
    agent.http.auth = None

    assert (started.json(), ended.json()) == ({"statusCode": 0}, {"statusCode": 0})
    assert agent.get("/api/v2/me").json() == {"statusCode": 20, "statusMessage": "Access denied"}


# Operations


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (UPDATE, {"UserData1": ("DATA1", 987654321), "UserData2": (123456789, "DATAUPDATE-@123")}),
        ({"operationName": "AttachUserData", "userData": {"UserData3": [1.0]}}, {"UserData3": (ABSENT, [1.0])}),
        ({"operationName": "AttachUserData", "userData": {"PageUri": "/page"}}, {"PageUri": (ABSENT, "/page")}),
        ({"operationName": "DeleteUserData", "keys": ["UserData1", "none"]}, {"UserData1": ("DATA1", ABSENT)}),
        ({"operationName": "SetDisposition", "disposition": "open"}, {"DISP_KEY": ("resolved", "open")}),
        (
            {"operationName": "SetDisposition", "disposition": "open", "dispositionKey": "DispositionCode"},
            {"DispositionCode": (ABSENT, "open")},
        ),
    ],
)
def test_userdata_operation_changes_its_keys_and_notifies_the_whole(
    agent: Agent, body: dict[str, Any], changed: dict[str, tuple[Any, Any]]
) -> None:
    agent.listen()
    before, other = agent.facebooksession(ONE), agent.facebooksession(TWO)

    assert agent.operate(body) == {"statusCode": 0}

    (notification,) = agent.notifications()
    after = agent.facebooksession(ONE)
    assert differences(before["userData"], after["userData"]) == changed
    assert notification == {
        "referenceId": 11,
        "notificationType": "PropertiesUpdated",
        "messageType": "FacebooksessionStateChangeMessage",
        "facebooksession": after,
    }
    assert {**after, "userData": 0} == {**before, "userData": 0}
    assert agent.facebooksession(TWO) == other


def test_comment_is_stored_and_its_notification_leaves_userdata_out(agent: Agent) -> None:
    agent.listen()

    assert agent.operate({"operationName": "AddComment", "comment": "Called back"}) == {"statusCode": 0}

    (notification,) = agent.notifications()
    after = agent.facebooksession(ONE)
    assert after["comment"] == "Called back"
    assert notification["facebooksession"] == {key: value for key, value in after.items() if key != "userData"}


def test_complete_changes_the_state_and_ends_operations(agent: Agent) -> None:
    agent.listen()

    assert agent.operate({"operationName": "Complete"}, TWO) == {"statusCode": 0}

    (notification,) = agent.notifications(until="StatusChange")
    assert notification["facebooksession"]["state"] == "Completed"
    assert agent.facebooksession(TWO) == notification["facebooksession"]
    assert agent.operate(UPDATE, TWO)["statusCode"] == 2


def test_notification_is_a_snapshot_of_its_request(agent: Agent) -> None:
    agent.listen()
    for number in (1, 2, 3):
        agent.operate({"operationName": "UpdateUserData", "userData": {"UserData1": number}})
    agent.operate({"operationName": "Complete"})

    pushed = agent.notifications(until="StatusChange")

    assert [each["referenceId"] for each in pushed] == [11, 12, 13, 14]
    assert [each["facebooksession"]["userData"]["UserData1"] for each in pushed] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("body", "status_code", "message"),
    [
        ({}, 1, "Required parameter operationName is missing"),
        ({"operationName": "UpdateUserData"}, 1, "Required parameter userData is missing"),
        ({"operationName": "AttachUserData", "userData": None}, 1, "Required parameter userData is missing"),
        ({"operationName": "DeleteUserData", "userData": {}}, 1, "Required parameter keys is missing"),
        ({"operationName": "AddComment"}, 1, "Required parameter comment is missing"),
        ({"operationName": "SetDisposition"}, 1, "Required parameter disposition is missing"),
        ({"operationName": "Fly"}, 3, "Operation Fly is forbidden"),
        ({"operationName": 7}, 3, "Operation 7 is forbidden"),
        ({"operationName": "UpdateUserData", "userData": [1]}, 10, "Parameter userData is not valid"),
        ({"operationName": "DeleteUserData", "keys": "UserData1"}, 10, "Parameter keys is not valid"),
        ({"operationName": "DeleteUserData", "keys": [1]}, 10, "Parameter keys is not valid"),
        ({"operationName": "AddComment", "comment": 1}, 10, "Parameter comment is not valid"),
        ([UPDATE], 10, "The request body is not a JSON object"),
    ],
)
def test_error_answers_and_leaves_the_data_alone(agent: Agent, body: Any, status_code: int, message: str) -> None:
    before = agent.facebooksession(ONE)

    answered = agent.post(f"/api/v2/me/facebooksessions/{ONE}", body)

    expected = {"statusCode": status_code, "statusMessage": message}
    assert (200, expected) == (answered.status_code, answered.json())
    assert agent.facebooksession(ONE) == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"operationName": NaN}', b'{"a": 1e400}', b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"],
)
@pytest.mark.parametrize("path", ["/api/v2/me", f"/api/v2/me/facebooksessions/{ONE}"])
def test_body_that_is_not_json_is_an_input_error(agent: Agent, body: bytes, path: str) -> None:
    answered = agent.http.post(agent.url + path, data=body, timeout=10)

    assert (answered.status_code, answered.json()["statusCode"]) == (200, 10)


@pytest.mark.parametrize(
    ("body", "status_code"), [({}, 1), ({"operationName": "Fly"}, 3), ([], 10), ({"operationName": None}, 3)]
)
def test_errors_of_operations_on_me(agent: Agent, body: Any, status_code: int) -> None:
    assert agent.post("/api/v2/me", body).json()["statusCode"] == status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/me/facebooksessions/none"),
        ("POST", "/api/v2/me/facebooksessions/none"),
        ("GET", "/api/v2/me/calls"),
        ("DELETE", f"/api/v2/me/facebooksessions/{ONE}"),
        ("GET", "/api/v2/notifications"),
        ("GET", "/"),
    ],
)
def test_unknown_session_or_url_is_not_found(agent: Agent, method: str, path: str) -> None:
    answered = agent.http.request(method, agent.url + path, json=UPDATE, timeout=10)

    assert (answered.status_code, answered.json()) == (404, {"statusCode": 6, "statusMessage": "Resource not found"})


# CometD


@pytest.mark.parametrize("subscription", [CHANNEL, "/v2/me/*", "/**"])
def test_real_cometd_client_gets_the_notification(agent: Agent, subscription: str) -> None:
    async def converse() -> Any:
        url = f"{agent.url}/api/v2/notifications"
        async with Client(url, ConnectionType.LONG_POLLING, extensions=[Credentials()]) as client:
            await client.subscribe(subscription)
            assert await asyncio.to_thread(agent.operate, UPDATE) == {"statusCode": 0}
            return await client.receive()

    received = asyncio.run(converse())

    assert received["channel"] == CHANNEL
    assert received["data"]["facebooksession"] == agent.facebooksession(ONE)


def test_cookie_of_the_browser_is_set_once(agent: Agent) -> None:
    first = agent.post("/api/v2/notifications/handshake", [{"channel": "/meta/handshake"}])
    second = agent.post("/api/v2/notifications", [{"channel": "/meta/handshake"}])

    assert first.headers["Set-Cookie"].startswith("BAYEUX_BROWSER=")
    assert "Set-Cookie" not in second.headers
    assert "Content-Encoding" not in first.headers


@pytest.mark.parametrize("path", ["", "/", "/connect", "/handshake", "/any/where"])
def test_messages_are_routed_by_channel_and_not_by_url(agent: Agent, path: str) -> None:
    agent.listen()

    (reply,) = agent.bayeux({**agent.connecting(), "advice": {"timeout": 0}}, path=path)

    assert (reply["channel"], reply["successful"]) == ("/meta/connect", True)


def test_cometd_wants_no_csrf_token(agent: Agent) -> None:
    del agent.http.headers["X-CSRF-TOKEN"]

    assert agent.bayeux({"channel": "/meta/handshake"})[0]["successful"]


@pytest.mark.parametrize("encoding", [None, "gzip", "chunked"])
def test_single_message_and_packed_and_chunked_bodies_are_taken(agent: Agent, encoding: str | None) -> None:
    body = json.dumps({"channel": "/meta/handshake", "id": "1"}).encode()
    sent: Any = {None: body, "gzip": gzip.compress(body), "chunked": iter([body[:9], body[9:]])}[encoding]
    headers = {"Content-Encoding": "gzip"} if encoding == "gzip" else {}

    answered = agent.http.post(f"{agent.url}/api/v2/notifications", data=sent, headers=headers, timeout=10)

    assert (answered.json()[0]["id"], answered.json()[0]["successful"]) == ("1", True)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"", ""), (b"{", ""), (b'"text"', ""), (b"[]", "gzip"), (gzip.compress(b"[]")[:-9], "gzip")],
)
def test_body_that_is_no_bayeux_is_refused_with_one_sentence(agent: Agent, body: bytes, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    answered = agent.http.post(f"{agent.url}/api/v2/notifications", data=body, headers=headers, timeout=10)

    assert (answered.status_code, answered.text) == (400, "The body is not JSON with Bayeux messages.")


def test_client_that_hangs_up_frees_its_connect_and_gets_its_notification_on_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    freed = threading.Event()

    class Watched(Pushes):
        def abandon(self, ticket: int, now: float) -> None:
            super().abandon(ticket, now)
            freed.set()

    monkeypatch.setattr("gws_replay.sandbox_http.Pushes", Watched)
    with serving() as running, Agent(running) as agent:
        agent.listen()
        body = json.dumps([agent.connecting()])
        head = ["POST /api/v2/notifications HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in AUTHORIZATION.items()]
        with socket.create_connection(("127.0.0.1", int(agent.url.rpartition(":")[2]))) as connection:
            connection.sendall("\r\n".join([*head, "", body]).encode())
            assert agent.get("/api/v2/me").status_code == 200

        assert freed.wait(10)
        agent.operate(UPDATE)
        assert [each["referenceId"] for each in agent.notifications()] == [11]


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), asyncio.CancelledError()])
def test_notification_of_an_answer_that_cannot_be_written_is_kept(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    agent.listen()
    agent.operate(UPDATE)

    async def fail(_response: web.Response, _data: bytes = b"") -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(web.Response, "write_eof", fail)
        with pytest.raises(requests.ConnectionError):
            agent.bayeux(agent.connecting())

    assert [each["referenceId"] for each in agent.notifications()] == [11]


def test_silent_client_is_told_to_shake_hands_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gws_replay.sandbox_http.Pushes", partial(Pushes, max_silence=-1.0))
    with serving() as running, Agent(running) as agent:
        agent.client_id = agent.bayeux({"channel": "/meta/handshake"})[0]["clientId"]
        (reply,) = agent.bayeux(agent.connecting())

    assert reply["error"] == "402::Unknown client"
    assert reply["advice"]["reconnect"] == "handshake"


def test_second_connect_of_a_client_ends_the_first(agent: Agent) -> None:
    agent.listen()

    async def converse() -> tuple[Any, Any]:
        url = f"{agent.url}/api/v2/notifications"
        async with aiohttp.ClientSession(headers=AUTHORIZATION) as http:
            both = [asyncio.create_task(http.post(url, json=agent.connecting())) for _ in range(2)]
            (ended,), (held,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(agent.operate, UPDATE)
            return await ended.result().json(), await (await held).json()

    ended, held = asyncio.run(converse())

    assert ended == [{"channel": "/meta/connect", "successful": True}]
    assert [each["channel"] for each in held] == [CHANNEL, "/meta/connect"]


def test_close_ends_held_connects() -> None:
    async def converse() -> Any:
        running = await start()
        url = f"{running.url}/api/v2/notifications"
        async with aiohttp.ClientSession(headers=AUTHORIZATION) as http:
            shaken = await (await http.post(url, json={"channel": "/meta/handshake"})).json()
            connecting = {"channel": "/meta/connect", "clientId": shaken[0]["clientId"]}
            await (await http.post(url, json=connecting)).read()
            # The held connect goes first, on the connection that is open; the other needs a new one.
            held = asyncio.create_task(http.post(url, json=connecting))
            await asyncio.create_task(http.get(f"{running.url}/api/v2/me"))
            await running.close()
            return await (await held).json()

    assert asyncio.run(asyncio.wait_for(converse(), 10)) == [{"channel": "/meta/connect", "successful": True}]


# Faults: what GET shows, what the notifications show, and what the other session shows, each against the start


SENT = {"UserData1": ("DATA1", 987654321), "UserData2": (123456789, "DATAUPDATE-@123")}
EXTRA = {**SENT, "FirstName": ("Vitaliy", "Vitaliy*")}
ADDED = {**SENT, "SandboxAddedKey": (ABSENT, "added")}
DROPPED = {**SENT, "Subject": ("Hellomyfriend!", ABSENT)}
WRONG = {**SENT, "UserData1": ("DATA1", 987654322)}
STRING = {**SENT, "UserData1": ("DATA1", "987654321")}
TOUCHED = {"UserData1": (ABSENT, 987654321), "UserData2": (ABSENT, "DATAUPDATE-@123")}


@pytest.mark.parametrize(
    ("fault", "stored", "notified", "other"),
    [
        (None, SENT, [(ONE, SENT)], {}),
        ("extra-key", EXTRA, [(ONE, EXTRA)], {}),
        ("added-key", ADDED, [(ONE, ADDED)], {}),
        ("dropped-key", DROPPED, [(ONE, DROPPED)], {}),
        ("wrong-value", WRONG, [(ONE, WRONG)], {}),
        ("number-to-string", STRING, [(ONE, STRING)], {}),
        ("lost-update", {}, [], {}),
        ("not-stored", {}, [(ONE, SENT)], {}),
        ("other-session", SENT, [(ONE, SENT), (TWO, TOUCHED)], TOUCHED),
        ("stale-notification", SENT, [(ONE, {})], {}),
    ],
)
def test_fault_is_wrong_in_its_own_way_only(
    fault: str | None, stored: dict[str, Any], notified: list[Any], other: dict[str, Any]
) -> None:
    with serving(fault=fault, push_delay=0.001) as running, Agent(running) as agent:
        agent.listen()
        before = {each: agent.userdata(each) for each in (ONE, TWO)}
        assert agent.operate(UPDATE) == {"statusCode": 0}
        after = {each: agent.userdata(each) for each in (ONE, TWO)}
        agent.operate({"operationName": "Complete"})  # its notification shows that no more of the update's will come
        *pushed, last = agent.notifications(until="StatusChange")

    assert differences(before[ONE], after[ONE]) == stored
    assert differences(before[TWO], after[TWO]) == other
    assert last["notificationType"] == "StatusChange"
    shown = [each["facebooksession"] for each in pushed]
    assert [(each["id"], differences(before[each["id"]], each["userData"])) for each in shown] == notified


def test_every_fault_is_tested() -> None:
    (mark,) = [mark for mark in test_fault_is_wrong_in_its_own_way_only.pytestmark if mark.name == "parametrize"]

    assert {row[0] for row in mark.args[1]} == {None, *FAULTS}


@pytest.mark.parametrize(
    "operation",
    [
        Operation(before={"a": 1, "b": "x"}, removed=("a",), other={"c": None}),
        Operation(before={"a": [], "b": {}}, written={"a": {"n": 1}}, other={"a": {"n": 1}}),
        Operation(before={"b": False, "a": 1.5}, written={"a": [2]}, other={"b": True}),
    ],
)
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in {"wrong-value", "number-to-string"}])
def test_fault_shows_on_operations_of_every_kind(fault: str, operation: Operation) -> None:
    assert FAULTS[fault].apply(operation) != faithful(operation)


@pytest.mark.parametrize("value", ["", "x", 0, 1, 1.5, True, False, None, [], ["x"], {}, {"x": 1}])
def test_wrong_value_is_always_another(value: Any) -> None:
    outcome = FAULTS["wrong-value"].apply(Operation(before={"b": 1}, written={"a": value}))

    assert json.dumps(outcome.stored) != json.dumps({"b": 1, "a": value})
    assert set(outcome.stored) == {"a", "b"}


@pytest.mark.parametrize(
    ("value", "stored"), [(1, "1"), (1.5, "1.5"), (True, True), ("1", "1"), (None, None), ([1], [1])]
)
def test_number_to_string_touches_numbers_only(value: Any, stored: Any) -> None:
    outcome = FAULTS["number-to-string"].apply(Operation(before={}, written={"a": value}))

    assert json.dumps(outcome.stored) == json.dumps({"a": stored})


# Starting, and the request log


def test_busy_port_is_named_with_the_next_step(sandbox: RunningSandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(GwsReplayError, match=f"^Port {port} on 127.0.0.1 is in use: choose another port, or 0 for"):
        asyncio.run(start(port=port))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 65536}, "^Port 65536 on 127.0.0.1 cannot be used"),
        ({"host": "203.0.113.1"}, "^Port 0 on 203.0.113.1 cannot be used"),
        ({"fault": "no-such"}, "^There is no fault 'no-such': take one of extra-key, "),
        ({"push_delay": -1}, "^A push delay of -1 is not possible"),
        ({"push_delay": float("nan")}, "^A push delay of nan is not possible"),
        ({"push_delay": float("inf")}, "^A push delay of inf is not possible"),
    ],
)
def test_option_that_cannot_be_met_is_one_sentence(options: Any, message: str) -> None:
    with pytest.raises(GwsReplayError, match=message), serving(**options):
        pass


def test_log_names_operations_and_answers_and_no_values() -> None:
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
