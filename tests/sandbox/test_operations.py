"""What the operations of the sandbox change, and what is pushed, against the documented behaviour."""

from collections.abc import Iterator
from typing import Any

import pytest

from gws_replay.sandbox.server import RunningSandbox, serving
from tests.support.sandboxes import ABSENT, ONE, TWO, UPDATE, Agent, differences


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
    """Exactly the keys that were named, in this session only."""
    agent.listen()
    before, other = agent.facebooksession(ONE), agent.facebooksession(TWO)

    assert {"statusCode": 0} == agent.operate(body)

    (notification,) = agent.notifications()
    after = agent.facebooksession(ONE)
    assert changed == differences(before["userData"], after["userData"])
    assert notification == {
        "referenceId": 11,
        "notificationType": "PropertiesUpdated",
        "messageType": "FacebooksessionStateChangeMessage",
        "facebooksession": after,
    }
    assert {**before, "userData": 0} == {**after, "userData": 0}
    assert other == agent.facebooksession(TWO)


def test_comment_is_stored_and_its_notification_leaves_userdata_out(agent: Agent) -> None:
    """Which means unchanged, and not empty."""
    agent.listen()

    assert {"statusCode": 0} == agent.operate({"operationName": "AddComment", "comment": "Called back"})

    (notification,) = agent.notifications()
    after = agent.facebooksession(ONE)
    assert "Called back" == after["comment"]
    assert notification["facebooksession"] == {key: value for key, value in after.items() if key != "userData"}


def test_complete_changes_the_state_and_ends_operations(agent: Agent) -> None:
    """A completed session takes no more operations."""
    agent.listen()

    assert {"statusCode": 0} == agent.operate({"operationName": "Complete"}, TWO)

    (notification,) = agent.notifications(until="StatusChange")
    assert "Completed" == notification["facebooksession"]["state"]
    assert notification["facebooksession"] == agent.facebooksession(TWO)
    assert 2 == agent.operate(UPDATE, TWO)["statusCode"]


def test_notification_is_a_snapshot_of_its_request(agent: Agent) -> None:
    """And they come in the order of the requests."""
    agent.listen()
    for number in (1, 2, 3):
        agent.operate({"operationName": "UpdateUserData", "userData": {"UserData1": number}})
    agent.operate({"operationName": "Complete"})

    pushed = agent.notifications(until="StatusChange")

    assert [11, 12, 13, 14] == [each["referenceId"] for each in pushed]
    assert [1, 2, 3, 3] == [each["facebooksession"]["userData"]["UserData1"] for each in pushed]


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
def test_error_leaves_the_data_alone(agent: Agent, body: Any, status_code: int, message: str) -> None:
    """HTTP 200 with a statusCode and a sentence."""
    before = agent.facebooksession(ONE)

    answered = agent.post(f"/api/v2/me/facebooksessions/{ONE}", body)

    expected = {"statusCode": status_code, "statusMessage": message}
    assert (200, expected) == (answered.status_code, answered.json())
    assert before == agent.facebooksession(ONE)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"operationName": NaN}', b'{"a": 1e400}', b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"],
)
@pytest.mark.parametrize("path", ["/api/v2/me", f"/api/v2/me/facebooksessions/{ONE}"])
def test_body_that_is_not_json_is_an_input_error(agent: Agent, body: bytes, path: str) -> None:
    """Never a fault of the server."""
    answered = agent.http.post(agent.url + path, data=body, timeout=60)

    assert (200, 10) == (answered.status_code, answered.json()["statusCode"])


@pytest.mark.parametrize(
    ("body", "status_code"), [({}, 1), ({"operationName": "Fly"}, 3), ([], 10), ({"operationName": None}, 3)]
)
def test_errors_of_operations_on_me(agent: Agent, body: Any, status_code: int) -> None:
    """The same codes as elsewhere."""
    assert status_code == agent.post("/api/v2/me", body).json()["statusCode"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/me/facebooksessions/none"),
        ("POST", "/api/v2/me/facebooksessions/none"),
        ("GET", "/api/v2/me/devices"),
        ("GET", "/api/v2/me/openmedia/other/0009MaDTW3SX002H"),
        ("GET", "/api/v2/me/chats/0000Wa9CAM6W00J/more"),
        ("DELETE", f"/api/v2/me/facebooksessions/{ONE}"),
        ("GET", "/api/v2/notifications"),
        ("GET", "/"),
    ],
)
def test_unknown_session_or_url_is_not_found(agent: Agent, method: str, path: str) -> None:
    """Under any method, CometD addresses without CometD included."""
    answered = agent.http.request(method, agent.url + path, json=UPDATE, timeout=60)

    assert (404, {"statusCode": 6, "statusMessage": "Resource not found"}) == (answered.status_code, answered.json())
