"""Rewriting in the reverse proxy: addresses and cookies, and nothing else."""

import pytest

from gws_replay.recording.reverse_links import ReverseLinks

LINKS = ReverseLinks("https://gws.example.com", "http://localhost:8080", ("http://127.0.0.1:8080",))
JSON = "application/json;charset=UTF-8"


def cookie(value: str, *, is_browser: bool = False, links: ReverseLinks = LINKS) -> str:
    """A Set-Cookie value as the client receives it."""
    ((_, found),) = links.response_fields(((b"Set-Cookie", value.encode()),), is_browser=is_browser)
    return found.decode()


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("SID=a; Path=/; Secure; HttpOnly", "SID=a; Path=/; HttpOnly"),
        ("SID=a;secure;DOMAIN=.example.com;Max-Age=5", "SID=a;Max-Age=5"),
        ("SID=a; SameSite=None; Secure; Partitioned", "SID=a"),
        ("SID=a; SameSite=Lax", "SID=a; SameSite=Lax"),
        ("SID=secure; Path=/", "SID=secure; Path=/"),
        ("__Host-SID=a; Path=/; Secure", "__Host-SID=a; Path=/"),
    ],
)
def test_a_cookie_reaches_a_client_on_plain_http(sent: str, received: str) -> None:
    """Attributes that bind it to TLS or to the server's name are removed."""
    assert received == cookie(sent)


@pytest.mark.parametrize("name", ["__Host-SID", "__Secure-SID"])
def test_a_browser_keeps_prefixed_cookies_secure(name: str) -> None:
    """It refuses such a name without Secure, and takes Secure from http://localhost."""
    assert f"{name}=a; Secure; Path=/" == cookie(f"{name}=a; Secure; Domain=example.com; Path=/", is_browser=True)


def test_behind_tls_cookies_stay_secure() -> None:
    """Only the server's name is removed."""
    links = ReverseLinks("https://gws.example.com", "https://localhost:8080")
    assert "SID=a; Secure; SameSite=None" == cookie("SID=a; Secure; SameSite=None; Domain=example.com", links=links)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("https://gws.example.com/api/v2/me", "http://localhost:8080/api/v2/me"),
        ("https://GWS.example.com:443/x?y=1#z", "http://localhost:8080/x?y=1#z"),
        (
            "https://login.example.com/?back=https%3A%2F%2Fgws.example.com%2Fme",
            "https://login.example.com/?back=http%3A%2F%2Flocalhost%3A8080%2Fme",
        ),
        ("https://gws.example.com", "http://localhost:8080"),
        ("https://gws.example.com.evil.example/", "https://gws.example.com.evil.example/"),
        ("https://gws.example.com:8443/", "https://gws.example.com:8443/"),
        ("https://gws.example.com-2/", "https://gws.example.com-2/"),
        ("http://gws.example.com/", "http://gws.example.com/"),
        ("/api/v2/me", "/api/v2/me"),
    ],
)
def test_a_redirect_to_the_server_leads_to_the_proxy(sent: str, received: str) -> None:
    """Only the server's own address is replaced, however it is spelled."""
    assert ((b"Location", received.encode()),) == LINKS.response_fields(
        ((b"Location", sent.encode()),), is_browser=False
    )


def test_headers_that_lead_past_the_proxy_are_dropped() -> None:
    """A browser would remember them for longer than the recording."""
    fields = ((b"Strict-Transport-Security", b"max-age=1"), (b"ALT-SVC", b'h3=":443"'), (b"ETag", b'"1"'))
    assert ((b"ETag", b'"1"'),) == LINKS.response_fields(fields, is_browser=True)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b'{"uri":"https://gws.example.com/api/v2/me"}', b'{"uri":"http://localhost:8080/api/v2/me"}'),
        (rb'{"uri":"https:\/\/gws.example.com\/me"}', rb'{"uri":"http:\/\/localhost:8080\/me"}'),
        (b'{"ws":"wss://gws.example.com/cometd"}', b'{"ws":"ws://localhost:8080/cometd"}'),
        (
            b'{"a":"https://gws.example.com","userData":{"link":"https://gws.example.com/kb"},"b":"https://gws.example.com/"}',
            b'{"a":"http://localhost:8080","userData":{"link":"https://gws.example.com/kb"},"b":"http://localhost:8080/"}',
        ),
        (
            b'[{"userData": [{"key":"k","value":"https://gws.example.com"}], "uri" : "https://gws.example.com/x"}]',
            b'[{"userData": [{"key":"k","value":"https://gws.example.com"}], "uri" : "http://localhost:8080/x"}]',
        ),
        ('{"ü":"https://gws.example.com/ü"}'.encode(), '{"ü":"http://localhost:8080/ü"}'.encode()),
        (b"\xff\xfe no text at all", b"\xff\xfe no text at all"),
    ],
)
def test_links_in_a_body_lead_to_the_proxy(sent: bytes, received: bytes) -> None:
    """userData belongs to the customer and does not change; nor does any other byte."""
    assert received == LINKS.response_body(sent, JSON)


def test_a_body_that_is_not_text_is_never_changed() -> None:
    """An address in a picture is a coincidence."""
    body = b"\x89PNG https://gws.example.com/"
    assert body == LINKS.response_body(body, "image/png")


@pytest.mark.parametrize("proxy", ["http://localhost:8080", "http://127.0.0.1:8080"])
def test_the_server_gets_its_own_address_back(proxy: str) -> None:
    """In headers, bodies and WebSocket messages: it sees what a client without the proxy would have sent."""
    fields = ((b"Host", b"gws.example.com"), (b"Origin", proxy.encode()), (b"Referer", f"{proxy}/a".encode()))
    assert (
        (b"Host", b"gws.example.com"),
        (b"Origin", b"https://gws.example.com"),
        (b"Referer", b"https://gws.example.com/a"),
    ) == LINKS.request_fields(fields)
    sent, received = f'{{"uri":"{proxy}/x"}}'.encode(), b'{"uri":"https://gws.example.com/x"}'
    assert received == LINKS.request_body(sent, JSON)
    assert received == LINKS.message(sent, from_client=True)
    assert b'{"uri":"http://localhost:8080/x"}' == LINKS.message(received, from_client=False)
