"""What is computed once for a recording: keys, gates, leading notifications, windows, steps, repeatable requests."""

from dataclasses import replace
from unittest import mock

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Moment, Request
from gws_replay.core.replay.cassette_index import CassetteIndex, Window
from gws_replay.core.replay.request_key import key_of
from tests.support.builders import SESSIONS, cassette, exchange, get, operation, push, update


def caused(interaction: int, after: Moment, seen: float) -> Cassette:
    """Two updates, and a notification of one of them."""
    played = cassette(update({"A": 1}, began=0), update({"A": 2}, began=1), push({"A": 1}, seen=seen), attributed=False)
    cause = Cause(interaction=interaction, rule="pin", after=after)
    return replace(played, notifications=(replace(played.notifications[0], cause=cause),))


def test_equal_requests_are_together_in_recorded_order() -> None:
    """By key: spelling and host do not count."""
    cassette_index = CassetteIndex(cassette(get({"A": 0}, began=0), update({"A": 1}, began=1), get({"A": 1}, began=2)))
    first, second = (key_of(cassette_index.interactions[index].request) for index in (0, 1))
    assert {first: (0, 2), second: (1,)} == cassette_index.by_key


SPELLINGS = (b'{"a":1,"b":[]}', b'{"b": [], "a": 1}\n', b'{"a":1.0,"b":[]}', b"[]", b"a=1", b"", b"\xff", b"null")


@pytest.mark.parametrize("recorded", SPELLINGS)
def test_body_has_the_same_key_cached_or_parsed(recorded: bytes) -> None:
    """A recorded body is parsed once, and found by its bytes when a client sends it."""
    cassette_index = CassetteIndex(cassette(exchange("POST", "/x", recorded)))
    for body in SPELLINGS:
        sent = Request(method="POST", uri="http://live/x", body=body)
        assert key_of(sent) == cassette_index.key_of(sent)
    with mock.patch("gws_replay.core.replay.request_key.json_key", return_value="parsed"):
        found = cassette_index.key_of(Request(method="POST", uri="http://live/x", body=recorded))
    assert (recorded[:1] in b"{[" and recorded != b"") == (found[3] != "parsed")


def test_recorded_time_is_kept_if_the_cause_allows_it() -> None:
    """Other times are moved to the nearest allowed one."""
    assert (1.05,) == CassetteIndex(caused(1, "request", seen=1.05)).positions
    assert (0.5,) == CassetteIndex(caused(0, "response", seen=0.5)).positions
    for after in ("request", "response"):
        index = CassetteIndex(caused(1, after, seen=0.5))
        assert index.interactions[1].began <= index.positions[0] <= index.interactions[1].ended


@pytest.mark.parametrize(
    ("seen", "followed"),
    [(0.04, set()), (0.05, {0}), (0.09, {0}), (0.1, {1}), (2.4, {1}), (2.5, {3}), (3.2, {4}), (4.0, {2}), (99.0, {2})],
)
def test_an_unsolicited_notification_follows_the_last_response_before_it(seen: float, followed: set[int]) -> None:
    """By the time of the response, not of the request."""
    index = CassetteIndex(
        cassette(
            get({}, began=0, ended=0.05),
            update({"A": 1}, began=0.06, ended=0.1),
            update({"A": 2}, began=1, ended=4.0),
            update({"A": 3}, began=2, ended=2.5),
            get({}, began=3, ended=3.1),
            push(None, seen=seen, kind="StatusChange"),
            attributed=False,
        )
    )
    assert followed == index.followed


def test_only_a_notification_before_the_response_of_its_cause_leads() -> None:
    """The gate of an unsolicited one is not a cause."""
    assert {1} == CassetteIndex(caused(1, "request", seen=1.05)).leading
    assert set() == CassetteIndex(caused(1, "response", seen=1.05)).leading
    unsolicited = cassette(update({"A": 1}, began=0), push({"A": 1}, seen=9), attributed=False)
    assert set() == CassetteIndex(unsolicited).leading


@pytest.mark.parametrize(
    ("seen", "user", "expected"), [(0.05, 0, {0}), (0.05, 1, set()), (0.2, 0, set()), (1.5, 0, {1, 2})]
)
def test_response_waits_for_an_unsolicited_notification_before_it(seen: float, user: int, expected: set[int]) -> None:
    """One that the same user received between the request and its response."""
    unsolicited = replace(push(None, seen=seen, kind="StatusChange"), user=user)
    moments = [get({}, began=0, ended=0.1), get({}, began=1, ended=3.0), get({}, began=1.2, ended=2.0)]
    assert expected == CassetteIndex(cassette(*moments, unsolicited, attributed=False)).leading


def test_pushes_are_on_one_line_token_for_token() -> None:
    """As they are sent over the network, whatever their layout in the cassette."""
    (notification,) = caused(0, "response", seen=1).notifications
    laid_out = replace(notification, data='{\n  "a": 1.50,\n  "a": [ ]\n}')
    assert ('{"a":1.50,"a":[]}',) == CassetteIndex(Cassette(interactions=(), notifications=(laid_out,))).pushes


def test_steps_count_the_operations_of_each_resource() -> None:
    """Accepted ones, in order of their beginning, on resources that a GET shows; others are never outdated."""
    cassette_index = CassetteIndex(
        cassette(
            get({}, began=0),
            update({"A": 1}, began=1),
            update({"A": 2}, began=2, session="S2"),
            update({"A": 3}, began=3, response={"statusCode": 2}),
            operation("Accept", began=4),
            exchange("POST", "/api/v2/me", {"operationName": "StartContactCenterSession"}, {"statusCode": 0}, began=5),
            exchange("POST", f"{SESSIONS}/S1", {"no": "operation"}, {"statusCode": 0}, began=6),
            update({"A": 7}, began=7, response={"statusCode": 7}),
        )
    )
    assert {1: ("S1", 1), 4: ("S1", 2), 7: ("S1", 3)} == cassette_index.steps
    assert {1, 2, 3, 4, 5, 6, 7} == cassette_index.operations


def test_windows_bound_the_time_of_a_get() -> None:
    """It certainly shows operations with a response before it was sent, and none that began after its response."""
    cassette_index = CassetteIndex(
        cassette(
            get({}, began=0, ended=0.5),
            update({"A": 1}, began=1, ended=1.5),
            get({}, began=2, ended=2.5),
            update({"A": 2}, began=3, ended=5.0),
            get({}, began=3.5, ended=4.0),
            get({}, began=5.0, ended=6.0),
            update({"A": 3}, began=6.0, ended=7.0),
        )
    )
    bounds = {0: (0, 0), 2: (1, 1), 4: (1, 2), 5: (2, 3)}
    assert {index: (Window("S1", first, last),) for index, (first, last) in bounds.items()} == cassette_index.windows


def test_a_window_for_each_resource_that_a_get_shows() -> None:
    """None for a resource without operations, and none for other requests."""
    reply = {"facebooksessions": [{"id": "S1"}, {"id": "S2"}, {"id": "S3"}]}
    cassette_index = CassetteIndex(
        cassette(
            update({"A": 1}, began=0),
            update({"A": 1}, began=1, session="S3"),
            exchange("GET", SESSIONS, None, reply, began=2),
            exchange("GET", "/api/v2/me", None, {"user": {}}, began=3),
            exchange("POST", SESSIONS, {"find": 1}, reply, began=4),
        )
    )
    assert {2: (Window("S1", 1, 1), Window("S3", 1, 1))} == cassette_index.windows
    assert {} == CassetteIndex(cassette(exchange("GET", SESSIONS, None, reply, began=2))).windows


@pytest.mark.parametrize(
    ("sent", "may"),
    [
        (exchange("GET", "/api/v2/me"), True),
        (exchange("HEAD", "/api/v2/me"), True),
        (exchange("POST", "/api/v2/me", {"operationName": "StartContactCenterSession"}), True),
        (exchange("POST", "/api/v2/me", {"operationName": "EndContactCenterSession"}), True),
        (exchange("POST", "/api/v2/me", {"operationName": "Ready"}), False),
        (exchange("POST", "/api/v2/me", {}), False),
        (update({"A": 1}, began=0), False),
        (exchange("PUT", "/api/v2/me", {}), False),
        (exchange("DELETE", "/api/v2/me"), False),
        (exchange("OPTIONS", "/api/v2/me"), True),
    ],
)
def test_only_reads_and_session_start_and_end_may_repeat(sent: Exchange, may: bool) -> None:
    """A repeated operation would get a response for something that never happened."""
    assert may is CassetteIndex(cassette(sent)).may_repeat(0)
