"""Edge: the file system, for `--gws-unused`: what lies in the cassette folders, judged, and put in words."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from gws_replay.core.replay.request_key import key_of
from gws_replay.errors import CassetteError
from gws_replay.pytest_plugin.unused import (
    Place,
    Reason,
    Requests,
    Run,
    World,
    judge,
    likeness,
    merged,
    missing,
    owners,
    sentence,
    why_unjudged,
)
from gws_replay.recording.journal_file import is_being_written
from gws_replay.storage.files import load_cassette, pending_path
from gws_replay.storage.files import reason as in_words
from gws_replay.storage.names import CASSETTE_SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where pytest looks: its root, --gws-cassette-dir, the chosen folders and testpaths, and what names mean."""

    root: Path
    chosen: Path | None
    collected: tuple[Path, ...]
    testpaths: tuple[Path, ...]
    patterns: tuple[str, ...]
    left_out: tuple[str, ...]
    started: float


@dataclass(slots=True)
class UnusedReport:
    """What there is to say, line by line, the cassettes that no test uses, and what may be removed."""

    lines: list[str] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)
    removable: list[Path] = field(default_factory=list)


def findings(runs: list[Run], layout: Layout) -> UnusedReport:
    """Judge what is in the cassette folders by what all processes of a session collected."""
    if not runs:
        return UnusedReport(["nothing was judged: the collection did not come to its end"])
    run, found = merged(runs), UnusedReport()
    places = list(_places(layout, run))
    inside = ((file, place.folder) for place in places for file in _walk(layout, place.folder))
    candidates = {owner for file, folder in inside for owner in owners(file, folder, layout.root)}
    world = World(frozenset(filter(Path.exists, candidates)), layout.root, layout.patterns)
    verdict = judge(run, places, world)
    requests = {path: read for path in verdict.orphans if (read := _requests(path)) is not None}
    found.orphans.extend(requests)
    if found.orphans:
        _name_orphans(found, run, requests)
    for place in places:
        _name_leftovers(found, run, place, world, layout)
    if not found.lines:
        found.lines.append("no cassette that could be judged is unused")
    found.lines.extend(_not_judged(verdict.unjudged))
    if damaged := len(verdict.orphans) - len(found.orphans):
        found.lines.append(f"{damaged} could not be judged: no cassette, or a damaged one")
    return found


def removed(path: Path) -> str:
    """Remove a file, and say so."""
    try:
        path.unlink()
    except OSError as error:
        return f"cannot remove {path}: {in_words(error)}"
    return f"removed {path}"


def normal(path: Path) -> Path:
    """Spell a path as all are compared here, with no link resolved."""
    return Path(os.path.normpath(path.absolute()))


def _name_orphans(found: UnusedReport, run: Run, requests: dict[Path, Requests]) -> None:
    used = {path for test in run.tests for path in test.paths}
    lost = missing(run, {path for path in used if Path(path).exists()})
    for path in map(Path, sorted(used)):
        if (read := _requests(pending_path(path) if path in lost else path)) is not None:
            requests[path] = read
    in_folder = Counter(path.parent for path in found.orphans)
    for path in found.orphans:
        like = likeness(path, requests, lost, alone=in_folder[path.parent] == 1)
        similar = f"; it {sentence(like, path, folder_is_there=like.path.parent.is_dir())}" if like else ""
        found.lines.append(f"{path}: no test uses it{similar}")
        if not (like and like.of):  # what is to be renamed is not removed
            found.removable.append(path)


def _name_leftovers(found: UnusedReport, run: Run, place: Place, world: World, layout: Layout) -> None:
    for path in _walk(layout, place.folder):
        file = path.with_suffix("") if path.suffix == ".journal" else path
        cassette = file.with_name(file.name.replace(".pending", ""))
        if path.suffix == ".journal":
            if is_being_written(path):
                continue
            line = f"{path}: left by a recording that was interrupted; save it: gws-replay recover {path}"
        elif path.suffix in CASSETTE_SUFFIXES and path == pending_path(cassette):
            state = "stands as it was" if cassette.exists() else "does not exist"
            line = f"{path}: left by a test that failed while it was recorded; {cassette.name} {state}"
        else:
            continue
        if path.stat().st_mtime >= layout.started:
            line += " (kept: this run wrote it)"
        elif why := why_unjudged(run, place, cassette, world):
            line += f" (kept: {why})"
        else:
            found.removable.append(path)
        found.lines.append(line)


def _not_judged(reasons: Mapping[Reason, int]) -> Iterator[str]:
    """Yield a line for each kind of reason: of many test files, the first stands for the others."""
    for what in sorted({reason.what for reason in reasons}):
        first, *more = [reason for reason in reasons if reason.what == what]
        count = sum(reasons[reason] for reason in (first, *more))
        yield f"{count} could not be judged: {first}{f' (and {len(more)} more)' if more else ''}"


def _places(layout: Layout, run: Run) -> Iterator[Place]:
    """Yield the cassette folders: the chosen one, or those beside tests, and those that tests of this run used."""
    folders = {layout.chosen} if layout.chosen else {path.parent / "cassettes" for path in (*run.whole, *run.cut)}
    if not layout.chosen:
        below = (file for top in layout.collected for file in _walk(layout, top))
        folders |= {parent for file in below for parent in file.parents if parent.name == "cassettes"}
    for file in (Path(path) for test in run.tests for path in test.paths):
        if folders.isdisjoint(file.parents) and layout.root in file.parents:
            in_module = _is_test(layout, Path(f"{file.parent.name}.py"))
            folders.add(file.parent.parent if in_module else file.parent)
    for folder in sorted(folders):
        # What is reached by a link is judged where it is, and not as what it looks like here.
        if not folders.isdisjoint(folder.parents) or (folder.is_symlink() and folder != layout.chosen):
            continue
        # Fixtures of a conftest.py can send all tests below it to the folder beside it.
        beside = folder.name == "cassettes" and folder != layout.chosen
        tops = (folder.parent,) if beside else layout.testpaths or (layout.root,)
        tests = [path for top in tops for path in _walk(layout, top) if _is_test(layout, path, "conftest.py")]
        inside = [path for path in _walk(layout, folder) if path.suffix in CASSETTE_SUFFIXES]
        files = tuple(path for path in inside if not path.stem.endswith(".pending"))
        yield Place(folder, files, {path: path.read_text("utf-8", "replace") for path in tests})


def _is_test(layout: Layout, path: Path, *more: str) -> bool:
    return any(path.match(pattern) for pattern in (*layout.patterns, *more))


def _walk(layout: Layout, top: Path) -> Iterator[Path]:
    """Yield the files below a folder, less those in folders that pytest leaves out."""
    for folder, inner, files in os.walk(top):
        inner[:] = sorted(name for name in inner if not any(fnmatch(name, each) for each in layout.left_out))
        if "pyvenv.cfg" in files:
            inner.clear()
        yield from (normal(Path(folder, name)) for name in sorted(files))


def _requests(path: Path) -> Requests | None:
    """Return the requests of a cassette, or None if the file is not a cassette."""
    try:
        return Counter(key_of(exchange.request) for exchange in load_cassette(path).interactions)
    except CassetteError:
        return None
