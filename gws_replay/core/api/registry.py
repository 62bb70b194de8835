"""The registry of APIs: each module of this package that is named for an API and its version, such as `gws_v2`.

To add an API, add its module, with an `Api` called `API`. Nothing else needs to know it.
"""

import re
from importlib import import_module
from pkgutil import iter_modules

from gws_replay.core import api
from gws_replay.core.api.schema import Api

_MODULE = re.compile(r"[a-z]\w*_v\d+")


def _registered() -> tuple[Api, ...]:
    names = sorted(each.name for each in iter_modules(api.__path__) if _MODULE.fullmatch(each.name))
    found: list[Api] = [import_module(f"{api.__name__}.{name}").API for name in names]
    return tuple(sorted(found, key=lambda each: not each.fallback))


# The first one reads what no other recognises.
APIS = _registered()
FALLBACK = APIS[0]
