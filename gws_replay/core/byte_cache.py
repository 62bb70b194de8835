"""A cache of bytes that take time to make, bounded by how many they are together."""

from collections.abc import Hashable

# The longest bytes that are kept are this part of all that may be.
_PARTS = 16


class ByteCache(dict[tuple[bytes, Hashable], bytes]):
    """Bytes by those that they were made of and how. When there would be too many, all are let go of."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._size = 0

    def add(self, key: tuple[bytes, Hashable], made: bytes) -> bytes:
        """Keep bytes and return them."""
        size = len(key[0]) + len(made)
        if size <= self._most // _PARTS:
            if self._size + size > self._most:
                self.clear()
                self._size = 0
            self._size += size
            self[key] = made
        return made
