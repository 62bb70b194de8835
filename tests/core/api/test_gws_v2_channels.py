"""Every channel: how its paths are read, what its operations write, and that right ones pass and wrong ones do not."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gws_replay.core.api import dialects as api
from gws_replay.core.api.gws_v2_channels import CHANNELS
from gws_replay.core.api.schema import ABSENT, ALL_KEYS, ONE_LESS, Another, Channel, Delete, Key
from gws_replay.core.lossless_json import Repeated, loads
from gws_replay.core.model import Exchange, Notification, Request
from gws_replay.core.oracle.judge import Update
from tests.support.builders import cassette, exchange

BY_NAME = {channel.name: channel for channel in CHANNELS}
USER_DATA = [channel for channel in CHANNELS if channel.deletes]
BEFORE = {"A": 1, "B": "two"}
NAMES = [channel.name for channel in USER_DATA]


def path(channel: Channel, *, segment: str | None = None, name: str = "R1") -> str:
    """Where operations on a resource are posted."""
    middle = "promotion/" if channel.depth == 2 else ""
    return f"/api/v2/me/{segment or channel.collection}/{middle}{name}"


def requested(channel: Channel, operation: str, began: float = 1.0, **sent: Any) -> Exchange:
    """An operation that the server takes."""
    return exchange("POST", path(channel), {"operationName": operation, **sent}, {"statusCode": 0}, began=began)


def shown(channel: Channel, user_data: Mapping[str, Any] | str, *, began: float = 0.0) -> Exchange:
    """A GET that shows userData, as text where it is none that Python can hold."""
    text = user_data if isinstance(user_data, str) else json.dumps(user_data)
    body = f'{{"statusCode": 0, "{channel.collection}": [{{"id": "R1", "state": "Chatting", "userData": {text}}}]}}'
    return exchange("GET", f"/api/v2/me/{channel.collection}?fields=*", None, body.encode(), began=began)


def notified(channel: Channel, user_data: Mapping[str, Any] | str | None, *, seen: float = 2.0) -> Notification:
    """A notification of userData; None leaves them out."""
    text = user_data if isinstance(user_data, str) else json.dumps(user_data)
    inside = "" if user_data is None else f', "userData": {text}'
    kind = f'"notificationType": "{channel.userdata_kind}", "messageType": "{channel.message_type}"'
    data = f'{{{kind}, "{channel.key}": {{"id": "R1", "state": "Chatting"{inside}}}}}'
    return Notification(channel=channel.topic, data=data, seen=seen)


def only(*moments: Exchange | Notification) -> Update:
    """The verdict on the one operation."""
    (found,) = cassette(*moments).updates()
    return found


@pytest.mark.parametrize("name", [channel.name for channel in CHANNELS])
def test_every_form_of_a_path_is_recognised(name: str) -> None:
    """Plural, singular and other names, with and without `me`, with a prefix, with a final slash."""
    channel = BY_NAME[name]
    for segment in channel.segments:
        plain = path(channel, segment=segment)
        for form in (plain, plain.replace("/me/", "/"), f"/cloud-web{plain}", f"{plain}/"):
            call = api.call_of(Request(method="POST", uri=f"https://host{form}"), {"operationName": "X"})
            assert (channel, "R1", "X") == (call.channel, call.resource_id, call.operation), form
        for other in (f"{plain}/more/still", plain.replace("/api/v2/", "/api/"), plain.replace(segment, f"x{segment}")):
            assert None is api.call_of(Request(method="POST", uri=f"https://host{other}"), {}).channel


def test_open_media_path_without_id_names_no_resource() -> None:
    """Its first segment is the media type."""
    call = api.call_of(Request(method="POST", uri="https://host/api/v2/me/openmedia/promotion"), {})
    assert (BY_NAME["open media"], None) == (call.channel, call.resource_id)


@pytest.mark.parametrize("name", NAMES)
def test_resource_is_found_in_responses_and_notifications(name: str) -> None:
    """Under its key, its workbin key, its collection's name, and among the user's subresources."""
    channel = BY_NAME[name]
    resource = {"id": "R1", "userData": BEFORE}
    for key in (channel.key, *channel.keys, channel.collection):
        subject = api.subject_of({key: resource, "action": "Added"})
        assert subject
        assert (channel, "R1", BEFORE) == (subject.channel, subject.resource_id, subject.user_data)
    assert "Added" == api.kind_of({channel.key: resource, "action": "Added", "messageType": "WorkbinContentMessage"})
    for response in (
        {channel.collection: [resource]},
        {channel.key: resource},
        {"user": {channel.collection: [resource]}},
    ):
        assert ["R1"] == [subject.resource_id for subject in api.resources_in(response)]


DELETIONS: dict[Delete, tuple[dict[str, Any], dict[Key, Any]]] = {
    Delete.KEYS: ({"keys": ["A", "Z"]}, {"A": ABSENT, "Z": ABSENT}),
    Delete.KEY: ({"key": "A"}, {"A": ABSENT}),
    Delete.ALL: ({}, {ALL_KEYS: ABSENT}),
}


@pytest.mark.parametrize("name", NAMES)
def test_each_channel_has_its_own_form_of_deletion(name: str) -> None:
    """Several keys, one key, or everything; a body of another shape writes nothing."""
    channel = BY_NAME[name]
    for operation, shape in channel.deletes.items():
        sent, writes = DELETIONS[shape]
        if shape is Delete.KEY and channel.repeats:
            writes = {"A": ONE_LESS}
        request = requested(channel, operation).request
        assert writes == api.call_of(request, {"operationName": operation, **sent}).writes
        odd = {"operationName": operation, "keys": "A", "key": ["A"]}
        assert (writes if shape is Delete.ALL else {}) == api.call_of(request, odd).writes


RIGHT: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "attach": ("AttachUserData", {"userData": {"C": 3}}, {**BEFORE, "C": 3}),
    "update": ("UpdateUserData", {"userData": {"A": 2}}, {**BEFORE, "A": 2}),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", RIGHT)
def test_faithful_operation_passes_and_faulty_one_fails(name: str, case: str) -> None:
    """On every channel, by its own kind of notification; each view that disagrees is named."""
    channel, (operation, sent, after) = BY_NAME[name], RIGHT[case]
    start, request = shown(channel, BEFORE), requested(channel, operation, **sent)
    right = only(start, request, notified(channel, after), shown(channel, after, began=3.0))
    assert ("passed", ()) == (right.verdict, right.reasons)
    wrong = only(start, request, notified(channel, {**after, "B": "three"}))
    assert ("failed", ('changed besides: B: "two" -> "three"',)) == (wrong.verdict, wrong.reasons)
    lost = only(start, request, notified(channel, after), shown(channel, BEFORE, began=3.0))
    assert "failed" == lost.verdict
    assert all("the next GET (interaction 2) disagrees with the notification" in each for each in lost.reasons)


@pytest.mark.parametrize("name", NAMES)
def test_faithful_deletion_passes_and_faulty_one_fails(name: str) -> None:
    """Whatever its shape."""
    channel = BY_NAME[name]
    for operation, shape in channel.deletes.items():
        sent = DELETIONS[shape][0]
        after = {} if shape is Delete.ALL else {"B": "two"}
        start, request = shown(channel, BEFORE), requested(channel, operation, **sent)
        assert ("passed", ()) == ((found := only(start, request, notified(channel, after))).verdict, found.reasons)
        kept = only(start, request, notified(channel, BEFORE))
        assert "failed" == kept.verdict
        assert "A: should be deleted, the notification shows 1" in kept.reasons


def test_call_without_userdata_has_empty_userdata() -> None:
    """ "Note the absence": on voice it means empty, in a notification and in a whole GET; nowhere else."""
    call, chat = BY_NAME["call"], BY_NAME["chat"]
    gone = only(shown(call, BEFORE), requested(call, "DeleteUserData"), notified(call, None))
    assert ("passed", {"A", "B"}) == (gone.verdict, set(gone.changes.removed))
    first = exchange("GET", "/api/v2/me/calls?fields=*", None, {"calls": [{"id": "R1", "state": "Chatting"}]})
    attached = only(first, requested(call, "AttachUserData", userData={"A": 1}), notified(call, {"A": 1}))
    assert ("passed", {"A": 1}) == (attached.verdict, attached.changes.added)
    uris = exchange("GET", "/api/v2/me/calls", None, {"calls": [{"id": "R1", "uri": "http://h/calls/R1"}]})
    assert (
        "unknown" == only(uris, requested(call, "AttachUserData", userData={"A": 1}), notified(call, {"A": 1})).verdict
    )
    silent = only(shown(chat, BEFORE), requested(chat, "UpdateUserData", userData={"A": 2}), notified(chat, None))
    why = "notification 0 does not show userData: record one operation after the other, or pin its cause"
    assert ("unknown", why) == (silent.verdict, silent.reasons[0])
    later = shown(chat, {**BEFORE, "A": 2}, began=3.0)
    named = only(shown(chat, BEFORE), requested(chat, "UpdateUserData", userData={"A": 2}), notified(chat, None), later)
    assert ("failed", ("notification 0 does not show userData",)) == (named.verdict, named.reasons)


TWICE = {
    "one more": ('{"A": 1, "A": 2, "B": 0}', "passed"),
    "a list": ('{"A": [1, 2], "B": 0}', "passed"),
    "the new one": ('{"A": 2, "B": 0}', "passed"),
    "the old one": ('{"A": 1, "B": 0}', "unknown"),
    "twice more": ('{"A": 1, "A": 2, "A": 2, "B": 0}', "failed"),
    "something else": ('{"A": 1, "A": 3, "B": 0}', "failed"),
    "all gone": ('{"B": 0}', "failed"),
    "another besides": ('{"A": 1, "A": 2, "B": 0, "B": 0}', "failed"),
}


@pytest.mark.parametrize("case", TWICE)
def test_attaching_an_existing_key_adds_a_second_one(case: str) -> None:
    """On voice; how it is spelled is not documented, so each way that keeps the value is right."""
    call, (after, verdict) = BY_NAME["call"], TWICE[case]
    found = only(
        shown(call, {"A": 1, "B": 0}), requested(call, "AttachUserData", userData={"A": 2}), notified(call, after)
    )
    assert verdict == found.verdict, found.reasons


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ('{"A": 2}', "passed"),
        ('{"A": 1}', "passed"),
        ("{}", "passed"),
        ('{"A": 1, "A": 2}', "failed"),
        ('{"A": 3}', "failed"),
    ],
)
def test_deleting_a_pair_of_a_repeated_key_removes_one(after: str, verdict: str) -> None:
    """Which of them is not documented; nor is whether all of them go."""
    call = BY_NAME["call"]
    found = only(shown(call, '{"A": 1, "A": 2}'), requested(call, "DeleteUserDataPair", key="A"), notified(call, after))
    assert verdict == found.verdict, found.reasons


def test_simultaneous_attachments_may_have_any_order() -> None:
    """Two attachments of one key overlap: each notification shows what had been attached by then."""
    call = BY_NAME["call"]
    both = [requested(call, "AttachUserData", began=1 + n / 10, userData={"A": n}) for n in (1, 2)]
    for first, second in (('{"A": 0, "A": 1}', '{"A": 0, "A": 1, "A": 2}'), ('{"A": 0, "A": 1, "A": 2}',) * 2):
        pushed = [notified(call, first), notified(call, second, seen=3.0)]
        found = cassette(shown(call, {"A": 0}), *both, *pushed).updates()
        assert ["passed", "passed"] == [each.verdict for each in found], [each.reasons for each in found]


def test_update_of_a_repeated_key_may_keep_other_values() -> None:
    """The value is there, and none came to it."""
    call = BY_NAME["call"]
    request = requested(call, "UpdateUserData", userData={"A": 9})
    for after, verdict in (('{"A": 9}', "passed"), ('{"A": 9, "A": 2}', "passed"), ('{"A": 1, "A": 2}', "failed")):
        assert verdict == only(shown(call, '{"A": 1, "A": 2}'), request, notified(call, after)).verdict
    assert {"A": Repeated((1, 2))} == loads('{"A": 1, "A": 2}')
    assert {"A": Another(9)} == api.call_of(
        request.request, {"operationName": "AttachUserData", "userData": {"A": 9}}
    ).writes


def test_content_of_an_interaction_is_not_the_session_of_the_same_id() -> None:
    """GetInteractionContent is answered by its referenceId, and its state is another state."""
    content = {
        "messageType": "GetInteractionContentMessage",
        "referenceId": 5,
        "interaction": {"id": "R1", "state": "Stopped"},
    }
    chat = BY_NAME["chat"]
    sent_request = exchange(
        "POST",
        "/api/v2/ucs/interactions/R1",
        {"operationName": "GetInteractionContent"},
        {"statusCode": 0, "referenceId": 5},
        began=1.5,
    )
    played = cassette(
        shown(chat, BEFORE),
        requested(chat, "UpdateUserData", userData={"A": 2}),
        sent_request,
        Notification(channel="/v2/me/interactions", data=json.dumps(content), seen=1.8),
        notified(chat, {**BEFORE, "A": 2}),
    )
    assert [(2, "referenceId"), (1, "content")] == [
        (each.cause.interaction, each.cause.rule) for each in played.notifications if each.cause
    ]
    assert ["passed"] == [each.verdict for each in played.updates()]
