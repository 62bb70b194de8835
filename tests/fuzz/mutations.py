"""Damaged texts for the fuzz tests: a seed with a few edits, and the limits of time and memory for reading it."""

import random
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Edit = Callable[[random.Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]
SLOWEST = 5.0  # seconds of CPU for one small input: machines of CI are up to three times slower than a good one
HANGS = 120  # seconds
GROWTH = 400 * 2**20


def mutated(chance: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Return a seed, or part of one, with up to six edits."""
    text = chance.choice(seeds)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
        text = chance.choice(_EDITS)(chance, text, seeds, tokens)
    return text


def _flip(chance: random.Random, text: bytes, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]


def _drop(chance: random.Random, text: bytes, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice((1, 1, 2, 8, 64)) :]


def _cut(chance: random.Random, text: bytes, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    return text[: chance.randrange(len(text) + 1)]


def _insert(chance: random.Random, text: bytes, _seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(tokens) * chance.choice((1, 1, 1, 2, 40)) + text[at:]


def _replace(chance: random.Random, text: bytes, _seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Replace the text between two borders (a value, a key, a line) by a token."""
    borders = [0, *(at for at, byte in enumerate(text) if byte in b'\n :,"[]{}')]
    at = chance.randrange(len(borders))
    end = borders[at + 1] if at + 1 < len(borders) else len(text)
    return text[: borders[at] + 1] + chance.choice(tokens) + text[end:]


def _repeat(chance: random.Random, text: bytes, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(text) + 1)
    end = at + chance.choice((1, 4, 30, 200))
    return text[:end] + text[at:end] * chance.choice((1, 1, 3, 50)) + text[end:]


def _splice(chance: random.Random, text: bytes, seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    at = chance.randrange(len(other) + 1)
    where = chance.randrange(len(text) + 1)
    return text[:where] + other[at : at + chance.choice((10, 100, 1000))] + text[where:]


def _swap_lines(chance: random.Random, text: bytes, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    lines = text.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


_EDITS: tuple[Edit, ...] = (_flip, _drop, _cut, _insert, _insert, _replace, _replace, _repeat, _splice, _swap_lines)


@contextmanager
def bounded(text: bytes) -> Iterator[None]:
    """Fail for an input that takes long, and interrupt one that hangs."""

    def hangs(*_: object) -> None:
        raise TimeoutError(f"hangs: {text[:2000]!r}")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    began = time.process_time()
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    took = time.process_time() - began
    assert took < SLOWEST, f"{took:.1f} s: {text[:2000]!r}"


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Fail if the block used much more memory than before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < GROWTH, f"{grown / 2**20:.0f} MB more than before"
