"""What a test's cassette is called: safe on every file system, and never the same for two tests by accident."""

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

_UNSAFE = re.compile(r"[<>?%*:|\"'/\\\x00-\x1f]")
_LONGEST = 120
CASSETTE_SUFFIXES = (".yaml", ".yml", ".json")


@lru_cache(1024)  # each test asks
def cassette_path(folder: Path, name: str) -> Path:
    """Return the file of a cassette that is called by name; `.yaml` unless the name says otherwise."""
    path = folder / name
    return path if path.suffix in CASSETTE_SUFFIXES else path.with_name(f"{path.name}.yaml")


def default_name(test: str, cls: str | None, module: Path, root: Path, folder: Path) -> str:
    """Name a test's cassette <module>/<Class.>test[param]; a name that must be altered or cut gets a hash of itself.

    In a folder that is not the test's own, modules of one name are distinguished by their path from the root.
    """
    name = f"{cls}.{test}" if cls else test
    safe = _UNSAFE.sub("-", name)
    if safe != name or len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    module = module.with_suffix("")
    shared = folder.parent != module.parent and module.is_relative_to(root)
    return f"{module.relative_to(root).as_posix() if shared else module.name}/{safe}"


def shown(path: Path) -> str:
    """Name a file as a person would from where the tests were started."""
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 (each test asks: pathlib is thirty times slower)
    return os.fspath(path).removeprefix(here)
