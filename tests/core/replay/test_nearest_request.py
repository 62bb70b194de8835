"""The reason of a miss: the nearest recorded request, and the parts in which the two differ."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.nearest_request import Neighbours, differences
from gws_replay.core.replay.request_key import key_of
from tests.support.builders import USER_DATA, spelled


def request(uri: str = "http://a/x", body: Any = None, method: str = "POST") -> Request:
    """A request; text is taken as it is, other values become JSON."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return Request(method=method, uri=uri, body=text.encode())


@pytest.mark.parametrize(
    ("live", "recorded", "text"),
    [
        (request(method="GET"), request(), 'method: sent "GET", recorded "POST"'),
        (request("http://a/x"), request("http://a/y"), 'path: sent "/x", recorded "/y"'),
        (request("http://a/x/"), request("http://a/x"), 'path: sent "/x/", recorded "/x"'),
        (request("http://a/x?a=1&b=1"), request("http://a/x?a=2&b=1"), 'query.a: sent "1", recorded "2"'),
        (request("http://a/x?a="), request("http://a/x"), 'query.a: sent "", not recorded'),
        (request("http://a/x?a=1&a=1"), request("http://a/x?a=1"), 'query.a: sent ["1", "1"], recorded "1"'),
        (request(body={"a": 1}), request(body={"a": 1.0}), "body.a: sent 1, recorded 1.0"),
        (request(body={"a": 1}), request(body={"a": "1"}), 'body.a: sent 1, recorded "1"'),
        (request(body={"a": 1}), request(body={"a": True}), "body.a: sent 1, recorded true"),
        (request(body={"a": [1, 2]}), request(body={"a": [1, 3]}), "body.a[1]: sent 2, recorded 3"),
        (request(body={"a": None}), request(body={}), "body.a: sent null, not recorded"),
        (request(body={}), request(body={"a": {"b": 1}}), 'body.a: not sent, recorded {"b": 1}'),
        (request(body='{"a":1,"a":2}'), request(body='{"a":2}'), 'body.a: sent {"repeated key": [1, 2]}, recorded 2'),
        (request(body=[1]), request(body={"a": 1}), 'body: sent [1], recorded {"a": 1}'),
        (request(body="a=1"), request(), 'form.a: sent "1", not recorded'),
        (
            request(body="x"),
            request(body="y"),
            "body: sent 1 bytes that are not JSON, recorded 1 bytes that are not JSON",
        ),
    ],
)
def test_a_difference_names_the_part_and_both_sides(live: Request, recorded: Request, text: str) -> None:
    """Bodies are compared by path, forms and queries by field."""
    assert key_of(live) != key_of(recorded)
    (found,) = differences(live, recorded)
    assert text == str(found)


@given(USER_DATA, USER_DATA)
@settings(max_examples=120)
def test_requests_differ_exactly_when_their_keys_do(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Every miss has a difference, and no match has one."""
    mine, theirs = request(body={"userData": one}), request(body={"userData": other})
    assert (spelled(one) == spelled(other)) == (key_of(mine) == key_of(theirs))
    assert (key_of(mine) == key_of(theirs)) == (not differences(mine, theirs))


def test_every_difference_is_named() -> None:
    """Method, path, query and each part of the body."""
    found = differences(
        request("http://a/x?q=1", {"a": 1, "b": 2}, "PUT"), request("http://a/y?q=2", {"a": 2, "c": 3}, "POST")
    )
    assert ["method", "path", "query.q"] == [each.part for each in found[:3]]
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
    ("live", "index"),
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
def test_the_nearest_recorded_request(live: Request, index: int | None) -> None:
    """Path before method, method before body; none if even the collection differs."""
    assert index == Neighbours(RECORDED).nearest(live)


def test_nothing_is_nearest_to_nothing() -> None:
    """An empty cassette."""
    assert Neighbours([]).nearest(request()) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["GET", "POST"]), st.integers(0, 2)), max_size=8),
    st.tuples(st.sampled_from("abd"), st.sampled_from(["post", "PUT"]), st.integers(0, 2)),
)
def test_the_nearest_is_the_first_with_the_fewest_differences(
    recorded: list[tuple[str, str, int]], sent: tuple[str, str, int]
) -> None:
    """Checked by comparing it with every request."""
    requests = [request(f"http://h/me/{path}", {"A": value}, method) for path, method, value in (*recorded, sent)]

    def unlike(index: int) -> tuple[bool, bool, bool]:
        path, method, value = recorded[index]
        return path != sent[0], method != sent[1].upper(), value != sent[2]

    expected = min(range(len(recorded)), key=unlike, default=None)
    assert expected == Neighbours(requests[:-1]).nearest(requests[-1])


def form(text: str) -> Request:
    """A request with a URL-encoded form."""
    headers = Headers((("Content-Type", "application/x-www-form-urlencoded"),))
    return Request(method="POST", uri="http://a/token", headers=headers, body=text.encode())


def test_a_form_differs_by_field() -> None:
    """Each field by its name, whatever their order."""
    found = differences(form("user=anna&scope=a&scope=b&new=1"), form("scope=a&scope=c&user=bert"))
    assert [
        'form.scope: sent ["a", "b"], recorded ["a", "c"]',
        'form.user: sent "anna", recorded "bert"',
        'form.new: sent "1", not recorded',
    ] == [str(each) for each in found]


def test_the_parts_of_a_multipart_form_differ_by_name() -> None:
    """A miss of an upload names the field."""

    def upload(boundary: str, note: str) -> Request:
        part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}'
        parts = [part.format("note", note), part.format("file", "same")]
        text = "".join(f"--{boundary}\r\n{each}\r\n" for each in parts) + f"--{boundary}--\r\n"
        headers = Headers((("Content-Type", f"multipart/form-data; boundary={boundary}"),))
        return Request(method="POST", uri="http://a/x", headers=headers, body=text.encode())

    (found,) = differences(upload("1a", "one"), upload("2b", "two"))
    assert "form.note" == found.part
    assert () == differences(upload("1a", "one"), upload("2b", "one"))


def test_own_addresses_are_not_named_as_differences() -> None:
    """Only what counts is shown."""
    live = request("http://localhost:8085/x", {"callback": "http://localhost:8085/cb", "n": 1})
    recorded = request("https://gws.example.com/x", {"callback": "https://gws.example.com/cb", "n": 2})
    assert ["body.n: sent 1, recorded 2"] == [str(each) for each in differences(live, recorded)]


def test_a_large_body_is_explained_by_its_length() -> None:
    """It is not parsed, so that explaining it takes no time."""
    live = request(body={"note": "n" * 5_000_000})
    (found,) = differences(live, request(body={"note": "n", "more": 1}))
    assert "body: sent 5,000,012 bytes, different from byte 11 on, recorded 24 bytes" == str(found)
    assert 0 == Neighbours([request(body={"a": each}) for each in range(60)]).nearest(live)


def test_many_differences_are_cut() -> None:
    """A message of thousands of lines would be useless."""
    assert 100 == len(differences(request(body={f"k{n}": n for n in range(900)}), request(body={"a": 1})))
