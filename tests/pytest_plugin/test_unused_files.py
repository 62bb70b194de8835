"""`--gws-unused` and the files: what is removed, what never is, exit codes, leftovers, renamed tests."""

import os
from pathlib import Path

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.storage.files import pending_path
from tests.pytest_plugin.projects import PLAYED, Project
from tests.pytest_plugin.test_unused_option import GONE, IT, orphans, project, section, unjudged
from tests.support.builders import exchange
from tests.support.commands import numbered, saved, small

__all__ = ["project"]
PENDING = Path("cassettes/test_agent/test_it.pending.yaml")
PASSES = "def test_it(): pass\n"
LONG_AGO = 1_000_000_000


def aged(path: Path, text: str | None = None) -> Path:
    """A file that an earlier run wrote."""
    if text is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("mode", "unused", "tests", "code"),
    [
        ("report", True, PASSES, 0),
        ("fail", True, PASSES, 1),
        ("fail", False, PASSES, 0),
        ("fail", True, "", 1),
        ("fail", True, "def test_it(:", 2),
        ("delete", True, PASSES, 0),
    ],
)
def test_the_exit_code(project: Project, mode: str, unused: bool, tests: str, code: int) -> None:
    """Only fail changes it, if something is unused; an earlier error keeps its own."""
    if unused:
        project.cassette("test_lost/test_gone.yaml")
    assert code == project.run(tests, f"--gws-unused={mode}").ret


def test_the_configuration_file_chooses_too(project: Project) -> None:
    """The ini gws_unused; one that does not exist is reported."""
    project.cassette("test_agent/test_gone.yaml")
    project.pytester.makeini("[pytest]\ngws_unused = fail\n")
    assert 1 == project.run(PASSES).ret
    project.pytester.makeini("[pytest]\ngws_unused = twice\n")
    project.run(PASSES, apart=True).stderr.fnmatch_lines(["*gws_unused is one of *, not 'twice'*"])


NOT_OURS = {
    "yaml": ("notes.yaml", "a: 1\n"),
    "json": ("data.json", '{"version": 1}'),
    "text": ("README.txt", "interactions"),
    "torn": ("torn.yaml", "# gws-replay cassette, format 1\nversion: 1\ninteractions:\n"),
    "bytes": ("bytes.yaml", "\x00"),
}


def test_delete_removes_the_orphans_and_nothing_else(project: Project) -> None:
    """It reports them; files that are not cassettes of gws_replay stay, and so do used ones."""
    project.cassette("test_agent/test_it.yaml")
    ours = project.cassette("test_agent/test_gone.yaml", numbered(3))
    vcrs = aged(ours.with_name("vcr.yaml"), "interactions: []\nversion: 1\n")
    others = [aged(ours.with_name(name), text) for name, text in NOT_OURS.values()]
    result = project.run(IT, "--gws-unused=delete")
    assert [f"removed {GONE}", "removed cassettes/test_agent/vcr.yaml"] == section(result)[-2:]
    assert "4 could not be judged: no cassette, or a damaged one" in unjudged(result)
    assert {*others, ours.with_name("test_it.yaml")} == set(ours.parent.iterdir())
    assert not vcrs.exists()


@pytest.mark.parametrize(
    ("ci", "where", "stays"),
    [("true", "ini", True), ("true", "addopts", True), ("true", "line", False), ("false", "ini", False)],
)
def test_ci_removes_nothing_by_itself(
    project: Project, monkeypatch: pytest.MonkeyPatch, ci: str, where: str, stays: bool
) -> None:
    """With CI set, delete must be on the command line."""
    monkeypatch.setenv("CI", ci)
    cassette = project.cassette("test_agent/test_gone.yaml")
    ini = {"ini": "gws_unused = delete", "addopts": "addopts = --gws-unused=delete"}.get(where, "")
    project.pytester.makeini(f"[pytest]\n{ini}\n")
    result = project.run(PASSES, *(["--gws-unused=delete"] if where == "line" else []))
    assert stays == cassette.exists()
    assert stays == ("nothing was removed: with CI set" in "\n".join(section(result)))


def test_leftovers_are_named_and_only_delete_removes_them(project: Project) -> None:
    """A recording whose test failed, an interrupted one; not the files of this run or of a running recorder."""
    aged(saved(small(), project.pytester.path / PENDING))
    aged(saved(small(), project.pytester.path / "cassettes/test_agent/test_gone.pending.yaml"))
    journal = aged(project.pytester.path / "cassettes/test_agent/test_2.yaml.journal", "{}\n")
    message = "\n".join(section(project.run(PASSES, "--gws-unused=report")))
    assert f"{PENDING}: left by a test that failed while it was recorded; test_it.yaml does not exist" in message
    assert "test_2.yaml.journal: left by a recording that was interrupted; save it: gws-replay recover cass" in message
    assert "test_gone.pending.yaml: left" in message
    assert journal.exists()
    project.run(PASSES, "--gws-unused=delete", "test_agent.py::test_it")
    assert 3 == len(names(journal.parent))
    project.run(PASSES, "--gws-unused=delete")
    assert [] == names(journal.parent)


def test_running_recording_is_not_a_leftover(project: Project) -> None:
    """A journal in use is not named; a pending file of this run is kept."""
    body = """
    from pathlib import Path
    from gws_replay.recording.journal_file import JournalFile
    global held
    held = JournalFile(Path("cassettes/test_agent/x.yaml"), {})
    Path("cassettes/test_agent/y.pending.yaml").write_text("")
"""
    message = section(project.run(f"def test_it():{body}", "--gws-unused=delete"))
    assert ["(kept: this run wrote it)"] == [line.partition("exist ")[2] for line in message if "left by" in line]
    assert ["x.yaml.journal", "y.pending.yaml"] == names(Path("cassettes/test_agent"))


NEW = f"def test_new(gws):{PLAYED}"
MV = "rename it: mv cassettes/test_agent/test_gone.yaml cassettes/test_agent/"
RENAMED = {
    "by its requests": (small(), NEW, "its requests; " + MV + "test_new.yaml"),
    "mostly": (numbered(3), NEW, "its requests, most of them; " + MV + "test_new.yaml"),
    "by a like name": (None, f"def test_all_gone(gws):{PLAYED}", "its name; " + MV + "test_all_gone.yaml"),
    "the only one": (None, NEW, "its name; " + MV + "test_new.yaml"),
}


@pytest.mark.parametrize(("pending", "tests", "message"), RENAMED.values(), ids=RENAMED)
def test_a_renamed_test_is_recognized(project: Project, pending: object, tests: str, message: str) -> None:
    """By the pending recording of a missing cassette, else by its name; such a cassette is not removed."""
    gone = project.cassette("test_agent/test_gone.yaml", numbered(4) if "most" in message else small())
    if pending:
        saved(
            numbered(3) if "most" in message else small(),
            project.pytester.path / pending_path(Path("cassettes/test_agent/test_new.yaml")),
        )
    result = project.run(tests, "--gws-unused=delete")
    (line,) = (line for line in section(result) if "no test uses it" in line)
    test = "test_all_gone" if "all" in tests else "test_new"
    assert (
        f"{GONE}: no test uses it; it looks like the cassette of test_agent.py::{test} (missing), by {message}" == line
    )
    assert gone.exists()


def test_an_orphan_that_another_cassette_equals(project: Project) -> None:
    """The other one is named; the orphan may be removed."""
    for name, count in (("test_it", 4), ("test_x", 4), ("test_y", 5), ("test_z", 1)):
        project.cassette(f"test_agent/{name}.yaml", numbered(count))
    result = project.run("def test_it(gws): pass", "--gws-unused=delete")
    equal = "cassettes/test_agent/test_it.yaml"
    assert [
        f"cassettes/test_agent/test_x.yaml: no test uses it; it is equal to {equal}",
        f"cassettes/test_agent/test_y.yaml: no test uses it; it is mostly equal to {equal}",
        "cassettes/test_agent/test_z.yaml: no test uses it",
    ] == section(result)[:3]
    assert ["test_it.yaml"] == names(Path("cassettes/test_agent"))


def test_nothing_secret_is_shown(project: Project) -> None:
    """Requests are compared and never printed, and a file name is escaped."""
    secret = exchange("POST", "/api/v2/me", {"password": "hush-hush"}, {})
    project.cassette("test_agent/test_\x1b[31m.yaml", Cassette(interactions=(secret,), header={"format": 1}))
    result = project.run(PASSES, "--gws-unused=report")
    assert ["cassettes/test_agent/test_?[31m.yaml"] == orphans(result)
    assert "hush-hush" not in result.stdout.str()


def test_help_shows_it(pytester: pytest.Pytester) -> None:
    """Option and ini."""
    text = pytester.runpytest_inprocess("--help").stdout.str()
    assert "--gws-unused={off,report,fail,delete}" in text
    assert "gws_unused (string):" in text


def test_off_it_imports_nothing(project: Project) -> None:
    """Neither the judging nor the reading modules."""
    unused = [f"gws_replay.pytest_plugin.{name}" for name in ("unused", "unused_files")]
    tests = f"import sys\ndef test_it():\n    assert not set(sys.modules) & set({unused})\n"
    project.run(tests, apart=True).assert_outcomes(passed=1)


def test_a_test_that_ran_without_its_cassette_does_not_use_it(project: Project) -> None:
    """Its name alone counts only if it has not run."""
    project.cassette("test_agent/test_it.yaml")
    assert ["cassettes/test_agent/test_it.yaml"] == orphans(project.run(PASSES, "--gws-unused=report"))
    assert [] == orphans(project.run(PASSES, "--gws-unused=report", "-k", "nothing"))


def test_target_of_a_link_is_used(project: Project) -> None:
    """A test plays the file that the link points to."""
    real = project.cassette("real.yaml")
    (real.parent / "test_agent").mkdir()
    (real.parent / "test_agent" / "test_it.yaml").symlink_to(real)
    assert [] == orphans(project.run(IT, "--gws-unused=delete"))
    assert real.exists()


def test_a_collection_that_was_stopped_judges_nothing(project: Project) -> None:
    """Tests that were not collected might use any cassette."""
    project.cassette("test_lost/test_gone.yaml")
    project.pytester.makepyfile(test_later="def test_it(): pass\n")
    result = project.run("def test_it(:", "--gws-unused=delete", "-x")
    assert ["nothing was judged: the collection did not come to its end"] == section(result)
