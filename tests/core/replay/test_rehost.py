"""Addresses: which are the replay's own, and what those of the API become."""

import pytest

from gws_replay.core.model import Request
from gws_replay.core.replay.rehost import (
    OWN,
    at_home,
    hosts_of,
    json_without_own,
    location_at_home,
    text_without_own,
)

HOSTS = {"gws.example.com", "gws"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("http://localhost:8085/cb?x=1", f"{OWN}/cb?x=1"),
        ("https://gws.example.com/cb", f"{OWN}/cb"),
        ("HTTPS://gws.example.com:443", OWN),
        ("http://127.0.0.1", OWN),
        ("http://[::1]:9/x", f"{OWN}/x"),
        ("localhost:8085", OWN),
        ("gws.example.com:8090/cb", f"{OWN}/cb"),
        ("http%3A%2F%2Flocalhost%3A8085%2Fcb", f"{OWN}%2Fcb"),
        ("see http://gws/a and https://gws.example.com/b.", f"see {OWN}/a and {OWN}/b."),
        ("https://other.example/cloud/api/v2/me", f"{OWN}/cloud/api/v2/me"),
        ("https://other.example/cb", "https://other.example/cb"),
        ("https://gws.example.com.evil.example/x", "https://gws.example.com.evil.example/x"),
        ("https://my-gws/x", "https://my-gws/x"),
        ("localhost", "localhost"),
        ("gws.example.com", "gws.example.com"),
        ("agent@localhost:1", "agent@localhost:1"),
    ],
)
def test_own_addresses_are_one_word(text: str, left: str) -> None:
    """Named hosts, loopback, and addresses of the API; nothing that is only similar."""
    assert left == text_without_own(text, HOSTS)


def test_an_address_of_the_api_in_user_data_counts() -> None:
    """UserData must be exactly what was sent; there too, the client's own address does not count."""
    text = '{"uri":"https://o/api/v2/x","userData":{"a":"https://o/api/v2/x","b":"http://localhost:1/x"}}'
    expected = f'{{"uri":"{OWN}/api/v2/x","userData":{{"a":"https://o/api/v2/x","b":"{OWN}/x"}}}}'
    assert expected == json_without_own(text, HOSTS)


def test_hosts_are_named_without_their_ports() -> None:
    """Once each."""
    requests = [Request(method="GET", uri=uri) for uri in ("https://A.example:1/x", "https://a.example/y", "/z")]
    assert {"a.example"} == hosts_of(requests)


@pytest.mark.parametrize(
    ("location", "moved"),
    [
        ("https://o/api/v2/me", "http://h:1/api/v2/me"),
        ("https://login.example/sso", "https://login.example/sso"),
        ("https://o/auth/v3/home?a=b", "http://h:1/auth/v3/home?a=b"),
        ("/api/v2/me", "/api/v2/me"),
        ('https://o/api/v2/"x', 'http://h:1/api/v2/"x'),
    ],
)
def test_a_location_of_the_api_becomes_the_servers(location: str, moved: str) -> None:
    """Any other Location stays."""
    assert moved == location_at_home(location, "http://h:1")


def test_what_is_not_moved_stays_byte_for_byte() -> None:
    """Spaces, escapes and key order."""
    text = ' {"b" : [1.0 ],\n"uri":"http:\\/\\/o\\/api\\/v2\\/x" } '
    assert text.replace("http:\\/\\/o", "http://h") == at_home(text, "http://h")
    assert text.replace("api", "app") == at_home(text.replace("api", "app"), "http://h")
