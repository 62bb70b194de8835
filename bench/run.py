"""Runs the benches that print Markdown, one after the other, and writes what they print to bench/RESULTS.md.

Run: python bench/run.py [NAME...]; without names, all. The sections of others stay as they are.
"""

import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
BENCHES = (
    "load",
    "request",
    "server",
    "servers",
    "recording",
    "compile",
    "plugin",
    "verify",
    "diff",
    "start",
    "redaction",
)
PACKAGES = (
    *("gws-replay", "vcrpy", "PyYAML", "aiohttp", "mitmproxy", "deepdiff", "click", "pytest", "pytest-recording"),
    *("cassetter", "requests", "httpx"),
)
INTRODUCTION = """# Measured

Written by `make bench`. Times of one machine say little; compare those of one table, which are of one run. A goal is a
time of the machine it was set on; the columns on the right of the goals put it beside a peer that was measured there
and is measured here. Where the time goes: [NOTES.md](NOTES.md).
"""


def section(name: str, printed: str) -> str:
    """Spell what a bench printed, under its own first sentence, with the versions of the run."""
    summary = (HERE / f"{name}.py").read_text("utf-8").split('"""')[1].split("\n")[0]
    versions = ", ".join(f"{each} {_version(each)}" for each in PACKAGES)
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"## {name}\n\n{summary}\n\n{when}; {where}; {versions}.\n\n{printed.strip()}\n"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def main() -> int:
    """Run the benches; one that fails leaves its section as it was."""
    failed = 0
    for name in sys.argv[1:] or BENCHES:
        print(f"\n## {name}", flush=True)
        lines = []
        with subprocess.Popen([sys.executable, str(HERE / f"{name}.py")], stdout=subprocess.PIPE, text=True) as bench:
            for line in bench.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        if bench.returncode:
            failed = 1
            continue
        text = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
        sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
        kept = [each.strip() + "\n" for each in sections if not each.startswith(f"## {name}\n")]
        RESULTS.write_text("\n".join([INTRODUCTION, *kept, section(name, "".join(lines))]), "utf-8")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
