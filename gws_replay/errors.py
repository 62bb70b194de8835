"""The four errors that callers may see.

GwsReplayError                        something the user can put right: one sentence, the place, the next step
+-- CassetteError (ValueError)        a cassette or journal that cannot be read as one
+-- ReplayMiss (AssertionError)       the client under test sent a request that is not in the cassette
+-- UserDataMismatch (AssertionError) userData did not change exactly as it should have

The two assertion errors make a test fail rather than error.
"""

from collections.abc import Iterable


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return a question to end a message with, if one of `names` is similar to the word; else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 (only an error needs it)

    found = get_close_matches(word, list(names), n=1, cutoff=0.6)
    return f" Did you mean {found[0]!r}?" if found else ""


class GwsReplayError(Exception):
    """Base of all errors that a user can cause and mend.

    `exit_code` is what the command line ends with: 2 for bad input, 4 for a damaged recording, 5 for nothing recorded.
    """

    exit_code = 2

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code


class CassetteError(GwsReplayError, ValueError):
    """A cassette is missing, torn, foreign beyond understanding, or lacks a field."""


class ReplayMiss(GwsReplayError, AssertionError):  # noqa: N818 (the public name)
    """A request has no recorded response, or recorded exchanges were not played."""

    exit_code = 1


class UserDataMismatch(GwsReplayError, AssertionError):  # noqa: N818 (the public name)
    """The userData changed otherwise than expected."""

    exit_code = 1
