"""Snapshots of userData: their sources, and their order."""

from dataclasses import replace

import pytest

from gws_replay.core.lossless_json import Repeated
from gws_replay.core.model import Notification
from gws_replay.core.oracle.history import history, of_exchange, of_notification
from tests.support.builders import SESSIONS, TOPIC, cassette, exchange, get, push, update


def test_history_is_in_the_order_seen() -> None:
    """GETs count from the end of their response, notifications from their arrival; each knows its place."""
    shown = history(
        cassette(
            get({"A": 0}, began=0, ended=1),
            update({"A": 1}, began=2),
            get({"A": 1}, began=3, ended=9),
            push({"A": 1}, seen=4),
            push({"A": 7}, seen=5, session="S2"),
        )
    )
    assert {"S1", "S2"} == set(shown)
    assert [({"A": 0}, 1), ({"A": 1}, 4), ({"A": 1}, 9)] == [(s.data, s.at) for s in shown["S1"]]
    assert ["interaction 0", "notification 0", "interaction 2"] == [s.place for s in shown["S1"]]
    assert [None, 1, None] == [s.cause for s in shown["S1"]]
    assert [0, 2, 3] == [s.began for s in shown["S1"]]


@pytest.mark.parametrize(
    "notification",
    [
        push(None, seen=1, comment="x"),
        replace(push({}, seen=1), data='{"facebooksession":{"id":"S1","userData":null}}'),
        replace(push({}, seen=1), data='{"facebooksession":{"id":"S1","userData":[]}}'),
        Notification(channel=TOPIC, data='{"facebooksessionUri":"http://h/S1"}', seen=1),
        Notification(channel="/v2/me", data='"hello"', seen=1),
    ],
)
def test_notification_without_user_data_is_not_a_snapshot(notification: Notification) -> None:
    """Missing userData means "unchanged" on this channel, not "all deleted"."""
    assert [] == list(of_notification(notification, 0, ()))


def test_empty_user_data_are_a_snapshot() -> None:
    """After the last key was deleted the object is still there."""
    assert [{}] == [s.data for s in of_notification(push({}, seen=1), 0, ())]


def test_only_gets_show_snapshots() -> None:
    """A response to a POST may echo anything; a GET of one session or of many shows them all."""
    one = {"facebooksession": {"id": "S1", "userData": {"A": 1}}}
    many = {"facebooksessions": [{"id": "S1", "userData": {"A": 1}}, {"id": "S2"}, {"id": "S3", "userData": {}}]}
    assert [] == list(of_exchange(exchange("POST", f"{SESSIONS}/S1", {}, one), 0))
    assert ["S1"] == [s.resource_id for s in of_exchange(exchange("GET", f"{SESSIONS}/S1", None, one), 0)]
    assert ["S1", "S3"] == [s.resource_id for s in of_exchange(exchange("GET", SESSIONS, None, many), 0)]
    assert [] == list(of_exchange(exchange("GET", SESSIONS, None, b"<html>"), 0))


def test_repeated_key_is_kept_in_a_snapshot() -> None:
    """All its values are kept, not only the last."""
    response = b'{"facebooksession":{"id":"S1","userData":{"A":1,"A":2}}}'
    assert [{"A": Repeated((1, 2))}] == [s.data for s in of_exchange(exchange("GET", SESSIONS, None, response), 0)]


def test_notification_and_a_get_at_the_same_moment_have_a_stable_order() -> None:
    """The response comes first, as it does in the cassette."""
    shown = history(cassette(get({"A": 0}, began=0, ended=1), push({"A": 1}, seen=1)))["S1"]
    assert [{"A": 0}, {"A": 1}] == [s.data for s in shown]
