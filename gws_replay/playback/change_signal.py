"""Edge: a signal for those who wait until something in a run has changed."""

import threading
from collections.abc import Callable


class ChangeSignal:
    """Wakes whoever waits for a change; costs next to nothing while nobody does."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watchers = 0

    def send(self) -> None:
        """Let those look again who wait for a change."""
        if self._watchers:
            with self._condition:
                self._condition.notify_all()

    def wait(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Block until something has happened, for so many seconds at the most; return whether it has."""
        with self._condition:
            self._watchers += 1  # before it looks, so that a change that comes while it does wakes it
            try:
                return self._condition.wait_for(happened, timeout=seconds)
            finally:
                self._watchers -= 1
