"""A cassette judges the operations in it."""

from gws_replay.core.cassette import Cassette
from tests.support.builders import cassette, get, push, update

PLAYED = cassette(get({"A": 1}, began=0), update({"A": 2}, began=1), push({"A": "2", "LCA_x": 1}, seen=2))


def test_updates_are_judged_with_what_the_caller_allows() -> None:
    """Keys to ignore, and keys whose values may be strings."""
    assert [["failed"], ["failed"], ["passed"]] == [
        [each.verdict for each in PLAYED.updates(**allowed)]
        for allowed in ({}, {"ignore": ["LCA_*"]}, {"ignore": ["LCA_*"], "coerce": "string"})
    ]


def test_cassette_has_another_name_for_messages() -> None:
    """And is the same otherwise."""
    named = PLAYED.named("other.yaml")
    assert "other.yaml" == named.source
    assert PLAYED == named.named(PLAYED.source)
    assert Cassette(interactions=()).source == "<memory>"
