"""Values that are not what was sent: the ways in which servers are known to spoil a JSON value.

Pure functions, each wrong in one way and leaving all other values alone; containers are gone through.
"""

import unicodedata
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, TypeAlias

Convert: TypeAlias = Callable[[Any], Any]


def everywhere(convert: Convert) -> Convert:
    """Return the conversion that goes into lists and objects as well."""

    def inside(value: Any) -> Any:
        if isinstance(value, list):
            return [inside(each) for each in value]
        if isinstance(value, Mapping):
            return {key: inside(each) for key, each in value.items()}
        return convert(value)

    return inside


def altered(value: Any) -> Any:
    """Return another value of the same JSON type (null becomes a number)."""
    if isinstance(value, str):
        return f"{value}*"
    if isinstance(value, list):
        return [*value, "*"]
    if isinstance(value, dict):
        return {**value, "*": "*"}
    return not value if isinstance(value, bool) else (value or 0) + 1


def altered_inside(value: Any) -> Any:
    """Alter the first value inside a list or an object."""
    if isinstance(value, dict) and value:
        first, *_ = value
        return {**value, first: altered(value[first])}
    return [altered(value[0]), *value[1:]] if isinstance(value, list) and value else value


def number_to_string(value: Any) -> Any:
    """Make numbers strings."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def string_to_number(value: Any) -> Any:
    """Make strings of digits numbers."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def int_to_float(value: Any) -> Any:
    """Make integers floating-point numbers; those that a float cannot hold stay."""
    return float(value) if type(value) is int and abs(value) <= 2**53 else value


def float_to_int(value: Any) -> Any:
    """Make floating-point numbers integers."""
    return int(value) if isinstance(value, float) else value


def bool_to_int(value: Any) -> Any:
    """Make true and false 1 and 0."""
    return int(value) if isinstance(value, bool) else value


def one_to_true(value: Any) -> Any:
    """Make 1 and 0 inside lists true and false."""
    if isinstance(value, list):
        return [bool(each) if type(each) is int and each in (0, 1) else each for each in value]
    return value


def rounded(value: Any) -> Any:
    """Hold integers in a double, as JavaScript does."""
    return int(float(value)) if type(value) is int and 2**53 < abs(value) < 2**1000 else value


def imprecise(value: Any) -> Any:
    """Hold floating-point numbers in six digits."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def emptied(value: Any) -> Any:
    """Make empty strings null."""
    return None if value == "" else value


def named(value: Any) -> Any:
    """Make null the string that some languages print for it."""
    return "null" if value is None else value


def on_text(convert: Callable[[str], str]) -> Convert:
    """Return a conversion of strings only."""
    return lambda value: convert(value) if isinstance(value, str) else value


truncated = on_text(lambda text: text[:32])
mis_decoded = on_text(lambda text: text.encode(errors="surrogatepass").decode("latin-1"))
decomposed = on_text(lambda text: unicodedata.normalize("NFD", text))
composed = on_text(lambda text: unicodedata.normalize("NFC", text))
stripped = on_text(str.strip)
escaped = on_text(escape)


def reordered(value: Any) -> Any:
    """Sort lists by the text of their items."""
    return sorted(value, key=repr) if isinstance(value, list) else value


def doubled(value: Any) -> Any:
    """Append text and lists to themselves."""
    return [*value, *value] if isinstance(value, list) else value + value if isinstance(value, str) else value
