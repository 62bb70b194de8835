"""A cache of what takes time to make, bounded by how many bytes it holds."""

from collections.abc import Hashable
from typing import TypeVar

# What takes more than this part of the room is not kept.
_PARTS = 16
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class ByteCache(dict[_Key, _Value]):
    """Values by what they were made of. When there would be too many bytes, all are let go of."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._size = 0

    def add(self, key: _Key, value: _Value, size: int) -> _Value:
        """Keep a value of so many bytes and return it."""
        if size <= self._most // _PARTS:
            if self._size + size > self._most:
                self.clear()
                self._size = 0
            self._size += size
            self[key] = value
        return value
