"""Edge: locks of open files. The system lets go of them when a process ends, however it ends: none is ever stale.

So nothing hangs on a process id, which another process may have by now.
"""

import os
import sys
from pathlib import Path
from typing import Literal

Held = Literal["ours", "another's", "unknown"]

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 2**31 - 2  # no file here is so long: the lock is in the way of no reader

    def lock(handle: int) -> Held:
        """Lock an open file for this process, if no other has; "unknown" where the file system has no locks."""
        position = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return "another's"
        except OSError:
            return "unknown"
        finally:
            os.lseek(handle, position, os.SEEK_SET)
        return "ours"
else:
    import fcntl

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
