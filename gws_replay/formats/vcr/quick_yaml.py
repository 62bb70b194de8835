"""YAML to plain values, five times as fast as PyYAML's constructors: straight from what the parser sees.

It knows maps, lists, text, numbers, binary data and aliases, as vcrpy writes them. Anything else is left to the caller.
"""

import base64
import binascii
from functools import lru_cache
from typing import Any

import yaml

# What is nested deeper is left to the caller, too.
_DEEPEST = 60
_BINARY = "tag:yaml.org,2002:binary"
_TEXT = "tag:yaml.org,2002:str"
_RARE = frozenset({"tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"})
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnknownError(Exception):
    """Something that is not known here."""


def load(text: str) -> Any:
    """Return what a document says. Raises UnknownError, or what the parser raises."""
    return _Builder(_Loader(text)).document()


class _Builder:
    """Builds the value of one document."""

    def __init__(self, loader: Any) -> None:
        self._next = loader.get_event
        self._loader = loader  # it holds the text that is parsed
        self._anchors: dict[str, Any] = {}

    def document(self) -> Any:
        self._next()  # the stream
        if type(self._next()) is not yaml.DocumentStartEvent:
            raise UnknownError
        value = self._value(self._next(), 0)
        self._next()
        if type(self._next()) is not yaml.StreamEndEvent:
            raise UnknownError
        return value

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            value = _scalar(event)
            self._name(event.anchor, value)
            return value
        if kind is yaml.AliasEvent:
            if event.anchor not in self._anchors:
                raise UnknownError
            return self._anchors[event.anchor]
        if depth > _DEEPEST or event.tag is not None:
            raise UnknownError
        found: Any = {} if kind is yaml.MappingStartEvent else []
        self._name(event.anchor, found)
        if kind is yaml.MappingStartEvent:
            self._fill_mapping(found, depth + 1)
        elif kind is yaml.SequenceStartEvent:
            while type(event := self._next()) is not yaml.SequenceEndEvent:
                found.append(self._value(event, depth + 1))
        else:
            raise UnknownError
        return found

    def _name(self, anchor: str | None, value: Any) -> None:
        if anchor in self._anchors:
            raise UnknownError  # PyYAML refuses an anchor that stands twice
        if anchor is not None:
            self._anchors[anchor] = value

    def _fill_mapping(self, mapping: dict[Any, Any], depth: int) -> None:
        while type(event := self._next()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent or event.anchor is not None:
                raise UnknownError
            key = _scalar(event)
            mapping[key] = self._value(self._next(), depth)


def _scalar(event: Any) -> Any:
    if event.tag is None:
        text: str = event.value
        return _plain(text) if event.implicit[0] else text
    if event.tag == _TEXT:
        return event.value
    if event.tag == _BINARY:
        try:
            return base64.decodebytes(event.value.encode("ascii"))
        except (binascii.Error, UnicodeEncodeError):
            raise UnknownError from None
    raise UnknownError


@lru_cache(maxsize=4096)
def _plain(text: str) -> Any:
    """Return what text without quotes says: a number, a truth value, nothing, a date, or text."""
    forms = _Loader.yaml_implicit_resolvers.get(text[:1], ())
    tag = next((tag for tag, form in forms if form.match(text)), _TEXT)
    if tag == _TEXT:
        return text
    if tag in _RARE:
        raise UnknownError
    return _Loader("").construct_object(yaml.ScalarNode(tag, text))
