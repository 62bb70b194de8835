"""Tracebacks that end at the user's own lines: the frames of HTTP libraries hold live credentials."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

_PACKAGE = f"{Path(__file__).parent.parent}{os.sep}"
_STDLIB = f"{Path(contextlib.__file__).parent}{os.sep}"


def shorten(error: BaseException) -> None:
    """Cut the tracebacks of our own errors among an error, what led to it, and what it groups."""
    for each in _all_of(error):
        if type(each).__module__ == "gws_replay.errors":
            each.__traceback__ = _of_the_user(each.__traceback__)


def _all_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):  # several fixtures may fail at teardown
            for each in error.exceptions:
                yield from _all_of(each)
        error = error.__cause__ or error.__context__


def _of_the_user(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of libraries; all of it if nothing else is left."""
    frames, rest = [], traceback
    while rest:
        if not _is_library(rest.tb_frame.f_code.co_filename):
            frames.append(rest)
        rest = rest.tb_next
    cut: TracebackType | None = None
    for frame in reversed(frames):
        cut = TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut or traceback


def _is_library(filename: str) -> bool:
    return filename.startswith((_PACKAGE, _STDLIB)) or "site-packages" in filename or "dist-packages" in filename
