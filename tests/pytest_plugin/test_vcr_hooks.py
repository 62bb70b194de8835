"""The hooks of vcrpy's users: they receive the same objects as under vcrpy, and their return values count."""

from typing import Any

import pytest
from vcr.request import Request as VcrRequest

from gws_replay.core.model import Headers, Request, Response
from gws_replay.errors import GwsReplayError
from gws_replay.pytest_plugin.vcr_options import VcrConfig, read_vcr_config

URL = "http://gws.example:81/api/v2/me"
RESPONSE = Response(status=200, headers=Headers((("Set-Cookie", "a"), ("X", "b"), ("Set-Cookie", "c"))), body=b"{}")


def sent(uri: str = URL, body: bytes = b"") -> Request:
    headers = Headers((("Content-Type", "application/json"),))
    return Request(method="POST", uri=uri, headers=headers, body=body)


def test_hooks_see_and_change_what_they_do_under_vcrpy() -> None:
    """The attributes of vcrpy's request, read; method, uri, headers and body, written; one after the other."""

    def first(request: Any) -> Any:
        theirs = VcrRequest("POST", f"{URL}?b=2&a=1", b"{}", {"Content-Type": "application/json"})
        for name in ("method", "uri", "url", "scheme", "protocol", "host", "port", "path", "query", "body"):
            assert getattr(theirs, name) == getattr(request, name), name
        assert "application/json" == request.headers["content-type"]
        request.headers["X-Trace"] = "1"
        del request.headers["CONTENT-TYPE"]
        return request

    def second(request: Any) -> Any:
        request.uri, request.method, request.body = f"{URL}/else", "PUT", "ä"
        return request

    built = read_vcr_config({"before_record_request": [first, second]}).request(sent(f"{URL}?b=2&a=1", b"{}"))
    headers = Headers((("X-Trace", "1"),))
    assert Request(method="PUT", uri=f"{URL}/else", headers=headers, body="ä".encode()) == built


def test_a_hook_of_responses_gets_the_dict_of_vcrpy() -> None:
    """Changes count, in place or not, and header fields that were left alone keep order and repetition."""

    def hook(response: Any) -> Any:
        assert ["a", "c"] == response["headers"]["Set-Cookie"]
        response["body"]["string"] = response["body"]["string"] + b" "
        return response

    built = read_vcr_config({"before_record_response": hook}).response(RESPONSE)
    assert Response(status=200, headers=RESPONSE.headers, body=b"{} ") == built
    bare = {"status": {"code": 404, "message": None}, "headers": {"X": "1", "Y": ["2", "3"]}, "body": {"string": "ä"}}
    built = read_vcr_config({"before_record_response": [lambda _: bare]}).response(RESPONSE)
    headers = Headers((("X", "1"), ("Y", "2"), ("Y", "3")))
    assert Response(status=404, reason="", headers=headers, body="ä".encode()) == built


def test_hook_that_returns_none_drops_the_message() -> None:
    """Later hooks are not called."""

    def fails(_: Any) -> Any:
        raise AssertionError

    config = read_vcr_config({f"before_record_{kind}": [lambda _: None, fails] for kind in ("request", "response")})
    assert config.request(sent()) is None
    assert config.response(RESPONSE) is None
    assert VcrConfig() == read_vcr_config({"before_record_request": None, "before_record_response": []})


@pytest.mark.parametrize("built", ["secret", {"status": "secret"}, {"status": {"code": "secret"}}, 7])
def test_a_hook_that_returns_something_else_is_named(built: Any) -> None:
    """The sentence names the key and the function, and does not show the returned value."""

    def my_hook(_: Any) -> Any:
        return built

    config = read_vcr_config({f"before_record_{kind}": my_hook for kind in ("request", "response")})
    with pytest.raises(GwsReplayError, match="before_record_request my_hook returned") as of_request:
        config.request(sent())
    with pytest.raises(GwsReplayError, match="before_record_response my_hook returned") as of_response:
        config.response(RESPONSE)
    assert "secret" not in f"{of_request.value}{of_response.value}"
