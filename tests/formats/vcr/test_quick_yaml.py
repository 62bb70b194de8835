"""The quick way to read YAML says what PyYAML says, or says that it does not know."""

import gc
from typing import Any

import pytest
import yaml

from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import quick_yaml, yaml_text
from tests.support.yaml_styles import generated

VALUES = (
    *[
        "1",
        "-7",
        "0x1F",
        "0o7",
        "1_000",
        "1.5",
        "1e3",
        ".inf",
        "true",
        "No",
        "~",
        "null",
        "2026-11-30",
        "=",
        "x",
        "1:30",
        "'1'",
    ],
    *("", '"true"', "!!str 1", "!!binary AAEC", "[1, [2, {a: b}]]", "2026-11-30 10:00:00", "a: b", "{1: 2, a: }"),
    *("|\n  x\n  y\n", ">-\n  x\n  y", "{a: 1, a: 2}", "'{a: 1}'", "[&a x, *a]"),
)


def shape(value: Any) -> Any:
    """A value with the types in it."""
    if isinstance(value, dict):
        return {(type(key), key): shape(each) for key, each in value.items()}
    return list(map(shape, value)) if isinstance(value, list) else (type(value), value)


def by_yaml(text: str) -> Any:
    """What PyYAML's own way says."""
    return yaml.load(text, Loader=yaml_text.Loader)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_files_of_any_style_say_the_same(start: int) -> None:
    """With aliases, tags, blocks and quotes."""
    for number in range(start, start + 50):
        text, ending = generated(number)
        text = text.removeprefix("\ufeff")
        if ending == ".yaml":
            assert shape(by_yaml(text)) == shape(quick_yaml.load(text)), number


@pytest.mark.parametrize("value", VALUES)
def test_values_have_their_types(value: str) -> None:
    """As in YAML 1.1; what is rare is not known."""
    text = f"k:\n  {value}\n"
    try:
        found = quick_yaml.load(text)
    except quick_yaml.UnknownError:
        assert value == "="
        return
    assert repr(shape(by_yaml(text))) == repr(shape(found))


def test_a_value_may_hold_itself() -> None:
    """As an alias says."""
    found = quick_yaml.load("&a [1, *a]")
    assert found[1] is found


UNKNOWN = (
    *("a: !!python/tuple [1]", "a: {<<: {b: 1}}", "? [a]\n: 1", "--- a\n--- b", "a: *b", "", "a: !!set {}"),
    "[" * 70 + "]" * 70,
)


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_yaml_is_left_to_the_caller(text: str) -> None:
    """Tags of Python, merged keys, several documents, what is nested deep."""
    with pytest.raises((quick_yaml.UnknownError, yaml.YAMLError)):
        quick_yaml.load(text)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_as_it_was(*, enabled: bool) -> None:
    """Also after a file that cannot be read."""
    try:
        if not enabled:
            gc.disable()
        for text in ("a: 1", "a: ["):
            try:
                yaml_text.parse(text, "f", as_json=False)
            except CassetteError:
                assert text == "a: ["
            assert enabled == gc.isenabled()
    finally:
        gc.enable()
