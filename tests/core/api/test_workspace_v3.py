"""Workspace v3: verbs in the path, userData in a list, status.code, operationId; the same verdicts as for GWS v2."""

import json
from typing import Any

import pytest

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import ABSENT, ONE_LESS, Another, Key, pairs_as_user_data
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.lossless_json import Repeated
from gws_replay.core.model import Exchange, Notification, Recording, Request
from gws_replay.core.oracle.judge import Update
from tests.support.builders import bayeux, cassette, exchange

CALL = "/workspace/v3/voice/calls/C1"
MAIL = "/workspace/v3/media/email/interactions/I1"
WHERE = {
    "call": (CALL, "/workspace/v3/voice", "calls"),
    "interaction": (MAIL, "/workspace/v3/media/email", "interactions"),
}
NOTIFIED_BY = {
    "call": ("AttachedDataChanged", "CallStateChanged"),
    "interaction": ("PropertiesUpdated", "InteractionStateChanged"),
}
NAMES = {str: "str", int: "int", list: "kvlist"}


def pairs(*items: tuple[str, Any]) -> list[dict[str, Any]]:
    """UserData as Workspace writes them."""
    return [{"key": key, "type": NAMES.get(type(value), "str"), "value": value} for key, value in items]


def requested(key: str, verb: str, data: dict[str, Any], *, began: float = 1.0, name: str = "op-1") -> Exchange:
    """An operation, with the id that the client chose."""
    response = {"status": {"code": 1}, "operationId": name}
    return exchange("POST", f"{WHERE[key][0]}/{verb}", {"operationId": name, "data": data}, response, began=began)


def shown(key: str, *items: tuple[str, Any], began: float = 0.0) -> Exchange:
    """A GET of all resources of a kind."""
    path, _, collection = WHERE[key]
    resource = {"id": path.rpartition("/")[2], "state": "Established", "userData": pairs(*items)}
    response = {"status": {"code": 0}, "data": {collection: [resource]}}
    return exchange("GET", path.rpartition("/")[0], None, response, began=began)


def notified(
    key: str, *items: tuple[str, Any], seen: float = 2.0, name: str = "op-1", kind: str = "", comment: str = "y"
) -> Notification:
    """A notification of userData."""
    path, topic, _ = WHERE[key]
    usual, message = NOTIFIED_BY[key]
    resource = {"id": path.rpartition("/")[2], "state": "Established", "comment": comment, "userData": pairs(*items)}
    data = {"notificationType": kind or usual, "messageType": message, key: resource, "operationId": name}
    return Notification(channel=topic, data=json.dumps(data), seen=seen)


def only(*moments: Exchange | Notification) -> Update:
    """The verdict on the one operation."""
    (found,) = cassette(*moments).updates()
    return found


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ([], {}),
        (pairs(("A", 1), ("B", "x")), {"A": 1, "B": "x"}),
        (pairs(("A", 1), ("A", 2)), {"A": Repeated((1, 2))}),
        ([{"key": "L", "type": "kvlist", "value": pairs(("x", 1), ("y", 2))}], {"L": {"x": 1, "y": 2}}),
        ([{"key": "L", "type": "kvlist", "value": []}], {"L": {}}),
        ([{"key": "L", "type": "str", "value": []}], {"L": []}),
        ([{"key": "L", "value": [1, 2]}], {"L": [1, 2]}),
        ([{"key": "N"}], {"N": None}),
        ([{"type": "str"}], None),
        (["x"], None),
        ({"A": 1}, None),
        (None, None),
    ],
)
def test_userdata_is_a_list_of_pairs(listed: Any, read: Any) -> None:
    """Of key, type and value; nested lists likewise, repeated keys kept; anything else is not userData."""
    assert read == pairs_as_user_data(listed)


@pytest.mark.parametrize("key", WHERE)
@pytest.mark.parametrize(
    ("verb", "data", "writes"),
    [
        ("update-user-data", {"userData": pairs(("A", 2))}, {"A": 2}),
        ("attach-user-data", {"userData": pairs(("A", 2))}, {"A": Another(2)}),
        ("delete-user-data", {"keys": ["A", "B"]}, {"A": ABSENT, "B": ABSENT}),
        ("delete-user-data-pair", {"key": "A"}, {"A": ONE_LESS}),
        ("update-user-data", {}, {}),
        ("delete-user-data", {"keys": "A"}, {}),
        ("delete-user-data-pair", {"key": 1}, {}),
        ("set-comment", {"comment": "x"}, {}),
        ("hold", {}, None),
        ("something-new", {"userData": pairs(("A", 2))}, None),
    ],
)
def test_verb_in_path_is_the_operation(
    key: str, verb: str, data: dict[str, Any], writes: dict[Key, Any] | None
) -> None:
    """It stands at the end of the path; what it writes stands under `data`."""
    request = requested(key, verb, data)
    call = api.call_of(request.request, request.request_json)
    assert (verb, WHERE[key][0].rpartition("/")[2], writes) == (call.operation, call.resource_id, call.writes)
    assert call.channel
    assert key == call.channel.key


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CALL),
        ("POST", CALL),
        ("GET", f"{CALL}/update-user-data"),
        ("POST", "/workspace/v3/voice/ready"),
        ("GET", "/x"),
    ],
)
def test_other_requests_name_no_operation(method: str, path: str) -> None:
    """Reading, and what is about no call or interaction."""
    assert None is api.call_of(Request(method=method, uri=f"https://host{path}"), None).operation


Items = tuple[tuple[str, Any], ...]
RIGHT: dict[str, tuple[str, dict[str, Any], Items, str | None]] = {
    "update": ("update-user-data", {"userData": pairs(("A", 2))}, (("A", 2), ("B", 0)), "A"),
    "attach": ("attach-user-data", {"userData": pairs(("C", 3))}, (("B", 0), ("A", 1), ("C", 3)), "C"),
    "attach again": ("attach-user-data", {"userData": pairs(("A", 3))}, (("A", 1), ("B", 0), ("A", 3)), "A"),
    "delete": ("delete-user-data", {"keys": ["A"]}, (("B", 0),), "A"),
    "comment": ("set-comment", {"comment": "x"}, (("A", 1), ("B", 0)), None),
}


@pytest.mark.parametrize("key", WHERE)
@pytest.mark.parametrize("case", RIGHT)
def test_faithful_operation_passes_and_faulty_one_fails(key: str, case: str) -> None:
    """Code 1 is success, the operationId names the response, and one more changed key is caught."""
    verb, data, after, changed = RIGHT[case]
    start, request = shown(key, ("A", 1), ("B", 0)), requested(key, verb, data)
    right = notified(key, *after, comment="x")
    played = cassette(start, request, right, shown(key, *after, began=3.0))
    assert "referenceId" == (played.notifications[0].cause and played.notifications[0].cause.rule)
    (found,) = played.updates()
    assert ("passed", (), {changed} - {None}) == (found.verdict, found.reasons, found.changes.keys)
    wrong = notified(key, *after, ("Z", 1), comment="x")
    assert "changed besides: Z: added 1" in only(start, request, wrong).reasons


@pytest.mark.parametrize(
    ("code", "taken"), [(0, "taken"), (1, "taken"), (2, "refused"), (True, "refused"), ("0", "refused")]
)
def test_status_code_1_means_accepted(code: Any, taken: str) -> None:
    """1 is a success here; in GWS v2 it is a missing parameter."""
    response = {"status": {"code": code}}
    assert taken == api.taken(200, response)
    assert "refused" == api.taken(200, {"statusCode": 1})
    assert f"status.code {json.dumps(code)}" == api.code_of(response)


def test_a_refused_operation_must_change_nothing() -> None:
    """By the code of the response, or by an Error with its operationId."""
    refused = exchange(
        "POST",
        f"{CALL}/update-user-data",
        {"data": {"userData": pairs(("A", 2))}},
        {"status": {"code": 500}},
        began=1.0,
    )
    failed = notified("call", ("A", 1), kind="Error")
    for moments in ((refused,), (requested("call", "update-user-data", {"userData": pairs(("A", 2))}), failed)):
        for after, verdict in ((1, "passed"), (2, "failed")):
            found = only(shown("call", ("A", 1)), *moments, shown("call", ("A", after), began=3.0))
            assert verdict == found.verdict, found.reasons


def test_overlapping_operations_are_distinguished_by_their_ids() -> None:
    """Two equal updates, answered the other way round."""
    both = [
        requested("call", "update-user-data", {"userData": pairs(("A", 2))}, began=1 + n / 10, name=f"op-{n}")
        for n in (1, 2)
    ]
    pushed = [notified("call", ("A", 2), seen=2.0 + n, name=f"op-{3 - n}") for n in (1, 2)]
    played = cassette(shown("call", ("A", 1)), *both, *pushed)
    assert [(2, "referenceId"), (1, "referenceId")] == [
        (each.cause.interaction, each.cause.rule) for each in played.notifications if each.cause
    ]
    assert ["passed", "passed"] == [each.verdict for each in played.updates()]


def test_header_names_the_api_of_the_traffic() -> None:
    """And so does nothing else: a recording of either is compiled by the same road."""
    poll = exchange(
        "POST", "/workspace/v3/notifications", [{"channel": "/meta/connect"}], [bayeux(notified("call", ("A", 2)))]
    )
    moments = (shown("call", ("A", 1)), requested("call", "update-user-data", {"userData": pairs(("A", 2))}))
    compiled = compile_recording(Recording(exchanges=(*moments, poll))).cassette
    assert ("workspace-v3", 2, 1) == (
        compiled.header["api"],
        len(compiled.interactions),
        len(compiled.notifications),
    )
