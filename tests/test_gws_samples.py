"""The documented samples, each read as what it documents: operation, resource, response, notification, userData.

They are in tests/data/gws-samples, with the address of the page of each one. The raw texts are what the pages print:
most of them are not JSON, and must be refused, not guessed.
"""

import json
from json import JSONDecodeError
from typing import Any

import pytest

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Another
from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Notification, Request
from tests.support.builders import DATA, HOST, exchange
from tests.support.gws_samples import NOTIFIED, REQUESTED, RETURNED

SAMPLES = {path.stem: lossless_json.loads(path.read_text("utf-8")) for path in (DATA / "gws-samples").glob("*.json")}
RAW = {path.name.partition(".")[0]: path for path in (DATA / "gws-samples").glob("*.raw.txt")}


def several(found: Any) -> list[dict[str, Any]]:
    """One sample, or several, or none."""
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def data_of(shown: dict[str, Any]) -> dict[str, Any]:
    """The data of a notification: pages print it with or without the Bayeux message around it."""
    data = shown.get("data", shown)
    assert isinstance(data, dict)
    return data


def request_of(sample: dict[str, Any]) -> Request:
    """The request of a sample, whose path may lack the first slash."""
    path = sample["path"]
    uri = path if path.startswith("http") else f"{HOST}/{path.lstrip('/')}"
    sent = sample.get("body")
    return Request(method=sample["method"], uri=uri, body=b"" if sent is None else json.dumps(sent).encode())


def test_every_sample_is_used() -> None:
    """Every file has an entry with its content, and the address of its page."""
    assert SAMPLES.keys() == REQUESTED.keys()
    assert {name for name, sample in SAMPLES.items() if several(sample["notification"])} == NOTIFIED.keys()
    assert all(sample["source_url"] for sample in SAMPLES.values())


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_sample_is_read_as_documented(name: str) -> None:
    """Its requests, responses and notifications."""
    sample = SAMPLES[name]
    requested = [(request_of(each), each.get("body")) for each in several(sample["request"])]
    calls = [api.call_of(request, sent) for request, sent in requested]
    assert REQUESTED[name] == [
        (call.operation, call.channel and call.channel.name, call.resource_id, call.writes) for call in calls
    ]
    assert {"workspace-v3" if name.startswith("successor") else "gws-v2"} == {
        api.api_of(request for request, _ in requested).name
    }

    responses = several(sample["response"])
    assert RETURNED.get(name, [("taken", "statusCode 0", None, [])] * len(responses)) == [
        (
            api.taken(each.get("http_status", 200), each),
            api.code_of(each),
            api.reference_of(each),
            [subject.resource_id for subject in api.resources_in(each)],
        )
        for each in responses
    ]

    pushed = [data_of(each) for each in several(sample["notification"])]
    subjects = [api.subject_of(each) for each in pushed]
    assert NOTIFIED.get(name, []) == [
        (
            api.kind_of(data),
            api.reference_of(data),
            subject and subject.channel.name,
            subject and subject.resource_id,
            None if subject is None or subject.user_data is None else len(subject.user_data),
        )
        for data, subject in zip(pushed, subjects, strict=True)
    ]


# The kinds that samples show in responses; a message log without the address of its session, or a cut one, has none.
ANSWERS = [
    (name, number)
    for name, pushed in NOTIFIED.items()
    for number, (kind, *_) in enumerate(pushed)
    if REQUESTED[name] and kind
]


@pytest.mark.parametrize(("name", "number"), ANSWERS, ids=str)
def test_response_to_an_operation_has_the_kind_that_its_page_shows(name: str, number: int) -> None:
    """The tables agree with the sample of each operation."""
    sample = SAMPLES[name]
    requested = several(sample["request"])[0]
    assert api.call_of(request_of(requested), requested.get("body")).answered_by(NOTIFIED[name][number][0])


JUDGED = [
    name
    for name in NOTIFIED
    if REQUESTED[name] and NOTIFIED[name][0][4] is not None and not name.startswith("successor")
]


@pytest.mark.parametrize("name", JUDGED)
def test_the_notification_of_a_sample_shows_what_its_operation_wrote(name: str) -> None:
    """The notification of the page passes; the same with one more key fails."""
    requested, data = several(SAMPLES[name]["request"])[0], data_of(several(SAMPLES[name]["notification"])[0])
    call, subject = api.call_of(request_of(requested), requested["body"]), api.subject_of(data)
    assert subject
    assert subject.user_data is not None
    key, resource = subject.channel.key, {**subject.resource, "id": subject.resource_id}
    new = [name for name, value in (call.writes or {}).items() if isinstance(value, Another)]
    before = {**subject.user_data, **{str(name): "before" for name in (call.writes or ())}}
    before = {name: value for name, value in before.items() if name not in new}
    path = requested["path"].rpartition("/")[0].strip("/")
    sent_exchange = exchange("POST", f"/{path}/{subject.resource_id}", requested["body"], {"statusCode": 0}, began=1.0)
    shown = exchange("GET", f"/{path}?fields=*", None, {key: {**resource, "userData": before}})
    cause = Cause(interaction=1, rule="pin", after="response")
    for more, verdict in (({}, "passed"), ({"Z": 1}, "failed")):
        text = json.dumps({**data, key: {**resource, "userData": {**subject.user_data, **more}}})
        push = Notification(channel=subject.channel.topic, data=text, seen=2.0, cause=cause)
        (found,) = Cassette(interactions=(shown, sent_exchange), notifications=(push,)).updates()
        assert verdict == found.verdict, found.reasons


@pytest.mark.parametrize("name", sorted(RAW))
def test_printed_text_that_is_not_json_is_refused(name: str) -> None:
    """None for null, Python's quotes and suffixes, typographic quotes, cut ends: refused, not guessed."""
    text = RAW[name].read_text("utf-8")
    with pytest.raises(JSONDecodeError):
        lossless_json.loads(text)
    assert None is lossless_json.loads_or_none(text)
    assert None is bayeux_text.messages_in(text)


ODDITIES = {
    "None for null": '{"RRequestedSkills": None}',
    "single quotes": "{'operationName': 'SetDisposition'}",
    "unicode prefix": '{u"referenceId": 34}',
    "long suffix": '{"timestampSeconds": 1389261492035L}',
    "typographic quotes": "{“operationName”: “Create”}",
    "trailing comma": '{"statusCode":0,"referenceId":10,}',
    "torn end": '{"facebooksession": {"userData": {"A": 1}',
    "one brace too many": '{"A": 1}}}',
    "newline in a string": '{"_facebookPMInboxUrl": "https://a\nb"}',
    "unescaped quotes": '{"UserData1": ""DATAUPDATE-@123""}',
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_error_in_a_printed_page_is_refused(oddity: str) -> None:
    """A server never sends it; a hand-written cassette may have copied it."""
    with pytest.raises(JSONDecodeError):
        lossless_json.loads(ODDITIES[oddity])


def test_duplicate_key_of_a_page_keeps_both_values() -> None:
    """The printed page has LCATimeStamp_facebooksession twice: both values are kept, and shown as a difference."""
    line = '"LCATimeStamp_facebooksession": "2015-08-11T12: 11: 34Z",\n"LCATimeStamp_facebooksession": "a1"'
    assert 2 == RAW["UpdateUserData-facebooksession"].read_text("utf-8").count('"LCATimeStamp_facebooksession":')
    read = lossless_json.loads(f'{{"facebooksession": {{"id": "S1", "userData": {{{line}}}}}}}')
    subject = api.subject_of(read)
    assert subject
    assert {
        "LCATimeStamp_facebooksession": lossless_json.Repeated(("2015-08-11T12: 11: 34Z", "a1"))
    } == subject.user_data


def test_notification_with_another_comment_is_found() -> None:
    """The page contradicts itself: a server that did so would fail."""
    sample = SAMPLES["AddComment-facebooksession"]
    call = api.call_of(request_of(sample["request"]), sample["request"]["body"])
    subject = api.subject_of(data_of(sample["notification"]))
    assert subject
    assert False is call.shown_in(subject)
    assert ("Some facebook session comment text", "Some chat comment text") == (
        call.sets["comment"],
        subject.resource["comment"],
    )
