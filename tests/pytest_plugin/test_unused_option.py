"""`--gws-unused` as a user meets it: what counts as used, what is judged, what is reported and what is removed."""

from pathlib import Path

import pytest

from tests.pytest_plugin.projects import PLAYED, Project, marked
from tests.support.commands import numbered, saved, small

IT = f"def test_it(gws):{PLAYED}"
GONE = "cassettes/test_agent/test_gone.yaml"
UNUSED = "cassettes/unused.yaml"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


def section(result: pytest.RunResult) -> list[str]:
    """The part of the terminal summary about unused cassettes."""
    lines = result.stdout.lines
    start = next(n for n, line in enumerate(lines) if line.startswith("==") and "unused cassettes" in line) + 1
    return lines[start : next(n for n, line in enumerate(lines[start:], start) if line.startswith("=="))]


def orphans(result: pytest.RunResult) -> list[str]:
    return [line.partition(": no test")[0] for line in section(result) if ": no test uses it" in line]


def unjudged(result: pytest.RunResult) -> str:
    return "\n".join(line for line in section(result) if "could not be judged: " in line)


def test_unused_cassette_is_named(project: Project) -> None:
    """Its own test does not exist, or no marker names it; a used cassette is not named, and all tests still pass."""
    for name in ("test_agent/test_it.yaml", "test_agent/test_gone.yaml", "unused.json", "small.yml"):
        project.cassette(name)
    result = project.run(IT + marked(PLAYED, "'small.yml'", "def test_2():"), "--gws-unused=report")
    assert [GONE, "cassettes/unused.json"] == orphans(result)
    assert 0 == result.ret


def test_option_is_off_by_default(project: Project) -> None:
    """And the command line can switch it off against the configuration file."""
    project.cassette("test_agent/test_it.yaml")
    project.cassette("test_agent/test_gone.yaml")
    assert "unused cassettes" not in project.run(IT).stdout.str()
    project.pytester.makeini("[pytest]\ngws_unused = fail\n")
    result = project.run(IT, "--gws-unused=off", "-p", "no:cacheprovider")
    assert (0, False) == (result.ret, "unused cassettes" in result.stdout.str())


# What uses a cassette: its name, the tests, the options.
USED = {
    "fixture": ("test_agent/test_it", IT, ()),
    "marker alone": ("test_agent/test_it", marked(PLAYED, "", "def test_it():"), ()),
    "two names": ("small", f"@pytest.mark.gws_cassette('test_agent/b')\n{marked('    pass')}", ()),
    "keyword": ("deep/er/v1.2", marked("    pass", "name='deep/er/v1.2'"), ()),
    "not chosen by -k": ("small", marked(PLAYED), ("-k", "nothing")),
    "not chosen by -m": ("test_agent/test_it", IT, ("-m", "nothing")),
    "deselected": ("test_agent/test_it", IT, ("--deselect=test_agent.py::test_it",)),
    "collected only": ("test_agent/test_it", IT, ("--collect-only",)),
    "skipped": ("test_agent/test_it", f"@pytest.mark.skip\n{IT}", ()),
    "expected to fail": ("test_agent/test_it", f"@pytest.mark.xfail\n{IT}    assert 0\n", ()),
    "not run by xfail": ("test_agent/test_it", f"@pytest.mark.xfail(run=False)\n{IT}", ()),
    "failed": ("test_agent/test_it", f"{IT}    assert 0\n", ()),
    "failed before": (
        "small",
        f"@pytest.fixture(autouse=True)\ndef broken():\n    assert 0\n{marked(PLAYED)}",
        (),
    ),
    "parameter": (
        "test_agent/test_it[x-1]",
        f"@pytest.mark.parametrize('a, b', [('x', 1)])\ndef test_it(a, b, gws):{PLAYED}",
        (),
    ),
    "class": ("test_agent/TestA.test_it", f"class TestA:\n  def test_it(self, gws):{PLAYED}", ()),
    "inner class": (
        "test_agent/TestA.TestB.test_it",
        f"class TestA:\n class TestB:\n  def test_it(self, gws):{PLAYED}",
        (),
    ),
    "server": ("test_agent/test_it", "def test_it(gws_server): pass", ()),
    "through a fixture": (
        "test_agent/test_it",
        f"@pytest.fixture\ndef mine(gws): pass\ndef test_it(mine):{PLAYED}",
        (),
    ),
    "asked for in the test": (
        "test_agent/test_it",
        f"def test_it(request):\n    request.getfixturevalue('gws'){PLAYED}",
        (),
    ),
    "opened by its file": ("data", "def test_it():\n    open('cassettes/data.yaml').close()", ()),
    "by vcrpy": (
        "TestA.test_it",
        "import vcr.unittest\nclass TestA(vcr.unittest.VCRTestCase):\n  def test_it(self): pass",
        (),
    ),
    "by another plugin": ("test_agent/test_it", "@pytest.mark.vcr\ndef test_it(): pass", ()),
    "by a wider fixture": ("login", "# with gws_use_cassette('login'):\ndef test_it(): pass", ()),
}


@pytest.mark.parametrize(("name", "tests", "options"), USED.values(), ids=USED)
def test_a_cassette_is_used(project: Project, name: str, tests: str, options: tuple[str, ...]) -> None:
    """By a collected test that names it in any way, whatever the result of that test; another one is named."""
    project.cassette(f"{name}.yaml")
    project.cassette("test_agent/test_gone.yaml")
    assert [GONE] == orphans(project.run(tests, "--gws-unused=report", *options, "-W", "ignore"))


def test_cassette_of_a_removed_parameter_is_named(project: Project) -> None:
    """There is one file for each parameter."""
    for each in "ab":
        project.cassette(f"test_agent/test_it[{each}].yaml")
    result = project.run(f"@pytest.mark.parametrize('p', ['a'])\ndef test_it(p, gws):{PLAYED}", "--gws-unused=report")
    assert ["cassettes/test_agent/test_it[b].yaml"] == orphans(result)


# How a run was cut short: the options, what cannot be judged, what still can.
CUT = {
    "single tests": (
        ("test_agent.py::test_it",),
        "2 could not be judged: test_agent.py was collected in part: single",
        0,
    ),
    "one file": (("test_agent.py",), "1 could not be judged: test_other.py was not collected", 1),
    "the other file": (("test_other.py",), "3 could not be judged: test_agent.py was not collected", 0),
    "ignored": (("--ignore=test_other.py",), "1 could not be judged: test_other.py was not collected", 1),
    "both": (("test_agent.py::test_it", "test_other.py", "test_agent.py"), "", 2),
    "folder and test": ((".", "test_agent.py::test_it"), "", 2),
}


@pytest.mark.parametrize(("options", "message", "count"), CUT.values(), ids=CUT)
def test_only_what_the_run_could_judge_is_judged(
    project: Project, options: tuple[str, ...], message: str, count: int
) -> None:
    """A test's own cassette if its file was collected completely, a shared one if all were; delete keeps the others."""
    for name in ("test_agent/test_it.yaml", "test_agent/test_gone.yaml", "unused.yaml"):
        project.cassette(name)
    project.pytester.makepyfile(test_other="def test_other(): pass\n")
    result = project.run(IT, "--gws-unused=delete", *options)
    assert [GONE, UNUSED][:count] == orphans(result)
    assert message in unjudged(result)
    assert bool(message) == bool(unjudged(result))
    left = [Path(path).exists() for path in (GONE, UNUSED)]
    assert [count < 1, count < 2] == left


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("def test_it(:", "test_other.py could not be collected"),
        ("import pytest\npytest.skip('no', allow_module_level=True)", "test_other.py was skipped"),
    ],
)
def test_a_file_that_was_not_collected_is_not_judged(project: Project, other: str, message: str) -> None:
    """After an error or a skip: neither its own cassettes nor shared ones; those of another file are."""
    for name in ("test_agent/test_gone.yaml", "test_other/test_1.yaml", "unused.yaml"):
        project.cassette(name)
    project.pytester.makepyfile(test_other=other)
    result = project.run("def test_it(): pass", "--gws-unused=report")
    assert [GONE] == orphans(result)
    assert f"2 could not be judged: {message}" in unjudged(result)


def test_last_failed_judges_nothing(project: Project) -> None:
    """--lf leaves tests out before they are collected."""
    project.cassette("test_agent/test_gone.yaml")
    project.run("def test_1(): pass\ndef test_2(): assert 0")
    result = project.pytester.runpytest_inprocess("--lf", "--gws-unused=report")
    assert ([], "1 could not be judged: test_agent.py was collected in part, for --lf") == (
        orphans(result),
        unjudged(result),
    )


def test_cassettes_of_a_removed_module_are_named(project: Project) -> None:
    """No test file of that name is beside the folder; other folders are not judged so."""
    project.cassette("test_gone/test_it.yaml")
    project.cassette("shared/it.yaml")
    project.pytester.makepyfile(test_other="def test_it(): pass\n")
    result = project.run("def test_it(): pass", "test_agent.py", "--gws-unused=report")
    assert ["cassettes/test_gone/test_it.yaml"] == orphans(result)
    assert "1 could not be judged: test_other.py was not collected" == unjudged(result)


def test_xdist(project: Project) -> None:
    """What several workers collected and used is judged once, in one section, and fails the session."""
    elsewhere = "from pathlib import Path\n@pytest.fixture\ndef gws_cassette_dir():\n    return Path('else')\n"
    for name in ("small.yaml", "gone.yaml"):
        saved(small(), project.pytester.path / "else" / name)
    project.cassette("test_agent/test_gone.yaml", numbered(3))
    tests = elsewhere + "@pytest.mark.parametrize('n', range(8))\n" + marked(PLAYED, head="def test_it(n):")
    result = project.run(tests, "--gws-unused=fail", "-n", "2", "-k", "not 7", apart=True)
    assert [GONE, "else/gone.yaml"] == orphans(result)
    assert (1, 1) == (result.ret, result.stdout.str().count("unused cassettes"))


def test_with_one_folder_for_all(project: Project) -> None:
    """With --gws-cassette-dir, by the module's path from the root; a shared cassette needs all of testpaths."""
    for name in ("tests/test_a/test_1", "tests/test_a/test_2", "tests/test_b/test_1", "tests/test_c/test_1", "unused"):
        saved(small(), project.pytester.path / "all" / f"{name}.yaml")
    for name in "ab":
        path = project.pytester.path / "tests" / f"test_{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("def test_1(gws): pass\n")
    options = ("--gws-cassette-dir=all", "--gws-unused=report")
    result = project.pytester.runpytest_inprocess("tests/test_a.py", *options)
    assert ["all/tests/test_a/test_2.yaml", "all/tests/test_c/test_1.yaml"] == orphans(result)
    assert "2 could not be judged: tests/test_b.py was not collected" in unjudged(result)
    assert "all/unused.yaml" in orphans(project.pytester.runpytest_inprocess(*options))


def test_folder_of_gws_cassette_dir_is_searched(project: Project) -> None:
    """Cassettes there that a test that did not run may use count as used."""
    override = "from pathlib import Path\n@pytest.fixture\ndef gws_cassette_dir():\n    return Path('else')\n"
    for name in ("small", "other", "unused", "test_agent/test_3"):
        saved(small(), project.pytester.path / "else" / f"{name}.yaml")
    project.cassette("small.yaml")
    tests = override + marked(PLAYED, head="def test_1():") + marked(PLAYED, "'other'", "def test_2():")
    result = project.run(f"{tests}\ndef test_3(gws): pass\n", "--gws-unused=report", "-k", "test_1")
    assert ["cassettes/small.yaml", "else/unused.yaml"] == orphans(result)


def test_many_files_that_were_not_collected_take_one_line(project: Project) -> None:
    """The first one is named."""
    for name in "abc":
        project.pytester.makepyfile(**{f"test_{name}": ""})
        project.cassette(f"test_{name}/test_it.yaml")
    result = project.run("def test_it(): pass", "test_agent.py", "--gws-unused=report")
    assert "3 could not be judged: test_a.py was not collected (and 2 more)" == unjudged(result)


def test_a_linked_folder_is_judged_where_it_is(project: Project) -> None:
    """A cassette that is used under one name is not removed under another."""
    used = project.cassette("small.yaml")
    (project.pytester.path / "inner").mkdir()
    (project.pytester.path / "inner" / "cassettes").symlink_to(used.parent)
    (project.pytester.path / "inner" / "test_inner.py").write_text("def test_it(): pass\n")
    result = project.run(marked(PLAYED), "--gws-unused=delete")
    assert ([], True) == (orphans(result), used.exists())
