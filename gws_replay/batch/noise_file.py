"""Edge: the file with learned noise: JSON, indented and sorted, so that people can review it."""

import json
from pathlib import Path

from gws_replay.core.comparison import noise
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import read_text, write_whole


def read_noise(path: Path) -> noise.Noise:
    """Read a noise file. Raises GwsReplayError if it is damaged."""
    try:
        return noise.read(json.loads(read_text(path)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, GwsReplayError):
            raise
        raise GwsReplayError(f"{path} cannot be read ({error}): write it with gws-replay noise learn") from None


def write_noise(learned: noise.Noise, path: Path) -> None:
    """Write a noise file."""
    write_whole(path, [json.dumps(learned.as_json(), indent=2) + "\n"])
