"""Edge: where a redactor's key and rules come from: the environment, and pyproject.toml."""

import os
import secrets
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.redaction.policy import LEVELS, Level, Noticed, Policy
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import reason

KEY_VARIABLE = "GWS_REPLAY_KEY"
_LISTS = ("keep", "secret", "personal")
_TABLE = "[tool.gws_replay.redact]"


def redactor(
    policy: Policy,
    settled: Iterable[str] = (),
    noticed: Noticed | None = None,
    unread: Noticed | None = None,
    *,
    key: str = "",
) -> Redactor:
    """Return a redactor with the given key, else the one of GWS_REPLAY_KEY, else a random one.

    Two redactors with the same key choose the same stand-ins.
    """
    return Redactor(policy, (key or new_key()).encode(), settled, noticed, unread)


def new_key() -> str:
    """Return the key of GWS_REPLAY_KEY, or a random one."""
    return os.environ.get(KEY_VARIABLE, "") or secrets.token_hex(32)


def shown(cassette: Cassette, using: Redactor) -> Cassette:
    """Return a cassette as it may be shown: redacted, unless its header names a level of redaction."""
    if "redaction" in cassette.header:
        return cassette
    return replace(using.cassette(cassette), header=cassette.header)


def policy_of(
    level: str = "all", added: Mapping[str, Any] | None = None, source: str = "", *, start: Path | None = None
) -> Policy:
    """Return the policy of a level, with the rules of the nearest pyproject.toml (from `start`, or here, upwards).

    `added` are more rules (keep, secret, personal) of a `source`. Raises GwsReplayError for a rule that cannot be
    read, with its file and line.
    """
    folder = (start or Path.cwd()).resolve()
    path = next((each for up in (folder, *folder.parents) if (each := up / "pyproject.toml").is_file()), None)
    rules = _checked(_read(path) if path else {}, path)
    more = _checked(added or {}, source)
    chosen: Level | None = next((each for each in LEVELS if each == level), None)
    if chosen is None:
        raise GwsReplayError(f"the level of redaction is {' or '.join(LEVELS)}, not {level!r}")
    return Policy(chosen, **{name: (*rules.get(name, ()), *more.get(name, ())) for name in _LISTS})


def policy_of_test(rules: object, start: Path) -> Policy:
    """Return the policy of a test that records: what its fixture `gws_redaction` says, and pyproject.toml.

    Raises GwsReplayError for what is wrong with either.
    """
    if not isinstance(rules, Mapping):
        raise GwsReplayError(f"gws_redaction must return a dict with level, {', '.join(_LISTS)}, not {rules!r}")
    added = {name: listed for name, listed in rules.items() if name != "level"}
    return policy_of(str(rules.get("level", "all")), added, "gws_redaction", start=start)


def _checked(rules: Mapping[str, Any], source: Path | str | None) -> Mapping[str, Sequence[str]]:
    """Return the rules if all can be read. Raises GwsReplayError for what is wrong with them, and says where."""
    unknown = [name for name in rules if name not in _LISTS]
    if unknown:
        raise GwsReplayError(f"{_place(source, unknown[0])}{unknown[0]!r} is unknown: there are {', '.join(_LISTS)}")
    for name, listed in rules.items():
        if not isinstance(listed, list | tuple) or not all(isinstance(rule, str) for rule in listed):
            raise GwsReplayError(f"{_place(source, name)}{name} must be a list of strings")
        for rule in listed:
            try:
                _ = Policy("all", **{name: (rule,)}).rules
            except ValueError as error:
                raise GwsReplayError(f"{_place(source, rule)}{name}: {error}") from None
    return rules


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("gws_replay", {}).get("redact", {})
    except OSError as error:
        raise GwsReplayError(f"cannot read {path}: {reason(error)}") from None
    except ValueError as error:  # TOML, UTF-8
        raise GwsReplayError(f"{path} cannot be parsed as TOML: {error}") from None
    if not isinstance(found, dict):
        raise GwsReplayError(f"{path}: {_TABLE} must be a table")
    return found


def _place(source: Path | str | None, what: str) -> str:
    """Say where something stands: the file, and the line where it can be found."""
    if not isinstance(source, Path):
        return f"{source}: " if source else ""
    lines = source.read_text("utf-8").splitlines()
    first = next((number for number, line in enumerate(lines) if line.strip() == _TABLE), 0)
    escaped = what.replace("\\", "\\\\").replace('"', '\\"')
    spellings = (f"'{what}'", f'"{escaped}"', f"{what} =", f"{what}=")
    found = (n for n, line in enumerate(lines) if n >= first and any(each in line for each in spellings))
    return f"{source}, line {next(found, first) + 1}: "
