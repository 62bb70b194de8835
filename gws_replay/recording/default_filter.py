"""What a proxy records if nothing else is said: the traffic of every registered API, with its log-ins and CometD."""

from gws_replay.core.api import dialects as api

# As a filter of mitmproxy.
DEFAULT_FILTER = " | ".join(f"~u {part}" for part in api.RECORDED_PATHS)
_PARTS = tuple(part.encode() for part in api.RECORDED_PATHS)


def is_recorded(path: bytes) -> bool:
    """Tell whether a request's path is one that the default filter takes, in less time than the filter needs."""
    return any(part in path for part in _PARTS)
