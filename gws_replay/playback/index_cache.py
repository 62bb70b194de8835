"""Edge: cassettes that are loaded once for a whole process, however many tests play them."""

import os
import threading
from collections import OrderedDict
from pathlib import Path

from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.request_key import WHOLE, Matching
from gws_replay.storage.files import load_cassette

# How many are kept: a cassette of each test would fill the memory of a long session.
_KEPT = 16
_LOCK = threading.Lock()
_INDEXES: "OrderedDict[tuple[str, str, Matching | None], tuple[tuple[int, int, int], CassetteIndex]]" = OrderedDict()


def load_index(path: Path, name: str, matching: Matching | None = None) -> CassetteIndex:
    """Load a cassette, under the name that messages call it by, ready for replay; again only if its file has changed.

    Raises CassetteError as `load_cassette` does.
    """
    key = (os.fspath(path), name, matching)
    with _LOCK:
        signature = _signature(path)
        kept = _INDEXES.get(key)
        if kept and signature and kept[0] == signature:
            _INDEXES.move_to_end(key)
            return kept[1]
        cassette_index = CassetteIndex(load_cassette(path).named(name), matching or WHOLE)
        if signature:
            _INDEXES[key] = (signature, cassette_index)
            while len(_INDEXES) > _KEPT:
                _INDEXES.popitem(last=False)
        return cassette_index


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None  # loading says why
    return found.st_mtime_ns, found.st_size, found.st_ino
