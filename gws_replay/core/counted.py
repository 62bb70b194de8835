"""A number with the word for what is counted."""


def counted(number: int, word: str) -> str:
    """Return "1 cassette", "2 cassettes"; the plural takes an s."""
    return f"{number} {word}{'' if number == 1 else 's'}"
