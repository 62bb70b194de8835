"""Edge: the registry of HTTP libraries: which are intercepted, and which cannot be watched.

A library is patched only if the process has imported it, or as soon as it does. To add one: a module that yields its
swaps, and a line here.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from gws_replay.interception.patching import Patches, Swap


class Library(NamedTuple):
    """A library by the name of its module, and the function that yields its swaps, as `module:function`."""

    module: str
    swaps: str

    def load(self) -> Iterable[Swap]:
        """Return the swaps of the imported library."""
        module, _, function = self.swaps.partition(":")
        swaps_of: Callable[[ModuleType], Iterable[Swap]] = getattr(
            import_module(f"gws_replay.interception.{module}"), function
        )
        return swaps_of(sys.modules[self.module])


LIBRARIES = (
    Library("http.client", "http_client:swaps"),
    Library("urllib3", "urllib3_connection:swaps"),
    Library("urllib3._async.connection", "urllib3_connection:swaps_of_async"),
    Library("requests.adapters", "requests_adapter:swaps"),
    Library("httpx", "httpx_transport:swaps"),
    Library("httpx2", "httpx_transport:swaps"),
    Library("httpx_curl_cffi", "httpx_transport:swaps_of_curl"),
    Library("pyreqwest.compatibility.httpx", "httpx_transport:swaps_of_pyreqwest"),
    Library("aiohttp", "aiohttp_connection:swaps"),
    Library("httplib2", "http_client:swaps_of_httplib2"),
    Library("tornado.simple_httpclient", "tornado_client:swaps"),
    Library("tornado.curl_httpclient", "tornado_client:swaps_of_curl"),
    Library("uvloop", "uvloop_guard:swaps"),
)
# Libraries that open connections in code of their own, where neither a patch nor the audit hook sees them.
UNWATCHED = ("pycurl", "grpc", "curl_cffi", "primp", "pyreqwest", "gevent", "eventlet")


def unwatched() -> tuple[str, ...]:
    """Return the names of loaded libraries whose connections cannot be watched."""
    return tuple(name for name in UNWATCHED if name in sys.modules)


_BY_MODULE = {library.module: library for library in LIBRARIES}
_patched: dict[str, ModuleType] = {}
_swaps: list[Swap] = []


def _of_imported() -> Sequence[Swap]:
    """Return the swaps of all libraries that are imported; the others are patched when they are."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    for name in _BY_MODULE:
        if (module := sys.modules.get(name)) is not None and _patched.get(name) is not module:
            _prepare(name, module)
    return _swaps


def _prepare(name: str, module: ModuleType) -> tuple[Swap, ...]:
    _patched[name] = module
    swaps = tuple(_BY_MODULE[name].load())
    _swaps.extend(swaps)
    return swaps


PATCHES = Patches(_of_imported)


class _WhenImported(importlib.abc.MetaPathFinder):
    """Patches a library when it is imported for the first time."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _BY_MODULE:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """The real loader of a module, and what patches the module after it."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Create the module."""
        created: ModuleType | None = self._real.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, and patch it."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        module.__loader__ = self._real
        self._real.exec_module(module)
        PATCHES.add(_prepare(module.__name__, module))


_FINDER = _WhenImported()
