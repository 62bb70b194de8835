"""Edge: attributes of other libraries that are replaced for a while, and put back as they were.

As `mock.patch.object` does it, without what else that can do: fifty of them around each test would be half a
millisecond.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Swap:
    """An attribute, by its object and name, and what makes the replacement of what is there."""

    target: Any
    name: str
    replacement: Callable[[Any], Any]


@contextmanager
def swapped(swaps: Iterable[Swap]) -> Iterator[None]:
    """Replace attributes while the block lasts; one that its object had inherited is inherited again afterwards."""
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for swap in swaps:
            own = vars(swap.target).get(swap.name, _ABSENT)
            replacement = swap.replacement(getattr(swap.target, swap.name))
            setattr(swap.target, swap.name, replacement)
            replaced.append((swap.target, swap.name, own))
        yield
    finally:
        for target, name, own in reversed(replaced):
            if own is _ABSENT:
                delattr(target, name)
            else:
                setattr(target, name, own)
