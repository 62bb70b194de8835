"""Who imports whom: the layers and fences of the design, read off the source."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gws_replay"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "demo" not in path.relative_to(PACKAGE).parts)
LONGEST = 250
# A file that is longer, with the reason.
LONG = {"core/bayeux.py": "one protocol machine: splitting it would part the rules from the state they are about"}

# Third party -> the files that may import it.
FENCES = {
    "deepdiff": {"core/change.py"},
    # vcr_edit: a change in place needs to know where each value stands in the text.
    "yaml": {"formats/vcr_yaml.py", "formats/vcr_edit.py"},
    "mitmproxy": {"addon.py", "formats/flow.py"},
    "vcr": {"vcr_adapter.py", "vcr_stubs.py", "urllib3_stubs.py"},
    "urllib3": {"urllib3_stubs.py"},
    # vcr_stubs: vcrpy's stub of aiohttp cannot tell how a body was given.
    "aiohttp": {
        *("sandbox.py", "sandbox_http.py", "vcr_stubs.py"),
        *("bayeux_aiohttp.py", "server_aiohttp.py"),
        "live_wire.py",
    },
    "pytest": {"pytest_plugin.py", "pytest_runs.py", "pytest_stash.py", "pytest_summary.py", "pytest_unused.py"},
    "click": {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("cli/*.py")},
    "multidict": {"server_answers.py", "server_rest.py"},
    "distributed": {"cluster.py"},
    "fsspec": {"storage.py"},
    "trustme": {"listening.py"},
    "yarl": {"live_wire.py"},
}
# Holds equal strings once: the one function of `sys` that neither reads nor changes anything outside.
INTERN = ("sys", ["intern"])
IMPURE = {
    "builtins",
    "concurrent",
    "contextvars",
    "datetime",
    "http",
    "importlib",
    "io",
    "multiprocessing",
    "os",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "sys",
    "uuid",
    "threading",
    "time",
    "random",
    "secrets",
    "logging",
    "subprocess",
    "pathlib",
    "tempfile",
    "asyncio",
}


def name_of(path: Path) -> str:
    """The module's path inside the package."""
    return path.relative_to(PACKAGE).as_posix()


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, inside functions too, but not for type checking only."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module, [each.name for each in node.names]) != INTERN:
            assert node.level == 0, f"{name_of(path)} has a relative import"
            yield node.module or ""
            if node.module and node.module.startswith("gws_replay"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> int:
    """0 core, 1 formats, 2 everything else."""
    if module.startswith(("gws_replay.core", "core/")):
        return 0
    return 1 if module.startswith(("gws_replay.formats", "formats/")) else 2


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    """Core imports core, formats import core and formats; errors is below all."""
    below = ("gws_replay.errors",)
    wrong = [
        module
        for module in imports(path)
        if module.startswith("gws_replay.") and not module.startswith(below) and layer(module) > layer(name_of(path))
    ]
    assert [] == wrong


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_third_parties_are_fenced(path: Path) -> None:
    """Each library is seen by the files that are there for it, and no library is unknown here."""
    for module in imports(path):
        library = module.partition(".")[0]
        if library != "gws_replay" and library not in sys.stdlib_module_names:
            assert name_of(path) in FENCES[library], module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_imports_the_outermost_edges(path: Path) -> None:
    """The addon is loaded by mitmproxy, the plugin by pytest, the command line by its script."""
    outermost = ["gws_replay.addon", "gws_replay.pytest_plugin"]
    if not name_of(path).startswith("cli/") and name_of(path) != "__main__.py":
        outermost.append("gws_replay.cli")
    assert [] == [module for module in imports(path) if module.startswith(tuple(outermost))]


@pytest.mark.parametrize("path", [path for path in MODULES if layer(name_of(path)) == 0], ids=name_of)
def test_the_core_is_pure(path: Path) -> None:
    """No file, socket, clock, environment, thread, log or print in it."""
    assert not IMPURE & {module.partition(".")[0] for module in imports(path)}
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """A docstring at the top, a name that says something, a length that can be read."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert path.stem not in ("utils", "helpers", "misc")
    length = len(path.read_text("utf-8").splitlines())
    assert (length > LONGEST) == (name_of(path) in LONG), f"{length} lines"
