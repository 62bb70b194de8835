"""Which cassettes no test uses: what a run collected and what lies on disk go in, a verdict comes out.

Nothing is read here, and what could be used is taken for used: a verdict may lead to a file's removal.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

# From which share of common requests on two cassettes are mostly equal, and names alike.
_MOSTLY = 2 / 3
_ALIKE = 0.5

Requests = Counter[object]


class Seen(NamedTuple):
    """A collected test: the files that it uses, or will use, and names that count as used in any folder."""

    nodeid: str
    certain: bool
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What was collected: the tests, the test files collected whole, and those cut short, with the reason."""

    tests: tuple[Seen, ...] = ()
    whole: frozenset[Path] = frozenset()
    cut: Mapping[Path, str] = field(default_factory=dict)


class Reason(NamedTuple):
    """Why a cassette cannot be judged: a file or folder, and what is the matter with it."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path} {self.what}"


class World(NamedTuple):
    """The test files that are there, the root of all, and pytest's patterns for the names of test files."""

    existing: Collection[Path]
    root: Path
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A cassette folder: its cassettes, and the text of each test file and conftest.py that may name one of them."""

    folder: Path
    files: tuple[Path, ...]
    texts: Mapping[Path, str] = field(default_factory=dict)


class Verdict(NamedTuple):
    """The cassettes that nobody uses, and how many could not be judged, by the reason."""

    orphans: tuple[Path, ...]
    unjudged: Mapping[Reason, int]


class Likeness(NamedTuple):
    """What an orphan is like: the cassette `path`, or the missing one of a test `of`; `share` of the requests."""

    path: Path
    share: float | None
    of: str = ""


def merged(runs: Iterable[Run]) -> Run:
    """Return what several workers collected as one run; of a test, what the worker that ran it says."""
    tests: dict[str, Seen] = {}
    whole: set[Path] = set()
    cut: dict[Path, str] = {}
    for run in runs:
        whole |= run.whole
        cut |= run.cut
        for test in run.tests:
            earlier = tests.setdefault(test.nodeid, test)
            if test.certain and earlier.certain:
                tests[test.nodeid] = test._replace(
                    paths=(*dict.fromkeys(earlier.paths + test.paths),),
                    names=(*dict.fromkeys(earlier.names + test.names),),
                )
            elif test.certain:
                tests[test.nodeid] = test
    return Run(tuple(tests.values()), frozenset(whole - cut.keys()), cut)


def owners(file: Path, folder: Path, root: Path) -> tuple[Path, ...]:
    """Return the test files that a cassette may belong to by its place: beside the folder, or from the root on."""
    parts = file.relative_to(folder).parent.parts
    tails = [Path(*parts[start:]) for start in range(len(parts))]
    return tuple(top / tail.with_name(f"{tail.name}.py") for tail in tails for top in (folder.parent, root))


def judge(run: Run, places: Iterable[Place], world: World) -> Verdict:
    """Say which cassettes no test uses, as far as this run can tell."""
    paths = {path for test in run.tests for path in test.paths}
    names = {name for test in run.tests for name in test.names}
    orphans: list[Path] = []
    unjudged = Counter[Reason]()
    for place in places:
        for file in place.files:
            parts = file.relative_to(place.folder).parts
            if str(file) in paths or any("/".join(parts[start:]) in names for start in range(len(parts))):
                continue
            if why := why_unjudged(run, place, file, world):
                unjudged[why] += 1
            else:
                orphans.append(file)
    return Verdict(tuple(sorted(orphans)), dict(sorted(unjudged.items())))


def why_unjudged(run: Run, place: Place, file: Path, world: World) -> Reason | None:
    """Say why not all that could use a cassette is known; None if it is."""
    inside = file.relative_to(place.folder)
    there = [owner for owner in owners(file, place.folder, world.root) if owner in world.existing]
    module = inside.parent.name and inside.parent.with_name(f"{inside.parent.name}.py")
    gone = module and not there and any(module.match(pattern) for pattern in world.patterns)
    tests = sorted(path for path in place.texts if path.name != "conftest.py")
    if not gone and not there and not tests:
        return Reason(place.folder, "has no test file beside it")
    for test in () if gone else there or tests:
        if test not in run.whole:
            return Reason(test, run.cut.get(test, "was not collected"))
    # It may be opened by other means than a marker.
    names = [f"{quote}{name}{quote}" for name in {inside.with_suffix("").as_posix(), inside.stem} for quote in "'\""]
    for path, text in sorted(place.texts.items()):
        is_whole = path in run.whole and "use_cassette" not in text
        if file.name in text or (not is_whole and any(name in text for name in names)):
            return Reason(path, "has its name in the text")
    return None


def missing(run: Run, is_there: Collection[str]) -> dict[Path, str]:
    """Return the cassettes that tests name and that do not exist, with the test."""
    return {Path(path): test.nodeid for test in run.tests for path in test.paths if path not in is_there}


def likeness(
    orphan: Path, requests: Mapping[Path, Requests], lost: Mapping[Path, str], *, alone: bool = False
) -> Likeness | None:
    """Say what an orphan is like: a missing cassette (`lost`, path to test) before one that is there.

    `requests` are those of each cassette that is known, and of the pending recordings of the missing ones; where a
    missing cassette has none, its name has to do: a like one, or (`alone` in its folder) the only one there.
    """
    shares = {path: share(requests[orphan], theirs) for path, theirs in requests.items() if path != orphan}
    best = max(sorted(shares.keys() & lost.keys()), key=lambda path: shares[path], default=None)
    if best and shares[best] >= _MOSTLY:
        return Likeness(best, shares[best], lost[best])
    unknown = sorted(lost.keys() - shares.keys())
    named = max(unknown, key=lambda path: _alike(orphan, path), default=None)
    if named and _alike(orphan, named) >= _ALIKE:
        return Likeness(named, None, lost[named])
    beside = [path for path in unknown if path.parent == orphan.parent]
    if alone and len(beside) == 1:
        return Likeness(beside[0], None, lost[beside[0]])
    best = max(sorted(shares.keys() - lost.keys()), key=lambda path: shares[path], default=None)
    return Likeness(best, shares[best]) if best and shares[best] >= _MOSTLY else None


def sentence(like: Likeness, orphan: Path, *, folder_is_there: bool = True) -> str:
    """Say what an orphan is like, and for a missing cassette how to put it in its place."""
    if not like.of:
        return f"is {'' if like.share == 1 else 'mostly '}equal to {like.path}"
    by = "name" if like.share is None else "requests" if like.share == 1 else "requests, most of them"
    command = f"mv {shlex.quote(str(orphan))} {shlex.quote(str(like.path))}"
    if not folder_is_there:
        command = f"mkdir -p {shlex.quote(str(like.path.parent))} && {command}"
    return f"looks like the cassette of {like.of} (missing), by its {by}; rename it: {command}"


def share(one: Requests, other: Requests) -> float:
    """Return how much two lists of requests have in common, 0 to 1, whatever the order."""
    count = one.total() + other.total()
    return 2 * (one & other).total() / count if count else 0.0


def _alike(one: Path, other: Path) -> float:
    """Return how alike two cassettes are by name, 0 to 1: what is common to all names of tests does not count."""
    mine, theirs = (path.stem.rpartition("test_")[2] for path in (one, other))
    if mine and theirs and (mine in theirs or theirs in mine):
        return 1.0
    return SequenceMatcher(None, mine, theirs, autojunk=False).ratio()
