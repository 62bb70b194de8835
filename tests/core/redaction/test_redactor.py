"""No secret is left, wherever it was; other values do not change."""

import json

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Headers, Notification, Recording, Request, Response
from gws_replay.core.redaction.tables import SECRET_HEADERS
from tests.support.builders import exchange, poll, push, update
from tests.support.redactors import redactor

SECRET = "s3cr3t-0123456789abcdef"


def request(*pairs: tuple[str, str], uri: str = "http://h/x", body: bytes = b"") -> Request:
    """A request with headers."""
    return Request(method="POST", uri=uri, headers=Headers(pairs), body=body)


@pytest.mark.parametrize("name", sorted(SECRET_HEADERS))
def test_every_secret_header_is_replaced(name: str) -> None:
    """In requests and responses, however its name is spelled."""
    value = f"K={SECRET}" if "cookie" in name else SECRET
    redacted = redactor().request(request((name.title(), value)))
    assert SECRET not in str(redacted)
    assert "<redacted:" in str(redacted)
    response = Response(status=200, headers=Headers(((name.upper(), value),)))
    assert SECRET not in str(redactor().response(response))


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Authorization", f"Basic {SECRET}", "<redacted:authorization>"),
        ("Cookie", f"JSESSIONID={SECRET}; a=b", "JSESSIONID=<redacted:JSESSIONID>; a=<redacted:a>"),
        ("Set-Cookie", f"JSESSIONID={SECRET}; Path=/; HttpOnly", "JSESSIONID=<redacted:JSESSIONID>; Path=/; HttpOnly"),
        ("X-CSRF-TOKEN", SECRET, "<redacted:x-csrf-token>"),
        ("Accept", "*/*", "*/*"),
        ("Referer", f"http://u:{SECRET}@h/;jsessionid={SECRET}", "http://<redacted:userinfo>@h/;jsessionid=<redacted:jsessionid>"),
    ],
)  # fmt: skip
def test_placeholder_names_the_kind_of_secret(name: str, value: str, kept: str) -> None:
    """The rest of the header stays."""
    assert kept == redactor().request(request((name, value))).headers.get(name)


def test_the_header_that_the_server_names_carries_the_token() -> None:
    """CSRFProtection: X-CSRF-HEADER names it."""
    one = redactor()
    one.response(Response(status=200, headers=Headers((("X-CSRF-HEADER", "X-My"), ("X-My", SECRET)))))
    sent = one.request(request(("X-My", SECRET), body=SECRET.encode()))
    assert ("<redacted:x-my>", b"<redacted:x-my>") == (sent.headers.get("x-my"), sent.body)


def test_a_secret_once_seen_is_replaced_elsewhere() -> None:
    """In later bodies, URLs and other headers; a whole recording is searched for secrets first."""
    first = exchange("POST", f"/x?t={SECRET}", {"t": SECRET}, {"t": SECRET}, request_headers=[("A", SECRET)])
    second = exchange(request_headers=[("Cookie", f"JSESSIONID={SECRET}")], began=1)
    redacted = redactor().recording(Recording(exchanges=(first, second), unanswered=(first,)))
    assert SECRET not in str(redacted)
    assert b'{"t":"<redacted:a>"}' == redacted.exchanges[0].request.body


def test_the_value_of_any_other_cookie_is_not_searched_for() -> None:
    """It may be a common word."""
    one = redactor()
    one.request(request(("Cookie", "view=facebooksessions")))
    assert "http://h/facebooksessions" == one.request(request(uri="http://h/facebooksessions")).uri


@pytest.mark.parametrize("body", [
    json.dumps([{"channel": "/meta/connect", "clientId": SECRET}]),
    json.dumps({"channel": "/meta/connect", "clientId": SECRET, "ext": {"auth": SECRET}}),
    f'[{{"channel": "/meta/connect", "clientId": "{SECRET}"',
    f'[{{"channel": "/meta/connect", "clientId": "{SECRET}',
])  # fmt: skip
def test_bayeux_client_ids_are_replaced(body: str) -> None:
    """In arrays, single messages, and messages that were cut off."""
    redacted = redactor().body(body.encode())
    assert SECRET.encode() not in redacted
    assert b"<redacted:clientId>" in redacted


def test_a_client_id_in_user_data_stays() -> None:
    """It is a key of the customer, not Bayeux's."""
    sent = update({"clientId": SECRET, "channel": "web"}, began=0).request
    assert sent == redactor().request(sent)


def test_placeholders_are_not_redacted_again() -> None:
    """They are not secrets."""
    recording = Recording(
        exchanges=(
            poll({"channel": "/meta/connect", "clientId": SECRET, "successful": True}, client_id=SECRET),
            exchange(request_headers=[("Authorization", f"Bearer {SECRET}"), ("Cookie", f"JSESSIONID={SECRET}")]),
        )
    )
    once = redactor().recording(recording)
    assert once == redactor().recording(once)
    assert once != recording


def test_level_none_changes_nothing_and_others_say_what_they_did() -> None:
    """The header of the cassette names the level and the rules."""
    raw = exchange(request_headers=[("Authorization", SECRET)])
    recording = Recording(exchanges=(raw,))
    assert recording == redactor("none").recording(recording)
    assert [{"redaction": "none"}] == [redactor("none").facts]
    assert ["secrets", "all"] == [redactor(level).facts["redaction"] for level in ("secrets", "all")]
    shown = Notification(channel="/x", data=json.dumps({"t": SECRET}), seen=1)
    cassette = Cassette(interactions=(raw,), notifications=(shown, push({}, seen=2)), header={"format": 1})
    redacted = redactor("secrets").cassette(cassette)
    assert {"format": 1, **redactor("secrets").facts} == redacted.header
    assert SECRET not in str(redacted)
