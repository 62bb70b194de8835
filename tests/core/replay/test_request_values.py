"""The parts of a request: its values by place, and which of them count."""

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.request_values import Leaf, compared, leaves_of
from gws_replay.errors import ReplayMiss
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import cassette, exchange

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
MULTIPART = "multipart/form-data; boundary={}"


def request(body: bytes, *pairs: tuple[str, str], uri: str = "http://a/x") -> Request:
    """A request with a body and header fields."""
    return Request(method="POST", uri=uri, headers=Headers(pairs), body=body)


def test_a_form_has_a_leaf_for_each_field() -> None:
    """URL-encoded or in parts; a name may stand several times."""
    leaves = leaves_of(request(b"user=anna&scope=a&scope=b", *FORM))
    assert {
        ("form", "user", 1): Leaf("string", "anna", "user"),
        ("form", "scope", 1): Leaf("string", "a", "scope"),
        ("form", "scope", 2): Leaf("string", "b", "scope"),
    } == {place: leaf for place, leaf in leaves.items() if place[0] == "form"}
    part = b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nanna\r\n--x--\r\n'
    parts = leaves_of(request(part, ("Content-Type", MULTIPART.format("x"))))
    assert ["user"] == [leaf.name for place, leaf in parts.items() if place[0] == "form"]


def test_own_addresses_do_not_count_in_a_leaf() -> None:
    """Addresses of the API in userData do: userData belongs to the client."""
    hosts = {"gws.example.com"}
    api = Leaf("string", "https://other.example/api/v2/x", "uri")
    assert "<own address>/cb" == compared(("form", "u", 1), Leaf("string", "https://gws.example.com/cb", "u"), hosts)
    assert "<own address>/api/v2/x" == compared(("body", "uri"), api, hosts)
    assert api.text == compared(("body", "userData", "uri"), api, hosts)
    assert "12:30" == compared(("body", "at"), Leaf("string", "12:30", "at"), hosts)


def recorded(body: bytes, *pairs: tuple[str, str]) -> ReplayRun:
    """The run of a redacted recording of one request."""
    built = cassette(exchange("POST", "/auth/v3/oauth/token", body, {"statusCode": 0}, request_headers=pairs))
    return ReplayRun(Cassette(interactions=built.interactions, header={"redaction": "all", "stand_ins": ["Wexfordia"]}))


def test_a_redacted_form_matches_a_client_with_its_own_values_and_address() -> None:
    """Any name of a person, any port of the callback; values without a stand-in count."""
    run = recorded(b"username=Wexfordia&redirect_uri=http%3A%2F%2Flocalhost%3A8090%2Fcb&scope=a", *FORM)
    uri = "http://localhost:4711/auth/v3/oauth/token"
    live = b"scope=a&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Fcb&username=Anna+Real"
    with pytest.raises(ReplayMiss, match=r'form\.scope: sent "b", recorded "a"'):
        run.respond(request(live.replace(b"scope=a", b"scope=b"), *FORM, uri=uri))
    response = run.respond(request(live, *FORM, uri=uri))
    assert response
    assert 200 == response.status


def test_a_redacted_upload_matches_whatever_boundary_the_client_chooses() -> None:
    """Its fields are compared one by one."""
    text = '--{0}\r\nContent-Disposition: form-data; name="username"\r\n\r\n{1}\r\n--{0}--\r\n'
    run = recorded(text.format("1a", "Wexfordia").encode(), ("Content-Type", MULTIPART.format("1a")))
    live = text.format("2b", "Anna Real").encode()
    response = run.respond(
        request(live, ("Content-Type", MULTIPART.format("2b")), uri="http://localhost:1/auth/v3/oauth/token")
    )
    assert response
    assert 200 == response.status
