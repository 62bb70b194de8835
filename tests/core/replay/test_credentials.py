"""Whose request it is: users are told apart by their credentials or their session's cookie, whatever those are."""

import base64

import pytest

from gws_replay.core.model import Headers
from gws_replay.core.replay.credentials import basic_user, cookies, credentials


def headers(**fields: str) -> Headers:
    """Header fields; an underscore stands for a dash."""
    return Headers(tuple((name.replace("_", "-"), value) for name, value in fields.items()))


def basic(text: str) -> str:
    """Basic credentials, encoded."""
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "user"),
    [
        (f"Basic {basic('agent:secret')}", "agent"),
        (f"basic {basic('agent:secret')}", "agent"),
        (f"BASIC   {basic('agent:se:cr:et')}  ", "agent"),
        (f"Basic {basic('ägent@x:')}", "ägent@x"),
        (f"Basic {basic(':secret')}", ""),
        (f"Basic {basic('no colon')}", None),
        ("Basic !!!", None),
        ("Basic YWdlbnQ6eA", None),
        (f"Basic {base64.b64encode(bytes([255, 254, 58])).decode()}", None),
        ("Basic", None),
        ("Basic ", None),
        ("", None),
        (f"Bearer {basic('agent:secret')}", None),
        (basic("agent:secret"), None),
    ],
)
def test_the_user_of_basic_credentials(value: str, user: str | None) -> None:
    """The name without the password; whatever is not such credentials has none, and is no error."""
    assert user == basic_user(headers(Authorization=value))


def test_without_credentials_there_is_no_user() -> None:
    """Nor anything that stands for one."""
    assert (None, None, []) == (
        basic_user(Headers()),
        credentials(headers(Accept="x")),
        list(cookies(Headers())),
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Authorization": "Bearer t1"}, "authorization Bearer t1"),
        ({"SSID": "s1"}, "ssid s1"),
        ({"rnsid": "r1"}, "rnsid r1"),
        ({"X_API_KEY": "k1"}, "x-api-key k1"),
        ({"SSID": "s1", "Authorization": "Bearer t1"}, "authorization Bearer t1"),
        ({"Authorization": "", "SSID": "s1"}, "ssid s1"),
        ({"Cookie": "JSESSIONID=1"}, None),
    ],
)
def test_other_credentials_stand_for_a_user_as_they_are(fields: dict[str, str], expected: str | None) -> None:
    """With the name of the field, so that equal values of different fields are different users."""
    assert expected == credentials(headers(**fields))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("JSESSIONID=abc", ["abc"]),
        ("a=1; JSESSIONID=abc;b=2", ["1", "abc", "2"]),
        ('JSESSIONID="abc"', ["abc"]),
        ("JSESSIONID=a=b==", ["a=b=="]),
        ("JSESSIONID=", [""]),
        ("JSESSIONID", []),
        ("", []),
        (";;=;", [""]),
    ],
)
def test_the_values_of_cookies(value: str, expected: list[str]) -> None:
    """In their order (RFC 6265), without quotes."""
    assert expected == list(cookies(headers(Cookie=value)))
