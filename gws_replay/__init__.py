"""Record and replay Genesys Web Services traffic in pytest, and prove what each userData operation changed.

Names are loaded when they are first used: importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gws_replay.core.cassette import Cassette as Cassette
    from gws_replay.core.json_compare import Changes as Changes
    from gws_replay.core.json_compare import compare_userdata as compare_userdata
    from gws_replay.core.oracle.expectation import assert_only_changed as assert_only_changed
    from gws_replay.errors import CassetteError as CassetteError
    from gws_replay.errors import GwsReplayError as GwsReplayError
    from gws_replay.errors import ReplayMiss as ReplayMiss
    from gws_replay.errors import UserDataMismatch as UserDataMismatch
    from gws_replay.storage.files import load_cassette as load_cassette

__version__ = "0.1.0"

_HOME = {
    "Cassette": "gws_replay.core.cassette",
    "CassetteError": "gws_replay.errors",
    "Changes": "gws_replay.core.json_compare",
    "GwsReplayError": "gws_replay.errors",
    "ReplayMiss": "gws_replay.errors",
    "UserDataMismatch": "gws_replay.errors",
    "assert_only_changed": "gws_replay.core.oracle.expectation",
    "compare_userdata": "gws_replay.core.json_compare",
    "load_cassette": "gws_replay.storage.files",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 (a list of strings, spelled once)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
