"""Edge: times of the system's clock as if nobody had set that clock meanwhile.

Causes follow the order of times: setting the clock back must not make a notification appear before its cause.
"""

import time
from collections.abc import Callable

# No clock that is slewed goes wrong by as much between two messages, and no process waits so long for its turn.
_JUMP = 0.5


class SteadyTimes:
    """Corrects times by the jumps of the system's clock since the first one; call it right after each moment."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._jumped = 0.0

    def __call__(self, at: float) -> float:
        """Return a time, in seconds since the epoch, as the clock would have shown it without its jumps."""
        offset = self._wall() - self._steady()
        if abs(offset - self._offset) > _JUMP:
            self._jumped += offset - self._offset
        self._offset = offset
        return at - self._jumped
