"""What is an id: by the key that it stands under, or by what it looks like."""

from gws_replay.core.api.registry import APIS

# As long as this, and with a digit, a text is looked for as an id wherever text stands.
LONG = 8
_ENDINGS = ("Id", "Uuid", "UUID")
_IDENTITIES = frozenset(api.identity for api in APIS)
_NO_IDS = frozenset(api.reference for api in APIS)  # links between two messages: they count up


def is_id(name: str) -> bool:
    """Tell whether ids stand under a key."""
    return name in _IDENTITIES or (name.endswith(_ENDINGS) and name not in _NO_IDS)


def is_long_id(text: str) -> bool:
    """Tell whether a text may be looked for as an id wherever text stands."""
    return len(text) >= LONG and any(map(str.isdigit, text))


def tail(text: str) -> str:
    """Return the last segment of an address, where an id may stand; a text that is no address is its own."""
    return text.partition("?")[0].rpartition("/")[2]
