"""Edge: cassettes that are loaded once for a whole process, however many tests play them."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.parts import part_of, recorded_tests
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.request_key import WHOLE, Matching
from gws_replay.storage.files import load_cassette

# How many are kept: a cassette of each test would fill the memory of a long session.
_KEPT = 16
_LOCK = threading.Lock()
_Signature: TypeAlias = tuple[int, int, int]
_Key: TypeAlias = tuple[str, str, Matching | None, str]
_INDEXES: "OrderedDict[_Key, tuple[_Signature, CassetteIndex]]" = OrderedDict()


def load_index(path: Path, name: str, matching: Matching | None = None, part: str = "") -> CassetteIndex:
    """Load a cassette, under the name that messages call it by, ready for replay; again only if its file has changed.

    If `part` names a test, only what that has recorded is loaded, where this is known. Raises CassetteError as
    `load_cassette` does.
    """
    with _LOCK:
        signature = _signature(path)
        whole = _loaded((os.fspath(path), name, matching, ""), signature, lambda: load_cassette(path).named(name))
        if not part or part not in recorded_tests(whole.cassette):
            return whole
        return _loaded((os.fspath(path), name, matching, part), signature, lambda: part_of(whole.cassette, part))


def _loaded(key: _Key, signature: _Signature | None, load: Callable[[], Cassette]) -> CassetteIndex:
    kept = _INDEXES.get(key)
    if kept and signature and kept[0] == signature:
        _INDEXES.move_to_end(key)
        return kept[1]
    cassette_index = CassetteIndex(load(), key[2] or WHOLE)
    if signature:
        _INDEXES[key] = (signature, cassette_index)
        while len(_INDEXES) > _KEPT:
            _INDEXES.popitem(last=False)
    return cassette_index


def _signature(path: Path) -> _Signature | None:
    try:
        found = path.stat()
    except OSError:
        return None  # loading says why
    return found.st_mtime_ns, found.st_size, found.st_ino
