"""The reasons of a verdict, and what the recorded notifications say about one that is missing."""

from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.reasons import NotificationLog, Reasons
from gws_replay.core.oracle.timeline import Timeline
from gws_replay.core.oracle.timeline_builder import timelines_of
from tests.support.builders import cassette, get, update


def timeline(*moments: Exchange | Notification) -> Timeline:
    """The timeline of the one resource of a recording."""
    return timelines_of(cassette(*moments))["S1"]


def log(**facts: object) -> NotificationLog:
    """A log with some facts, otherwise empty."""
    return NotificationLog(**{"topics": {}, "answered": {}, "last": {}, "errors": (), **facts})  # type: ignore[arg-type]


def test_certain_reason_covers_a_doubt_about_the_same_key() -> None:
    """A doubt does not cover a certain reason, and no reason covers another key."""
    reasons = Reasons()
    reasons.add("a doubt", certain=False, key="A")
    assert (True, False) == (reasons.covers("A", certain=False), reasons.covers("A", certain=True))
    reasons.add("a failure", certain=True, key="A")
    reasons.add("another doubt", certain=False, key="A")
    assert (True, False) == (reasons.covers("A", certain=True), reasons.covers("B", certain=False))
    assert (["a failure"], ["a doubt", "another doubt"]) == (reasons.failures, reasons.doubts)


def test_notification_is_lost_if_a_later_operation_on_the_resource_has_one() -> None:
    """Later means: sent after the response."""
    (write,) = timeline(get({"A": 1}, began=0), update({"A": 2}, began=1, ended=2)).writes
    assert log(last={"S1": 2.0}).is_lost(write)
    assert not log(last={"S1": 1.5}).is_lost(write)
    assert not log(last={"S2": 9.0}).is_lost(write)


def test_operation_on_another_resource_counts_only_after_a_get() -> None:
    """Without the GET its notification may have been quicker."""
    (unseen,) = timeline(update({"A": 2}, began=1, ended=2)).writes
    (seen,) = timeline(get({"A": 1}, began=0), update({"A": 2}, began=1, ended=2), get({"A": 2}, began=3)).writes
    assert unseen.call.channel is not None
    later = log(answered={unseen.call.channel.key: 9.0})
    earlier = log(answered={unseen.call.channel.key: 2.5})
    assert (False, True, False) == (later.is_lost(unseen), later.is_lost(seen), earlier.is_lost(seen))


def test_log_covers_a_channel_with_notifications() -> None:
    """By the channel of the resource."""
    found = timeline(update({"A": 2}, began=1))
    assert found.channel is not None
    assert log(topics={found.channel.key: "/v2/me/facebook"}).covers(found)
    assert not log(topics={"another": "/v2/me/calls"}).covers(found)


def test_error_without_a_resource_may_be_about_any_later_operation_of_its_channel() -> None:
    """An error of another channel, or of an earlier time, is not."""
    (write,) = timeline(update({"A": 2}, began=1)).writes
    assert write.call.channel is not None
    own = write.call.channel.message_type
    assert "here" == log(errors=[(1.5, own, "here")]).error_since(write)
    assert log(errors=[(0.5, own, "before"), (1.5, "CallStateChanged", "elsewhere")]).error_since(write) is None
