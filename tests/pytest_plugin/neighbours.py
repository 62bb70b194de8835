"""A separate environment for the plugins that are used beside gws_replay, and projects that use several of them.

It is not the environment of the tests: two of these plugins cannot be installed together unless one is blocked, and one
reorders all tests. It is built once, and again when its requirements change.
"""

import fcntl
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.commands import saved, small

ROOT = Path(__file__).parents[2]
# The names of their entry points; all that a test does not use are blocked.
NEIGHBOURS = ("anyio", "asyncio", "cassetter", "pytest_httpx", "randomly", "recording", "socket")


def environment() -> Path:
    """Return the interpreter of the neighbours' environment, which is built if need be."""
    folder = ROOT / f".venv-neighbours-{sys.version_info.major}.{sys.version_info.minor}"
    folder.mkdir(exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = json.dumps([sys.version, project["project"]["dependencies"], project["dependency-groups"]["neighbours"]])
    python, ready = folder / "bin" / "python", folder / "ready"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers of xdist may need it at once
        if not ready.exists() or wanted != ready.read_text("utf-8"):
            _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
            pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
            _run(*pip, "--editable", str(ROOT), "--group", f"{ROOT / 'pyproject.toml'}:neighbours")
            ready.write_text(wanted, "utf-8")
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert 0 == done.returncode, done.stdout


class Street:
    """A user's project, run in the neighbours' environment with some of them."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.python = environment()
        self._monkeypatch = monkeypatch
        saved(small(), pytester.path / "cassettes" / "small.yaml")

    def run(self, *options: str, beside: tuple[str, ...] = (), **files: str) -> pytest.RunResult:
        """Run pytest on some files, as its plugins are found by themselves, all but the named neighbours blocked."""
        self.pytester.makepyfile(**files)
        blocked = [each for name in NEIGHBOURS if name not in beside for each in ("-p", f"no:{name}")]
        return self.pytester.run(self.python, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *blocked, *options)

    def run_bare(self, *options: str, **files: str) -> pytest.RunResult:
        """Run pytest without any plugin that the options do not name."""
        self.pytester.makepyfile(**files)
        self._monkeypatch.setitem(os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return self.pytester.run(self.python, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *options)
