"""Edge: what does not count when requests are compared: options of a command, and `[tool.gws_replay.matching]`."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from gws_replay.core.replay.request_fields import IgnoredFields, json_path
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import reason

TABLE: Final = "tool.gws_replay.matching"
_NAMES: Final = ("ignore_query", "ignore_body")


def ignored_fields(query: Iterable[str] = (), body: Iterable[str] = (), *, start: Path | None = None) -> IgnoredFields:
    """Return the fields that a command names, and those of the nearest pyproject.toml (from `start`, or here, upwards).

    Raises GwsReplayError for a path that cannot be parsed, and for a table that cannot be read.
    """
    listed = _of_project((start or Path.cwd()).resolve())
    for path in body:
        _check(path, "--ignore-body")
    return IgnoredFields((*listed.query, *query), (*listed.body, *body))


@lru_cache(maxsize=64)
def _of_project(folder: Path) -> IgnoredFields:
    path = next((each for up in (folder, *folder.parents) if (each := up / "pyproject.toml").is_file()), None)
    if path is None:
        return IgnoredFields()
    try:
        text = path.read_text("utf-8")
        if "gws_replay" not in text:
            return IgnoredFields()
        import tomllib  # noqa: PLC0415  (few projects have such a table, and each marked test asks)

        table = tomllib.loads(text).get("tool", {}).get("gws_replay", {}).get("matching", {})
    except OSError as error:
        raise GwsReplayError(f"cannot read {path}: {reason(error)}") from None
    except ValueError as error:
        raise GwsReplayError(f"{path} cannot be parsed as TOML: {error}") from None
    place = f"{path}, [{TABLE}]"
    if not isinstance(table, dict) or not all(name in _NAMES for name in table):
        raise GwsReplayError(f"{place} takes {' and '.join(_NAMES)}, each a list of strings")
    for name in table:
        if not isinstance(table[name], list) or not all(isinstance(each, str) for each in table[name]):
            raise GwsReplayError(f"{place}: {name} must be a list of strings")
    for each in table.get("ignore_body", ()):
        _check(each, f"{place}: ignore_body")
    return IgnoredFields(tuple(table.get("ignore_query", ())), tuple(table.get("ignore_body", ())))


def _check(path: str, place: str) -> None:
    try:
        json_path(path)
    except ValueError as error:
        raise GwsReplayError(f"{place}: {error}") from None
