"""The GWS tables: which request is which operation, what it writes, and which resource a message shows."""

from typing import Any

import pytest

from gws_replay.core.api.dialects import call_of, resources_in, subject_of, succeeded
from gws_replay.core.api.gws_v2 import OPERATIONS
from gws_replay.core.api.gws_v2_channels import CHANNELS
from gws_replay.core.api.schema import ABSENT, ANY_KEY, Call, Subject, shows_key
from gws_replay.core.lossless_json import loads
from gws_replay.core.model import Request
from gws_replay.core.redaction import tables as sensitive

FACEBOOK = CHANNELS[0]


def call(sent: Any, path: str = "/api/v2/me/facebooksessions/S1") -> Call:
    """A POST read as an operation."""
    return call_of(Request(method="POST", uri=f"https://host{path}"), sent)


@pytest.mark.parametrize(
    ("path", "resource_id"),
    [
        ("/api/v2/me/facebooksessions/S1", "S1"),
        ("/api/v2/me/facebooksessions/S1/", "S1"),
        ("/api/v2/me/facebooksessions/S1?x=/y", "S1"),
        ("/api/v2/me/facebooksession/S1", "S1"),
        ("/api/v2/facebooksessions/S1", "S1"),
        ("/cloud-web/api/v2/me/facebooksessions/S1", "S1"),
        ("/api/v2/me/facebooksessions", None),
    ],
)
def test_each_form_of_a_path_names_its_resource(path: str, resource_id: str | None) -> None:
    """Plural and singular, with and without `me`, query, final slash and the prefix of old deployments."""
    read = call({"operationName": "UpdateUserData"}, path)
    assert ("UpdateUserData", FACEBOOK, resource_id) == (read.operation, read.channel, read.resource_id)


@pytest.mark.parametrize("path", ["/api/v2/me", "/api/v2/me/xfacebooksessions/S1", "/", "/facebooksessions/S1/more"])
def test_other_paths_name_no_resource(path: str) -> None:
    """The operation is still read; it writes nothing."""
    read = call({"operationName": "UpdateUserData", "userData": {"A": 1}}, path)
    assert ("UpdateUserData", None, None, None) == (read.operation, read.channel, read.resource_id, read.writes)


@pytest.mark.parametrize(
    "sent", [None, [], "x", {}, {"operationName": 1}, loads('{"operationName":"A","operationName":"B"}')]
)
def test_other_bodies_name_no_operation(sent: Any) -> None:
    """No body, a list, a name that is no string or stands twice."""
    read = call(sent)
    assert (None, None, None) == (read.operation, read.row, read.writes)


@pytest.mark.parametrize(
    ("sent", "writes"),
    [
        ({"operationName": "UpdateUserData", "userData": {"A": 1, "B": None}}, {"A": 1, "B": None}),
        ({"operationName": "AttachUserData", "userData": {"A": {"x": []}}}, {"A": {"x": []}}),
        ({"operationName": "UpdateUserData"}, {}),
        ({"operationName": "UpdateUserData", "userData": ["A"]}, {}),
        ({"operationName": "DeleteUserData", "keys": ["A", "B"]}, {"A": ABSENT, "B": ABSENT}),
        ({"operationName": "DeleteUserData", "keys": "A"}, {}),
        ({"operationName": "SetDisposition", "disposition": "Done", "dispositionKey": "K"}, {"K": "Done"}),
        ({"operationName": "SetDisposition", "disposition": "Done"}, {ANY_KEY: "Done"}),
        ({"operationName": "AddComment", "comment": "x"}, {}),
        ({"operationName": "Complete"}, None),
        ({"operationName": "SomethingNew", "userData": {"A": 1}}, None),
    ],
)
def test_operation_writes_the_documented_keys(sent: dict[str, Any], writes: dict[str, Any] | None) -> None:
    """Keys and values of userData operations; None for all others."""
    assert writes == call(sent).writes


@pytest.mark.parametrize(
    ("sent", "resource", "shown"),
    [
        ({"operationName": "UpdateUserData", "userData": {"A": 1}}, {"userData": {"A": 1, "B": 2}}, True),
        ({"operationName": "UpdateUserData", "userData": {"A": 1}}, {"userData": {"A": 1.0}}, False),
        ({"operationName": "UpdateUserData", "userData": {"A": 1, "B": 2}}, {"userData": {"A": 1}}, False),
        ({"operationName": "UpdateUserData", "userData": {"A": 1}}, {}, False),
        ({"operationName": "DeleteUserData", "keys": ["A"]}, {"userData": {}}, True),
        ({"operationName": "DeleteUserData", "keys": ["A"]}, {"userData": {"A": None}}, False),
        ({"operationName": "DeleteUserData", "keys": ["A"]}, {}, False),
        ({"operationName": "SetDisposition", "disposition": "Done"}, {"userData": {"Code": "Done"}}, True),
        ({"operationName": "SetDisposition", "disposition": "Done"}, {"userData": {"Code": "Open"}}, False),
        ({"operationName": "AddComment", "comment": "x"}, {"comment": "x"}, True),
        ({"operationName": "AddComment", "comment": "x"}, {"comment": "x", "userData": {}}, False),
        ({"operationName": "AddComment", "comment": "x"}, {"comment": "y"}, False),
        ({"operationName": "Complete"}, {"state": "Completed"}, True),
        ({"operationName": "Reject"}, {"state": "Chatting"}, False),
        ({"operationName": "SendMessage", "text": "x"}, {"state": "Chatting"}, None),
        ({"operationName": "SomethingNew"}, {"userData": {}}, None),
    ],
)
def test_resource_shows_the_effect_of_an_operation(
    sent: dict[str, Any], resource: dict[str, Any], shown: bool | None
) -> None:
    """None where the documentation gives nothing to look for."""
    subject = subject_of({"facebooksession": resource}) or Subject(channel=FACEBOOK, resource_id="", resource={})
    assert shown is call(sent).shown_in(subject)


@pytest.mark.parametrize(
    ("user_data", "key", "value", "shown"),
    [
        ({"A": None}, "A", None, True),
        ({}, "A", None, False),
        ({}, "A", ABSENT, True),
        ({"A": None}, "A", ABSENT, False),
        ({"A": [True]}, "A", [1], False),
        ({"A": {"x": 1, "y": 2}}, "A", {"y": 2, "x": 1}, True),
        ({"B": "Done"}, ANY_KEY, "Done", True),
        ({}, ANY_KEY, "Done", False),
        (loads('{"A":1,"A":1}'), "A", 1, False),
    ],
)
def test_userdata_shows_a_written_key_with_its_exact_value(
    user_data: dict[str, Any], key: str, value: Any, shown: bool
) -> None:
    """Null is not absence, types are exact, and a repeated key shows no single value."""
    assert shown is shows_key(user_data, key, value)


@pytest.mark.parametrize(
    ("data", "resource_id"),
    [
        ({"facebooksession": {"id": "S1", "uri": "http://h/x/S2"}}, "S1"),
        ({"facebooksession": {"uri": "http://h/api/v2/facebooksessions/S1"}}, "S1"),
        ({"facebooksessions": {"id": "S1"}}, "S1"),
        ({"facebooksessionUri": "http://h/api/v2/facebooksessions/S1"}, "S1"),
        ({"facebooksession": {"id": 7}}, "7"),
    ],
)
def test_notification_names_its_resource(data: dict[str, Any], resource_id: str) -> None:
    """By its id, the end of its uri, or the uri that message logs have instead; the misspelt key counts too."""
    subject = subject_of(data)
    assert subject
    assert (FACEBOOK, resource_id) == (subject.channel, subject.resource_id)


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, {"somethingNew": {"id": "1"}}, {"facebooksession": []}, {"facebooksessionUri": 1}]
)
def test_notification_without_resource_has_none(data: Any) -> None:
    """Other channels, and data of another form, have no resource that is known."""
    assert subject_of(data) is None


def test_response_lists_its_resources() -> None:
    """One under its key, many under the collection's name, and none without an id."""
    assert ["S1"] == [s.resource_id for s in resources_in({"facebooksession": {"id": "S1"}})]
    many = {"facebooksessions": [{"id": "S1"}, {"no": "id"}, "x", {"id": 2}]}
    assert ["S1", "2"] == [s.resource_id for s in resources_in(many)]
    responses: tuple[Any, ...] = (
        None,
        [],
        {"statusCode": 0},
        {"facebooksessions": {"no": "id"}},
        {"facebooksession": None},
    )
    for response in responses:
        assert [] == list(resources_in(response))


@pytest.mark.parametrize(
    ("status", "response", "taken"),
    [
        (200, {"statusCode": 0}, True),
        (200, {"statusCode": 7}, True),
        (200, {"statusCode": 1}, False),
        (200, {}, True),
        (200, None, True),
        (403, None, False),
        (500, {"statusCode": 0}, False),
        (200, {"statusCode": "0"}, False),
    ],
)
def test_status_code_says_whether_operation_was_accepted(status: int, response: Any, taken: bool) -> None:
    """Codes 0 and 7 are success; the HTTP status counts as well."""
    assert taken is succeeded(status, response)


def test_every_row_has_its_name_as_key() -> None:
    """The table is looked up by operationName."""
    assert list(OPERATIONS) == [row.name for row in OPERATIONS.values()]


def test_secret_headers_are_in_lower_case() -> None:
    """Names are compared in lower case."""
    assert {"authorization", "cookie", "set-cookie", "x-csrf-token"} < sensitive.SECRET_HEADERS
    assert sensitive.SECRET_HEADERS == {name.lower() for name in sensitive.SECRET_HEADERS}
