"""The command line of a copy of the package with one more module: the module is found without any other edit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import gws_replay
from tests.support.builders import DATA


class CopiedPackage:
    """A copy of the package in a folder, with a module of tests/data/added in one of its packages."""

    def __init__(self, folder: Path, module: str, *, into: str) -> None:
        copy = folder / "gws_replay"
        shutil.copytree(Path(gws_replay.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(DATA / "added" / module, copy / into)
        environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
        # How to start a process that uses the copy: not in a folder that has another gws_replay.
        self.options: dict[str, Any] = {"env": environment, "cwd": folder, "text": True}

    def __call__(self, *arguments: str | Path, status: int = 0) -> str:
        """Run a command to its end, and return what it printed."""
        return self.python("-m", "gws_replay", *arguments, status=status)

    def python(self, *arguments: str | Path, status: int = 0) -> str:
        """Run Python with the copy, and return what it printed."""
        command = [sys.executable, *map(str, arguments)]
        ran = subprocess.run(command, **self.options, capture_output=True, timeout=120, check=False)
        assert ran.returncode == status, ran.stdout + ran.stderr
        return str(ran.stdout)
