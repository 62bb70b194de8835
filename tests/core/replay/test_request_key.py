"""When two requests are equal, and how they differ when they are not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.request_fields import IgnoredFields
from gws_replay.core.replay.request_key import WHOLE, key_of


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
def test_the_same_request_in_another_spelling(one: Request, other: Request) -> None:
    """Host, headers, the order of query and keys, and spelling do not count."""
    assert key_of(one) == key_of(other)


def test_boundary_of_a_form_does_not_count() -> None:
    """It differs each time; the parts count."""

    def form(boundary: str, part: str, kind: str = "multipart/form-data; boundary={}") -> Request:
        body = f"--{boundary}\r\n\r\n{part}\r\n--{boundary}--\r\n".encode()
        return Request(method="POST", uri="/x", headers=Headers((("Content-Type", kind.format(boundary)),)), body=body)

    assert key_of(form("1a2b", "A")) == key_of(form("c3d4", "A"))
    assert key_of(form("1a2b", "A")) == key_of(form("c3d4", "A", 'Multipart/mixed; charset=x; boundary="{}"'))
    assert key_of(form("1a2b", "A")) != key_of(form("1a2b", "B"))
    assert key_of(form("1a2b", "A", "text/plain; boundary={}")) != key_of(form("c3d4", "A", "text/plain; boundary={}"))


def form(text: str, kind: str | None = "application/x-www-form-urlencoded", uri: str = "http://a/x") -> Request:
    """A request with a URL-encoded form."""
    headers = Headers(() if kind is None else (("Content-Type", kind),))
    return Request(method="POST", uri=uri, headers=headers, body=text.encode())


def test_forms_are_compared_by_field() -> None:
    """Neither their order nor their spelling counts; the values do."""
    assert key_of(form("a=1&b=%7E+x")) == key_of(form("b=~%20x&a=1"))
    assert key_of(form("grant_type=refresh")) == key_of(form("grant_type=refresh", kind=None))
    assert key_of(form("a=1&b=2")) != key_of(form("a=1&b=3"))
    assert key_of(form("a=1&a=2")) != key_of(form("a=1"))
    assert key_of(form("a=1", kind="text/plain")) != key_of(form("a=1"))


LIVE, RECORDED = "http://localhost:8085", "https://gws.example.com"


def in_a_query(at: str, path: str) -> Request:
    """A request with an address in its query."""
    return request(f"{at}/x?redirect_uri={at}{path}")


def in_json(at: str, path: str) -> Request:
    """A request with an address in JSON."""
    return request(f"{at}/x", {"callback": f"{at}{path}"})


def in_a_form(at: str, path: str) -> Request:
    """A request with an address in a form."""
    return form(f"redirect_uri={at}{path}&a=1".replace(":", "%3A"), uri=f"{at}/x")


@pytest.mark.parametrize("there", [RECORDED, "http://127.0.0.1:8090", "http://localhost:9000"])
@pytest.mark.parametrize("spell", [in_a_query, in_json, in_a_form])
def test_the_clients_own_address_does_not_count(spell: Callable[[str, str], Request], there: str) -> None:
    """In a query, a form or JSON: the callback of an OAuth client, for instance. The path after it counts."""
    hosts = frozenset({"gws.example.com"})
    live, recorded = spell(LIVE, "/cb"), spell(there, "/cb")
    assert key_of(live, hosts=hosts) == key_of(recorded, hosts=hosts)
    assert key_of(live, hosts=hosts) != key_of(spell(there, "/other"), hosts=hosts)


def test_a_recorded_address_sent_word_for_word_matches_at_any_server() -> None:
    """The client has it from its configuration, not from the server."""
    body = {"callback": f"{RECORDED}/cb"}
    live, recorded = request(f"{LIVE}/x", body), request(f"{RECORDED}/x", body)
    hosts = frozenset({"gws.example.com"})
    assert key_of(live, hosts=hosts) == key_of(recorded, hosts=hosts)


def test_ignored_fields_do_not_count() -> None:
    """On neither side."""
    rules = WHOLE.ignoring(IgnoredFields(query=("_",), body=("$.requestId",)))
    live = rules.live(request("http://a/x?_=1", {"requestId": 7, "n": 1}))
    assert live
    assert key_of(live) == key_of(rules.recorded(request("http://a/x?_=2", {"requestId": 8, "n": 1})))
    assert key_of(live) != key_of(rules.recorded(request("http://a/x?_=2", {"requestId": 7, "n": 2})))
    assert WHOLE is WHOLE.ignoring(IgnoredFields())
