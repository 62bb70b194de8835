"""ARCHITECTURE.md, CONTRIBUTING.md and README.md name files, make targets, tests and links that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAPS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")
# Not in the repository: what a user types or a command writes.
ELSEWHERE = ("cassettes/update.yaml", "test_agent.py", "agent.py", "test_served.py", "test_wrong_server.py")
_FILE = re.compile(r"`((?:\.?[\w-]+/)*[\w.-]+\.(?:py|md|toml|yaml|json|yml)|(?:\.?[\w-]+/)+[\w-]*)(?:::(\w+))?`")


def files_named_in(text: str) -> set[tuple[str, str]]:
    """Return the files and folders in back quotes, each with the name after `::`, if there is one."""
    return {(found[1], found[2] or "") for found in _FILE.finditer(text)} - {(name, "") for name in ELSEWHERE}


def names_in(path: Path) -> set[str]:
    """Return the functions and classes of a module."""
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize("document", MAPS)
def test_files_and_names_exist(document: str) -> None:
    """A file may be named from the root or from the package."""
    missing = []
    for file, name in files_named_in((ROOT / document).read_text("utf-8")):
        if file.startswith(".venv/"):
            continue
        path = next((each / file for each in (ROOT, ROOT / "gws_replay") if (each / file).exists()), None)
        if path is None or (name and name not in names_in(path)):
            missing.append(f"{file}::{name}" if name else file)
    assert sorted(missing) == []


@pytest.mark.parametrize("document", [*MAPS, *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_links_lead_somewhere(document: str) -> None:
    """To a file of the repository, and to a heading that is in it."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / document).read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        file, _, heading = target.partition("#")
        path = (ROOT / document).parent / file if file else ROOT / document
        if not path.exists() or (heading and heading not in headings_of(path)):
            broken.append(target)
    assert broken == []


def headings_of(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub spells them."""
    found = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_make_targets_exist() -> None:
    """Those that the documents tell people to run."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    typed = r"(?:^|`)make ([\w-]+)"
    named = {
        target for document in MAPS for target in re.findall(typed, (ROOT / document).read_text("utf-8"), re.MULTILINE)
    }
    assert named & targets
    assert named - targets == set()
