"""No secret of a message is left, in any place; everything else is unchanged."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange, Headers, Recording, Request, Response, WebSocketMessage
from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.policy import LEVELS
from tests.support.builders import HOST, NOTIFICATIONS, bayeux, cassette, exchange, get, push
from tests.support.redactors import redactor

SECRET = "s3cr3t-0123456789"
Pair = tuple[str, str]


def redacted(*exchanges: Exchange, messages: tuple[WebSocketMessage, ...] = ()) -> Recording:
    """A recording without its secrets."""
    return redactor("secrets").recording(Recording(exchanges=exchanges, messages=messages))


def exchange_with(*pairs: Pair, path: str = "/api/v2/me", **more: Any) -> Exchange:
    """An exchange whose request has headers."""
    return exchange("GET", path, request_headers=pairs, **more)


@pytest.mark.parametrize("name", sorted(sensitive.SECRET_HEADERS - {"cookie", "set-cookie"}))
@pytest.mark.parametrize("spelling", [str.lower, str.title, str.upper])
def test_every_secret_header_is_redacted(name: str, spelling: Any) -> None:
    """In requests and responses, in any case; a placeholder names the kind."""
    one = exchange(request_headers=[(spelling(name), SECRET)], response_headers=[(spelling(name), SECRET)])
    (found,) = redacted(one).exchanges
    expected = ((spelling(name), f"<redacted:{name}>"),)
    assert (expected, expected) == (found.request.headers.pairs, found.response.headers.pairs)


@pytest.mark.parametrize("name", ["Accept", "X-CSRF-HEADER", "Content-Type", "Date", "If-None-Match"])
def test_other_headers_stay(name: str) -> None:
    """They are useful in a review."""
    assert ((name, "X-CSRF-TOKEN"),) == redacted(exchange_with((name, "X-CSRF-TOKEN"))).exchanges[
        0
    ].request.headers.pairs


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("Cookie", f"JSESSIONID={SECRET}", "JSESSIONID=<redacted:JSESSIONID>"),
        ("Cookie", f"a=1; JSESSIONID={SECRET};b=2", "a=<redacted:a>; JSESSIONID=<redacted:JSESSIONID>;b=<redacted:b>"),
        ("Cookie", f'sid="{SECRET}"; x=', "sid=<redacted:sid>; x=<redacted:x>"),
        ("Cookie", f"a={SECRET}=={SECRET}", "a=<redacted:a>"),
        (
            "Set-Cookie",
            f"JSESSIONID={SECRET}; Path=/api; HttpOnly; SameSite=Lax",
            "JSESSIONID=<redacted:JSESSIONID>; Path=/api; HttpOnly; SameSite=Lax",
        ),
        ("Set-Cookie", f"sid={SECRET}", "sid=<redacted:sid>"),
    ],
)
def test_cookies_keep_their_names_and_attributes(name: str, value: str, left: str) -> None:
    """Only the values are replaced."""
    assert ((name, left),) == redacted(exchange_with((name, value))).exchanges[0].request.headers.pairs


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cookie", SECRET),
        ("Cookie", f"={SECRET}"),
        ("Cookie", f"a=1; {SECRET}"),
        ("Cookie", f'a="x"{SECRET}'),
        ("Set-Cookie", SECRET),
        ("Set-Cookie", f"a=1; Path=/\nJSESSIONID={SECRET}; Path=/"),
        ("Set-Cookie", f"a=1; Path=/, JSESSIONID={SECRET}; Path=/"),
        ("Authorization", f'Digest username="x", response="{SECRET}", uri="/"'),
        ("Authorization", SECRET),
    ],
)
def test_odd_forms_of_a_secret_header_do_not_leak(name: str, value: str) -> None:
    """Cookies without a name or behind a quoted value; several in one line, as in Chrome's HAR."""
    assert SECRET not in repr(redacted(exchange_with((name, value))))


def test_the_server_chooses_the_name_of_the_csrf_header() -> None:
    """X-CSRF-HEADER names it; from then on it is secret in requests and responses, also in earlier ones."""
    first = exchange_with(("X-My-Token", SECRET), began=0)
    naming = exchange(response_headers=[("X-CSRF-HEADER", "X-MY-TOKEN"), ("x-my-token", SECRET)], began=1)
    found = redacted(first, naming)
    assert SECRET not in repr(found)
    assert (("X-CSRF-HEADER", "X-MY-TOKEN"), ("x-my-token", "<redacted:x-my-token>")) == found.exchanges[
        1
    ].response.headers.pairs


def test_a_secret_that_turns_up_elsewhere_is_replaced() -> None:
    """In bodies, URLs and other headers, before and after the header that showed it; in binary too."""
    found = redacted(
        exchange("POST", f"/x?sid={SECRET}", {"echo": SECRET}, b"\xff" + SECRET.encode() + b"\x00", began=0),
        exchange_with(("Authorization", f"Bearer {SECRET}"), ("X-Echo", f"<{SECRET}>"), began=1),
    )
    assert SECRET not in repr(found)
    assert b'{"echo":"<redacted:authorization>"}' == found.exchanges[0].request.body
    assert b"\xff<redacted:authorization>\x00" == found.exchanges[0].response.body


def test_a_secret_that_begins_with_another_is_replaced_whole() -> None:
    """No tail of the longer one is left, whichever was seen first."""
    for secrets in ([SECRET, SECRET + "-tail"], [SECRET + "-tail", SECRET]):
        seen = [exchange_with(("X-CSRF-TOKEN", secret), began=n) for n, secret in enumerate(secrets)]
        assert "-tail" not in repr(redacted(*seen, exchange("POST", "/x", {"echo": SECRET + "-tail"}, began=3)))


@pytest.mark.parametrize("cookie", ["lang=facebook", "theme=userData1", "a=true"])
def test_common_word_in_a_cookie_is_not_searched_for(cookie: str) -> None:
    """Replacing it everywhere would destroy paths and bodies."""
    one = exchange_with(("Cookie", cookie), path="/api/v2/me/facebooksessions", response={"userData1": True})
    (found,) = redacted(one).exchanges
    assert (one.request.uri, one.response.body) == (found.request.uri, found.response.body)


def test_short_values_are_not_searched_for() -> None:
    """They are redacted only in their own place."""
    (found,) = redacted(exchange_with(("X-CSRF-TOKEN", "abc"), path="/abc")).exchanges
    assert (f"{HOST}/abc", "<redacted:x-csrf-token>") == (found.request.uri, found.request.headers.get("x-csrf-token"))


@pytest.mark.parametrize(
    ("uri", "left"),
    [
        ("http://user:pass@host/x", "http://<redacted:userinfo>@host/x"),
        ("http://user:p@ss@host/x@y", "http://<redacted:userinfo>@host/x@y"),
        ("http://token@host/x", "http://<redacted:userinfo>@host/x"),
        ("http://host/x;jsessionid=0A1B?y=2", "http://host/x;jsessionid=<redacted:jsessionid>?y=2"),
        ("http://host/x;JSESSIONID=0A1B/z#f", "http://host/x;JSESSIONID=<redacted:jsessionid>/z#f"),
        ("http://host/mail/a@b.example?to=c@d.example", "http://host/mail/a@b.example?to=c@d.example"),
    ],
)
def test_secrets_in_urls(uri: str, left: str) -> None:
    """User and password, and the session id that servers put into paths; in headers that hold a URL as well."""
    request = Request(method="GET", uri=uri, headers=Headers((("Referer", uri),)))
    response = Response(status=302, headers=Headers((("Location", uri),)))
    one = redactor("secrets")
    found = one.request(request)
    assert (left, left) == (found.uri, found.headers.get("referer"))
    assert left == one.response(response).headers.get("location")


HANDSHAKE = {"channel": "/meta/handshake", "clientId": SECRET, "ext": {"token": SECRET}, "id": "1", "n": 1.5}


@pytest.mark.parametrize("message", [HANDSHAKE, [HANDSHAKE], [{"channel": "/meta/connect"}, HANDSHAKE]])
def test_client_ids_and_ext_of_bayeux_messages_are_redacted(message: Any) -> None:
    """In a single message and in an array, over both transports; other fields stay."""
    text = json.dumps(message)
    frame = WebSocketMessage(uri=HOST, seen=1, from_client=True, content=text)
    found = redacted(exchange("POST", NOTIFICATIONS, message, message), messages=(frame,))
    assert SECRET not in repr(found)
    for body in (found.exchanges[0].request.body, found.exchanges[0].response.body, found.messages[0].content):
        parsed = json.loads(body)
        last = parsed[-1] if isinstance(parsed, list) else parsed
        assert ("/meta/handshake", "<redacted:clientId>", "<redacted:ext>", "1", 1.5) == tuple(
            last[name] for name in ("channel", "clientId", "ext", "id", "n")
        )


def test_client_id_that_is_not_a_string_is_redacted() -> None:
    """Bayeux demands a string; a server may send another type."""
    found = redacted(exchange("POST", NOTIFICATIONS, [{"channel": "/meta/connect", "clientId": [SECRET]}]))
    assert SECRET not in repr(found)


def test_a_cut_bayeux_message_keeps_no_client_id() -> None:
    """A dropped connection may leave half a message."""
    body = b'[{"channel":"/meta/connect","clientId" : "' + SECRET.encode()
    for cut in (body, body + b'","successful":tr'):
        assert SECRET.encode() not in redacted(exchange("POST", NOTIFICATIONS, cut)).exchanges[0].request.body


@pytest.mark.parametrize("data", [{"clientId": "crm-0815-4711"}, {"ext": {"x": 1}, "channel": "/x"}])
def test_user_data_of_such_a_name_are_not_touched(data: dict[str, Any]) -> None:
    """`clientId` is a key like any other inside userData, in a notification and in a REST body."""
    (found,) = redacted(exchange("POST", "/x", {"userData": data}, [bayeux(push(data, seen=1))])).exchanges
    assert {"userData": data} == found.request_json
    assert data == found.response_json[0]["data"]["facebooksession"]["userData"]


def test_content_length_of_a_redacted_body_is_right() -> None:
    """A client that reads the recorded response relies on Content-Length."""
    text = b"your token is " + SECRET.encode() + b", sir"
    recording = redacted(
        exchange_with(("Authorization", SECRET)),
        exchange("GET", "/x", None, text, response_headers=[("Content-Length", str(len(text)))], began=1),
    )
    response = compile_recording(recording).cassette.interactions[1].response
    assert str(len(response.body)) == response.headers.get("content-length")


def test_unanswered_requests_are_redacted() -> None:
    """They have secrets as all others."""
    lost = Exchange.without_response(exchange_with(("Authorization", f"Basic {SECRET}")).request, 0, 1, "silence")
    assert SECRET not in repr(redactor("secrets").recording(Recording(exchanges=(), unanswered=(lost,))))


def test_a_cassette_is_redacted_with_its_notifications() -> None:
    """For cassettes that were recorded without; the header says what was done."""
    raw = cassette(get({"A": SECRET}, began=1), push({"A": SECRET}, seen=3))
    login = exchange_with(("Authorization", SECRET))
    found = redactor("all").cassette(replace(raw, interactions=(login, *raw.interactions)))
    assert SECRET not in repr((found.interactions, found.notifications))
    assert {"format": 1, **redactor("all").facts} == found.header
    assert raw == redactor("none").cassette(raw)


@pytest.mark.parametrize("level", LEVELS)
def test_what_was_applied_is_named(level: Any) -> None:
    """The level, and the policy by its name and digest, which differ where the rules do."""
    assert level == redactor(level).facts["redaction"]
    assert redactor("all").facts["policy"] != redactor("all", keep=["Subject"]).facts["policy"]


def test_an_unknown_request_header_is_a_secret() -> None:
    """Its meaning is unknown; in a response it is only searched."""
    found = redacted(
        exchange(request_headers=[("X-Tenant-Auth", "abc")], response_headers=[("X-Node", "abc")])
    ).exchanges[0]
    assert (("X-Tenant-Auth", "<redacted:x-tenant-auth>"),) == found.request.headers.pairs
    assert (("X-Node", "abc"),) == found.response.headers.pairs


TEXTS = st.sampled_from([SECRET, "abc", "", "redacted", "authorization", "<redacted:x>", f"a={SECRET}; b=2", "x y"])
NAMES = st.sampled_from(["Authorization", "Cookie", "Set-Cookie", "X-CSRF-TOKEN", "X-CSRF-HEADER", "Location", "Date"])
HEADERS = st.lists(st.tuples(NAMES, TEXTS), max_size=4).map(lambda pairs: Headers(tuple(pairs)))
BODIES = st.one_of(
    TEXTS.map(str.encode),
    st.binary(max_size=8),
    st.builds(lambda text: json.dumps([{"channel": "/meta/connect", "clientId": text, "x": text}]).encode(), TEXTS),
)
WORDS = st.sampled_from([SECRET, "abc", "redacted", "authorization", "<redacted:x>"])
URIS = st.builds(lambda text: f"http://{text}@host/x;jsessionid={text}?q={text}", WORDS)
EXCHANGES = st.builds(
    Exchange,
    request=st.builds(Request, method=st.just("POST"), uri=URIS, headers=HEADERS, body=BODIES),
    response=st.builds(Response, status=st.just(200), headers=HEADERS, body=BODIES),
    began=st.just(0.0),
    ended=st.just(1.0),
)
RECORDINGS = st.lists(EXCHANGES, max_size=3).map(lambda exchanges: Recording(exchanges=tuple(exchanges)))


@given(RECORDINGS)
def test_redacting_twice_is_redacting_once(recording: Recording) -> None:
    """A redacted cassette can be scrubbed again without a change."""
    once = redactor("secrets").recording(recording)
    assert once == redactor("secrets").recording(once)


@given(RECORDINGS)
def test_level_none_changes_nothing(recording: Recording) -> None:
    """For people whose staging has no secrets."""
    one = redactor("none")
    assert recording == one.recording(recording)
    for each in recording.exchanges:
        assert (each.request, each.response) == (one.request(each.request), one.response(each.response))
        assert each.request.body == one.body(each.request.body)


def test_half_a_surrogate_pair_in_a_form_stops_nothing() -> None:
    """JSON can spell one, and a form can hold JSON."""
    form = Headers((("Content-Type", "application/x-www-form-urlencoded"),))
    body = b"a=%7B%22x%22%3A%22%5Cud800%22%2C%22FirstName%22%3A%22Anna+Kern%22%7D"
    assert b"Anna" not in redactor().body(body, form)


DULL = '{"id": "12", "tags": ["a", "b"], "at": {"x": 1, "y": null}, "note": "one two"}'


@pytest.mark.parametrize(
    ("member", "redacted"),
    [
        ('"FirstName": "Ferdinand"', "FirstName"),
        ('"x": {"y": {"password": "geheim-77"}}', "<redacted:password>"),
        ('"x": "call +49 30 5550 2044"', "call +"),
        ('"x": "230-555-1234"', '"x": "'),
        ('"Ferdinand@corp.de": 1', ": 1"),
        ('"note": ["one", "Ferdinand@corp.de"]', '"one", "'),
        ('"Name" : "first_name", "value": "Ferdinand"', "first_name"),
        ('"from": {"id": 1, "name": "Ferdinand"}', '"name": "'),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 2000])
def test_value_among_many_harmless_ones_is_found(before: int, member: str, redacted: str) -> None:
    """Most members are skipped together: a part of their neighbours would be a leak."""
    text = f"[{f'{DULL}, ' * before}{{{member}}}, {DULL}]"
    found = redactor().body(text.encode()).decode()
    head, tail = f"[{f'{DULL}, ' * before}", f", {DULL}]"
    assert found.startswith(head)
    assert found.endswith(tail)
    middle = found[len(head) : len(found) - len(tail)]
    assert redacted in middle
    assert not re.search("Ferdinand|geheim|5550 2044|230-555", middle)


@pytest.mark.parametrize("before", ["sent: ", "2026-11-30 INFO <redacted:token> ", "a < b ", "(", "\n\ud800x "])
@pytest.mark.parametrize(
    "markup",
    [
        "<a><password>Nebelkrähe-3</password></a>",
        "<r password='Nebelkrähe-3'/>",
        "<?xml version='1.0'?><s:Body><s:password>Nebelkrähe-3</s:password></s:Body> and more",
        "<fields><field name='password' value='Nebelkrähe-3'/></fields>",
    ],
)
def test_xml_behind_other_text_is_redacted_by_its_names(before: str, markup: str) -> None:
    """In a string of JSON, and in a text."""
    for body in (json.dumps({"log": f"{before}{markup}"}), f"{before}{markup}"):
        redacted = redactor().body(body.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        assert "redacted:password" in redacted
        assert "Nebelkr" not in redacted


@pytest.mark.parametrize("text", ["state=dXNlcj1TdHVybWZsdXQtODh4O3g=", "a=1&b=dXNlcj1TdHVybWZsdXQtODh4O3g=&c=2"])
def test_base64_behind_its_name_is_redacted(text: str) -> None:
    """In a line of a log, and in a string of JSON."""
    for body in (text, json.dumps({"line": text})):
        one = redactor()
        one.body(b'{"password": "Sturmflut-88x"}')
        assert "dXNlcj1TdHVybWZsdXQtODh4O3g" not in one.body(body.encode()).decode()
