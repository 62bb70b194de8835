"""What starting costs: `gws-replay --help` and the load of the pytest plugin, beside the interpreter and mitmdump.

The best of some processes, in turn. Prints tables in Markdown. Run: python bench/start.py
"""

import os
import subprocess
import sys
import time
from importlib.util import find_spec

from goals import Goal, Peer, met

ROUNDS = 15
# Python compiles our modules once, not in each run.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
# Prints the seconds of CPU of the import, after what pytest loads anyway.
PLUGIN = """
import time, pytest
began = time.process_time()
import gws_replay.pytest_plugin, gws_replay.pytest_plugin.summary, gws_replay.pytest_plugin.unused_option
print(time.process_time() - began)
"""
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "gws-replay --help": ["-m", "gws_replay", "--help"],
}
PEER = {"mitmdump --help": ["-c", "from mitmproxy.tools.main import mitmdump; mitmdump(['--help'])"]}


def plugin() -> float:
    """How many seconds the import of the plugin takes."""
    done = subprocess.run([sys.executable, "-c", PLUGIN], check=True, env=ENVIRONMENT, capture_output=True, text=True)
    return float(done.stdout)


def seconds(arguments: list[str]) -> float:
    """How long a process takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=False, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def main() -> None:
    """Print the tables."""
    commands = COMMANDS | (PEER if find_spec("mitmproxy") else {})
    best = dict.fromkeys(commands, 9.0)
    for _ in range(ROUNDS):
        for name, arguments in commands.items():
            best[name] = min(best[name], seconds(arguments))
    print("| process | takes |\n|---|--:|")
    for name, took in best.items():
        print(f"| {name} | {took * 1000:.0f} ms |")
    load = min(plugin() for _ in range(ROUNDS))
    print(f"| the pytest plugin, after pytest | {load * 1000:.1f} ms |")
    peer = Peer("mitmdump --help", best["mitmdump --help"], 0.5) if "mitmdump --help" in best else None
    met(
        [
            Goal("gws-replay --help", best["gws-replay --help"], 0.12, " s", peer),
            Goal("load of the pytest plugin", load * 1000, 15, " ms"),
        ]
    )


if __name__ == "__main__":
    main()
