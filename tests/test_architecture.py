"""The house in seven rules, read off the source: floors, cycles, fences, edges, purity, APIs, readable modules."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gws_replay"
MODULES = {
    path.relative_to(PACKAGE).as_posix(): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "demo" not in path.relative_to(PACKAGE).parts
}
LONGEST_FILE, LONGEST_FUNCTION = 400, 60

# From the ground up: a package imports only what stands on a floor below its own, or is in the package itself.
FLOORS = (
    ("errors.py", "core"),
    ("core/api", "core/bayeux", "formats"),
    ("core/oracle",),
    ("core/cassette.py",),  # with its `updates()`: what makes or reads one stands above
    ("core/compile", "core/redaction"),
    ("core/comparison", "core/replay", "formats/vcr"),
    ("core/drift", "core/explore", "storage"),
    ("__init__.py", "playback", "settings"),
    ("batch", "interception", "recording", "reports", "web"),
    ("addon.py", "drift", "reports/terminal", "sandbox", "server"),
    ("reports/pages",),
    ("reports/formats",),
    ("cli", "pytest_plugin"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS, 1) for room in rooms}

# Third party -> the files and folders that may import it.
FENCES = {
    "deepdiff": ("core/json_compare.py",),
    # edit: a change in place needs to know where each value stands in the text.
    "yaml": ("formats/vcr/yaml_text.py", "formats/vcr/quick_yaml.py", "formats/vcr/edit.py"),
    "mitmproxy": ("addon.py", "formats/flow.py"),
    "vcr": ("pytest_plugin/vcr_hooks.py", "pytest_plugin/vcr_options.py"),  # what filters and hooks of users receive
    "requests": ("interception/",),
    "tornado": ("interception/",),
    "urllib3": ("interception/",),
    "aiohttp": ("web/", "server/", "sandbox/", "drift/", "interception/"),
    "multidict": ("server/",),
    "yarl": ("drift/", "interception/"),
    "pytest": ("pytest_plugin/",),
    "_pytest": ("pytest_plugin/explore.py",),  # how one test runs: pytest has no public name for it
    "click": ("cli/",),
    "distributed": ("batch/dask.py",),
    "regex": ("core/redaction/own_patterns.py",),
    "fsspec": ("storage/object_storage.py",),
    "trustme": ("web/listening.py",),
}
# What core may use of the standard library: all of it computes, none of it looks outside.
PURE = frozenset(
    """abc array base64
    binascii bisect codecs collections contextlib copy dataclasses decimal difflib email enum fnmatch
    functools gzip hashlib heapq hmac html ipaddress itertools json keyword math operator re statistics string
    stringprep struct textwrap types typing unicodedata urllib zlib""".split()  # noqa: SIM905  (a list of words reads better so)
)
# The registry of APIs finds the modules of its own package.
FINDS_MODULES = {"core/api/registry.py": ("importlib", "pkgutil")}
LOOKS_OUTSIDE = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
APIS = ("gws_replay.core.api.gws_v2", "gws_replay.core.api.gws_v2_channels", "gws_replay.core.api.workspace_v3")


def room_of(name: str) -> str:
    """Return the innermost package (or lone file) of the floor table that a file stands in."""
    parts = name.split("/")
    rooms = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((room for room in rooms if room in FLOOR), "__main__.py")


@cache
def tree_of(name: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(MODULES[name].read_text("utf-8"))


def imports_of(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each import of a file, inside functions and for types too: the module, and the names taken from it."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            yield node.module or "", tuple(alias.name for alias in node.names)


@cache
def own_imports_of(name: str) -> frozenset[str]:
    """Return the files of the package that a file imports."""
    found = set()
    for module, taken in imports_of(name):
        if module.split(".")[0] == "gws_replay":
            path = "/".join(module.split(".")[1:])
            found |= {file for file in (_file(path), *(_file(f"{path}/{each}".strip("/")) for each in taken)) if file}
    # `from package import module` is an import of the module: the package's own file says only what it is for.
    return frozenset(file for file in found if not file.endswith("__init__.py") or file == "__init__.py") - {name}


def _file(path: str) -> str | None:
    return next((file for file in (f"{path}.py", f"{path}/__init__.py".strip("/")) if file in MODULES), None)


def circles(edges: dict[str, Iterable[str]]) -> set[frozenset[str]]:
    """Return the sets of files that import each other, in however many steps (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: set[frozenset[str]] = set()

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        path.append(name)
        for other in edges[name]:
            if other not in order:
                visit(other)
            if other in path:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            circle = path[path.index(name) :]
            del path[path.index(name) :]
            if len(circle) > 1:
                found.add(frozenset(circle))

    for name in edges:
        if name not in order:
            visit(name)
    return found


def test_imports_run_down_the_floors() -> None:
    """Each package imports only what stands below it."""
    wrong = []
    for name in MODULES:
        here = room_of(name)
        for other in own_imports_of(name):
            there = room_of(other)
            if name != "__main__.py" and there != here and FLOOR.get(there, 99) >= FLOOR[here]:
                wrong.append(f"{name} (floor {FLOOR[here]}) imports {other} (floor {FLOOR.get(there)})")
    assert sorted(wrong) == []


def test_no_file_imports_itself_through_others() -> None:
    """No cycle, also none that only types make."""
    assert circles({name: own_imports_of(name) for name in MODULES}) == set()


def test_third_parties_are_fenced() -> None:
    """Each library is seen by the files that are there for it, and no library is unknown here."""
    wrong = []
    for name in MODULES:
        for module, _ in imports_of(name):
            library = module.partition(".")[0]
            foreign = library != "gws_replay" and library not in sys.stdlib_module_names
            if foreign and not name.startswith(FENCES.get(library, ())):
                wrong.append(f"{name} imports {library}")
    assert wrong == []


def test_nobody_imports_the_edges() -> None:
    """The addon is loaded by mitmproxy, the plugin by pytest, the command line by its script."""
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        for other in own_imports_of(name)
        if room_of(other) in ("addon.py", "cli", "pytest_plugin") and room_of(other) != room_of(name)
    ]
    assert [each for each in wrong if not each.startswith("__main__.py")] == []


def test_the_core_is_pure() -> None:
    """No file, socket, clock, environment, thread, log or print in it."""
    wrong = []
    for name in (name for name in MODULES if name.startswith("core/")):
        for module, taken in imports_of(name):
            library = module.partition(".")[0]
            # `intern` holds equal strings once: the one function of `sys` that looks at nothing outside.
            pure = (
                library in PURE
                or library in ("gws_replay", "deepdiff", "regex", *FINDS_MODULES.get(name, ()))
                or (module, taken) == ("sys", ("intern",))
            )
            if not pure:
                wrong.append(f"{name} imports {module}")
        called = {
            node.func.id
            for node in ast.walk(tree_of(name))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        wrong += [f"{name} calls {each}" for each in called & LOOKS_OUTSIDE]
    assert wrong == []


def test_only_core_api_knows_the_apis() -> None:
    """The modules of one API are imported by the registry alone; the sandbox reads the API by itself."""
    wrong = [
        f"{name} imports {module}"
        for name in MODULES
        for module, taken in imports_of(name)
        for full in (module, *(f"{module}.{each}" for each in taken))
        if full in APIS and not name.startswith("core/api/")
    ]
    wrong += [
        f"{name} imports {other}"
        for name in MODULES
        if name.startswith("sandbox/")
        for other in own_imports_of(name)
        if other.startswith("core/api/")
    ]
    assert wrong == []


# What the APIs' modules name, and others too: a rule by which causes are found (the format of cassettes), a cookie of
# any Java server, and a word of English.
WORDS_OF_OTHERS = {"referenceid", "jsessionid", "e-mail"}


def texts_of(name: str) -> Iterator[str]:
    """Yield the texts in a module's code, without docstrings and the words of messages that are put together."""
    tree = tree_of(name)
    passed_over = {
        id(node.value)
        for parent in ast.walk(tree)
        if isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for node in parent.body[:1]
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (each for each in node.values if isinstance(each, ast.Constant))
            passed_over |= {id(each) for each in parts if "/" not in str(each.value)}
        if isinstance(node, ast.Constant) and id(node) not in passed_over:
            if isinstance(node.value, bytes):
                yield node.value.decode("latin-1")
            elif isinstance(node.value, str):
                yield node.value


def test_no_path_or_field_of_an_api_is_named_outside_core_api() -> None:
    """Paths, and names in camel case or with a dash, are named only in the modules of their API."""
    spelled = {
        text
        for name in MODULES
        if f"gws_replay.{name.removesuffix('.py').replace('/', '.')}" in APIS
        for text in texts_of(name)
    }
    names = {text for text in spelled if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)+|[A-Z]+ID|\w+-[\w-]+", text)}
    paths = re.compile(r"/api/v\d|/workspace/v\d|/auth/v\d|/v2/me\b")
    assert {"userData", "referenceId", "statusCode", "JSESSIONID", "X-CSRF-TOKEN", "notificationType"} <= names
    seen = {each.casefold() for each in names} - WORDS_OF_OTHERS
    wrong = [
        f"{name} names {text!r}"
        for name in MODULES
        if not name.startswith(("core/api/", "sandbox/"))
        for text in texts_of(name)
        if paths.search(text) or text.strip('"').casefold() in seen
    ]
    assert wrong == []


def test_every_module_can_be_read() -> None:
    """A docstring at the top, a name that says something, files and functions of a length that can be read."""
    wrong = []
    for name, path in MODULES.items():
        tree, length = tree_of(name), len(path.read_text("utf-8").splitlines())
        if not ast.get_docstring(tree):
            wrong.append(f"{name} has no docstring")
        if path.stem in ("utils", "helpers", "misc", "common"):
            wrong.append(f"{name} has a name that says nothing")
        if length > LONGEST_FILE:
            wrong.append(f"{name} has {length} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    wrong.append(f"{name}: {node.name} has {lines} lines")
    assert wrong == []


@pytest.mark.parametrize(("edges", "found"), [({"a": "b", "b": ""}, set()), ({"a": "b", "b": "ca", "c": ""}, {"ab"})])
def test_circles_are_found(edges: dict[str, Iterable[str]], found: set[str]) -> None:
    """The search itself works."""
    assert {frozenset(each) for each in found} == circles(defaultdict(str, edges))
