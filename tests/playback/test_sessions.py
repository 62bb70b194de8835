"""The live users of a replay: which requests belong to which user, with any credentials, and what each user gets."""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Headers, Notification, Request
from gws_replay.core.replay.miss import Miss
from gws_replay.errors import ReplayMiss
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import HOST, NOTIFICATIONS, SESSIONS, TOPIC, cassette, exchange, operation, push, update
from tests.support.playbacks import ask, play

NOBODY = Headers()
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def basic(name: str) -> Headers:
    """The header field of a Basic login."""
    return Headers((("Authorization", f"Basic {b64encode(f'{name}:x'.encode()).decode()}"),))


def bearer(token: str, *more: tuple[str, str]) -> Headers:
    """The header fields of a bearer token, with others."""
    return Headers((("Authorization", f"Bearer {token}"), *more))


def sent(run: ReplayRun, recorded: Exchange, headers: Headers = NOBODY) -> Any:
    """The response for a live user with these header fields; None for a miss."""
    try:
        response = run.respond(replace(recorded.request, headers=headers))
    except ReplayMiss:
        return None
    assert response
    return json.loads(response.body)


def bayeux(run: ReplayRun, headers: Headers = NOBODY, **message: Any) -> list[Any]:
    """The response to one Bayeux message of a live user."""
    request = Request(method="POST", uri=HOST + NOTIFICATIONS, headers=headers, body=json.dumps([message]).encode())
    response = run.respond(request)
    assert response
    messages: list[Any] = json.loads(response.body)
    return messages


class Tab:
    """A CometD client of a live user."""

    def __init__(self, run: ReplayRun, headers: Headers) -> None:
        self.run = run
        self.headers = headers
        (reply,) = bayeux(run, headers, channel="/meta/handshake")
        self.id = reply["clientId"]
        bayeux(run, headers, channel="/meta/subscribe", clientId=self.id, subscription="/**")
        self.poll()

    def poll(self) -> list[Any]:
        """The data that a connect returns; it is held for a short time."""
        found = bayeux(self.run, self.headers, channel="/meta/connect", clientId=self.id, advice={"timeout": 400})
        return [each["data"] for each in found if "data" in each]


def token(number: str, began: float) -> Exchange:
    """A request for a token."""
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    return exchange("POST", "/auth/v3/oauth/token", b"grant_type=refresh_token", {"access_token": number},
                    began=began, request_headers=form)  # fmt: skip


STATE = [
    exchange("GET", "/api/v2/me/chats", None, {"n": 1}, began=0),
    operation("UpdateUserData", began=1, userData={"A": 1}),
    token("second-token", 2),
    exchange("GET", "/api/v2/me/chats", None, {"n": 2}, began=3),
]


@pytest.mark.parametrize("apart", [False, True])
def test_renewed_token_stays_the_same_user(apart: bool) -> None:
    """The replay knows the tokens that it has returned; in the test process any credentials belong to the one user."""
    run = ReplayRun(cassette(*STATE), apart=apart)
    assert sent(run, STATE[0], bearer("first")) == {"n": 1}
    assert sent(run, STATE[1], bearer("first")) == {"statusCode": 0}
    renewed = sent(run, STATE[2])["access_token"]
    assert sent(run, STATE[3], bearer(renewed)) == {"n": 2}
    assert (1, ()) == (len(run.users), run.unplayed)


def test_a_redacted_token_is_replaced_by_a_live_one_for_each_user() -> None:
    """Otherwise two users would get one placeholder, and become one."""
    moments = [token("<redacted:access_token>", 0), exchange("GET", "/api/v2/me", None, {"n": 1}, began=1)]
    run = ReplayRun(cassette(*moments), apart=True)
    tokens = [sent(run, moments[0], basic(name))["access_token"] for name in ("anna",)]
    tokens.append(sent(run, moments[0], bearer("somebody-else"))["access_token"])
    assert len(set(tokens)) == 2
    assert not any("redacted" in each for each in tokens)
    assert [sent(run, moments[1], bearer(each)) for each in tokens] == [{"n": 1}] * 2
    assert len(run.users) == 2


def test_refused_credentials_are_renewed_where_the_recording_goes_on() -> None:
    """The new token comes from another server: the user continues with exactly the request that was recorded next."""
    moments = [
        exchange("GET", "/api/v2/me", None, {"n": 1}, began=0, status=401),
        exchange("GET", "/api/v2/me", None, {"n": 2}, began=1),
    ]
    run = ReplayRun(cassette(*moments), apart=True)
    assert sent(run, moments[0], bearer("old")) == {"n": 1}
    assert sent(run, moments[0], bearer("new")) == {"n": 2}
    assert len(run.users) == 1


@pytest.mark.parametrize(("apart", "seen"), [(True, [{"n": 1}, {"n": 1}]), (False, [{"n": 1}, {"n": 2}])])
def test_only_a_server_separates_users_by_name(apart: bool, seen: list[Any]) -> None:
    """In the test process, a cassette of one user plays as one user."""
    moments = [exchange("POST", "/api/v2/x", {}, {"n": n}, began=n) for n in (1, 2)]
    run = ReplayRun(cassette(*moments), apart=apart)
    assert seen == [sent(run, moments[0], basic(name)) for name in ("anna", "bert")]


def test_api_key_alone_belongs_to_the_user_who_used_it() -> None:
    """A client that sends its name at login, and later only the key of its application."""
    moments = [exchange("POST", "/api/v2/x", {}, {"n": n}, began=n) for n in (1, 2)]
    run = ReplayRun(cassette(*moments), apart=True)
    key = ("x-api-key", "app")
    assert sent(run, moments[0], bearer("t", key)) == {"n": 1}
    assert sent(run, moments[0], Headers((key,))) == {"n": 2}


def two_agents(*names: str | None) -> Cassette:
    """Two users:

    each sends its own requests, updates its own session, and receives a notification; the first invites.
    """
    exchanges = [
        replace(exchange("GET", "/api/v2/me", None, {"user": user}, began=user / 10), user=user) for user in (0, 1)
    ]
    exchanges += [
        replace(update({"A": user}, began=1 + user, ended=1.5 + user, session=f"S{user}"), user=user) for user in (0, 1)
    ]
    exchanges.append(operation("Invite", began=4, targetUser="b"))
    delivered = [
        replace(push({"A": user}, seen=1.7 + user, session=f"S{user}"), user=user,
                cause=Cause(interaction=2 + user, rule="pin", after="response"))
        for user in (0, 1)
    ]  # fmt: skip
    invited = Notification(
        channel=TOPIC,
        data='{"invited": true}',
        seen=5,
        user=1,
        cause=Cause(interaction=4, rule="pin", after="response"),
    )
    users = [{} if name is None else {"name": name} for name in names or (None, None)]
    return Cassette(
        interactions=tuple(exchanges), notifications=(*delivered, invited), header={"format": 1, "users": users}
    )


@pytest.mark.parametrize("apart", [False, True])
def test_each_of_two_agents_gets_its_own(apart: bool) -> None:
    """In the order of their appearance: responses, notifications, and an invitation of the other."""
    played = two_agents()
    run = ReplayRun(played, apart=apart)
    anna, bert = basic("anna"), basic("bert")
    assert [{"user": 0}, {"user": 1}] == [sent(run, played.interactions[0], each) for each in (anna, bert)]
    tabs = [Tab(run, each) for each in (anna, bert)]
    for user, headers in enumerate((anna, bert)):
        assert sent(run, played.interactions[2 + user], headers)
        assert [[user]] == [[data["facebooksession"]["userData"]["A"] for data in tabs[user].poll()]]
    assert sent(run, played.interactions[4], anna)
    assert [[], [{"invited": True}]] == [each.poll() for each in tabs]
    assert ((), (), ()) == (run.unplayed, run.undelivered, run.misses)


def test_agents_are_matched_by_name() -> None:
    """Whichever of them comes first."""
    played = two_agents("anna", "bert")
    run = ReplayRun(played)
    assert [{"user": 1}, {"user": 0}] == [sent(run, played.interactions[0], basic(each)) for each in ("bert", "anna")]


def test_agents_are_matched_by_the_first_request_that_only_one_sent() -> None:
    """Also if they come in the other order; each continues in its own part, and nothing is delivered twice."""
    played = two_agents()
    run = ReplayRun(played)
    anna, bert = basic("anna"), basic("bert")
    tabs = {name: Tab(run, headers) for name, headers in (("bert", bert), ("anna", anna))}
    sent(run, played.interactions[0], bert)
    assert sent(run, played.interactions[2], anna)
    assert [{"A": 0}] == [data["facebooksession"]["userData"] for data in tabs["anna"].poll()]
    sent(run, played.interactions[0], anna)
    assert sent(run, played.interactions[3], bert)
    assert [{"A": 1}] == [data["facebooksession"]["userData"] for data in tabs["bert"].poll()]
    assert sent(run, played.interactions[4], bert) is None
    assert sent(run, played.interactions[4], anna)
    assert ([], [{"invited": True}]) == (tabs["anna"].poll(), tabs["bert"].poll())
    (missed,) = run.misses
    assert "it was recorded for another user" in str(missed)


def test_more_agents_than_recorded_begin_another_run() -> None:
    """Over a server: two pairs of agents play the recording twice."""
    played = two_agents()
    run = ReplayRun(played, apart=True)
    seen = [sent(run, played.interactions[0], basic(each)) for each in ("a", "b", "c", "d")]
    assert [{"user": 0}, {"user": 1}, {"user": 0}, {"user": 1}] == seen
    assert [sent(run, played.interactions[2], basic(each)) is None for each in ("a", "b", "c", "d")] == [
        False, True, False, True,
    ]  # fmt: skip


def test_request_without_credentials_is_of_the_user_who_sent_it() -> None:
    """If only one of several sent such a request."""
    played = two_agents()
    run = ReplayRun(played)
    for name in ("anna", "bert"):
        sent(run, played.interactions[0], basic(name))
    assert sent(run, played.interactions[3])
    assert [2, 1] == [user.session.served for user in reversed(run.users)]


def test_two_tabs_of_a_user_get_each_notification_once() -> None:
    """Each tab gets every notification."""
    played = cassette(update({"A": 1}, began=1), push({"A": 1}, seen=2))
    run = ReplayRun(played)
    tabs = [Tab(run, basic("anna")) for _ in range(2)]
    sent(run, played.interactions[0], basic("anna"))
    found = [tab.poll() + tab.poll() for tab in tabs]
    assert [1, 1] == list(map(len, found))


def test_a_client_of_another_user_is_unknown() -> None:
    """A request of another user gets 402; a request without credentials is accepted by its clientId."""
    played = cassette(exchange("GET", "/api/v2/me", None, {}, began=0))
    run = ReplayRun(played, apart=True)
    tab = Tab(run, basic("anna"))
    sent(run, played.interactions[0], basic("bert"))
    (refused,) = bayeux(run, basic("bert"), channel="/meta/subscribe", clientId=tab.id, subscription="/x")
    assert ("402::Unknown client", "handshake") == (refused["error"], refused["advice"]["reconnect"])
    (taken,) = bayeux(run, Headers(), channel="/meta/subscribe", clientId=tab.id, subscription="/x")
    assert taken["successful"]


def test_name_counts_more_than_a_cookie() -> None:
    """Two agents that share a cookie jar stay two users."""
    moments = [exchange("POST", "/api/v2/x", {}, {"n": n}, began=n) for n in (1, 2)]
    run = ReplayRun(cassette(*moments), apart=True)
    assert sent(run, moments[0], basic("anna")) == {"n": 1}
    cookie = ("Cookie", f"JSESSIONID={run.users[0].value_of('JSESSIONID')}")
    assert sent(run, moments[0], Headers((cookie,))) == {"n": 2}
    assert sent(run, moments[0], Headers((*basic("bert").pairs, cookie))) == {"n": 1}


def test_rewind_begins_with_new_clients() -> None:
    """Earlier clients are unknown, in a held connect too, and receive nothing of the next run."""
    played = cassette(update({"A": 1}, began=1), push({"A": 1}, seen=2))
    run = ReplayRun(played, apart=True)
    before = Tab(run, basic("anna"))
    sent(run, played.interactions[0], basic("anna"))
    run.rewind()
    assert not run.sessions.has_begun
    late = Tab(run, basic("bert"))
    sent(run, played.interactions[0], basic("bert"))
    (refused,) = bayeux(run, basic("anna"), channel="/meta/connect", clientId=before.id)
    assert refused["error"] == "402::Unknown client"
    assert 1 == len(late.poll())


def test_held_connect_returns_on_a_rewind() -> None:
    """With 402: its client sends a new handshake."""
    run = ReplayRun(cassette(update({"A": 1}, began=1)))
    tab = Tab(run, Headers())
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(bayeux, run, channel="/meta/connect", clientId=tab.id)
        while not run.sessions.users[0].session.held:
            pass
        run.rewind()
        (refused,) = held.result(20)
    assert refused["error"] == "402::Unknown client"


@pytest.mark.parametrize(
    ("subscription", "why"),
    [
        (None, "the user has no CometD client"),
        ("", "no client has subscribed to a channel"),
        ("/v2/me/chat", f"no client has subscribed to {TOPIC}; subscribed: /v2/me/chat"),
    ],
)
def test_undelivered_notification_has_its_reason(subscription: str | None, why: str) -> None:
    """No client, no subscription, or another topic, with the subscriptions that exist."""
    played = cassette(update({"A": 1}, began=1), push({"A": 1}, seen=2))
    run = ReplayRun(played)
    if subscription is not None:
        (reply,) = bayeux(run, channel="/meta/handshake")
        if subscription:
            bayeux(run, channel="/meta/subscribe", clientId=reply["clientId"], subscription=subscription)
    sent(run, played.interactions[0])
    assert (f"notification 0 on {TOPIC} reached nobody: {why}",) == run.undelivered


def test_each_wait_is_described_in_a_sentence() -> None:
    """And the deliveries out of recorded order."""
    played = Cassette(
        interactions=(
            update({"A": 1}, began=1, ended=2, session="S1"),
            update({"A": 2}, began=1.5, ended=2.5, session="S2"),
        ),
        notifications=(
            Notification(channel=TOPIC, data="{}", seen=3),
            Notification(channel=TOPIC, data="{}", seen=4, cause=Cause(interaction=0, rule="pin", after="response")),
        ),
    )
    run = ReplayRun(played)
    first = f"notification 0 on {TOPIC} waits for interaction 0: POST {SESSIONS}/S1 UpdateUserData, which had been sent"
    second = f"notification 1 on {TOPIC} waits for its cause, interaction 0: POST {SESSIONS}/S1 UpdateUserData"
    assert [first, second] == [run.waits[0].removesuffix(" when it was recorded"), run.waits[1]]
    tab = Tab(run, Headers())
    sent(run, played.interactions[0])
    assert "interaction 1" in run.waits[1]
    assert "recorded before it, or until the client does nothing but wait" in run.waits[1]
    assert [{}] == tab.poll()
    (text,) = run.out_of_order
    assert text.startswith(f"notification 1 was delivered before interaction 1: POST {SESSIONS}/S2 UpdateUserData")


def test_write_out_of_order_is_a_miss_with_that_reason() -> None:
    """The first one that comes too late; writes of another resource, and those that overlapped, may be in any order."""
    moments = [
        update({"A": 1}, began=0, ended=1),
        update({"A": 2}, began=2, ended=4),
        update({"A": 3}, began=3, ended=5),
        update({"B": 1}, began=6, session="S2"),
    ]
    run = ReplayRun(cassette(*moments))
    assert all(sent(run, moments[each]) for each in (3, 2, 1))
    assert sent(run, moments[0]) is None
    (missed,) = run.misses
    assert isinstance(missed, Miss)
    assert ("wrong_order", 0, 2) == (missed.reason, missed.nearest, missed.later)
    assert "recorded before another write of the same resource, which was sent already" in str(missed)


def test_later_miss_shows_no_credentials_of_a_played_request() -> None:
    """In any place, even if the played request itself had nothing to redact."""
    playback = play(exchange("GET", "/api/v2/me", None, {"statusCode": 0}))
    password = "correct-horse-battery"
    login = "Basic YWdlbnQ6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"
    ask(playback, 0, headers=Headers((("Authorization", login), ("X-CSRF-TOKEN", TOKEN))))
    with pytest.raises(ReplayMiss) as caught:
        ask(playback, 0, uri=f"{HOST}/api/v2/users?a={password}&b={TOKEN}")
    shown = f"{caught.value} {playback.misses[0].request.uri}"
    assert ["a=<", 0, 0] == [shown[shown.index("a=") :][:3], shown.count(password), shown.count(TOKEN)]


def test_first_user_is_the_first_client() -> None:
    """Even without credentials."""
    run = ReplayRun(cassette(exchange("GET", "/api/v2/me", None, {})), apart=True)
    request = Request(method="GET", uri=f"{HOST}/api/v2/me")
    first = run.sessions.user(request)
    assert first is run.sessions.user(replace(request, headers=basic("anna")))
    assert first is not run.sessions.user(replace(request, headers=basic("bert")))
    assert first is run.sessions.user(request)
