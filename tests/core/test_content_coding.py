"""Content codings, undone: what a packed body holds, and how much of it is unpacked."""

import gzip
import zlib

import pytest

from gws_replay.core.content_coding import decoded, hides_more
from gws_replay.core.model import Headers

LIMIT = 1000


def coded(coding: str) -> Headers:
    """The fields of a packed body."""
    return Headers((("Content-Encoding", coding), ("X", "1")))


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_a_body_within_the_limit_is_unpacked(size: int) -> None:
    """By gzip, in one member or several, and by deflate."""
    plain = b"x" * size
    for coding, packed in [
        ("gzip", gzip.compress(plain)),
        ("GZIP", gzip.compress(plain[: size // 2]) + gzip.compress(plain[size // 2 :])),
        ("deflate", zlib.compress(plain)),
    ]:
        assert (Headers((("X", "1"),)), plain) == decoded(coded(coding), packed, LIMIT)
        assert not hides_more(coded(coding), packed, LIMIT)


@pytest.mark.parametrize("size", [LIMIT + 1, 50 * LIMIT, 50_000_000])
def test_a_body_beyond_the_limit_stays_packed(size: int) -> None:
    """What counts is the unpacked length: a small body may hide a large one."""
    headers = coded("gzip")
    for packed in (gzip.compress(b"x" * size), gzip.compress(b"x" * LIMIT) + gzip.compress(b"x" * (size - LIMIT))):
        assert (headers, packed) == decoded(headers, packed, LIMIT)
        assert hides_more(headers, packed, LIMIT)


@pytest.mark.parametrize(
    ("coding", "body"),
    [("br", b"abc"), ("gzip", b"abc"), ("gzip", gzip.compress(b"abc" * 99, mtime=0)[:-9]), ("", b"abc"), ("gzip", b"")],
)
def test_a_body_that_cannot_be_unpacked_stays_as_it_is(coding: str, body: bytes) -> None:
    """An unknown coding, damaged or torn data, and nothing at all."""
    headers = coded(coding)
    assert (headers, body) == decoded(headers, body, LIMIT)
    assert not hides_more(headers, body, LIMIT)
