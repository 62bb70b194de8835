"""--gws-report: the page that pytest writes."""

from collections.abc import Sequence

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

import gws_replay.interception.interceptor  # noqa: F401
from tests.pytest_plugin.projects import PLAYED, Project, marked
from tests.reports.pages.pages import Parsed

TESTS = (
    marked(PLAYED)
    + marked("\n    Agent().swallowing()\n", head="def test_miss():")
    + marked(PLAYED, "'nowhere'", head="def test_nowhere():")
    + "def test_plain():\n    pass\n"
)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    project = Project(pytester)
    project.cassette("small.yaml")
    return project


def page(project: Project, name: str = "out/r.html") -> Parsed:
    return Parsed((project.pytester.path / name).read_text("utf-8"))


@pytest.mark.parametrize("options", [(), ("-n", "1"), ("-qq",), ("-p", "no:terminal")], ids=" ".join)
def test_the_page_shows_each_marked_test(project: Project, options: Sequence[str]) -> None:
    """With every terminal option, also under xdist, and without credentials."""
    result = project.run(TESTS, "--gws-report=out/r.html", *options, apart=True)
    assert 1 == result.ret
    parsed = page(project)
    outcomes = sorted(each["data-outcome"] or "" for each in parsed.of_class("test"))
    assert ["error", "failed", "passed"] == outcomes
    assert {"test_it", "test_miss", "test_nowhere"} < set(parsed.texts)
    assert {"exactly what was sent", "1 other key as before", "The cassette could not be played."} < set(parsed.texts)
    assert "c2VjcmV0" not in (project.pytester.path / "out" / "r.html").read_text("utf-8")


def test_the_workers_of_xdist_write_no_page(project: Project) -> None:
    """When they end, there is no page yet."""
    project.pytester.makeconftest("""
        import pathlib, pytest
        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput") and pathlib.Path("r.html").exists():
                pathlib.Path("too_early").touch()
    """)
    project.run(marked(PLAYED), "--gws-report=r.html", "-n", "1", apart=True)
    assert (True, False) == tuple((project.pytester.path / name).exists() for name in ("r.html", "too_early"))


def test_the_terminal_names_the_page(project: Project) -> None:
    """As it names pytest's own files."""
    result = project.run(marked(PLAYED), "--gws-report=out/r.html")
    assert "gws_replay: out/r.html shows each test" in result.outlines


def test_a_session_without_marked_tests_has_a_page(project: Project) -> None:
    """A build that collects the file finds it."""
    project.run("def test_plain():\n    pass\n", "--gws-report=out/r.html").assert_outcomes(passed=1)
    assert "No test with a cassette ran." in page(project).texts


@pytest.mark.parametrize(("path", "options"), [("taken", ()), ("taken", ("-qq",)), ("file/r.html", ()), ("", ())])
def test_unwritable_page_is_one_sentence(project: Project, path: str, options: Sequence[str]) -> None:
    """The exit code is that of the tests, and the old file stays."""
    (project.pytester.path / "taken").mkdir()
    (project.pytester.path / "file").write_text("mine")
    result = project.run(marked(PLAYED), f"--gws-report={path}", "-p", "no:cacheprovider", *options)
    assert 0 == result.ret
    (line,) = [line for line in result.outlines if "--gws-report" in line]
    assert line.startswith("--gws-report: cannot write ")
    assert line.endswith("; nothing there was changed")
    assert "Traceback" not in f"{result.stdout}{result.stderr}"
    assert [] == [each for each in project.pytester.path.iterdir() if each.suffix == ".tmp"]


def test_without_a_terminal_the_sentence_is_on_stderr(project: Project) -> None:
    """With the terminal plugin switched off."""
    (project.pytester.path / "taken").mkdir()
    result = project.run(marked(PLAYED), "--gws-report=taken", "-p", "no:terminal", apart=True)
    assert 0 == result.ret
    assert 1 == len([line for line in result.errlines if line.startswith("--gws-report: cannot write ")])


def test_collecting_writes_nothing(project: Project) -> None:
    """The page of the last session stays."""
    file = project.pytester.path / "r.html"
    file.write_text("mine")
    project.run(marked(PLAYED), "--gws-report=r.html", "--collect-only")
    assert "mine" == file.read_text()
