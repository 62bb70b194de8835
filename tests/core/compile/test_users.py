"""Which requests belong to one user: each kind of evidence by example, then random recordings of several users."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.compile.users import Users
from gws_replay.core.model import Evidence, Exchange, Identity, Recording, WebSocketMessage
from tests.support.builders import bayeux, exchange, push, update

NOTIFICATIONS = "/api/v2/notifications"


def basic(name: str) -> tuple[str, str]:
    """The header of a login."""
    return "Authorization", f"Basic {base64.b64encode(f'{name}:secret'.encode()).decode()}"


def bearer(token: str) -> tuple[str, str]:
    """The header of a request with a token."""
    return "Authorization", f"Bearer {token}"


def token_of(subject: str, number: int) -> str:
    """A JSON Web Token of a subject."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject, "n": number}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl"


def request(began: float, *headers: tuple[str, str], path: str = "/api/v2/me/devices", **more: object) -> Exchange:
    """A GET with headers."""
    return exchange("GET", path, None, {"statusCode": 0}, began=began, request_headers=headers, **more)  # type: ignore[arg-type]


def users_of(*exchanges: Exchange) -> list[int]:
    """The user of each REST exchange, in order of time."""
    return [each.user for each in compile_recording(Recording(exchanges=exchanges)).cassette.interactions]


def test_two_names_are_two_users_in_order_of_appearance() -> None:
    """The header lists them; a cassette with one user does not mention users."""
    cassette = compile_recording(
        Recording(exchanges=(request(0, basic("bob")), request(1, basic("ann")), request(2, basic("bob"))))
    ).cassette
    assert [0, 1, 0] == [each.user for each in cassette.interactions]
    assert [{"name": "bob"}, {"name": "ann"}] == cassette.header["users"]
    alone = compile_recording(Recording(exchanges=(request(0, basic("bob")), request(1, basic("bob"))))).cassette
    assert "users" not in alone.header


def both_at_once(one: Sequence[Exchange], other: Sequence[Exchange]) -> bool:
    """Whether requests of one user, and those of another who works at the same time, are distinguished."""
    assert len(one) >= 2
    ann = [request(each.began + 0.5, basic("ann")) for each in one]
    found = users_of(*one, *ann, *other)
    expected = [0 if each not in ann else 1 for each in sorted((*one, *ann, *other), key=lambda each: each.began)]
    return expected == found


@pytest.mark.parametrize(
    "exchanges",
    [
        pytest.param(
            [
                request(0, basic("bob"), response_headers=[("Set-Cookie", "JSESSIONID=abc1; Path=/; HttpOnly")]),
                request(1, ("Cookie", "theme=dark; JSESSIONID=abc1")),
            ],
            id="session cookie",
        ),
        pytest.param(
            [
                request(0, basic("bob"), response_headers=[("X-CSRF-HEADER", "X-Guard"), ("X-CSRF-TOKEN", "t1")]),
                request(1, ("X-CSRF-TOKEN", "t1")),
            ],
            id="CSRF token",
        ),
        pytest.param(
            [
                exchange(
                    "POST",
                    "/auth/v3/oauth/token",
                    b"grant_type=password&username=bob&password=x",
                    {"access_token": "token-number-1", "refresh_token": "refresh-number-1"},
                    began=0,
                    request_headers=[basic("the-application")],
                ),
                request(1, bearer("token-number-1")),
                exchange(
                    "POST",
                    "/auth/v3/oauth/token",
                    b"grant_type=refresh_token&refresh_token=refresh-number-1",
                    {"access_token": "token-number-2"},
                    began=2,
                    request_headers=[basic("the-application")],
                ),
                request(3, bearer("token-number-2")),
            ],
            id="renewed token",
        ),
        pytest.param([request(n, bearer(token_of("bob", n))) for n in range(3)], id="subject of the token"),
        pytest.param(
            [
                request(n, ("Authorization", f"AWS4-HMAC-SHA256 Credential=KEY1/2026/x/aws4_request, Signature={n}"))
                for n in range(3)
            ],
            id="AWS signature",
        ),
        pytest.param(
            [
                request(n, ("Authorization", f'OAuth oauth_consumer_key="app", oauth_token="bob", oauth_nonce="{n}"'))
                for n in range(3)
            ],
            id="OAuth 1",
        ),
        pytest.param(
            [request(n, ("Authorization", f'Digest username="bob", nonce="{n}", response="{n}"')) for n in range(3)],
            id="Digest",
        ),
        pytest.param(
            [request(0, bearer("t1"), ("x-api-key", "key-of-bob")), request(1, ("x-api-key", "key-of-bob"))],
            id="API key",
        ),
        pytest.param(
            [
                exchange(
                    "POST",
                    NOTIFICATIONS,
                    [{"channel": "/meta/handshake"}],
                    [{"channel": "/meta/handshake", "clientId": "c7", "successful": True}],
                    began=-1,
                    request_headers=[bearer("t1")],
                ),
                request(0, bearer("t1")),
                exchange(
                    "POST",
                    NOTIFICATIONS,
                    [{"channel": "/meta/connect", "clientId": "c7"}],
                    [{"channel": "/meta/connect", "successful": True}],
                    began=0.2,
                    request_headers=[bearer("t2")],
                ),
                request(2, bearer("t2")),
            ],
            id="clientId",
        ),
        pytest.param(
            [request(n, ("ssid", "salesforce-session-1"), ("susername", "bob")) for n in range(2)], id="partner login"
        ),
    ],
)
def test_evidence_links_what_one_user_sends(exchanges: list[Exchange]) -> None:
    """While another user works at the same time, each with requests of their own."""
    rest = [each for each in exchanges if each.request.path != NOTIFICATIONS]
    ann = [request(each.began + 0.5, basic("ann")) for each in rest]
    everything = sorted((*rest, *ann), key=lambda each: each.began)
    first = everything[0] in rest
    found = users_of(*exchanges, *ann)
    assert [int((each in ann) == first) for each in everything] == found


def test_account_name_separates_two_tokens() -> None:
    """GET /me shows the logged-in user."""
    me = [
        exchange(
            "GET", "/api/v2/me", None, {"statusCode": 0, "user": {"id": name}}, began=n, request_headers=[bearer(name)]
        )
        for n, name in enumerate(("token-a", "token-b"))
    ]
    assert [0, 1] == users_of(*me)


def test_tokens_that_are_never_used_at_the_same_time_are_one_user() -> None:
    """A renewal that the recorder could not see."""
    assert [0, 0, 0, 0] == users_of(*(request(n, bearer(f"t{n // 2}")) for n in range(4)))


def test_tokens_that_are_used_in_turn_are_two_users() -> None:
    """A client never returns to a token after its renewal."""
    assert [0, 1, 0, 1] == users_of(*(request(n, bearer(f"t{n % 2}")) for n in range(4)))


def test_a_cookie_that_contradicts_a_name_links_nothing() -> None:
    """One cookie jar for two logins: the name counts."""
    cookie = ("Cookie", "JSESSIONID=shared1")
    assert [0, 1, 0, 1] == users_of(*(request(n, basic(("bob", "ann")[n % 2]), cookie) for n in range(4)))


def test_a_key_of_an_application_is_shared_by_its_users() -> None:
    """A request with only the key belongs to the user who used it last."""
    key = ("x-api-key", "everybody")
    assert [0, 1, 1, 0, 0] == users_of(
        request(0, basic("bob"), key),
        request(1, basic("ann"), key),
        request(2, key),
        request(3, basic("bob"), key),
        request(4, key),
    )


def test_a_refused_login_is_no_user() -> None:
    """A wrong user name first, then the right one."""
    refused = request(0, basic("bop"), status=401)
    assert [0, 0] == users_of(refused, request(1, basic("bob")))


@pytest.mark.parametrize("token", ["", "<redacted:authorization>"])
def test_placeholder_is_not_evidence(token: str) -> None:
    """A cassette that was already redacted has one user."""
    assert [0, 0] == users_of(*(request(n, ("Authorization", f"Bearer {token}")) for n in range(2)))


def test_requests_without_evidence_belong_to_their_connection() -> None:
    """If the recorder knows it; else to the user of the previous request."""
    users = Users()
    bob, ann = (Evidence(sent=(Identity("login", name),), connection=name) for name in ("bob", "ann"))
    numbers = [users.add(each, at) for each, at in ((bob, 0.0), (ann, 1.0))]
    on_bobs = users.add(Evidence(connection="bob"), 2.0)
    before_anns = users.add(Evidence(connection="ann"), -1.0)
    on_none = users.add(Evidence(), 1.5)
    found = users.resolved()
    assert ([0, 1], 0, 1, 1) == ([found[each] for each in numbers], found[on_bobs], found[before_anns], found[on_none])


def test_the_next_part_knows_the_users_of_the_parts_before() -> None:
    """By identities that only an earlier part has linked to a name."""
    first = Users()
    for name, at in (("bob", 0.0), ("ann", 1.0)):
        first.add(Evidence(sent=(Identity("login", name),), received=(Identity("token", f"of {name}"),)), at)
        first.add(Evidence(sent=(Identity("token", f"of {name}"),)), at + 2)
    seeds = json.loads(json.dumps(first.seeds()))
    second = Users()
    second.know(seeds)
    found = [second.add(Evidence(sent=(Identity("token", f"of {name}"),)), 9.0) for name in ("ann", "bob", "ann")]
    resolved = second.resolved()
    assert [1, 0, 1] == [resolved[each] for each in found]
    assert ["bob", "ann"] == [user.name for user in resolved.users]


def test_a_notification_belongs_to_the_user_of_the_poll_that_brought_it() -> None:
    """And its cause is sought among that user's requests only."""
    polls = [
        exchange(
            "POST",
            NOTIFICATIONS,
            [{"channel": "/meta/connect", "clientId": name}],
            [bayeux(push({"A": 1}, seen=0)), {"channel": "/meta/connect", "successful": True}],
            began=0.2,
            ended=ended,
            request_headers=[basic(name)],
        )
        for name, ended in (("bob", 2.5), ("ann", 2.6))
    ]
    sent = update({"A": 1}, began=1)
    cassette = compile_recording(
        Recording(exchanges=(request(0, basic("bob")), request(0.1, basic("ann")), *polls, _with(sent, basic("ann"))))
    ).cassette
    found = [(each.user, each.cause and each.cause.interaction) for each in cassette.notifications]
    assert [(0, None), (1, 2)] == found


def _with(sent: Exchange, *headers: tuple[str, str]) -> Exchange:
    built = exchange("POST", sent.request.path, sent.request.body, sent.response.body, began=sent.began)
    return exchange(
        "POST",
        built.request.path,
        built.request.body,
        built.response.body,
        began=built.began,
        request_headers=headers,
    )


@st.composite
def sessions(draw: st.DrawFn) -> tuple[list[Exchange], list[int]]:
    """Requests of 1 to 3 users at the same time, who log in by name and then use their tokens and cookies."""
    count = draw(st.integers(1, 3))
    exchanges: list[Exchange] = []
    truth: list[int] = []
    given: list[tuple[str, str]] = [basic(f"user{user}") for user in range(count)]
    for step in range(draw(st.integers(count, 14))):
        user = step if step < count else draw(st.integers(0, count - 1))
        fresh: Sequence[tuple[str, str]] = ()
        body: dict[str, object] = {"statusCode": 0}
        used = given[user]
        match draw(st.sampled_from(["nothing", "cookie", "token"])):
            case "cookie":
                fresh = [("Set-Cookie", f"JSESSIONID=u{user}n{step}; Path=/")]
                given[user] = ("Cookie", f"JSESSIONID=u{user}n{step}")
            case "token":
                body["access_token"] = f"token-u{user}-n{step}"
                given[user] = bearer(f"token-u{user}-n{step}")
        exchanges.append(
            exchange("GET", "/x", None, body, began=float(step), request_headers=[used], response_headers=fresh)
        )
        truth.append(user)
    return exchanges, truth


@given(sessions())
@settings(max_examples=100, deadline=None)
def test_every_request_is_given_to_its_user(recorded: tuple[list[Exchange], list[int]]) -> None:
    """However names, cookies and tokens follow each other; also if the recording is stored in any order."""
    exchanges, truth = recorded
    assert truth == users_of(*exchanges)
    assert truth == users_of(*reversed(exchanges))


@pytest.mark.parametrize(
    "headers", [(), (("Cookie", "JSESSIONID=of-the-comet-client"),)], ids=["nothing", "own cookies"]
)
def test_a_comet_client_without_credentials_is_no_user_of_its_own(headers: tuple[tuple[str, str], ...]) -> None:
    """It belongs to the user who sent the request before it, to the end."""
    handshake = [{"channel": "/meta/handshake", "clientId": "c1", "successful": True}]
    polls = [
        exchange(
            "POST", NOTIFICATIONS, [{"channel": "/meta/handshake"}], handshake, began=0.5, request_headers=headers
        ),
        exchange(
            "POST",
            NOTIFICATIONS,
            [{"channel": "/meta/connect", "clientId": "c1"}],
            [bayeux(push({"A": 1}, seen=0))],
            began=0.6,
            ended=3,
            request_headers=headers,
        ),
    ]
    alone = compile_recording(
        Recording(exchanges=(request(0, basic("bob")), *polls, request(4, basic("bob"))))
    ).cassette
    assert ({}, [0]) == ({k: v for k, v in alone.header.items() if k == "users"}, [n.user for n in alone.notifications])
    both = (request(0, basic("bob")), request(0.4, basic("ann")), *polls, request(2, basic("bob")))
    assert [1] == [each.user for each in compile_recording(Recording(exchanges=both)).cassette.notifications]


def test_a_websocket_belongs_to_the_user_whose_request_opened_it() -> None:
    """Its messages carry no credentials."""
    opened = [
        replace(
            request(at, basic(name), path=NOTIFICATIONS, status=101),
            evidence=Evidence(connection=f"socket of {name}"),
        )
        for at, name in ((1, "bob"), (2, "ann"))
    ]
    text = json.dumps([bayeux(push({"A": 1}, seen=0))])
    messages = tuple(
        WebSocketMessage(
            uri="ws://h", seen=seen, from_client=False, content=text, evidence=Evidence(connection=f"socket of {name}")
        )
        for seen, name in ((5.0, "ann"), (6.0, "bob"))
    )
    sent = (request(0, basic("bob")), request(0.5, basic("ann")), *opened)
    cassette = compile_recording(Recording(exchanges=sent, messages=messages)).cassette
    assert [1, 0] == [each.user for each in cassette.notifications]
