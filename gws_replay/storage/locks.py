"""Edge: locks of open files. The system lets go of them when a process ends, however it ends: none is ever stale.

So nothing hangs on a process id, which another process may have by now.
"""

import os
from pathlib import Path
from typing import Literal

Held = Literal["ours", "another's", "unknown"]

try:
    import fcntl
except ImportError:  # Windows

    def lock(handle: int) -> Held:  # noqa: ARG001 (no locks)
        """Tell that nobody can tell."""
        return "unknown"
else:

    def lock(handle: int) -> Held:
        """Lock an open file for this process, if no other has; "unknown" where the file system has no locks."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "another's"
        except OSError:
            return "unknown"
        return "ours"


def is_there(handle: int, path: Path) -> bool:
    """Tell whether an open file is still the one that has this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
