"""The registry of report formats: each module of this package but this one.

To add a format, add its module, with a `Format` called `FORMAT`. Nothing else needs to know it.
"""

from importlib import import_module
from pkgutil import iter_modules

from gws_replay.reports import formats
from gws_replay.reports.format import Format

_DEFAULT = "text"


def _registered() -> dict[str, Format]:
    names = sorted(each.name for each in iter_modules(formats.__path__) if each.name != "registry")
    found: list[Format] = [import_module(f"{formats.__name__}.{name}").FORMAT for name in names]
    return {each.name: each for each in sorted(found, key=lambda each: each.name != _DEFAULT)}


# By name, the default first.
FORMATS = _registered()
