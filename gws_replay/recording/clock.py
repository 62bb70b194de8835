"""Edge: times of the system's clock as if nobody had set that clock meanwhile.

Who caused what is told by the order of times: a clock that is put back must not turn it round.
"""

import time
from collections.abc import Callable

# No clock that is slewed goes wrong by as much between two messages, and no process waits so long for its turn.
_JUMP = 0.5


class SteadyTimes:
    """Takes out of times what the system's clock has jumped since the first of them; it is asked right after each."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._jumped = 0.0

    def __call__(self, at: float) -> float:
        """Return a time, in seconds since the epoch, as the clock would have told it without its jumps."""
        offset = self._wall() - self._steady()
        if abs(offset - self._offset) > _JUMP:
            self._jumped += offset - self._offset
        self._offset = offset
        return at - self._jumped
