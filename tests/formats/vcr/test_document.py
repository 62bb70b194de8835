"""The fields of a cassette: each one that is missing or wrong is named with its file, its place and its name."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from gws_replay.core.cassette import Cassette
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from tests.support.builders import cassette, exchange, get, push, update

SESSION = cassette(get({"A": 0}, began=0), update({"A": 1}, began=1), push({"A": 1}, seen=2))
DOCUMENT: dict[str, Any] = yaml.safe_load("".join(vcr_yaml.dump_yaml(SESSION)))

# Fields that vcrpy leaves out, or that say by their absence that there is nothing.
OPTIONAL = {
    ("notifications",),
    ("notifications", 0, "cause"),
    ("interactions", 0, "gws_replay"),
    ("interactions", 0, "request", "body"),
    ("interactions", 0, "response", "status", "message"),
    ("interactions", 0, "response", "body", "string"),
}


def read(document: Any) -> Cassette:
    """What is read of a document."""
    return vcr_document.read(document, "tests/a.yaml")


def paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every field of a document; of a list, only those of its first item."""
    if isinstance(value, dict) and "headers" not in above:
        for key, item in value.items():
            yield (*above, key)
            yield from paths(item, (*above, key))
    elif isinstance(value, list):
        yield from paths(value[0], (*above, 0))


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    """The part of a document that a path leads to."""
    for step in path:
        document = document[step]
    return document


FIELDS = [path for path in paths(DOCUMENT) if path not in {("gws_replay", "api"), ("gws_replay",)}]


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_each_missing_field_is_named(path: tuple[str | int, ...]) -> None:
    """Removed or null: the error has the file, the interaction or notification, and the field."""
    for absent in ("removed", "null"):
        document = copy.deepcopy(DOCUMENT)
        if absent == "removed":
            del at(document, path[:-1])[path[-1]]
        else:
            at(document, path[:-1])[path[-1]] = None
        if path in OPTIONAL:
            assert isinstance(read(document), Cassette)
            continue
        with pytest.raises(CassetteError, match=rf"^tests/a\.yaml.*'{path[-1]}' is missing") as caught:
            read(document)
        if len(path) > 2:
            assert f"{str(path[0]).rstrip('s')} 0" in str(caught.value)


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("wrong", [5, True, "x", [], [1], {"x": 1}, 1.5], ids=repr)
def test_each_field_of_a_wrong_kind_is_an_error_or_harmless(path: tuple[str | int, ...], wrong: Any) -> None:
    """No other error than ours, and no value that breaks the promises of the model."""
    document = copy.deepcopy(DOCUMENT)
    at(document, path[:-1])[path[-1]] = wrong
    try:
        found = read(document)
    except CassetteError as error:
        assert str(error).startswith("tests/a.yaml")  # noqa: PT017
        return
    for each in found.interactions:
        assert {str} == {type(v) for v in (each.request.method, each.request.uri, each.response.reason)}
        assert {bytes} == {type(each.request.body), type(each.response.body)}
        assert int is type(each.response.status)
        assert all(type(part) is str for pair in each.response.headers.pairs for part in pair)
    assert all(type(each.channel) is type(each.data) is str for each in found.notifications)
    "".join(vcr_yaml.dump_yaml(found))


def test_a_file_whose_header_is_gone_does_not_lose_its_notifications() -> None:
    """A hand-written cassette may have notifications and no header: they are read, or refused, but not dropped."""
    document = copy.deepcopy(DOCUMENT)
    del document["gws_replay"]
    try:
        assert SESSION.notifications == read(document).notifications
    except CassetteError as error:
        assert "gws_replay" in str(error)  # noqa: PT017


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_a_cause_that_does_not_exist_is_named(index: int) -> None:
    """People edit causes by hand."""
    document = copy.deepcopy(DOCUMENT)
    document["notifications"][0]["cause"]["interaction"] = index
    with pytest.raises(CassetteError, match=rf"notification 0, cause: interaction {index} does not exist, there are 2"):
        read(document)


@pytest.mark.parametrize(("field", "value"), [("rule", "guess"), ("after", "later")])
def test_a_cause_that_is_misspelt_is_named(field: str, value: str) -> None:
    """With the words that there are."""
    document = copy.deepcopy(DOCUMENT)
    document["notifications"][0]["cause"][field] = value
    with pytest.raises(CassetteError, match=rf"notification 0, cause: {field} '{value}' is unknown: there are .*re"):
        read(document)


@pytest.mark.parametrize("data", ["", "{", "{'a': 1}", "None"])
def test_notification_data_that_are_not_json_are_named(data: str) -> None:
    """They are edited by hand, too."""
    document = copy.deepcopy(DOCUMENT)
    document["notifications"][0]["data"] = data
    with pytest.raises(CassetteError, match="notification 0: data is not JSON"):
        read(document)


def test_a_pin_is_kept() -> None:
    """It is how a person corrects a cause."""
    document = copy.deepcopy(DOCUMENT)
    document["notifications"][0]["cause"] = {"interaction": 0, "rule": "pin", "after": "request"}
    (push,) = read(document).notifications
    assert push.cause
    assert (0, "pin", "request") == (push.cause.interaction, push.cause.rule, push.cause.after)


@pytest.mark.parametrize(
    ("written", "body"),
    [("text", b"text"), (b"\xff", b"\xff"), (None, b""), ("", b""), ({"string": "x"}, b"x"), ({"string": None}, b"")],
)
def test_the_forms_of_a_body(written: Any, body: bytes) -> None:
    """vcrpy's own and those of its older versions."""
    document = copy.deepcopy(DOCUMENT)
    document["interactions"][0]["request"]["body"] = written
    document["interactions"][0]["response"]["body"] = {"string": written}
    found = read(document).interactions[0]
    assert (body, body) == (found.request.body, found.response.body)


@pytest.mark.parametrize(
    ("written", "pairs"),
    [
        ({"A": "1"}, (("A", "1"),)),
        ({"A": ["1", "2"]}, (("A", "1"), ("A", "2"))),
        ({"A": [b"1"]}, (("A", "1"),)),
        ({"A": []}, ()),
        ({}, ()),
        ({"Content-Length": [5]}, (("Content-Length", "5"),)),
    ],
)
def test_the_forms_of_headers(written: Any, pairs: tuple[tuple[str, str], ...]) -> None:
    """Text, lists, and the bytes that a client gave vcrpy."""
    document = copy.deepcopy(DOCUMENT)
    document["interactions"][0]["request"]["headers"] = written
    assert pairs == read(document).interactions[0].request.headers.pairs


def test_file_order_stands_in_for_time() -> None:
    """In a cassette that has none."""
    document = copy.deepcopy(DOCUMENT)
    del document["gws_replay"], document["notifications"]
    for item in document["interactions"]:
        del item["gws_replay"]
    assert [0.0, 1.0] == [each.began for each in read(document).interactions]


def test_the_items_are_what_vcrpy_reads() -> None:
    """No key of ours inside request or response."""
    item = vcr_document.interaction(replace(exchange("GET", "/x"), began=1.0, ended=2.0))
    assert {"request", "response", "gws_replay"} == item.keys()
    assert {"method", "uri", "body", "headers"} == item["request"].keys()
    assert {"status", "headers", "body"} == item["response"].keys()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("response", "status", "code"), 0, "response, status: code 0 cannot be a status"),
        (("response", "status", "code"), 100, "response, status: code 100 cannot be a status"),
        (("response", "status", "code"), 1000, "response, status: code 1000 cannot be a status"),
        (("response", "status", "message"), "OK\r\nX: 1", "response, status: message contains a line break"),
        (("response", "headers"), {"X": ["a\r\nSet-Cookie: b=1"]}, "response: header 'X' contains a line break"),
        (("response", "headers"), {"X": ["a\0"]}, "response: header 'X' contains a line break"),
        (("response", "headers"), {"": ["a"]}, "response: '' cannot be the name of a header"),
        (("response", "headers"), {"a\nb": ["a"]}, "response: 'a\\nb' cannot be the name of a header"),
        (("request", "method"), "", "request: '' cannot be a method"),
        (("request", "method"), "GET /x", "request: 'GET /x' cannot be a method"),
    ],
)
def test_what_cannot_be_sent_is_found_when_the_file_is_loaded(path: tuple[str, ...], value: Any, message: str) -> None:
    """Not when a client sends the request, far from the file."""
    document = copy.deepcopy(DOCUMENT)
    at(document["interactions"][1], path[:-1])[path[-1]] = value
    errors = []
    with pytest.raises(CassetteError) as caught:
        read(document)
    errors.append(str(caught.value))
    with pytest.raises(CassetteError) as caught:
        vcr_yaml.load(yaml.safe_dump(document), "tests/a.yaml", as_json=False)
    errors.append(str(caught.value))
    assert all(each.startswith(f"tests/a.yaml, interaction 1, {message}") for each in errors)


def test_a_folded_header_is_unfolded() -> None:
    """Old servers send them, and vcrpy keeps them as they came (RFC 9112, section 5.2)."""
    document = copy.deepcopy(DOCUMENT)
    document["interactions"][0]["response"]["headers"] = {"X": ["a;\r\n  b"]}
    assert "a; b" == read(document).interactions[0].response.headers.get("x")
