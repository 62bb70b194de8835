"""To add a report format is to add its module: commands offer it, and the tests over all formats try it."""

from pathlib import Path

import pytest

from gws_replay.reports.formats.registry import FORMATS
from tests.support.builders import DATA
from tests.support.commands import command_line, saved, small
from tests.support.copied_package import CopiedPackage

TESTS = DATA.parent


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> CopiedPackage:
    """A package with the invented format `tally`."""
    return CopiedPackage(tmp_path_factory.mktemp("site"), "tally.py", into="reports/formats")


def test_added_format_writes_reports(copied: CopiedPackage, tmp_path: Path) -> None:
    """To stdout and to a file; --help names it."""
    path = saved(small(), tmp_path / "c.yaml")
    assert "1 cases, 0 failed\n" == copied("verify", "--format", "tally", path)
    copied("diff", path, path, "--format", "tally", "--output", tmp_path / "out")
    assert "1 cases, 0 failed\n" == (tmp_path / "out").read_text()
    for command in ("verify", "diff", "drift"):
        assert "tally" in copied(command, "--help")
    assert "tally" not in copied("show", "--help")


@pytest.mark.parametrize("module", ["test_canaries.py", "cli/test_report.py"])
def test_added_format_is_tested(copied: CopiedPackage, module: str) -> None:
    """The test for leaks, and those of what no report may leave out, run with it."""
    root = TESTS.parent
    options = ("--collect-only", "-q", "-p", "no:cacheprovider", "-c", root / "pyproject.toml", "--rootdir", root)
    paths = f"pythonpath={copied.options['cwd']} {root}"
    collected = copied.python("-m", "pytest", *options, "-o", paths, TESTS / module)
    assert "[tally]" in collected or "-tally]" in collected


@pytest.mark.parametrize("command", ["verify", "diff", "drift", "show"])
def test_commands_offer_every_format(command: str) -> None:
    """A command that judges nothing has no cases, and offers the others."""
    offered = {name for name, each in FORMATS.items() if command != "show" or each.needs != "cases"}
    help_text = command_line(command, "--help").out
    assert f"[{'|'.join(name for name in FORMATS if name in offered)}]" in "".join(help_text.split())


def test_text_is_the_default() -> None:
    """It comes first."""
    assert "text" == next(iter(FORMATS))
