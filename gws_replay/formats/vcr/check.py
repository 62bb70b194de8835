"""What is written is read again: each item of a cassette, before it is handed on to be written.

A cassette that would not be read as it was meant is an error with its place, and nothing replaces the old file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Notification, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr import fast_reader, yaml_text


def dump_yaml(cassette: Cassette, source: str) -> Iterator[str]:
    """Yield the text of a YAML cassette in pieces, each read again. Raises CassetteError if one says otherwise."""
    pieces = yaml_text.dump_yaml(cassette)
    items = fast_reader.Items(cassette.interactions)
    yield next(pieces)
    for index, exchange in enumerate(cassette.interactions):
        piece = next(pieces)
        _compare(_interaction(items, piece, index), vcr_document.interaction(exchange), source, f"interaction {index}")
        yield piece
    if cassette.notifications:
        yield next(pieces)
    for index, notification in enumerate(cassette.notifications):
        piece = next(pieces)
        read = _notification(items, piece, index)
        _compare(read, vcr_document.notification(notification), source, f"notification {index}")
        yield piece
    if cassette.messages:
        yield next(pieces)
    for index, message in enumerate(cassette.messages):
        piece = next(pieces)
        (read,) = yaml_text.parse(f"item:\n{piece}", source, as_json=False)["item"]
        _compare(read, vcr_document.message(message), source, f"websocket message {index}")
        yield piece
    header, *rest = pieces
    _compare(
        yaml_text.parse(header, source, as_json=False), {"gws_replay": dict(cassette.header)}, source, "the header"
    )
    yield from (header, *rest)


def dump_json(cassette: Cassette, source: str) -> Iterator[str]:
    """Yield the text of a JSON cassette, read again. Raises CassetteError if it says otherwise."""
    text = "".join(yaml_text.dump_json(cassette))
    read = yaml_text.parse(text, source, as_json=True)
    _compare_items("interaction", read["interactions"], [*map(_item, cassette.interactions)], source)
    _compare_items("notification", read["notifications"], [*map(_item, cassette.notifications)], source)
    _compare_items("websocket message", read.get(vcr_document.MESSAGES, ()), [*map(_item, cassette.messages)], source)
    _compare(read["gws_replay"], dict(cassette.header), source, "the header")
    yield text


def checked(pieces: Iterable[str], cassette: Cassette, source: str, *, as_json: bool) -> Iterator[str]:
    """Yield the text of a cassette file. Raises CassetteError if it says anything else than the cassette."""
    text = "".join(pieces)
    read = None if as_json else fast_reader.load(BytesIO(text.encode()), source)
    read = read or yaml_text.load(text, source, as_json=as_json)
    for name, written, meant in (
        ("interaction", map(_item, read.interactions), map(_item, cassette.interactions)),
        ("notification", map(_item, read.notifications), map(_item, cassette.notifications)),
        ("websocket message", map(_item, read.messages), map(_item, cassette.messages)),
    ):
        _compare_items(name, [*written], [*meant], source)
    _compare(dict(read.header), dict(cassette.header), source, "the header")
    yield text


def _interaction(items: fast_reader.Items, piece: str, index: int) -> Any:
    try:
        return vcr_document.interaction(items.exchange(index, piece))
    except CassetteError as error:
        return str(error)


def _notification(items: fast_reader.Items, piece: str, index: int) -> Any:
    try:
        return vcr_document.notification(items.notification(index, piece))
    except CassetteError as error:
        return str(error)


def _compare_items(name: str, read: Sequence[Any], meant: Sequence[Any], source: str) -> None:
    _compare(len(read), len(meant), source, f"the number of {name}s")
    for index, (one, other) in enumerate(zip(read, meant, strict=True)):
        _compare(one, other, source, f"{name} {index}")


def _item(item: Exchange | Notification | WebSocketMessage) -> dict[str, Any]:
    if isinstance(item, WebSocketMessage):
        return vcr_document.message(item)
    return vcr_document.interaction(item) if isinstance(item, Exchange) else vcr_document.notification(item)


def _compare(read: Any, meant: Any, source: str, place: str) -> None:
    if read != meant and _plain(read) != _plain(meant):
        raise CassetteError(
            f"{source}: {place} would not be read as it was meant, so nothing was written; the old file stays",
            exit_code=4,
        )


def _plain(value: Any) -> Any:
    """Return a value as a file has it: with lists only, and without what differs for no reader."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return json.dumps(value) if isinstance(value, float) else value
