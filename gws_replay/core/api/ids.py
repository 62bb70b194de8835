"""Which values are ids: by their key, or by their form."""

from gws_replay.core.api.registry import APIS

# A text of at least this length, with a digit, can be an id in any text; a shorter one only where an id is expected.
LONG = 8
_ENDINGS = ("Id", "Uuid", "UUID")
_IDENTITIES = frozenset(api.identity for api in APIS)
_NO_IDS = frozenset(api.reference for api in APIS)  # references between two messages are counters


def is_id(name: str) -> bool:
    """Return whether the values of a key are ids."""
    return name in _IDENTITIES or (name.endswith(_ENDINGS) and name not in _NO_IDS)


def is_long_id(text: str) -> bool:
    """Return whether a text is long enough to be searched for as an id in any text."""
    return len(text) >= LONG and any(map(str.isdigit, text))


def tail(text: str) -> str:
    """Return the last segment of an address, which may be an id; the text itself if it is not an address."""
    return text.partition("?")[0].rpartition("/")[2]
