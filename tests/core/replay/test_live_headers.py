"""Header fields as a live client receives them: its own cookies and tokens, valid at its URL."""

import pytest

from gws_replay.core.model import Headers
from gws_replay.core.replay.live_headers import Client, live_headers, sets_session_cookie

RECORDED = "Mon, 02 Mar 2026 09:00:00 GMT"


def own(name: str) -> str:
    """The user's own value for a cookie or token."""
    return f"own-{name}"


def live(*pairs: tuple[str, str], uri: str = "http://localhost:8085/x", replaced: tuple[str, ...] = ()) -> list[str]:
    """The values of the fields that a client at a URL receives."""
    return [value for _, value in live_headers(Headers(pairs), Client(uri, own, replaced)).pairs]


@pytest.mark.parametrize(
    ("cookie", "received"),
    [
        ("JSESSIONID=<redacted:JSESSIONID>; Path=/; HttpOnly", "JSESSIONID=own-JSESSIONID; Path=/; HttpOnly"),
        (
            "WORKSPACE_SESSIONID=cook1e77; Path=/workspace/v3",
            "WORKSPACE_SESSIONID=own-WORKSPACE_SESSIONID; Path=/workspace/v3",
        ),
        ("lang=de; Path=/; Domain=.gws.example.com", "lang=de; Path=/"),
        ("a=<redacted:a>; Secure; SameSite=None; Partitioned; Max-Age=60", "a=own-a; Max-Age=60"),
        ("a=1; SameSite=Lax; secure", "a=1; SameSite=Lax"),
        ("a=<redacted:a>; <redacted:attribute>", "a=own-a"),
        ("a=b=c", "a=b=c"),
        ("JSESSIONID=; Max-Age=0", "JSESSIONID=; Max-Age=0"),
        ("flag", "flag"),
    ],
)
def test_a_cookie_is_given_so_that_the_client_stores_it(cookie: str, received: str) -> None:
    """Redacted cookies and session cookies get the user's own values."""
    assert [received] == live(("Set-Cookie", cookie), replaced=("workspace_sessionid", "jsessionid"))


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("https://gws.example.com/x", "a=1; Domain=example.com; Secure; SameSite=None"),
        ("http://gws.example.com/x", "a=1; Domain=example.com"),
        ("https://localhost:1/x", "a=1; Secure; SameSite=None"),
        ("https://notexample.com/x", "a=1; Secure; SameSite=None"),
    ],
)
def test_attributes_that_apply_at_the_url_are_kept(uri: str, kept: str) -> None:
    """In the test process a client uses the recorded address, and TLS."""
    assert [kept] == live(("Set-Cookie", "a=1; Domain=example.com; Secure; SameSite=None"), uri=uri)


@pytest.mark.parametrize(
    ("cookie", "date", "received"),
    [
        ("a=1; Expires=Mon, 02 Mar 2026 10:00:00 GMT", RECORDED, "a=1"),
        ("a=1; Expires=Mon, 02-Mar-2026 08:00:00 GMT", RECORDED, "a=1; Expires=Mon, 02-Mar-2026 08:00:00 GMT"),
        ("a=; Expires=Mon, 02 Mar 2030 10:00:00 GMT", RECORDED, "a=; Expires=Mon, 02 Mar 2030 10:00:00 GMT"),
        ("a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT", "", "a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("a=1; Expires=Mon, 02 Mar 2026 10:00:00 GMT", "no date", "a=1"),
        ("a=1; Expires=tomorrow", RECORDED, "a=1; Expires=tomorrow"),
    ],
)
def test_a_cookie_that_was_valid_when_it_was_recorded_is_valid_now(cookie: str, date: str, received: str) -> None:
    """One that was deleted then is deleted now."""
    assert received == live(("Date", date), ("set-cookie", cookie))[1]


def test_tokens_are_the_users_own() -> None:
    """Under the name that the server chose, and in any field that was redacted."""
    pairs = [
        *(("X-CSRF-HEADER", "X-Gws-Token"), ("X-Gws-Token", "<redacted:x-gws-token>")),
        *(("X-CSRF-TOKEN", "plain"), ("X-Auth", "Token <redacted:X-Auth>"), ("X-Other", "1")),
    ]
    assert ["X-Gws-Token", "own-x-gws-token", "plain", "Token own-x-auth", "1"] == live(*pairs)
    assert "own-x-csrf-token" == live(*pairs, replaced=("jsessionid",))[2]


def test_fields_that_need_no_change_are_the_same_object() -> None:
    """Nearly all responses have none."""
    headers = Headers((("Content-Type", "application/json"), ("ETag", "1")))
    assert headers is live_headers(headers, Client("http://localhost/x", own))


def test_session_cookie_has_such_a_name_or_was_redacted() -> None:
    """Any other cookie may be the same for all users."""
    cookies = ["JSESSIONID=1", "workspace_sessionid=2; Path=/", "sso=<redacted:sso>", "lang=de"]
    assert [True, True, True, False] == [sets_session_cookie(Headers((("Set-Cookie", each),))) for each in cookies]
