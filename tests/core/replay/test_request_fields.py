"""Fields that are changed or removed: parameters by name, members of JSON by path."""

import json
from typing import Any

import pytest
from hypothesis import given

from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.request_fields import (
    IgnoredFields,
    changed_form,
    changed_json,
    changed_query,
    json_path,
)
from tests.support.builders import JSON

TEXT = '{"id": 1.50, "list": [{"id": 2, "n": "a"}, {"id": 3}], "in": {"odd name": 4, "id": 5}, "id2": 6}'


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("$.id", {"list": [{"id": 2, "n": "a"}, {"id": 3}], "in": {"odd name": 4, "id": 5}, "id2": 6}),
        ("$.list[*].id", {"id": 1.5, "list": [{"n": "a"}, {}], "in": {"odd name": 4, "id": 5}, "id2": 6}),
        ("$.list[1]", {"id": 1.5, "list": [{"id": 2, "n": "a"}], "in": {"odd name": 4, "id": 5}, "id2": 6}),
        ("$.in['odd name']", {"id": 1.5, "list": [{"id": 2, "n": "a"}, {"id": 3}], "in": {"id": 5}, "id2": 6}),
        ("$..id", {"list": [{"n": "a"}, {}], "in": {"odd name": 4}, "id2": 6}),
        ("$.in.*", {"id": 1.5, "list": [{"id": 2, "n": "a"}, {"id": 3}], "in": {}, "id2": 6}),
        ("$.list[*]", {"id": 1.5, "list": [], "in": {"odd name": 4, "id": 5}, "id2": 6}),
        ("$.none", json.loads(TEXT)),
        ("$.id.deeper", json.loads(TEXT)),
        ("$.list.id", json.loads(TEXT)),
    ],
)
def test_path_removes_the_members_it_matches(path: str, left: Any) -> None:
    """In objects and arrays, at one level or at any."""
    assert left == json.loads(changed_json(TEXT, json_path(path), lambda _: None))


def test_what_is_not_changed_keeps_its_spelling() -> None:
    """Numbers, escapes and duplicate keys."""
    text = r"""{"a": 1.50, "drop": 1, "b": "\u00e4", "b": 1e3}"""
    assert r"""{"a":1.50,"b":"\u00e4","b":1e3}""" == changed_json(text, json_path("$.drop"), lambda _: None)
    assert text is changed_json(text, json_path("$.other"), lambda _: None)
    assert '[{"a":"x"},2]' == changed_json('[{"a": 1}, 2]', json_path("$[*].a"), lambda _: '"x"')


@pytest.mark.parametrize("path", ["", "$", "id", "$id", "$.", "$.a b", "$[", "$[a]", "$.a[-1]", "$...a", "$.a['b]"])
def test_invalid_path_is_refused(path: str) -> None:
    """The message shows a valid one."""
    with pytest.raises(ValueError, match="cannot be parsed as a JSON path: write"):
        json_path(path)


@given(JSON)
def test_removing_any_depth_leaves_no_such_key(value: Any) -> None:
    """Whatever the value is."""
    text = json.dumps({"A": value, "list": [value]})
    left = json.loads(changed_json(text, json_path("$..A"), lambda _: None))
    assert '"A":' not in json.dumps(left)


def test_parameters_are_changed_by_name() -> None:
    """In a query and in a form; what stays keeps its spelling in a form."""

    def change(name: str, value: str) -> str | None:
        return {"drop": None, "change": value + "!"}.get(name, value)

    assert "http://a/x?b=2&change=1%21#f" == changed_query("http://a/x?drop=1&b=2&change=1#f", change)
    assert "http://a/x?b=%7e" == changed_query("http://a/x?b=%7e", change)
    assert "b=%7e&change=1%21&flag" == changed_form("drop=1&b=%7e&change=1&flag", change)


def test_ignored_fields_are_removed_from_query_json_and_form() -> None:
    """A path of one step names a field of a form, too."""
    ignored = IgnoredFields(query=("_",), body=("$.requestId", "$.meta.at"))
    for body, kind, left in [
        (b'{"requestId": 1, "meta": {"at": 2}, "n": 3}', "application/json", b'{"meta":{},"n":3}'),
        (b"requestId=1&n=3", "application/x-www-form-urlencoded", b"n=3"),
        (b"requestId=1", "text/plain", b"requestId=1"),
    ]:
        request = Request(
            method="POST", uri="http://a/x?_=9&n=1", headers=Headers((("Content-Type", kind),)), body=body
        )
        removed = ignored.removed_from(request)
        assert ("http://a/x?n=1", left) == (removed.uri, removed.body)
    assert not IgnoredFields()
