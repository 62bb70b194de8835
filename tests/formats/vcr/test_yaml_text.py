"""The cassette file: what is written is read back; what is torn, foreign or wrong is refused with its place."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Headers, Notification, Request, Response
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.storage.files import load_cassette

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "a\r\nb",
        "\x85",
        "\u2028x",
        "\ufeff",
        "😀\n",
        " lead\n",
        "tail \nx",
        "\x00\x1b[1m",
        "'\"",
        "- x: y",
        "null",
        "...",
    ]
)
# In a header: no line break, which is a fault of the file.
LINE = TEXT.filter(lambda text: not any(each in text for each in "\r\n\0"))
HEADERS = st.lists(st.tuples(st.sampled_from(["A", "Set-Cookie", "x-y"]), LINE), max_size=3, unique_by=lambda p: p[0])
BODIES = TEXT.map(str.encode) | st.binary(max_size=30)


@st.composite
def cassettes(draw: st.DrawFn, bodies: st.SearchStrategy[bytes] = BODIES) -> Cassette:
    """Any cassette; header names that differ in case only are written under one spelling, so they do not occur."""
    exchanges = tuple(
        Exchange(
            request=Request(
                method="POST", uri=draw(TEXT) or "/", headers=Headers(tuple(draw(HEADERS))), body=draw(bodies)
            ),
            response=Response(status=200, reason=draw(LINE), headers=Headers(tuple(draw(HEADERS))), body=draw(bodies)),
            began=float(index),
            ended=index + 0.5,
        )
        for index in range(draw(st.integers(1, 3)))
    )
    cause = Cause(interaction=0, rule="content", after="response")
    notification = Notification(
        channel="/x", data=json.dumps({"k": draw(TEXT)}, ensure_ascii=False), seen=1.25, cause=cause
    )
    return Cassette(interactions=exchanges, notifications=(notification,), header={"format": 1, "recorder": draw(TEXT)})


@given(cassettes())
@settings(deadline=None, max_examples=120)
def test_yaml_gives_the_cassette_back(cassette: Cassette) -> None:
    """Whatever stands in bodies, headers and notifications."""
    assert cassette == vcr_yaml.load("".join(vcr_yaml.dump_yaml(cassette)), "c").named(cassette.source)


@given(cassettes(TEXT.map(str.encode)))
@settings(deadline=None, max_examples=100)
def test_json_gives_the_cassette_back(cassette: Cassette) -> None:
    """Bodies that are text."""
    text = "".join(vcr_yaml.dump_json(cassette))
    assert cassette == vcr_yaml.load(text, "c", as_json=True).named(cassette.source)


def small() -> Cassette:
    """Two exchanges and a notification."""
    exchange = Exchange(
        request=Request(method="POST", uri="http://h/x", body=b'{\n  "a": 1\n}', headers=Headers((("A", "b"),))),
        response=Response(status=200, reason="OK", body=b"text"),
        began=0.0,
        ended=0.5,
    )
    cause = Cause(interaction=0, rule="content", after="response")
    notification = Notification(channel="/v2/x", data='{\n  "a": 1\n}', seen=1.0, cause=cause)
    return Cassette(interactions=(exchange, exchange), notifications=(notification,), header={"format": 1})


@pytest.mark.parametrize("as_json", [False, True])
def test_a_torn_file_is_never_read_as_a_short_one(as_json: bool) -> None:
    """Cut at any byte, it is refused; only trailing white space may be missing."""
    text = "".join((vcr_yaml.dump_json if as_json else vcr_yaml.dump_yaml)(small()))
    for cut in range(len(text)):
        if text[cut:].strip():
            with pytest.raises(CassetteError):
                vcr_yaml.load(text[:cut], "c", as_json=as_json)
        else:
            assert small() == vcr_yaml.load(text[:cut], "c", as_json=as_json).named("<memory>")


DOCUMENT: dict[str, Any] = yaml.safe_load("".join(vcr_yaml.dump_yaml(small())))
FIELDS: list[tuple[str | int, ...]] = [
    ("version",),
    ("interactions",),
    ("gws_replay", "format"),
    *(("interactions", 1, "request", name) for name in ("method", "uri", "headers")),
    *(("interactions", 1, "response", name) for name in ("status", "headers", "body")),
    ("interactions", 1, "request"),
    ("interactions", 1, "response"),
    ("interactions", 1, "response", "status", "code"),
    ("interactions", 1, "gws_replay", "began"),
    ("interactions", 1, "gws_replay", "ended"),
    *(("notifications", 0, name) for name in ("channel", "seen", "data")),
    *(("notifications", 0, "cause", name) for name in ("interaction", "rule", "after")),
]


def changed(path: tuple[str | int, ...], value: Any = None) -> str:
    """The small cassette's text with one field taken out, or put to a value."""
    document: Any = copy.deepcopy(DOCUMENT)
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return yaml.safe_dump(document)


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_a_missing_field_is_named_with_its_place(path: tuple[str | int, ...]) -> None:
    """File, interaction or notification, field, and what to do."""
    with pytest.raises(
        CassetteError, match=rf"^c\.yaml, .*'{path[-1]}' is missing; record the cassette again$"
    ) as caught:
        vcr_yaml.load(changed(path), "c.yaml")
    if len(path) > 2:
        assert f"{str(path[0]).removesuffix('s')} {path[1]}" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("version",), 2, "version 2 is unknown"),
        (("gws_replay", "format"), 99, "format 99 is unknown"),
        (("interactions",), "x", "'interactions' is str"),
        (("interactions", 1), "x", "interaction 1: the field 'request' is missing"),
        (("interactions", 0, "response", "status", "code"), "200", "'code' is str"),
        (("interactions", 0, "request", "body"), 1, "int is neither text nor binary"),
        (("notifications", 0, "cause", "interaction"), 2, "interaction 2 does not exist, there are 2"),
        (("notifications", 0, "cause", "interaction"), -1, "interaction -1 does not exist"),
        (("notifications", 0, "cause", "rule"), "guess", "rule 'guess' is unknown: there are pin,"),
        (("notifications", 0, "data"), "{", "notification 0: data is not JSON"),
    ],
)
def test_a_wrong_field_is_named(path: tuple[str | int, ...], value: Any, expected: str) -> None:
    """Another version or format, another type, an index out of range, a rule that does not exist."""
    with pytest.raises(CassetteError) as caught:
        vcr_yaml.load(changed(path, value), "c.yaml")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"a: [1", "is not YAML"),
        (b"just text", "is no cassette"),
        (b"- request: {}\n  response: {}\n", "has the list form of VCR before version 1"),
        (b"version: 1\ninteractions:\n- !!python/object/new:os.system [x]\n", "is not YAML"),
        (b"\x00", "is not YAML"),
        (b"[" * 5000, "is not YAML"),
    ],
)
def test_what_is_no_cassette_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    """With the file's name, and in a sentence."""
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(CassetteError) as caught:
        load_cassette(tmp_path / "c.yaml")
    assert expected in str(caught.value)
    assert str(tmp_path / "c.yaml") in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """Never taken for an empty cassette."""
    for path, expected in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(CassetteError, match=expected):
            load_cassette(path)


def test_json_cannot_hold_a_binary_body() -> None:
    """The sentence says which body, and what to write instead."""
    cassette = Cassette(
        interactions=(
            Exchange(
                request=Request(method="GET", uri="/"),
                response=Response(status=200, body=b"\xff"),
                began=0.0,
                ended=1.0,
            ),
        )
    )
    with pytest.raises(CassetteError, match=r"interaction 0: the response body is binary.* write it as \.yaml"):
        list(vcr_yaml.dump_json(cassette))


def test_raw_connect_responses_of_a_plain_cassette_are_found() -> None:
    """Without our keys the order in the file stands in for time; control traffic is left out."""
    connect = json.dumps(
        [
            {
                "channel": "/v2/me/facebooksession",
                "data": {
                    "notificationType": "PropertiesUpdated",
                    "facebooksession": {"id": "S1", "userData": {"A": 1}},
                },
            },
            {"channel": "/meta/connect", "successful": True},
        ]
    )
    update = json.dumps({"operationName": "UpdateUserData", "userData": {"A": 1}})
    poll = json.dumps([{"channel": "/meta/connect"}])
    items = [("http://h/api/v2/me/facebooksessions/S1", update, '{"statusCode":0}'), ("http://h/n", poll, connect)]
    text = yaml.safe_dump(
        {
            "version": 1,
            "interactions": [
                {
                    "request": {"method": "POST", "uri": uri, "body": sent, "headers": {}},
                    "response": {
                        "status": {"code": 200, "message": "OK"},
                        "headers": {"A": ["b"]},
                        "body": {"string": got},
                    },
                }
                for uri, sent, got in items
            ],
        }
    )
    cassette = vcr_yaml.load(text, "plain.yaml")
    assert ["http://h/api/v2/me/facebooksessions/S1"] == [e.request.uri for e in cassette.interactions]
    (notification,) = cassette.notifications
    assert Cause(interaction=0, rule="content", after="response") == notification.cause


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
HARMLESS = {"uri": "x", "headers": "{}", "body": "null", "answer": "''"}
SELF = "&self {string: *self}"


@pytest.mark.parametrize("place", ["uri", "headers", "header", "body", "itself", "answer", "interactions"])
def test_aliases_that_multiply_are_refused(place: str) -> None:
    """A file of 500 bytes that stands for ten thousand million values, wherever they are: at once, in a sentence."""
    places = {"header": {"headers": "{a: *a9}"}, "itself": {"body": SELF}}
    put = {**HARMLESS, **places.get(place, {place: "*a9"})}
    request = f"request: {{method: GET, uri: {put['uri']}, headers: {put['headers']}, body: {put['body']}}}"
    response = f"response: {{status: {{code: 200, message: OK}}, headers: {{}}, body: {{string: {put['answer']}}}}}"
    items = "*a9" if place == "interactions" else f"[{{{request}, {response}}}]"
    with pytest.raises(CassetteError, match=r"bomb\.yaml, interaction 0"):
        vcr_yaml.load(f"version: 1\n{BOMB}interactions: {items}\n", "bomb.yaml")
