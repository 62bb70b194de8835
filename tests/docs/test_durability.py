"""docs/durability.md: each promise is held by tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "docs" / "durability.md").read_text("utf-8").splitlines() if line.startswith("| ")]
PROMISES = [row for row in ROWS if not row.startswith("| promise")]


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: "-".join(row.split()[1:6]))
def test_every_promise_names_tests_that_exist(row: str) -> None:
    """By file and function."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row.rpartition("| `")[2].join(("`", "")))
    assert named
    for file, function in named:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (file, function)
