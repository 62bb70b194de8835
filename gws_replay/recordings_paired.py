"""Edge: which cassette of one folder is to be compared with which of another: by path, and by content if renamed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gws_replay.core.regress import operations
from gws_replay.errors import GwsReplayError
from gws_replay.files import cassettes_in, load_cassette


@dataclass(frozen=True, slots=True)
class Match:
    """A cassette of the baseline and its candidate; None where there is none."""

    baseline: Path | None
    candidate: Path | None
    is_renamed: bool = False


def matched(baseline: Path, candidate: Path) -> list[Match]:
    """Match two cassettes, or those of two folders by their paths inside.

    What is left over on both sides is a renamed cassette if it asks the same, and no other of them does. Raises
    GwsReplayError for a path that does not exist, or a file and a folder.
    """
    for path in (baseline, candidate):
        if not path.exists():
            raise GwsReplayError(f"{path} does not exist")
    if baseline.is_dir() != candidate.is_dir():
        raise GwsReplayError(f"{baseline} and {candidate} are a file and a folder: give two of a kind")
    if not baseline.is_dir():
        return [Match(baseline, candidate)]
    mine, theirs = ({path.relative_to(top): path for path in cassettes_in([top])} for top in (baseline, candidate))
    missing = [mine[name] for name in mine if name not in theirs]
    new = [theirs[name] for name in theirs if name not in mine]
    found = [Match(path, theirs[name]) for name, path in mine.items() if name in theirs]
    renamed = _renamed(missing, new)
    found += renamed
    found += [Match(path, None) for path in missing if path not in {each.baseline for each in renamed}]
    found += [Match(None, path) for path in new if path not in {each.candidate for each in renamed}]
    return sorted(found, key=lambda each: str(each.baseline or each.candidate))


def _renamed(missing: Sequence[Path], new: Sequence[Path]) -> list[Match]:
    if not missing or not new:
        return []
    asks: tuple[dict[tuple[str, ...], list[Path]], ...] = ({}, {})
    for side, paths in enumerate((missing, new)):
        for path in paths:
            asks[side].setdefault(tuple(operations(load_cassette(path))), []).append(path)
    return [
        Match(mine[0], theirs[0], is_renamed=True)
        for asked, mine in asks[0].items()
        if len(mine) == 1 and len(theirs := asks[1].get(asked, [])) == 1
    ]
