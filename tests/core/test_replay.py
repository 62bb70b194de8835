"""The replay machine and its matching: the right answer, once each; a push only after its cause."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.matching import differences, key_of, nearest
from gws_replay.core.model import Request
from gws_replay.core.replay import Miss, Replay, Send
from tests.builders import cassette, exchange, get, told, update


def ask(method: str = "GET", uri: str = "http://h/x", body: str = "") -> Request:
    """A request of a client."""
    return Request(method=method, uri=uri, body=body.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ask(uri="http://h/x"), ask(uri="https://other:1/x")),
        (ask(uri="http://h/x?a=1&b=2"), ask(uri="http://h/x?b=2&a=1")),
        (ask("post", body='{"a": 1, "b": [1.50]}'), ask("POST", body='{"b":[1.5],"a":1}')),
        (ask(uri="http://h"), ask(uri="http://h/")),
    ],
)
def test_the_same_question_matches(one: Request, other: Request) -> None:
    """Whatever the host, the order of query and keys, the spelling."""
    assert key_of(one) == key_of(other)
    assert () == differences(one, other)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (ask("GET"), ask("POST"), ['method: asked "GET", recorded "POST"']),
        (ask(uri="http://h/a"), ask(uri="http://h/b"), ['path: asked "/a", recorded "/b"']),
        (ask(uri="http://h/x?a=1"), ask(uri="http://h/x"), ['query: asked "a=1", recorded ""']),
        (ask(body='{"a":1}'), ask(body='{"a":1.0}'), ["body.a: asked 1, recorded 1.0"]),
        (ask(body='{"a":[true]}'), ask(body='{"a":[1]}'), ["body.a[0]: asked true, recorded 1"]),
        (ask(body='{"a":null}'), ask(body="{}"), ["body.a: asked null, recorded nothing"]),
        (ask(body="{}"), ask(body='{"a":1,"a":1}'), ["body.a: asked nothing, recorded"]),
        (ask(body="x"), ask(), ["body: asked 1 bytes that are not JSON, recorded no body"]),
    ],
)
def test_another_question_differs_in_what_is_named(one: Request, other: Request, said: list[str]) -> None:
    """Only the differing parts, JSON by path."""
    assert key_of(one) != key_of(other)
    found = [str(each) for each in differences(one, other)]
    assert len(said) == len(found)
    assert all(line.startswith(part) for line, part in zip(found, said, strict=True))


def test_the_nearest_is_the_most_alike() -> None:
    """The same path first, then the fewest differences; nothing of another collection."""
    recorded = [
        ask(uri="http://h/a/1"),
        ask("POST", "http://h/a/2", '{"a":1,"b":2}'),
        ask("POST", "http://h/a/2", "{}"),
    ]
    assert 1 == nearest(ask("POST", "http://h/a/2", '{"a":1,"b":3}'), recorded)
    assert 0 == nearest(ask("POST", "http://h/a/1"), recorded)
    assert nearest(ask(uri="http://h/z/9"), recorded) is None


def test_the_kth_request_gets_the_kth_answer_and_no_more() -> None:
    """Never the first answer again."""
    replay = Replay(
        cassette(exchange("GET", "/x", None, {"n": 1}, began=0), exchange("GET", "/x", None, {"n": 2}, began=1))
    )
    answers = [replay.ask(ask(uri="http://any/x")) for _ in range(3)]
    assert [{"n": 1}, {"n": 2}] == [json.loads(a.response.body) for a in answers if isinstance(a, Send)]
    (miss,) = replay.misses
    assert ("already_played", 0, ()) == (miss.reason, miss.nearest, replay.unplayed)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (ask("POST", "http://h/api/v2/me/facebooksessions/S1", "{}"), "no_match"),
        (ask(uri="http://h/elsewhere/x/y"), "nothing_similar"),
        (ask("POST", "http://h/api/v2/notifications", '[{"channel":"/meta/handshake"}]'), "cometd"),
    ],
)
def test_a_miss_has_its_reason(request_: Request, reason: str) -> None:
    """And it is remembered."""
    replay = Replay(cassette(update({"A": 1}, began=0)))
    miss = replay.ask(request_)
    assert isinstance(miss, Miss)
    assert ([miss], reason, (0,)) == (replay.misses, miss.reason, replay.unplayed)


UPDATES = [update({"A": number}, began=number) for number in range(1, 5)]
PUSHED = [told({"A": number}, seen=number + 0.5) for number in range(1, 5)]


@given(st.permutations(range(5)))
def test_nothing_is_shown_before_its_cause_and_all_in_recorded_order(order: list[int]) -> None:
    """For any order in which a client asks."""
    replay = Replay(cassette(get({"A": 0}, began=0), *UPDATES, *PUSHED))
    asked: set[int] = set()
    for index in order:
        replay.ask(replay.cassette.interactions[index].request)
        asked.add(index)
        shown = [s.notification for s in replay.userdata("S1") if s.notification is not None]
        ready = next((n for n in range(4) if n + 1 not in asked), 4)
        assert list(range(ready)) == shown
        assert tuple(range(ready, 4)) == replay.unreleased
    assert ((), ()) == (replay.unplayed, replay.unreleased)
