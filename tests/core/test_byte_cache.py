"""A cache of bytes that take time to make."""

from gws_replay.core.byte_cache import ByteCache


def test_what_was_added_is_kept_by_what_it_was_made_of_and_how() -> None:
    """The same bytes may be made into several."""
    cache = ByteCache(most=1000)
    assert b"1" == cache.add((b"a", "compact"), b"1")
    assert b"2" == cache.add((b"a", "spaced"), b"2")
    assert [b"1", b"2", None] == [cache.get((b"a", how)) for how in ("compact", "spaced", "kept")]


def test_there_are_never_more_bytes_than_the_bound() -> None:
    """All are let go of when the next would be too many; what comes then is kept."""
    cache = ByteCache(most=1600)
    for number in range(100):
        cache.add((bytes([number]) * 20, None), bytes([number]) * 30)
        assert sum(len(key[0]) + len(made) for key, made in cache.items()) <= 1600
        assert bytes([number]) * 30 == cache.get((bytes([number]) * 20, None))


def test_bytes_that_would_take_much_of_the_room_are_not_kept() -> None:
    """They would push out all others."""
    cache = ByteCache(most=1600)
    cache.add((b"a", None), b"1")
    assert b"2" * 200 == cache.add((b"b", None), b"2" * 200)
    assert [(b"a", None)] == list(cache)
