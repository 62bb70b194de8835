"""Edge: plain values through the pipes between the proxy and its writer: each as it is marshalled, after its length."""

import marshal
from collections.abc import Iterator
from typing import Any

PIECE = 1 << 16  # bytes to read at once: as many as a pipe holds
_LENGTH = 8


def packed(value: Any) -> bytes:
    """Return a value of tuples, lists, dicts, texts, bytes and numbers as it goes through a pipe."""
    data = marshal.dumps(value)
    return len(data).to_bytes(_LENGTH, "big") + data


class Unpacking:
    """Cuts what comes out of a pipe into its values again."""

    def __init__(self) -> None:
        self._got = bytearray()

    def values(self, piece: bytes) -> Iterator[Any]:
        """Yield the values that are complete with this piece."""
        self._got += piece
        while len(self._got) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._got[:_LENGTH], "big")
            if len(self._got) < end:
                return
            value = marshal.loads(self._got[_LENGTH:end])  # noqa: S302 (of our own process)
            del self._got[:end]
            yield value
