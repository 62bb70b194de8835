"""The public names: complete, sorted, and imported only when they are used."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import gws_replay

PUBLIC = {
    *("Cassette", "CassetteError", "Changes", "GwsReplayError", "ReplayMiss", "UserDataMismatch"),
    *("assert_only_changed", "compare_userdata", "load_cassette"),
}
HEAVY = ("vcr", "deepdiff", "yaml", "aiohttp", "pytest", "mitmproxy", "click")


def loaded_after(code: str) -> list[str]:
    """Return which of the heavy libraries are loaded after some code in a new interpreter."""
    probe = f"import sys; {code}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()


def test_public_names_are_exactly_these() -> None:
    """Sorted. A new name is a decision."""
    assert sorted(PUBLIC) == gws_replay.__all__


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_public_name_can_be_imported(name: str) -> None:
    """From the package itself; each has a docstring."""
    assert name == getattr(gws_replay, name).__name__
    assert getattr(gws_replay, name).__doc__


def test_unknown_name_is_an_attribute_error() -> None:
    """As in any module."""
    with pytest.raises(AttributeError, match="module 'gws_replay' has no attribute 'nonsense'"):
        _ = gws_replay.nonsense


def test_errors_have_the_documented_base_classes() -> None:
    """Two fail a test, one is a ValueError; all have one base."""
    assert issubclass(gws_replay.ReplayMiss, AssertionError)
    assert issubclass(gws_replay.UserDataMismatch, AssertionError)
    assert issubclass(gws_replay.CassetteError, ValueError)
    errors = (gws_replay.ReplayMiss, gws_replay.UserDataMismatch, gws_replay.CassetteError)
    assert all(issubclass(each, gws_replay.GwsReplayError) for each in errors)
    assert [1, 1, 2, 2] == [each.exit_code for each in (*errors, gws_replay.GwsReplayError)]
    assert (5, "gone") == (
        gws_replay.GwsReplayError("gone", exit_code=5).exit_code,
        str(gws_replay.GwsReplayError("gone")),
    )


def test_version_is_that_of_the_distribution() -> None:
    """It is written in two places."""
    assert version("gws-replay") == gws_replay.__version__


def test_importing_the_package_loads_no_library() -> None:
    """A test run that does not use the package pays nothing."""
    assert [] == loaded_after("import gws_replay")


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("from gws_replay import assert_only_changed; assert_only_changed({'A': 1}, {'A': 2}, {'A': 2})", []),
        ("from gws_replay import compare_userdata; compare_userdata({'A': [1]}, {'A': [2]})", ["deepdiff"]),
        ("from gws_replay import Cassette, GwsReplayError, ReplayMiss", []),
        ("from gws_replay import load_cassette", ["yaml"]),
        ("import gws_replay.core.oracle.judge, gws_replay.core.replay.cassette_run, gws_replay.formats.har", []),
        ("import gws_replay.core.redaction.redactor", []),
        ("import gws_replay.formats.journal_lines", []),
    ],
)
def test_a_name_loads_only_what_it_needs(code: str, loaded: list[str]) -> None:
    """DeepDiff only when values differ inside, YAML only for files."""
    assert loaded == [name for name in loaded_after(code) if name in (*loaded, *HEAVY)]
