"""What is an id: by the key that it stands under, or by what it looks like."""

# As long as this, and with a digit, a text is looked for as an id wherever text stands.
LONG = 8
_ENDINGS = ("Id", "Uuid", "UUID")
_NO_IDS = frozenset({"referenceId", "operationId"})  # links between two messages: they count up


def is_id(name: str) -> bool:
    """Tell whether ids stand under a key."""
    return name == "id" or (name.endswith(_ENDINGS) and name not in _NO_IDS)


def is_long_id(text: str) -> bool:
    """Tell whether a text may be looked for as an id wherever text stands."""
    return len(text) >= LONG and any(map(str.isdigit, text))


def tail(text: str) -> str:
    """Return the last segment of an address, where an id may stand; a text that is no address is its own."""
    return text.partition("?")[0].rpartition("/")[2]
