"""REST responses of the replay server, before they are written to a socket."""

import json

import pytest
from multidict import CIMultiDict

from gws_replay.server.rest import RestResponse, SharedFields, failed


def fields(**pairs: str) -> SharedFields:
    """Some header fields."""
    return SharedFields(CIMultiDict(pairs))


def test_head_of_a_response_is_its_status_line_and_fields() -> None:
    """Repeated fields keep their order; the same head is written once."""
    shared = SharedFields(CIMultiDict([("Set-Cookie", "a=1"), ("X-B", "\u00e9"), ("Set-Cookie", "c=2")]))
    head = shared.start(200, "OK")
    assert "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-B: \u00e9\r\nSet-Cookie: c=2\r\n".encode() == head
    assert head is shared.start(200, "OK")
    assert shared.start(404, "Not Found").startswith(b"HTTP/1.1 404 Not Found\r\n")


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "a\0b"])
def test_text_that_would_end_a_field_early_is_refused(text: str) -> None:
    """In a reason as in a field."""
    with pytest.raises(ValueError, match="a recorded header field cannot be sent"):
        fields(x=text).start(200, "OK")
    with pytest.raises(ValueError, match="a recorded header field cannot be sent"):
        fields(x="a").start(200, text)


@pytest.mark.parametrize(
    ("status", "method", "body", "stated", "length"),
    [
        (200, "GET", b"abc", "9", "3"),
        (200, "GET", b"", "9", "0"),
        (200, "HEAD", b"", "9", "9"),
        (200, "HEAD", b"", None, None),
        (204, "GET", b"", "9", None),
        (304, "GET", b"", "9", "9"),
    ],
)
def test_content_length_is_that_of_the_body(
    status: int, method: str, body: bytes, stated: str | None, length: str | None
) -> None:
    """For a body that is not sent it is the recorded one; 204 never has the field."""
    assert length == RestResponse(status, "", fields(), body, stated).content_length(method)


def test_failure_has_the_form_of_the_api_and_keeps_cors() -> None:
    """So that a client and a page can read it."""
    response = failed(500, "it broke", {"reason": "why"}, {"Access-Control-Allow-Origin": "http://page.example"})
    assert (500, "Internal Server Error") == (response.status, response.reason)
    assert "http://page.example" == response.headers["access-control-allow-origin"]
    body = json.loads(response.body)
    assert {"reason": "why"} == body.pop("gws_replay")
    assert "it broke" in body.values()
    assert "gws_replay" not in json.loads(failed(500, "it broke").body)
