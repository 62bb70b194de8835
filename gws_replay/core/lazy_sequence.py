"""A sequence whose items are made when they are asked for, and not kept: for what does not fit into memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar, overload

_T = TypeVar("_T")


class Made(Sequence[_T]):
    """So many items; `make` makes one by its index. Equal to any sequence with equal items."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, count: int, make: Callable[[int], _T]) -> None:
        self._indices = range(count)
        self._make = make

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> "Made[_T]": ...

    def __getitem__(self, index: int | slice) -> "_T | Made[_T]":
        if isinstance(index, slice):
            chosen = self._indices[index]
            return Made(len(chosen), lambda at: self._make(chosen[at]))
        return self._make(self._indices[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))
