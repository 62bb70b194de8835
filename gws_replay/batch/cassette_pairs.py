"""Edge: pairs the cassettes of two folders: by path, and by content if one was renamed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gws_replay.core.comparison.diff import operations
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.storage.files import Location, cassettes_in, load_cassette
from gws_replay.storage.object_storage import Stored


@dataclass(frozen=True, slots=True)
class Match:
    """A cassette of the baseline and its candidate; None for one that is missing."""

    baseline: Location | None
    candidate: Location | None
    is_renamed: bool = False


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of a cassette, in order; or why it cannot be read."""

    operations: tuple[str, ...] = ()
    broken: str | None = None


def operations_in(path: Location) -> Operations:
    """Read the operations of a cassette."""
    try:
        return Operations(tuple(operations(load_cassette(path))))
    except CassetteError as error:
        return Operations(broken=str(error))


def matched(
    baseline: Location, candidate: Location, read: Callable[[Sequence[Location]], Sequence[Operations]]
) -> tuple[list[Match], list[tuple[Location, str]]]:
    """Pair two cassettes, or those of two folders by their relative paths; return what could not be read, too.

    Of those without a counterpart, two with the same operations (`read` returns them) are one renamed cassette, unless
    a third has the same. Raises GwsReplayError for a path that does not exist, or a file and a folder.
    """
    for path in (baseline, candidate):
        if not isinstance(path, Stored) and not path.exists():
            raise GwsReplayError(f"{path} does not exist")
    if baseline.is_dir() != candidate.is_dir():
        for path in (baseline, candidate):
            if isinstance(path, Stored) and not path.is_dir():
                path.content()  # raises if nothing is there at all
        raise GwsReplayError(f"{baseline} and {candidate} are a file and a folder: give two files or two folders")
    if not baseline.is_dir():
        return [Match(baseline, candidate)], []
    mine, theirs = _by_name(baseline), _by_name(candidate)
    missing = [mine[name] for name in mine if name not in theirs]
    new = [theirs[name] for name in theirs if name not in mine]
    found = [Match(path, theirs[name]) for name, path in mine.items() if name in theirs]
    renamed, broken = _renamed(missing, new, read)
    found += renamed
    found += [Match(path, None) for path in missing if path not in {each.baseline for each in renamed}]
    found += [Match(None, path) for path in new if path not in {each.candidate for each in renamed}]
    return sorted(found, key=lambda each: str(each.baseline or each.candidate)), broken


def _by_name(top: Location) -> dict[str, Location]:
    if isinstance(top, Stored):
        return {path.inside: path for path in top.files()}
    return {path.relative_to(top).as_posix(): path for path in cassettes_in([top])}


def _renamed(
    missing: Sequence[Location], new: Sequence[Location], read: Callable[[Sequence[Location]], Sequence[Operations]]
) -> tuple[list[Match], list[tuple[Location, str]]]:
    if not missing or not new:
        return [], []
    by_operations: tuple[dict[tuple[str, ...], list[Location]], ...] = ({}, {})
    found_in = read([*missing, *new])
    broken: list[tuple[Location, str]] = []
    for place, (path, each) in enumerate(zip([*missing, *new], found_in, strict=True)):
        if each.broken is not None:
            broken.append((path, each.broken))
        else:
            by_operations[place >= len(missing)].setdefault(each.operations, []).append(path)
    found = [
        Match(mine[0], theirs[0], is_renamed=True)
        for operations_, mine in by_operations[0].items()
        if len(mine) == 1 and len(theirs := by_operations[1].get(operations_, [])) == 1
    ]
    return found, broken
