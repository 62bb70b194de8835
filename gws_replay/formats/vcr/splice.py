"""Writes a changed cassette into the text it was read from: items that are as they were keep every character."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Notification, WebSocketMessage
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.formats.vcr.line_numbers import lines_of


def spliced(text: str, old: Cassette, new: Cassette) -> Iterator[str]:
    """Yield the text of a YAML cassette of ours; `text` is that of `old`, whose items are objects of `new` too."""
    pieces = vcr_yaml.dump_yaml(new)
    rows, lines = [f"{row}\n" for row in text.split("\n")], lines_of(text, as_json=False)
    line_of = {
        id(item): lines[f"{name} {index}"]
        for name, items in (
            ("interaction", old.interactions),
            ("notification", old.notifications),
            ("websocket message", old.messages),
        )
        for index, item in enumerate(items)
    }
    yield next(pieces)
    yield from _items(new.interactions, pieces, line_of, rows)
    if new.notifications:
        yield next(pieces)
    yield from _items(new.notifications, pieces, line_of, rows)
    if new.messages:
        yield next(pieces)
    yield from _items(new.messages, pieces, line_of, rows)
    yield from pieces


def _items(
    items: Sequence[Exchange | Notification | WebSocketMessage],
    pieces: Iterator[str],
    line_of: Mapping[int, int],
    rows: Sequence[str],
) -> Iterator[str]:
    for item, piece in zip(items, islice(pieces, len(items)), strict=True):
        line = line_of.get(id(item))
        yield piece if line is None else "".join(_block(rows, line - 1))


def _block(rows: Sequence[str], start: int) -> Iterator[str]:
    """Yield an item from its dash to where the next item, or anything else at the left edge, begins."""
    yield rows[start]
    for row in islice(rows, start + 1, None):
        if row[0] not in " \n#":
            return
        yield row
