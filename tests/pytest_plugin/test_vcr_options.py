"""vcrpy's configuration: the supported keys, what they do, and the ones that are refused by name."""

import json
import re
from collections.abc import Callable
from inspect import getsource, signature
from typing import Any

import pytest
import vcr.filters
from vcr import VCR
from vcr.request import Request as VcrRequest

from gws_replay.core.model import Headers, Request, Response
from gws_replay.errors import GwsReplayError
from gws_replay.pytest_plugin.vcr_options import _READERS, VcrConfig, read_vcr_config

URL = "http://gws.example:81/api/v2/me"
JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
RESPONSE = Response(status=200, headers=Headers((("Set-Cookie", "a"), ("X", "b"), ("Set-Cookie", "c"))), body=b"{}")


def sent(uri: str = URL, body: bytes = b"", headers: tuple[tuple[str, str], ...] = JSON) -> Request:
    return Request(method="POST", uri=uri, headers=Headers(headers), body=body)


def refusal(given: object) -> str:
    with pytest.raises(GwsReplayError) as caught:
        read_vcr_config(given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_options_change_nothing() -> None:
    """The default lets requests and responses through as they are."""
    config = read_vcr_config({})
    assert VcrConfig() == config
    request = sent(f"{URL}?b=%20&a", b' { "a" : 1.50 } ', (("X", "1"), ("x", "2")))
    assert request == config.request(request) == config.recorded(request)
    assert RESPONSE == config.response(RESPONSE)


@pytest.mark.parametrize("parts", [["body"], ("path", "method"), {"query"}, ["method", "path", "query", "body"]])
def test_match_on_accepts_known_parts(parts: Any) -> None:
    """Any of method, path, query and body, in any collection."""
    assert frozenset(parts) == read_vcr_config({"match_on": parts}).match_on


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (["method", "host"], "host: a cassette recorded from staging responds to a client that talks to localhost"),
        (["scheme"], "scheme: a cassette recorded from staging"),
        (["port"], "port: a cassette recorded from staging"),
        (["uri"], "use path and query"),
        (["url"], "use path and query"),
        (["headers"], "headers: they hold credentials"),
        (["raw_body"], "use body"),
        (["boody"], "boody: no such part is known"),
        ([], "empty, so that any request would get any response"),
        ("method", "a list of method, path, query, body"),
        (None, "a list of"),
    ],
)
def test_match_on_refuses_the_others(parts: Any, reason: str) -> None:
    """An unsupported part is named, with the reason."""
    message = refusal({"match_on": parts})
    assert message.startswith("gws_vcr_config: match_on is ")
    assert reason in message


def every_key_of_vcrpy() -> set[str]:
    """The keys of VCR(...) and use_cassette(...), as vcrpy itself declares and reads them."""
    merged = re.findall(r'kwargs\.get\("(\w+)"', getsource(VCR.get_merged_config))
    return {*signature(VCR.__init__).parameters, *merged} - {"self", "path"}


@pytest.mark.parametrize("key", sorted(every_key_of_vcrpy() - set(_READERS)))
def test_every_other_key_of_vcrpy_is_refused_with_what_to_use(key: str) -> None:
    """No key of vcrpy is unknown here, or accepted and ignored."""
    message = refusal({key: "x"})
    assert message.startswith(f"gws_vcr_config cannot have {key}: ")
    assert "no such key" not in message


def test_every_supported_key_is_one_of_vcrpy() -> None:
    """There are no other keys among them."""
    assert every_key_of_vcrpy() >= set(_READERS)


def test_all_refusals_are_reported_at_once() -> None:
    """One run lists all wrong keys; for an unknown key, the known ones are listed."""
    message = refusal({"record_mode": "once", "match_on": ["path"], "matchon": [], "serializer": "json"})
    assert "record_mode: use --gws-record" in message
    assert "serializer: the cassette's name decides" in message
    assert "matchon: no such key is known; there are match_on, filter_headers" in message


@pytest.mark.parametrize(
    "given",
    [
        None,
        [("match_on", ["path"])],
        {"filter_headers": "Authorization"},
        {"filter_headers": {"Authorization": None}},
        {"filter_headers": [("a", 1)]},
        {"filter_query_parameters": [("a",)]},
        {"filter_post_data_parameters": [1]},
        {"before_record_request": "x"},
        {"before_record_request": [1]},
        {"before_record_response": 1},
        {"ignore_hosts": "localhost"},
        {"ignore_hosts": [re.compile("local.*")]},
        {"ignore_localhost": "yes"},
    ],
    ids=repr,
)
def test_a_value_of_a_wrong_type_is_refused(given: Any) -> None:
    """A text where a list belongs would be read letter by letter, so types are checked."""
    message = refusal(given)
    assert message.startswith("gws_vcr_config")
    if isinstance(given, dict):
        assert next(iter(given)) in message


def plus(key: str, value: Any, request: Any) -> str:
    assert request.path == "/api/v2/me"
    return f"{key}+{value}"


FILTERS = [["a"], [("a", "x")], [("a", None)], [("a", plus)], ["b", ("a", "x y&")], ["none"]]
FILTER_IDS = ["name", "text", "none", "function", "two", "no such"]


def same_as_vcrpy(ours: Request | None, theirs: VcrRequest) -> None:
    assert ours
    assert theirs.uri == ours.uri
    assert (theirs.body and json.loads(theirs.body)) == (ours.body and json.loads(ours.body))
    assert sorted(theirs.headers.items()) == sorted(ours.headers.pairs)


@pytest.mark.parametrize("filters", FILTERS, ids=FILTER_IDS)
@pytest.mark.parametrize(
    ("key", "theirs", "request_"),
    [
        ("filter_headers", vcr.filters.replace_headers, sent(headers=(("A", "1"), ("B", "2"), ("C", "3")))),
        ("filter_query_parameters", vcr.filters.replace_query_parameters, sent(f"{URL}?a=1&a=3&b=2&c=4")),
        ("filter_post_data_parameters", vcr.filters.replace_body_parameters, sent(body=b'{"c": {"a": 1}, "a": "3"}')),
    ],
    ids=["headers", "query", "json"],
)
def test_filters_do_what_those_of_vcrpy_do(
    key: str, theirs: Callable[..., VcrRequest], request_: Request, filters: list[Any]
) -> None:
    """Names, replacements and functions, on headers, the query and JSON: compared with vcrpy's own."""
    given = VcrRequest(request_.method, request_.uri, request_.body, dict(request_.headers.pairs))
    pairs = [each if isinstance(each, tuple) else (each, None) for each in filters]
    same_as_vcrpy(read_vcr_config({key: filters}).request(request_), theirs(given, pairs))


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"a=1&b=2&a&c=%ff", b"b=2&a&c=%ff"),
        (b"%61=1&b=2", b"b=2"),
        (b"b=\xff&a=1", b"b=\xff"),
        (b"", b""),
    ],
)
def test_forms_are_filtered_by_decoded_names(body: bytes, left: bytes) -> None:
    """A field goes whatever its spelling; the others keep theirs, byte for byte."""
    built = read_vcr_config({"filter_post_data_parameters": ["a"]}).request(sent(body=body, headers=FORM))
    assert built
    assert left == built.body


def test_a_form_gets_a_replacement_spelled_for_it() -> None:
    """What has a meaning in a form is quoted."""
    built = read_vcr_config({"filter_post_data_parameters": [("a", "x&y")]}).request(sent(body=b"a=1", headers=FORM))
    assert built
    assert b"a=x%26y" == built.body


def test_what_is_not_filtered_keeps_its_spelling() -> None:
    """Numbers, duplicate keys and other kinds of bodies are as they were."""
    config = read_vcr_config({"filter_post_data_parameters": ["a"]})
    built = [config.request(sent(body=body)) for body in (b'{"a":1,"b":1.50,"b":2}', b"{ }", b"[1.0]", b"\xff", b"a=1")]
    assert [b'{"b":1.50,"b":2}', b"{ }", b"[1.0]", b"\xff", b"a=1"] == [each and each.body for each in built]


def test_recorded_request_is_filtered_without_functions() -> None:
    """A filter that is newer than the cassette counts; functions and hooks ran when it was recorded."""
    once = {"filter_query_parameters": ["a", ("b", "x"), ("c", plus)], "before_record_request": lambda _: None}
    assert f"{URL}?b=x&c=3" == read_vcr_config(once).recorded(sent(f"{URL}?a=1&b=2&c=3")).uri


@pytest.mark.parametrize(
    ("given", "ignored"),
    [
        ({"ignore_hosts": ["GWS.example"]}, ["gws.example"]),
        ({"ignore_localhost": True}, ["localhost", "0.0.0.0", "127.0.0.1", "::1"]),
        ({"ignore_localhost": False, "ignore_hosts": ()}, []),
        ({"ignore_localhost": True, "ignore_hosts": ["a"]}, ["a", "localhost", "0.0.0.0", "127.0.0.1", "::1"]),
    ],
    ids=repr,
)
def test_requests_to_ignored_hosts_pass_the_cassette_by(given: dict[str, Any], ignored: list[str]) -> None:
    """They are neither matched nor recorded, and no hook sees them."""
    config = read_vcr_config(given)
    assert set(ignored) == config.ignored_hosts
    hosts = ["gws.example", "localhost", "127.0.0.1", "[::1]", "b"]
    left = [host for host in hosts if config.request(sent(f"http://{host}:1/")) is None]
    assert [host for host in hosts if host.strip("[]") in ignored] == left
