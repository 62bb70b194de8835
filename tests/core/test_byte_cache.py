"""A cache of what takes time to make."""

from gws_replay.core.byte_cache import ByteCache


def test_what_was_added_is_kept_by_its_key() -> None:
    """Each value by its own."""
    cache: ByteCache[tuple[bytes, str], bytes] = ByteCache(most=1000)
    assert b"1" == cache.add((b"a", "compact"), b"1", 2)
    assert b"2" == cache.add((b"a", "spaced"), b"2", 2)
    assert [b"1", b"2", None] == [cache.get((b"a", how)) for how in ("compact", "spaced", "kept")]


def test_there_are_never_more_bytes_than_the_bound() -> None:
    """All are let go of when the next would be too many; what comes then is kept."""
    cache: ByteCache[int, bytes] = ByteCache(most=1600)
    for number in range(100):
        content = bytes([number]) * 50
        cache.add(number, content, len(content))
        assert sum(map(len, cache.values())) <= 1600
        assert content == cache.get(number)


def test_what_would_take_much_of_the_room_is_not_kept() -> None:
    """It would push out all others."""
    cache: ByteCache[str, bytes] = ByteCache(most=1600)
    cache.add("small", b"1", 1)
    assert b"2" * 200 == cache.add("great", b"2" * 200, 200)
    assert ["small"] == list(cache)
