"""Messages of either API are distinguished, and nothing that may stand in one ends in an exception."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Notification
from tests.support.builders import JSON, KEYS, cassette, exchange

FIELDS = (
    *("operationName", "userData", "keys", "key", "data", "status", "statusCode", "code", "referenceId", "operationId"),
    *("notificationType", "messageType", "action", "id", "uri", "state", "comment", "disposition", "dispositionKey"),
    *(
        "call",
        "calls",
        "interaction",
        "interactions",
        "chat",
        "chats",
        "facebooksession",
        "chatUri",
        "user",
        "errorMessage",
    ),
)
WORDS = (
    *(
        "UpdateUserData",
        "AttachUserData",
        "DeleteUserData",
        "DeleteUserDataPair",
        "SetDisposition",
        "AddComment",
        "Accept",
    ),
    *(
        "PropertiesUpdated",
        "AttachedDataChanged",
        "StatusChange",
        "Error",
        "CallStateChanged",
        "InteractionStateChanged",
    ),
    *("C1", "http://h/api/v2/chats/C1", "error", "A"),
)
MESSAGES = st.recursive(
    JSON | st.sampled_from(WORDS),
    lambda inner: st.dictionaries(st.sampled_from(FIELDS) | KEYS, inner, max_size=5) | st.lists(inner, max_size=3),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [
        *("/api/v2/me/chats/C1", "/api/v2/me/calls/C1", "/api/v2/me/calls?fields=*", "/api/v2/me/openmedia/x/C1", "/x"),
        *("/workspace/v3/voice/calls/C1/attach-user-data", "/workspace/v3/media/chat/interactions/C1/delete-user-data"),
        *(
            "/workspace/v3/voice/calls",
            "/workspace/v3/voice/calls/C1/delete-user-data-pair",
            "/api/v2/me/im-sessions/C1",
        ),
    ]
)
EXCHANGES = st.builds(
    exchange, st.sampled_from(["GET", "POST"]), PATHS, MESSAGES, MESSAGES, began=st.integers(0, 9), status=st.just(200)
)
NOTIFICATIONS = st.builds(
    Notification, channel=st.just("/v2/me/x"), data=MESSAGES.map(json.dumps), seen=st.integers(0, 9).map(float)
)


@given(st.lists(EXCHANGES, max_size=5), st.lists(NOTIFICATIONS, max_size=5))
@settings(max_examples=150)
def test_any_recorded_json_gets_a_verdict(exchanges: list[Any], notifications: list[Any]) -> None:
    """Any JSON in any place: causes are looked for and verdicts given, or there is nothing to judge."""
    for each in cassette(*exchanges, *notifications).updates(ignore=["A*"]):
        assert each.verdict == "passed" or each.reasons


@pytest.mark.parametrize(
    ("message", "kind", "reference", "spelled"),
    [
        (
            {"notificationType": "StatusChange", "messageType": "X", "referenceId": 5},
            "StatusChange",
            5,
            " referenceId 5",
        ),
        ({"action": "Added", "messageType": "X"}, "Added", None, ""),
        ({"messageType": "X", "operationId": "a"}, "X", "a", " operationId a"),
        ({"referenceId": True}, "", None, " referenceId True"),
        ({"operationId": ""}, "", None, " operationId "),
        (["x"], "", None, ""),
        (None, "", None, ""),
    ],
)
def test_messages_of_each_api_are_recognised(message: Any, kind: str, reference: Any, spelled: str) -> None:
    """Its kind by the first field that says it; a number or a text links it with others."""
    assert (kind, reference, spelled) == (
        api.kind_of(message),
        api.reference_of(message),
        api.spelled_reference(message),
    )


@pytest.mark.parametrize(
    ("status", "response", "taken", "code"),
    [
        (200, {"statusCode": 0}, "taken", "statusCode 0"),
        (200, {"statusCode": 7}, "partly", "statusCode 7"),
        (200, {"statusCode": 1}, "refused", "statusCode 1"),
        (200, {"status": {"code": 1}}, "taken", "status.code 1"),
        (200, {"status": {"code": 7}}, "refused", "status.code 7"),
        (200, {"status": {}}, "taken", None),
        (200, {"status": "error", "errorDescription": "x"}, "refused", None),
        (200, None, "taken", None),
        (404, {"statusCode": 0}, "refused", "statusCode 0"),
    ],
)
def test_response_says_whether_operation_was_accepted(status: int, response: Any, taken: str, code: str | None) -> None:
    """By the code of its own API, and the HTTP status."""
    assert (taken, code) == (api.taken(status, response), api.code_of(response))


@pytest.mark.parametrize(
    ("status", "response", "expected"),
    [
        (401, None, True),
        (200, {"statusCode": 20}, True),
        (200, {"statusCode": 0}, False),
        (403, {"statusCode": 3}, False),
    ],
)
def test_unauthenticated_responses_are_recognised(status: int, response: Any, expected: bool) -> None:
    """By the HTTP status or the statusCode: servers that say it with 200 are documented."""
    assert expected == api.is_unauthenticated(status, response)
