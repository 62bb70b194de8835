"""The pure part of `--gws-unused`: what is used, what can be judged, what an orphan resembles."""

from collections import Counter
from pathlib import Path

import pytest

from gws_replay.pytest_plugin.unused import (
    Likeness,
    Place,
    Reason,
    Run,
    Seen,
    World,
    judge,
    likeness,
    merged,
    missing,
    owners,
    sentence,
)

ROOT = Path("/root")
FOLDER = ROOT / "tests" / "cassettes"
TEST_A = ROOT / "tests" / "test_a.py"
TEST_B = ROOT / "tests" / "test_b.py"
ORPHAN = FOLDER / "test_a" / "test_old.yaml"
WORLD = World({TEST_A, TEST_B}, ROOT, ("test_*.py", "*_test.py"))


def judged(
    file: str, *tests: Seen, whole: tuple[Path, ...] = (TEST_A, TEST_B), text: str = "", world: World = WORLD
) -> str:
    """The result for one cassette: used, orphan, or why it cannot be judged."""
    run = Run(tests, frozenset(whole), {} if TEST_A in whole else {TEST_A: "is cut"})
    verdict = judge(run, [Place(FOLDER, (FOLDER / file,), {TEST_A: text, TEST_B: ""})], world)
    return next(map(str, verdict.unjudged), "orphan" if verdict.orphans else "used")


@pytest.mark.parametrize(
    ("becomes", "file", "test"),
    [
        ("used", "x.yaml", Seen("t", certain=True, paths=(f"{FOLDER}/x.yaml",))),
        ("orphan", "x.yaml", Seen("t", certain=True, paths=("/elsewhere/x.yaml",))),
        ("used", "x.yaml", Seen("t", certain=False, names=("x.yaml",))),
        ("used", "v2/test_a/x.yaml", Seen("t", certain=False, names=("test_a/x.yaml",))),
        ("orphan", "test_a/xx.yaml", Seen("t", certain=False, names=("x.yaml",))),
    ],
)
def test_requested_paths_and_names_are_used(becomes: str, file: str, test: Seen) -> None:
    """A path that a test requested; a name in any folder, as whole parts of the path."""
    assert becomes == judged(file, test)


@pytest.mark.parametrize(
    ("becomes", "file", "whole"),
    [
        ("orphan", "test_a/x.yaml", (TEST_A,)),
        (f"{TEST_A} is cut", "test_a/x.yaml", (TEST_B,)),
        (f"{TEST_A} is cut", "tests/test_a/x.yaml", (TEST_B,)),
        (f"{TEST_A} is cut", "v2/test_a/x.yaml", (TEST_B,)),
        ("orphan", "test_c/x.yaml", ()),
        ("orphan", "c_test/x.yaml", ()),
        (f"{TEST_A} is cut", "helpers/x.yaml", (TEST_B,)),
        (f"{TEST_A} is cut", "x.yaml", (TEST_B,)),
        (f"{TEST_B} was not collected", "x.yaml", (TEST_A,)),
        ("orphan", "x.yaml", (TEST_A, TEST_B)),
    ],
)
def test_cassette_is_judged_if_its_test_files_were_collected(becomes: str, file: str, whole: tuple[Path, ...]) -> None:
    """Its test file was collected completely, or does not exist; other names need all test files."""
    assert becomes == judged(file, whole=whole)


@pytest.mark.parametrize(
    ("becomes", "text", "whole"),
    [
        ("orphan", "'test_c/x'", (TEST_A, TEST_B)),
        ("text", "'test_c/x'", (TEST_B,)),
        ("text", '"test_c/x"', (TEST_B,)),
        ("orphan", "test_c/x", (TEST_B,)),
        ("orphan", "'x'", (TEST_A, TEST_B)),
        ("text", "vcr.use_cassette('x')", (TEST_A, TEST_B)),
        ("text", "gws_use_cassette('test_c/x')", (TEST_A, TEST_B)),
        ("text", "open('x.yaml')", (TEST_A, TEST_B)),
    ],
)
def test_name_in_the_text_of_a_test_file_is_not_judged(becomes: str, text: str, whole: tuple[Path, ...]) -> None:
    """The file may be opened in another way, or by a test that was not collected."""
    message = judged("test_c/x.yaml", whole=whole, text=text)
    assert becomes == message.replace(f"{TEST_A} has its name in the text", "text")


def test_a_folder_without_tests_is_not_judged() -> None:
    """Unless the cassette is where those of a test module would be."""
    place = Place(FOLDER, (FOLDER / "x.yaml", FOLDER / "test_c" / "x.yaml"), {FOLDER.parent / "conftest.py": ""})
    verdict = judge(Run(), [place], WORLD)
    assert ((FOLDER / "test_c" / "x.yaml",), {Reason(FOLDER, "has no test file beside it"): 1}) == verdict


def test_where_the_test_of_a_cassette_may_be() -> None:
    """Beside the folder by its name, from the root by its path, with a folder between or not."""
    found = owners(FOLDER / "v" / "test_a" / "x.yaml", FOLDER, ROOT)
    assert {TEST_A, ROOT / "test_a.py", ROOT / "v" / "test_a.py", FOLDER.parent / "v" / "test_a.py"} == set(found)
    assert () == owners(FOLDER / "x.yaml", FOLDER, ROOT)


def test_workers_are_merged() -> None:
    """The worker that ran a test knows its requests; a file that one worker could not collect is incomplete."""
    guess, knows = Seen("t", certain=False, names=("x",)), Seen("t", certain=True, paths=("/p",))
    both = Seen("t", certain=True, paths=("/p", "/q"))
    one, two = Run((guess,), frozenset({TEST_A, TEST_B})), Run((knows,), frozenset({TEST_A}), {TEST_B: "no"})
    for runs in ([one, two], [two, one]):
        assert Run((knows,), frozenset({TEST_A}), {TEST_B: "no"}) == merged(runs)
    assert (both,) == merged([two, Run((Seen("t", certain=True, paths=("/q",)),))]).tests
    assert Run() == merged([])


def test_requested_paths_without_a_file_are_missing() -> None:
    """Paths that tests request and that do not exist."""
    run = Run((Seen("t", certain=True, paths=("/p", "/q")),))
    assert {Path("/q"): "t"} == missing(run, {"/p"})


NEW = FOLDER / "test_a" / "test_new.yaml"
OTHER = FOLDER / "other.yaml"
LIKE = {
    "missing, equal": ({NEW: "abc", OTHER: "abc"}, {NEW: "t"}, Likeness(NEW, 1.0, "t")),
    "missing, mostly": ({NEW: "ab", OTHER: "abc"}, {NEW: "t"}, Likeness(NEW, 0.8, "t")),
    "missing, unlike": ({NEW: "axy", OTHER: "abc"}, {NEW: "t"}, Likeness(OTHER, 1.0)),
    "there, mostly": ({OTHER: "ab"}, {}, Likeness(OTHER, 0.8)),
    "there, half": ({OTHER: "abxyz"}, {}, None),
    "as often": ({OTHER: "aaaabc"}, {}, Likeness(OTHER, 2 / 3)),
    "like name": ({OTHER: "abc"}, {FOLDER / "test_b" / "TestA.test_old.yaml": "t"}, "TestA.test_old"),
    "no like name": ({}, {FOLDER / "test_b" / "zzz.yaml": "t"}, None),
    "nothing": ({}, {}, None),
}


@pytest.mark.parametrize(("others", "lost", "like"), LIKE.values(), ids=LIKE)
def test_orphan_is_matched_to_the_most_similar_cassette(
    others: dict[Path, str], lost: dict[Path, str], like: Likeness | str | None
) -> None:
    """A missing cassette before an existing one; by the set of requests, else by name."""
    requests = {path: Counter[object](letters) for path, letters in {ORPHAN: "cba", **others}.items()}
    found = likeness(ORPHAN, requests, lost)
    assert like == (found.path.stem if isinstance(like, str) and found else found)


@pytest.mark.parametrize(
    ("alone", "like"), [(True, Likeness(FOLDER / "test_a" / "zzz.yaml", None, "t")), (False, None)]
)
def test_single_orphan_belongs_to_the_single_missing_cassette(alone: bool, like: Likeness | None) -> None:
    """In one folder, whatever their names."""
    lost = {FOLDER / "test_a" / "zzz.yaml": "t", FOLDER / "test_b" / "zzz.yaml": "u"}
    assert like == likeness(ORPHAN, {ORPHAN: Counter("abc")}, lost, alone=alone)


@pytest.mark.parametrize(
    ("like", "there", "message"),
    [
        (Likeness(Path("b"), 1.0), True, "is equal to b"),
        (Likeness(Path("b"), 0.9), True, "is mostly equal to b"),
        (Likeness(Path("b[1]"), 1.0, "t"), True, "(missing), by its requests; rename it: mv 'a b' 'b[1]'"),
        (Likeness(Path("c/b"), None, "t"), False, "(missing), by its name; rename it: mkdir -p c && mv 'a b' c/b"),
    ],
)
def test_sentence_ends_with_a_shell_command(like: Likeness, there: bool, message: str) -> None:
    """The command can be copied into a shell."""
    assert sentence(like, Path("a b"), folder_is_there=there).endswith(message)
