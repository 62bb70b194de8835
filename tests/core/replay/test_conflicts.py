"""Cassettes that are played together: the differences between their first responses to one request."""

from typing import Any

import pytest

from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.conflicts import disagreements
from tests.support.builders import cassette, exchange


def cassette_index(name: str, *responses: Any, status: int = 200) -> CassetteIndex:
    """A cassette with this response to GET /x."""
    exchanges = (
        exchange("GET", "/x", None, response, began=float(n), status=status) for n, response in enumerate(responses)
    )
    return CassetteIndex(cassette(*exchanges).named(name))


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"uri": "http://one/api/v2/me"}, {"uri": "https://two:8443/api/v2/me"}, True),
        ({"uri": "http://one/api/v2/me"}, {"uri": "https://two:8443/api/v2/you"}, False),
        (b"text", b"text", True),
        (b"text", b"other", False),
    ],
)
def test_first_responses_are_compared(one: Any, other: Any, agree: bool) -> None:
    """JSON by value, addresses of the API without their host, anything else by its bytes."""
    found = list(disagreements([cassette_index("a.yaml", one), cassette_index("b.yaml", other, "later")]))
    message = "GET /x is answered differently by a.yaml, interaction 0, and b.yaml, interaction 0"
    assert ([] if agree else [message]) == found


def test_statuses_count_and_other_requests_do_not() -> None:
    """One sentence for each pair of cassettes; a request that only one of them has is not a conflict."""
    alone = CassetteIndex(cassette(exchange("GET", "/y", None, {"a": 2})).named("c.yaml"))
    pair = [cassette_index("a.yaml", {"a": 1}), cassette_index("b.yaml", {"a": 1}, status=500), alone]
    assert 1 == len(list(disagreements(pair)))
    assert [] == list(disagreements([pair[0], alone]))
