"""Work that ends its process. It imports nothing else, as each process of a test imports it."""

import os

WRONG = 2


def doubled(number: int) -> int:
    """Work that goes wrong at one number as if the operating system had ended it."""
    if number == WRONG:
        os._exit(1)
    return 2 * number
