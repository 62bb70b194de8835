"""Runs the README's and the documents' examples as tests, in the order in which a reader meets them.

Each document gets an empty folder. `console` blocks are run there, line by line, and what they print is compared
(`...` stands for anything); a command that ends in `&` runs until the document does. A `python` block that begins with
`# NAME.py` is written to that file, any other is run.
The address https://gws.example.com of the examples is answered by the embedded sandbox.
"""

import doctest
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from gws_replay.sandbox.server import serving

_ROOT = Path(__file__).parent

if "PYTEST_XDIST_WORKER" in os.environ:
    # What a worker of `make coverage` starts is not measured in its turn: it would double the time of a hundred starts.
    for _name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        os.environ.pop(_name, None)

# How long an example takes says nothing on a machine that has other work.
settings.register_profile(
    "steady",
    settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=int(os.environ.get("GWS_REPLAY_EXAMPLES", "50")),
)
settings.load_profile("steady")

# What is printed in the examples and tests is printed everywhere, also where they run on GitHub.
os.environ.pop("GITHUB_ACTIONS", None)

# Workers take whole files, in this order: the slow ones first, or one works at the end while the others wait.
_SLOW = (
    "tests/pytest_plugin/test_neighbours.py",
    "tests/cli/commands/test_record.py",
    "tests/recording/test_proxy.py",
    "tests/pytest_plugin/test_explore.py",
    "tests/explore/test_planted_races.py",
    "tests/explore/test_correct_clients.py",
    "tests/server/test_client_processes.py",
    "tests/recording/test_matrix.py",
    "tests/cli/commands/test_explore.py",
    "tests/pytest_plugin/test_plugin.py",
    "tests/pytest_plugin/test_report.py",
    "tests/pytest_plugin/test_summary.py",
    "tests/pytest_plugin/test_unused_option.py",
    "README.md",
    "docs/pytest.md",
    "tests/cli/commands/test_demo.py",
    "tests/recording/test_proxy_traffic.py",
    "tests/test_addon_by_hand.py",
    "tests/cli/commands/test_serve.py",
    "tests/pytest_plugin/test_use_cassette.py",
    "tests/pytest_plugin/test_recordings.py",
    "tests/recording/test_proxy_websocket.py",
    "tests/server/test_delivery_order.py",
    "tests/test_fault_catalogue.py",
    "tests/reports/pages/test_in_browser.py",
    "tests/interception/test_no_leak.py",
    "tests/test_action.py",
    "tests/recording/test_proxy_https.py",
    "tests/faults/test_crashes.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first."""
    place = {name: number for number, name in enumerate(_SLOW)}
    items.sort(key=lambda item: place.get(item.path.relative_to(_ROOT).as_posix(), len(_SLOW)))


_STAGING = "https://gws.example.com"
_PORT = "8085"  # of the examples; a free one takes its place
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _set_up(namespace: dict[str, Any]) -> None:
    stack = namespace["stack"] = ExitStack()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    agent = resources.files("gws_replay.demo").joinpath("agent.py").read_text("utf-8")
    (folder / "agent.py").write_text(agent, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (folder / "shipped").symlink_to(_ROOT / "cassettes")
    namespace["folder"] = folder
    with socket.create_server(("127.0.0.1", 0)) as free:
        namespace["port"] = str(free.getsockname()[1])
    namespace["upstream"] = stack.enter_context(serving(push_delay=0.1)).url


def _tear_down(namespace: dict[str, Any]) -> None:
    namespace["stack"].close()


def _run_console(example: Example) -> str | None:
    """Run each `$ command` of a block, and compare what all of them print with what the block shows."""
    lines = example.parsed.splitlines()
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    wanted = "\n".join(line for line in lines if not line.startswith("$ ")).strip()
    here = example.namespace
    got = "".join(
        _run(here, command.replace(_STAGING, here["upstream"]).replace(_PORT, here["port"])) for command in commands
    )
    got = got.replace(here["upstream"], _STAGING).replace(here["port"], _PORT)
    if not wanted or doctest.OutputChecker().check_output(wanted + "\n", got, _FLAGS):
        return None
    return f"expected:\n{wanted}\n\ngot:\n{got}"


def _run(namespace: dict[str, Any], command: str) -> str:
    """Run a command to its end, or one that ends in `&` until it has said that it is ready."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        f"exec {command.removesuffix('&')}" if command.endswith("&") else command,
        shell=True,
        cwd=namespace["folder"],
        env={**os.environ, "PATH": path, "PYTEST_ADDOPTS": "-p no:hypothesispytest", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if not command.endswith("&"):
        return process.communicate()[0]
    namespace["stack"].callback(process.communicate)
    namespace["stack"].callback(process.terminate)
    output = ""
    while process.stdout and "Ctrl-C" not in output and (line := process.stdout.readline()):
        output += line
    return output


def _run_python(example: Example) -> str | None:
    """Write a block that names its file to that file; run any other in the document's folder."""
    first = example.parsed.splitlines()[0]
    if first.startswith("# ") and first.endswith(".py"):
        path = example.namespace["folder"] / first[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed, "utf-8")
        return None
    before = Path.cwd()
    os.chdir(example.namespace["folder"])
    try:
        source = example.parsed.replace(_PORT, example.namespace["port"])
        exec(compile(source, example.path, "exec"), example.namespace)
    finally:
        os.chdir(before)
    return None


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser(language="console", evaluator=_run_console),
        CodeBlockParser(language="python", evaluator=_run_python),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md"],
    setup=_set_up,
    teardown=_tear_down,
).pytest()
