"""What the pytest runs inside the process of the tests have in common."""

from importlib import import_module
from pkgutil import walk_packages

import pytest

import gws_replay

# What starts a program, or needs the extra `record`.
_LEFT_OUT = ("gws_replay.__main__", "gws_replay.addon", "gws_replay.cli", "gws_replay.demo")


@pytest.fixture(scope="session", autouse=True)
def imported_once() -> None:
    """Import what these runs need: pytester forgets what a run imported, and the next spent half of its time on it."""
    for name in ("aiohttp", "httpx", "requests", "vcr"):
        import_module(name)
    for module in walk_packages(gws_replay.__path__, "gws_replay."):
        if not module.name.startswith(_LEFT_OUT):
            import_module(module.name)
