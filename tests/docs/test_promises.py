"""docs/durability.md and docs/security.md: each promise names the tests that hold it, and those tests exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("durability.md", "security.md")
_HEAD = re.compile(r"\| promise \| held by \|\n\|---\|---\|\n((?:\|.*\n)+)")


def promises(page: str) -> list[str]:
    """The rows of the tables of promises of a page."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return [row for rows in _HEAD.findall(text) for row in rows.splitlines()]


@cache
def functions_of(file: str) -> frozenset[str]:
    """The functions of a test file."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(
    ("page", "row"),
    [(page, row) for page in PAGES for row in promises(page)],
    ids=lambda value: "-".join(re.findall(r"\w+", value)[:6]),
)
def test_every_promise_names_tests_that_exist(page: str, row: str) -> None:
    """By file and function."""
    _, promise, held_by, _ = re.split(r"(?<!\\)\|", row)
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", held_by)
    assert promise.strip()
    assert named, page
    assert [] == [f"{file}::{function}" for file, function in named if function not in functions_of(file)]


@pytest.mark.parametrize(("page", "least"), [("durability.md", 20), ("security.md", 25)])
def test_the_tables_are_found(page: str, least: int) -> None:
    """Or nothing would be checked."""
    assert len(promises(page)) >= least
