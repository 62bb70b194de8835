"""Whether a test replays or records: the modes of vcrpy and pytest-recording, and who decides."""

from pathlib import Path
from typing import Literal, get_args

from gws_replay.errors import GwsReplayError

RecordMode = Literal["none", "once", "new_episodes", "all", "rewrite"]
MODES: tuple[RecordMode, ...] = get_args(RecordMode)


def chosen_mode(*, command_line: str | None, marker: str | None, ini: str | None, in_ci: bool) -> RecordMode:
    """Return the mode: the command line's, else the marker's, else that of the configuration file, else `none`.

    In CI nothing is written unless the command line says so. Raises GwsReplayError for a mode that does not exist.
    """
    for source, mode in (("--gws-record", command_line), ("record_mode", marker), ("gws_record", ini)):
        if mode:
            if mode not in MODES:
                raise GwsReplayError(f"{source} is one of {', '.join(MODES)}, not {mode!r}")
            return mode if command_line or not in_ci else "none"
    return "none"


def upstream_of(mode: RecordMode, upstream: str | None) -> str:
    """Return the server that the recording proxy goes to. Raises GwsReplayError where it cannot be used."""
    if mode == "new_episodes":
        raise GwsReplayError("gws_server records a whole cassette: use once, all or rewrite; new_episodes is for gws")
    if not upstream:
        raise GwsReplayError("gws_server records through the proxy: say where to, --gws-upstream https://YOUR-GWS")
    return upstream


def records(mode: RecordMode, cassette: Path) -> bool:
    """Tell whether a test in this mode writes its cassette."""
    return mode != "none" and not (mode == "once" and cassette.exists())
