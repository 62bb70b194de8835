"""How long one cassette of a recording may become, and what the next is called."""

import re
from dataclasses import dataclass
from pathlib import Path

from gws_replay.errors import GwsReplayError

_FORM = re.compile(r"([1-9]\d*)\s*(KB|MB|GB|s|min|h|d)", re.IGNORECASE)
_BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Split:
    """What a part may hold: so many bytes of its journal, or so many seconds."""

    size: float = float("inf")
    seconds: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> "Split":
        """Read `100MB` or `1h`; an empty text means: no limit. Raises GwsReplayError for anything else."""
        if not text:
            return cls()
        found = _FORM.fullmatch(text.strip())
        if not found:
            raise GwsReplayError(f"--split needs a size or a time (100MB, 1GB, 30min, 1h, 1d), got {text!r}")
        unit = found[2].lower()
        if unit in _BYTES:
            return cls(size=int(found[1]) * _BYTES[unit])
        return cls(seconds=int(found[1]) * _SECONDS[unit])


def part_of(cassette: Path, number: int) -> Path:
    """Return where a part of a recording is saved: NAME.yaml, NAME.2.yaml, NAME.3.yaml."""
    return cassette if number == 1 else cassette.with_name(f"{cassette.stem}.{number}{cassette.suffix}")


def number_of(part: Path, cassette: Path) -> int:
    """Return which part of a recording it is: the reverse of `part_of`."""
    return 1 if part == cassette else int(part.stem.rpartition(".")[2])


def check_free(cassette: Path, *, force: bool) -> None:
    """Raise GwsReplayError where parts of another recording stand in the way of the next ones."""
    name, kind = re.escape(cassette.stem), re.escape(cassette.suffix)
    other = re.compile(rf"{name}\.[1-9]\d*{kind}(\.journal)?")
    folder = cassette.parent
    found = sorted(each.name for each in folder.iterdir() if other.fullmatch(each.name)) if folder.is_dir() else []
    journals = [each for each in found if each.endswith(".journal")]
    if journals:
        raise GwsReplayError(
            f"{folder / journals[0]} was left by a recording that was interrupted: save it with "
            f"`gws-replay recover {folder / journals[0]}`, or remove it"
        )
    if found and not force:
        raise GwsReplayError(
            f"{folder / found[0]} is a part of another recording: choose another name, or replace it with --force "
            "(gws_force=true)"
        )
