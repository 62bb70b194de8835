"""When two requests are the same question, and how they differ when they are not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.request_key import Neighbours, differences, key_of
from tests.support.builders import USER_DATA, spelled


def request(uri: str = "http://a/x", body: Any = None, method: str = "POST") -> Request:
    """A request; text is taken as it is, other values become JSON."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return Request(method=method, uri=uri, body=text.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (request("http://a/x"), request("https://b:8443/x")),
        (request("http://a/x"), request("http://user:pass@a/x")),
        (request("http://a/x?b=2&a=1"), request("http://a/x?a=1&b=2")),
        (request("http://a/x?a=%20b"), request("http://a/x?a=+b")),
        (request("http://a"), request("http://a/")),
        (request("http://a/x#top"), request("http://a/x")),
        (request(method="post"), request(method="POST")),
        (request(body={"a": 1, "b": {"c": 2, "d": 3}}), request(body={"b": {"d": 3, "c": 2}, "a": 1})),
        (request(body='{"a":1.50}'), request(body='{ "a" : 1.5 }\n')),
        (request(body='{"a":"\\u00e4"}'), request(body='{"a":"ä"}')),
        (
            Request(method="GET", uri="http://a/x", headers=Headers((("Accept", "a"),))),
            Request(method="GET", uri="http://a/x"),
        ),
    ],
)
def test_the_same_question(one: Request, other: Request) -> None:
    """Host, headers, the order of query and keys, and spelling do not count."""
    assert key_of(one) == key_of(other)
    assert () == differences(one, other)


@pytest.mark.parametrize(
    ("asked", "recorded", "said"),
    [
        (request(method="GET"), request(), 'method: asked "GET", recorded "POST"'),
        (request("http://a/x"), request("http://a/y"), 'path: asked "/x", recorded "/y"'),
        (request("http://a/x/"), request("http://a/x"), 'path: asked "/x/", recorded "/x"'),
        (request("http://a/x?a=1"), request("http://a/x?a=2"), 'query: asked "a=1", recorded "a=2"'),
        (request("http://a/x?a="), request("http://a/x"), 'query: asked "a=", recorded ""'),
        (request("http://a/x?a=1&a=1"), request("http://a/x?a=1"), 'query: asked "a=1&a=1", recorded "a=1"'),
        (request(body={"a": 1}), request(body={"a": 1.0}), "body.a: asked 1, recorded 1.0"),
        (request(body={"a": 1}), request(body={"a": "1"}), 'body.a: asked 1, recorded "1"'),
        (request(body={"a": 1}), request(body={"a": True}), "body.a: asked 1, recorded true"),
        (request(body={"a": [1, 2]}), request(body={"a": [1, 3]}), "body.a[1]: asked 2, recorded 3"),
        (request(body={"a": None}), request(body={}), "body.a: asked null, recorded nothing"),
        (request(body={}), request(body={"a": {"b": 1}}), 'body.a: asked nothing, recorded {"b": 1}'),
        (request(body='{"a":1,"a":2}'), request(body='{"a":2}'), 'body.a: asked {"repeated key": [1, 2]}, recorded 2'),
        (request(body=[1]), request(body={"a": 1}), 'body: asked [1], recorded {"a": 1}'),
        (request(body="a=1"), request(), "body: asked 3 bytes that are not JSON, recorded no body"),
        (request(body="x"), request(body="y"), "body: asked 1 bytes that are not JSON, recorded 1 bytes"),
    ],
)
def test_another_question_and_the_difference(asked: Request, recorded: Request, said: str) -> None:
    """Both sides are told, body differences by their path."""
    assert key_of(asked) != key_of(recorded)
    (found,) = differences(asked, recorded)
    assert str(found).startswith(said)


@given(USER_DATA, USER_DATA)
@settings(max_examples=120)
def test_differences_are_told_exactly_when_requests_do_not_match(one: dict[str, Any], other: dict[str, Any]) -> None:
    """No miss is without its reason, and no match has one."""
    mine, theirs = request(body={"userData": one}), request(body={"userData": other})
    assert (spelled(one) == spelled(other)) == (key_of(mine) == key_of(theirs))
    assert (key_of(mine) == key_of(theirs)) == (not differences(mine, theirs))


def test_all_differences_are_told() -> None:
    """Method, path, query and each part of the body."""
    found = differences(
        request("http://a/x?q=1", {"a": 1, "b": 2}, "PUT"), request("http://a/y?q=2", {"a": 2, "c": 3}, "POST")
    )
    assert ["method", "path", "query"] == [each.part for each in found[:3]]
    assert {"body.a", "body.b", "body.c"} == {each.part for each in found[3:]}


def test_keys_of_a_body_cannot_steer_a_terminal() -> None:
    """They are shown in failures."""
    (found,) = differences(request(body={"\x1b[2J": 1}), request(body={}))
    assert str(found).isprintable()


RECORDED = [
    request("http://a/me/sessions/S1", {"operationName": "UpdateUserData", "userData": {"A": 1, "B": 1}}),
    request("http://a/me/sessions/S1", {"operationName": "UpdateUserData", "userData": {"A": 2, "B": 1}}),
    request("http://a/me/sessions/S2", {"operationName": "UpdateUserData", "userData": {"A": 3, "B": 3}}),
    request("http://a/me/sessions/S1", None, "GET"),
]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (request("http://b/me/sessions/S1", {"operationName": "UpdateUserData", "userData": {"A": 2, "B": 9}}), 1),
        (request("http://b/me/sessions/S2", {"operationName": "UpdateUserData", "userData": {"A": 1, "B": 1}}), 2),
        (request("http://b/me/sessions/S9", {"operationName": "UpdateUserData", "userData": {"A": 1, "B": 1}}), 0),
        (request("http://b/me/sessions/S1?fields=*", None, "GET"), 3),
        (request("http://b/me/sessions/S1", None, "PATCH"), 3),
        (request("http://b/me/other/S1"), None),
        (request("http://b/"), None),
    ],
)
def test_the_nearest_recorded_request(asked: Request, index: int | None) -> None:
    """Path before method, method before body; nothing when even the collection is another."""
    assert index == Neighbours(RECORDED).nearest(asked)


def test_nothing_is_nearest_to_nothing() -> None:
    """An empty cassette."""
    assert Neighbours([]).nearest(request()) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["GET", "POST"]), st.integers(0, 2)), max_size=8),
    st.tuples(st.sampled_from("abd"), st.sampled_from(["post", "PUT"]), st.integers(0, 2)),
)
def test_the_nearest_is_the_first_with_the_fewest_differences(
    recorded: list[tuple[str, str, int]], asked: tuple[str, str, int]
) -> None:
    """As comparing it with each of them tells."""
    requests = [request(f"http://h/me/{path}", {"A": value}, method) for path, method, value in (*recorded, asked)]

    def unlike(index: int) -> tuple[bool, bool, bool]:
        path, method, value = recorded[index]
        return path != asked[0], method != asked[1].upper(), value != asked[2]

    expected = min(range(len(recorded)), key=unlike, default=None)
    assert expected == Neighbours(requests[:-1]).nearest(requests[-1])


def test_the_boundary_of_a_form_is_the_clients_choice() -> None:
    """It is another each time; the parts count."""

    def form(boundary: str, part: str, kind: str = "multipart/form-data; boundary={}") -> Request:
        body = f"--{boundary}\r\n\r\n{part}\r\n--{boundary}--\r\n".encode()
        return Request(method="POST", uri="/x", headers=Headers((("Content-Type", kind.format(boundary)),)), body=body)

    assert key_of(form("1a2b", "A")) == key_of(form("c3d4", "A"))
    assert key_of(form("1a2b", "A")) == key_of(form("c3d4", "A", 'Multipart/mixed; charset=x; boundary="{}"'))
    assert key_of(form("1a2b", "A")) != key_of(form("1a2b", "B"))
    assert key_of(form("1a2b", "A", "text/plain; boundary={}")) != key_of(form("c3d4", "A", "text/plain; boundary={}"))
