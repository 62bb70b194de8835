"""Bodies are read in the charset they have, and come out in the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.model import Headers
from gws_replay.core.redaction.charsets import charset_of
from tests.support.redactors import redactor

TEXT = '{"ort": "Zürich", "password": "Käsekuchen7", "n": "ß"}'


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("declared", [True, False])
def test_text_is_redacted_in_its_charset(charset: str, declared: bool) -> None:
    """Whether it is declared or not."""
    if charset in ("utf-16-be", "utf-16-le") and declared:
        charset = charset.replace("utf-16-", "utf-16-")
    kind = f"application/json; charset={charset}" if declared else "application/json"
    left = redactor().body(TEXT.encode(charset), Headers((("Content-Type", kind),)))
    assert TEXT.replace("Käsekuchen7", "<redacted:password>") == left.decode(charset)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"\x00\x01\x02\xff\xfe", ""), (b"\x89PNG\r\n\x1a\n\xff", "image/png"), (b"\xff" * 50, "text/plain")],
)
def test_binary_data_have_no_charset(body: bytes, kind: str) -> None:
    """Many control characters, or hardly a letter."""
    assert charset_of(body, kind) is None


@given(st.binary(max_size=60), st.sampled_from(["", "text/plain", "text/plain; charset=utf-16", "x; charset=rot13"]))
def test_what_is_not_redacted_keeps_every_byte(body: bytes, kind: str) -> None:
    """Whatever its charset seems to be."""
    found = charset_of(body, kind)
    assert found is None or body == body.decode(found).encode(found)


def test_a_multipart_body_with_a_file_is_redacted_by_its_fields() -> None:
    """The file is binary, the fields are not."""
    body = (
        b'--B\r\nContent-Disposition: form-data; name="passcode"\r\n\r\nKuchen-9x\r\n--B\r\n'
        b'Content-Disposition: form-data; name="f"; filename="Kuchen-9x.png"\r\n\r\n\x89PNG\x00\xff\xfe\r\n--B--\r\n'
    )
    one = redactor()
    one.body(body)
    assert body.replace(b"Kuchen-9x", b"<redacted:passcode>") == one.body(body)
    assert {"a binary part": 1} == one.unread
