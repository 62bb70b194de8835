"""Which request has a form in its body, and its fields."""

import pytest

from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.form_bodies import form_fields, is_form, parts_of

FORM = "application/x-www-form-urlencoded"


def request(body: bytes, kind: str | None) -> Request:
    """A request with a body, and perhaps a Content-Type."""
    headers = Headers(() if kind is None else (("Content-Type", kind),))
    return Request(method="POST", uri="http://a/x", headers=headers, body=body)


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"a=1&b=2", FORM, True),
        (b"a", f"{FORM.upper()}; charset=UTF-8", True),
        (b"a=1&b=2", "text/plain", False),
        (b"grant_type=refresh_token", None, True),
        (b"redirect_uri=http%3A%2F%2Fa&scope=x+y&empty=", None, True),
        (b"a b=1", None, False),
        (b"hello", None, False),
        (b"a=1\nb=2", None, False),
        (b'{"a": "b=c"}', None, False),
        (b"", None, False),
    ],
)
def test_the_content_type_decides_or_without_one_the_look(body: bytes, kind: str | None, *, expected: bool) -> None:
    """Some cassettes have no request headers."""
    assert expected == is_form(request(body, kind))


def test_fields_are_decoded_in_their_order() -> None:
    """Empty ones and bytes that are not UTF-8 too."""
    fields = form_fields(request(b"b=%C3%A4+1&a=&b=2&c=%FF", FORM))
    assert [("b", "ä 1"), ("a", ""), ("b", "2"), ("c", "\udcff")] == fields


@pytest.mark.parametrize("boundary", ["x", '"x"', "x; charset=utf-8"])
def test_parts_have_names_and_no_boundary(boundary: str) -> None:
    """Binary content stays as it is; a part without a name has an empty one."""
    body = (
        b'preamble\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\x00\xff\r\n\r\n'
        b"--x\r\nContent-Type: text/plain\r\n\r\nb\r\n--x--\r\n"
    )
    parts = list(parts_of(request(body, f"multipart/form-data; boundary={boundary}")))
    assert ["file", ""] == [name for name, _ in parts]
    assert parts[0][1].endswith("\r\n\r\n\x00\udcff\r\n")
    assert "Content-Type: text/plain\r\n\r\nb" == parts[1][1]


@pytest.mark.parametrize("kind", [None, FORM, "multipart/form-data", "text/plain; boundary=x"])
def test_a_body_that_is_not_multipart_has_no_parts(kind: str | None) -> None:
    """Nor has one whose boundary is missing."""
    assert [] == list(parts_of(request(b"--x\r\n\r\na\r\n--x--", kind)))
