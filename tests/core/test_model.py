"""The values: headers without case, parsed bodies, names."""

from urllib.parse import urlsplit

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.lossless_json import Repeated
from gws_replay.core.model import Headers, Request
from tests.support.builders import exchange, push

HEADERS = Headers((("Set-Cookie", "a=1"), ("X-A", "1"), ("set-cookie", "b=2")))


def test_header_names_have_no_case() -> None:
    """The first of several values is the one that is got."""
    assert ("a=1", "1", None) == (HEADERS.get("SET-COOKIE"), HEADERS.get("x-a"), HEADERS.get("x-b"))


def test_headers_are_left_out_by_name() -> None:
    """All values of them."""
    assert (("X-A", "1"),) == HEADERS.without("SET-Cookie", "X-B").pairs


def test_headers_are_replaced_where_they_stand() -> None:
    """None is added."""
    assert (("Set-Cookie", "c"), ("X-A", "1"), ("set-cookie", "c")) == HEADERS.replacing("set-cookie", "c").pairs
    assert HEADERS == HEADERS.replacing("X-B", "1")


@pytest.mark.parametrize(
    ("uri", "path"), [("http://h/a/b?c=/d#e", "/a/b"), ("http://h", "/"), ("/a?b", "/a"), ("http://h/a;x=1", "/a;x=1")]
)
def test_the_path_of_a_request(uri: str, path: str) -> None:
    """Without host and query, never empty."""
    assert path == Request(method="GET", uri=uri).path


def test_bodies_are_parsed_without_loss() -> None:
    """What is not a JSON object or array is None."""
    one = exchange("POST", "/x", b'{"a":1,"a":2}', b"OK")
    assert ({"a": Repeated((1, 2))}, None) == (one.request_json, one.response_json)
    assert {"A": 1} == push({"A": 1}, seen=0).value["facebooksession"]["userData"]


def test_a_cassette_is_named_by_its_source() -> None:
    """Nothing else changes."""
    cassette = Cassette(interactions=(exchange(),), header={"format": 1})
    named = cassette.named("tests/a.yaml")
    assert ("<memory>", "tests/a.yaml") == (cassette.source, named.source)
    assert cassette == named.named("<memory>")


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "http://h",
            "http://h/",
            "https://h:80/a/b",
            "http://h?x=/1",
            "http://h/a#b?c",
            "http://h/a?b#c",
            "http://h//x/",
        ),
        *(
            "http://[::1]:80/a",
            "http://h/ä b",
            "http://user:p@h/a",
            "HTTP://h/a",
            "/api/v2/me?x",
            "x",
            "",
            "http://h/a;b",
        ),
        *("http://h/a\tb", " http://h/a", "http:/h/a", "http://h_1/a%20b", 'http://h/"a"'),
    ],
)
def test_the_path_of_an_address(uri: str) -> None:
    """The usual ones are read faster, and none otherwise than by urlsplit."""
    assert (urlsplit(uri).path or "/") == Request(method="GET", uri=uri).path
