"""The header fields of a response: recorded ones without those of a connection, and CORS for pages of any origin."""

from gws_replay.core.model import Headers
from gws_replay.core.replay.live_headers import Client
from gws_replay.server.response_headers import cors, fields, session_cookie

CLIENT = Client("http://localhost:8085", lambda name: f"own-{name}")
ALLOW = {"Access-Control-Allow-Origin": "http://page.example"}


def test_request_without_an_origin_has_no_cors_fields() -> None:
    """Only browsers send an Origin."""
    assert {} == cors({})
    assert {} == cors({}, preflight=True)


def test_page_of_any_origin_may_read_the_response() -> None:
    """With its cookies, and with the CSRF token."""
    allowed = cors({"Origin": "http://page.example"})
    assert ("http://page.example", "true", "Origin") == (
        allowed["Access-Control-Allow-Origin"],
        allowed["Access-Control-Allow-Credentials"],
        allowed["Vary"],
    )
    assert "X-CSRF-TOKEN" in allowed["Access-Control-Expose-Headers"].upper()


def test_preflight_allows_what_it_names() -> None:
    """The method and the header fields that the page is going to send."""
    headers = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-one, x-two"}
    allowed = cors({"Origin": "http://page.example", **headers}, preflight=True)
    assert ("PUT", "x-one, x-two") == (
        allowed["Access-Control-Allow-Methods"],
        allowed["Access-Control-Allow-Headers"],
    )


def test_fields_of_the_recorded_connection_are_dropped() -> None:
    """And those that would send a browser to another port or scheme later."""
    dropped = ["Connection", "transfer-encoding", "Content-Length", "Date", "Strict-Transport-Security", "Alt-Svc"]
    recorded = Headers((*((name, "x") for name in dropped), ("X-Kept", "1"), ("X-Kept", "2")))
    assert [("X-Kept", "1"), ("X-Kept", "2")] == list(fields(recorded, CLIENT, rehost=True, allow={}).items())


def test_recorded_cors_fields_are_replaced_for_a_page() -> None:
    """Without a page they stay as they were recorded."""
    recorded = Headers((("Access-Control-Allow-Origin", "https://gws.example.com"),))
    assert ALLOW == dict(fields(recorded, CLIENT, rehost=True, allow=ALLOW))
    assert dict(recorded.pairs) == dict(fields(recorded, CLIENT, rehost=True, allow={}))


def test_location_of_the_api_leads_to_this_server() -> None:
    """Unless addresses are kept."""
    location = "https://gws.example.com/api/v2/me/calls/1"
    recorded = Headers((("Location", location),))
    assert "http://localhost:8085/api/v2/me/calls/1" == fields(recorded, CLIENT, rehost=True, allow={})["Location"]
    assert location == fields(recorded, CLIENT, rehost=False, allow={})["Location"]


def test_session_cookie_is_for_the_whole_server() -> None:
    """No script of a page can read it."""
    assert session_cookie("abc").endswith("=abc; Path=/; HttpOnly")
