"""Edge: cassettes on object storage, by the addresses of fsspec (`s3://bucket/folder`): they are read, never written.

A credential in an address is for the storage alone: no name that is shown, and no error, has one.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.storage.names import CASSETTE_SUFFIXES

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:://|::)")
# User and password, also where somebody forgot to escape what stands in them; and the signature of a signed address.
_USER = re.compile(r"(?<=://)(?:[^/?#]*@|[^/?#@:]*:(?!\d*(?:[/?#]|$))[^?#]*@)")
_QUERY = re.compile(r"\?.*", re.DOTALL)
_REFUSAL = re.compile("Credential|Authenti|AccessDenied")
_SILENT = logging.NullHandler()


@dataclass(frozen=True, slots=True)
class Stored:
    """A file or a folder on storage: the address as it was given, and for a file of a folder its path in there."""

    address: str = field(repr=False)
    inside: str = ""

    def __str__(self) -> str:
        parts = [_QUERY.sub("", _USER.sub("", part)) for part in self.address.split("::")]
        if self.inside:
            own = self._own_part()
            scheme, _, folder = parts[own].partition("://")
            parts[own] = f"{scheme}://{folder.rstrip('/')}{'/' if folder else ''}{self.inside}"
        return "::".join(parts)

    @property
    def suffix(self) -> str:
        """The ending of the name, which says how the file is to be read."""
        return PurePosixPath(str(self).split("::")[self._own_part()]).suffix

    def is_dir(self) -> bool:
        """Return whether it is a folder. Raises CassetteError if the storage cannot be reached."""
        if self.suffix in CASSETTE_SUFFIXES:  # object storage, and the web, do not distinguish folders from files
            return False
        with self._opened() as (system, path):
            return bool(system.isdir(path))

    def files(self) -> list["Stored"]:
        """Return the cassettes of a folder, at any depth, in a stable order. Raises CassetteError."""
        with self._opened() as (system, path):
            paths = sorted(system.find(path))
        found = (Stored(self.address, each[len(path.rstrip("/")) :].lstrip("/")) for each in paths)
        return [each for each in found if each.suffix in CASSETTE_SUFFIXES]

    def content(self) -> bytes:
        """Return the bytes of a file. Raises CassetteError."""
        with self._opened() as (system, path):
            try:
                found: bytes = system.cat_file(path)
            except (FileNotFoundError, IsADirectoryError):
                if system.isdir(path):
                    raise IsADirectoryError from None
                raise
            return found

    def _own_part(self) -> int:
        """Return which part of a chain (`zip://a.yaml::s3://b.zip`) says where the file stands."""
        return next((place for place, part in enumerate(self.address.split("::")) if "://" in part), 0)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """Give the file system and the path in it; whatever goes wrong is a sentence without a credential."""
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 (an extra, and slow to import)
        except ImportError:
            raise GwsReplayError(f"cannot read {self}: addresses need `pip install 'gws-replay[storage]'`") from None
        try:
            system, path = url_to_fs(self.address)
            # Some log what they raise, traceback and all, and Python prints it if no log is configured.
            logging.getLogger(type(system).__module__.partition(".")[0]).addHandler(_SILENT)
            yield system, f"{path.rstrip('/')}/{self.inside}" if self.inside else path
        except Exception as error:  # noqa: BLE001 (every storage has errors of its own)
            raise CassetteError(f"cannot read {self}: {self._reason(error)}") from None

    def _reason(self, error: Exception) -> str:
        if isinstance(error, FileNotFoundError):
            return "there is no such file or folder"
        if isinstance(error, IsADirectoryError):
            return "it is a folder: give a cassette that is in it"
        if isinstance(error, ImportError) and isinstance(error.__cause__, ImportError) and error.__cause__.name:
            package = error.__cause__.name.partition(".")[0].replace("_", "-")
            return f"its kind of storage needs one more package: pip install {package}"
        lines = str(error).splitlines()
        if isinstance(error, ValueError) and lines and lines[0].startswith("Protocol not known: "):
            return "there is no such kind of storage: is it s3://, gs://, abfs://, https:// or another of fsspec's?"
        reason = lines[0] if lines and not any(each in lines[0] for each in self._secrets()) else type(error).__name__
        status = getattr(error, "status", None)
        if isinstance(error, PermissionError) or status in (401, 403) or _REFUSAL.search(type(error).__name__):
            reason = f"HTTP {status}" if status else reason
            return f"access is refused ({reason}): set credentials where its package (s3fs, gcsfs ...) looks for them"
        return f"the server returned {status}" if isinstance(status, int) else reason

    def _secrets(self) -> Iterator[str]:
        for pattern in (_USER, _QUERY):
            for found in pattern.findall(self.address):
                for part in re.split("[:@?&=]", found):
                    yield from {part, unquote(part)} - {""}


def is_address(text: str) -> bool:
    """Tell an address of storage from the path of a file."""
    return bool(_ADDRESS.match(text))
