"""Every channel of the sandbox against what its page says: addresses, keys, referenceIds, deletions."""

import json
from typing import Any

import pytest

from gws_replay.sandbox.channels import CHANNELS
from gws_replay.sandbox.replies import Reply
from gws_replay.sandbox.resources import Resources
from gws_replay.sandbox.server import serving
from gws_replay.sandbox.userdata import faithful
from gws_replay.sandbox.workspace_v3 import respond
from tests.support.sandbox_in_process import ORIGIN, Wire, data, deletion
from tests.support.sandboxes import Agent

MEDIA, VOICE = "PropertiesUpdated", "AttachedDataChanged"
UPDATE = {"operationName": "UpdateUserData", "userData": {"UserData1": 987654321}}


# Channel, path, key, notificationType, messageType, and whether answer and notification carry a referenceId.
ROWS = [
    ("Facebook PM", "facebooksessions", "facebooksession", MEDIA, "Facebooksession", False, True),
    ("Facebook public", "facebook", "facebook", MEDIA, "Facebook", True, True),
    ("chat", "chats", "chat", MEDIA, "Chat", False, True),
    ("SMS", "smssessions", "smssession", MEDIA, "Smssession", False, True),
    ("e-mail", "emails", "email", MEDIA, "Email", False, True),
    ("workitem", "workitems", "workitem", MEDIA, "Workitem", True, True),
    ("open media", "openmedia/promotion", "openmedia", MEDIA, "Openmedia", True, True),
    ("Twitter", "twitter", "twitter", MEDIA, "Twitter", True, True),
    ("IM", "im-sessions", "imSession", VOICE, "IMSession", False, False),
    ("voice", "calls", "call", VOICE, "Call", False, False),
]


@pytest.mark.parametrize(("channel", "path", "key", "kind", "message_type", "responses", "tells"), ROWS)
def test_update_has_the_response_and_notification_of_its_channel(
    channel: str, path: str, key: str, kind: str, message_type: str, *, responses: bool, tells: bool
) -> None:
    """The response and the notification carry the same referenceId, where they carry one."""
    wire = Wire(CHANNELS[channel])
    one, _ = wire.ids

    reply = wire.resources.respond("POST", f"/api/v2/me/{path}/{one}", whole=False, body=UPDATE, origin=ORIGIN)

    assert {"statusCode": 0, **({"referenceId": 11} if responses else {})} == reply.body
    ((topic, pushed),) = reply.notifications
    assert topic.startswith("/v2/me/")
    assert pushed.pop(key) == wire.shown(one)
    assert 987654321 == wire.shown(one)["userData"]["UserData1"]
    expected = {"notificationType": kind, "messageType": f"{message_type}StateChangeMessage"}
    assert {**expected, **({"referenceId": 11} if tells else {})} == pushed


def test_every_channel_is_in_the_table_above() -> None:
    """A new one needs a row."""
    assert list(CHANNELS) == [row[0] for row in ROWS]


@pytest.mark.parametrize("channel", CHANNELS)
def test_uris_lead_to_the_resources(channel: str) -> None:
    """Two on each channel, of made-up people; a uri, with or without `me`, shows one."""
    wire = Wire(CHANNELS[channel])
    ask = wire.resources.respond

    uris = ask("GET", wire.path(), whole=False, body=None, origin="").body["uris"]
    listed = ask("GET", wire.path(), whole=True, body=None, origin="").body[CHANNELS[channel].collection]

    assert 2 == len(uris)
    shown = [ask("GET", uri, whole=True, body=None, origin="").body[CHANNELS[channel].key] for uri in uris]
    assert shown == listed
    assert [each["id"] for each in shown] == list(wire.ids)


@pytest.mark.parametrize("channel", CHANNELS)
def test_named_key_is_deleted(channel: str) -> None:
    """By `keys`, by `key`, or by DeleteUserDataPair."""
    wire = Wire(CHANNELS[channel])
    one, two = wire.ids
    before, other = wire.shown(one)["userData"], wire.shown(two)

    wire.sent(0, 1, wire.path(one), deletion(CHANNELS[channel], "LastName"))

    assert {key: value for key, value in before.items() if key != "LastName"} == wire.shown(one)["userData"]
    assert other == wire.shown(two)


def test_voice_deletes_all_and_then_shows_no_userdata() -> None:
    """As the page notes."""
    wire = Wire(CHANNELS["voice"])

    reply = wire.sent(0, 1, wire.path(wire.ids[0]), {"operationName": "DeleteUserData"})

    assert "userData" not in wire.shown(wire.ids[0])
    assert "userData" not in reply.notifications[0][1]["call"]


def test_voice_attaches_a_key_beside_itself() -> None:
    """It stands twice in the JSON; an update makes one of them."""
    wire = Wire(CHANNELS["voice"])
    one, _ = wire.ids

    attach: Any = {"operationName": "AttachUserData", "userData": {"LastName": "Again"}}
    wire.sent(0, 1, wire.path(one), attach)
    twice = json.dumps(wire.shown(one)["userData"])
    wire.sent(0, 1, wire.path(one), {**attach, "operationName": "UpdateUserData"})

    assert '"LastName": "Sample"' in twice
    assert '"LastName": "Again"' in twice
    assert 1 == json.dumps(wire.shown(one)["userData"]).count("LastName")


def test_channels_over_http_with_their_notifications() -> None:
    """GET /me/calls?fields=*, an operation, and what is pushed on the channel's topic."""
    with serving(push_delay=0.001) as running, Agent(running) as agent:
        agent.listen("/v2/me/*")
        call, _ = agent.get("/api/v2/me/calls?fields=*").json()["calls"]
        assert {"statusCode": 0} == agent.post(f"/api/v2/me/calls/{call['id']}", UPDATE).json()
        (pushed, *_) = agent.bayeux(agent.connecting())

    assert "/v2/me/calls" == pushed["channel"]
    assert {**call["userData"], "UserData1": 987654321} == pushed["data"]["call"]["userData"]
    assert call["uri"] == f"{running.url}/api/v2/calls/{call['id']}"


# Workspace v3


@pytest.mark.parametrize(
    ("path", "key", "kind", "message_type", "topic"),
    [
        ("media/chat/interactions/0000Wb1DCM7X00A", "interaction", MEDIA, "Interaction", "media/chat"),
        ("voice/calls/01TQFN6GBK93D1Q0D8FK02LAES00000A", "call", VOICE, "Call", "voice"),
    ],
)
def test_workspace_has_verbs_in_the_path_and_userdata_in_lists(
    path: str, key: str, kind: str, message_type: str, topic: str
) -> None:
    """The operationId of the client comes back in the response and in the notification."""
    resources = Resources(data()["resources"], faithful)
    path = f"/workspace/v3/{path}"
    written = [{"key": "Level", "type": "kvlist", "value": [{"key": "n", "type": "int", "value": 2}]}]

    def request(verb: str, content: Any) -> Reply:
        return respond(resources, "POST", f"{path}/{verb}", {"operationId": "o-1", "data": content})

    reply = request("attach-user-data", {"userData": [*written, {"key": "LastName", "type": "str", "value": "Again"}]})

    ((topic_of, pushed),) = reply.notifications
    assert {"status": {"code": 1}, "operationId": "o-1"} == reply.body
    assert f"/workspace/v3/{topic}" == topic_of
    assert {kind, f"{message_type}StateChanged", "o-1"} == {
        pushed["notificationType"],
        pushed["messageType"],
        pushed["operationId"],
    }
    assert pushed[key] == respond(resources, "GET", path, None).body["data"][key]
    shown = pushed[key]["userData"]
    assert ["Sample", "Again"] == [each["value"] for each in shown if each["key"] == "LastName"]
    assert written == [each for each in shown if each["key"] == "Level"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("fly", {"data": {}}, 103),
        ("update-user-data", {"data": {}}, 101),
        ("update-user-data", {"data": {"userData": {"a": 1}}}, 110),
        ("update-user-data", {"userData": []}, 110),
        ("update-user-data", [], 110),
    ],
)
def test_workspace_refuses_with_a_status(path: str, body: Any, code: int) -> None:
    """Neither 0 nor 1, which mean success there."""
    resources = Resources(data()["resources"], faithful)

    reply = respond(resources, "POST", f"/workspace/v3/voice/calls/01TQFN6GBK93D1Q0D8FK02LAES00000A/{path}", body)

    assert code == reply.body["status"]["code"]


def test_workspace_over_http() -> None:
    """Its CometD has an address of its own."""
    with serving(push_delay=0.001) as running, Agent(running) as agent:
        agent.listen("/workspace/v3/voice")
        call, _ = agent.get("/workspace/v3/voice/calls").json()["data"]["calls"]
        pair = {"data": {"key": "LastName"}}
        assert 1 == agent.post(f"{call['uri']}/delete-user-data-pair", pair).json()["status"]["code"]
        (pushed, *_) = agent.post("/workspace/v3/notifications", [agent.connecting()]).json()

    assert "/workspace/v3/voice" == pushed["channel"]
    assert "LastName" not in [each["key"] for each in pushed["data"]["call"]["userData"]]
