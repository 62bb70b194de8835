"""Edge: attributes of other libraries that are replaced for a while, and put back as they were.

As `mock.patch.object` does it, without what else that can do: fifty of them around each test would be half a
millisecond.
"""

from collections.abc import Callable, Iterable
from typing import Any

_ABSENT = object()


class Swap:
    """An attribute, by its object and name, and what makes the replacement of what is there.

    The replacement is made once for each thing that is found there: the same swap serves many times.
    """

    __slots__ = ("_made", "_real", "_replacement", "name", "target")

    def __init__(self, target: Any, name: str, replacement: Callable[[Any], Any]) -> None:
        self.target = target
        self.name = name
        self._replacement = replacement
        self._real: Any = _ABSENT
        self._made: Any = None

    def made(self, real: Any) -> Any:
        """Return the replacement of what is there."""
        if real is not self._real:
            self._made = self._replacement(real)
            self._real = real
        return self._made


# An attribute by its object and name, and what its object itself had there.
Replaced = tuple[Any, str, Any]


def replaced(swaps: Iterable[Swap]) -> list[Replaced]:
    """Replace attributes; return what `put_back` needs. Where one cannot be replaced, none is."""
    done: list[Replaced] = []
    try:
        for swap in swaps:
            target, name = swap.target, swap.name
            own = vars(target).get(name, _ABSENT)
            setattr(target, name, swap.made(getattr(target, name)))
            done.append((target, name, own))
    except BaseException:
        put_back(done)
        raise
    return done


def put_back(done: list[Replaced]) -> None:
    """Put attributes back as they were; one that its object had inherited is inherited again."""
    for target, name, own in reversed(done):
        if own is _ABSENT:
            delattr(target, name)
        else:
            setattr(target, name, own)
