"""The cassette file: VCR version 1 as YAML or JSON, to a Cassette and back. The only file that sees PyYAML.

Plain vcrpy loads what is written here and replays its REST exchanges: our own keys stand beside `request` and
`response`, never inside. The first line and the closing `...` mark a whole file, so that a torn one is never taken
for a short one. A cassette without our keys, written by hand or by vcrpy, is read too: file order stands in for time.
"""

import base64
import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml

from gws_replay.core.cassette import FORMAT, Cassette
from gws_replay.core.model import Exchange
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr import quick_yaml

FIRST_LINE = f"# gws-replay cassette, format {FORMAT}"
_LAST_LINE = "..."
# libYAML's composer calls itself for each level, and a hundred thousand of them end the process.
_DEEPEST = 100
_STUMBLES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_ON_ONE_LINE = frozenset(
    {
        ("code", "message"),
        *(
            ("began", "ended", *user, *outcome, *layout)
            for user in ((), ("user",))
            for outcome in ((), ("outcome",))
            for layout in ((), ("layout",))
        ),
        ("interaction", "rule", "after"),
        ("interaction", "also", "rule", "after"),
    }
)


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes strings of several lines as literal blocks, so that a review reads them."""


class PlainDumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes strings in the style that is given."""


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads what vcrpy writes: safe YAML and the few Python tags of its request bodies; nothing nested without end."""

    _depth = 0

    def descend_resolver(self, _parent: Any, _index: Any) -> None:
        """Count a level down; the composer calls it. Raises YAMLError if it is too deep."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"nested deeper than {_DEEPEST} levels")

    def ascend_resolver(self) -> None:
        """Count a level up; the composer calls it."""
        self._depth -= 1


def _represent_text(dumper: Any, text: str) -> Any:
    # libYAML writes some literal blocks with white space at an end in a way that it cannot read.
    style = "|" if "\n" in text and text == text.strip() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_mapping(dumper: Any, mapping: dict[str, Any]) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", mapping, flow_style=tuple(mapping) in _ON_ONE_LINE)


def _construct_file(loader: Any, node: Any) -> Any:
    """Read the content of a body that was a file; vcrpy writes its state, content first."""
    return next(iter(loader.construct_mapping(node, deep=True).get("state") or ()), b"")


def _construct_chunks(loader: Any, node: Any) -> bytes:
    """Read a body that was an iterator of chunks."""
    (chunks,) = loader.construct_mapping(node, deep=True).get("args") or ([],)
    return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in chunks)


Dumper.add_representer(str, _represent_text)
Dumper.add_representer(dict, _represent_mapping)
Dumper.add_representer(
    tuple, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
Loader.add_constructor("tag:yaml.org,2002:python/str", lambda loader, node: loader.construct_scalar(node))
Loader.add_constructor("tag:yaml.org,2002:python/unicode", lambda loader, node: loader.construct_scalar(node))
Loader.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node))
Loader.add_constructor("tag:yaml.org,2002:python/object/new:_io.BytesIO", _construct_file)
Loader.add_constructor("tag:yaml.org,2002:python/object/apply:builtins.iter", _construct_chunks)


def dump_yaml(cassette: Cassette) -> Iterator[str]:
    """Yield the text of a cassette file in pieces, an item each."""
    yield f"{FIRST_LINE}\nversion: 1\ninteractions:{'' if cassette.interactions else ' []'}\n"
    for exchange in cassette.interactions:
        yield _yaml([vcr_document.interaction(exchange)])
    if cassette.notifications:
        yield "notifications:\n"
    for notification in cassette.notifications:
        yield _yaml([vcr_document.notification(notification)])
    if cassette.messages:
        yield f"{vcr_document.MESSAGES}:\n"
    for message in cassette.messages:
        yield _yaml([vcr_document.message(message)])
    yield _yaml({"gws_replay": dict(cassette.header)})
    yield f"{_LAST_LINE}\n"


def dump_json(cassette: Cassette) -> Iterator[str]:
    """Yield the text of a JSON cassette in pieces. Raises CassetteError for a binary body, which JSON cannot hold."""
    yield '{\n  "version": 1,\n  "interactions": '
    yield from _json_list(_textual(index, each) for index, each in enumerate(cassette.interactions))
    yield ',\n  "notifications": '
    yield from _json_list(map(vcr_document.notification, cassette.notifications))
    if cassette.messages:
        yield f',\n  "{vcr_document.MESSAGES}": '
        yield from _json_list(map(vcr_document.message, cassette.messages))
    yield f',\n  "gws_replay": {_json(dict(cassette.header), 2)}\n}}\n'


def _textual(index: int, exchange: Exchange) -> dict[str, Any]:
    item = vcr_document.interaction(exchange)
    for part, body in {"request": item["request"]["body"], "response": item["response"]["body"]["string"]}.items():
        if isinstance(body, bytes):
            raise CassetteError(
                f"interaction {index}: the {part} body is binary, which a JSON cassette cannot hold: write it as .yaml"
            )
    return item


def _json_list(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    start = "[\n    "
    for item in items:
        yield f"{start}{_json(item, 4)}"
        start = ",\n    "
    yield "[]" if start[0] == "[" else "\n  ]"


def _json(value: Any, margin: int) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + margin * " ")


def load(text: str, source: str, *, as_json: bool = False) -> Cassette:
    """Read a cassette file. Raises CassetteError, which names the file, the interaction and the field."""
    text = whole_lines(text, source, as_json=as_json)
    return vcr_document.read(parse(text, source, as_json=as_json), source)


def whole_lines(text: str, source: str, *, as_json: bool) -> str:
    """Return the text of a file without a byte order mark. Raises CassetteError where its end is missing."""
    text = text.removeprefix("\ufeff")
    is_ours = not as_json and text.startswith(FIRST_LINE.rpartition(",")[0])
    if is_ours and not text.rstrip().endswith(f"\n{_LAST_LINE}"):
        raise CassetteError(f"{source} is torn: its end is missing; restore it, or record it again")
    return text


def is_text(plain: str) -> bool:
    """Tell whether a scalar without quotes is read as the text that it is spelled as."""
    return not any(form.match(plain) for _, form in Loader.yaml_implicit_resolvers.get(plain[0], ()))


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def parse(text: str, source: str, *, as_json: bool) -> Mapping[str, Any]:
    """Parse a cassette file into plain values. Raises CassetteError, which names the file and the line."""
    try:
        with _no_garbage_collection():
            document = _parsed_json(text) if as_json else _parsed_yaml(text)
    except (
        yaml.YAMLError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise CassetteError(
            f"{source}{where} is not {'JSON' if as_json else 'YAML'} ({_problem(error)}): is it torn, no cassette, "
            "or written by a custom serializer of vcrpy?"
        ) from None
    if isinstance(document, list):
        raise CassetteError(
            f"{source} has the list form of VCR before version 1: migrate it with vcrpy, or record it again"
        )
    if not isinstance(document, dict):
        raise CassetteError(f"{source} is {'empty' if document is None else 'no cassette'}: record it again")
    return document


def content(root: Any) -> dict[str, Any]:
    """Return what the nodes of a document say."""
    constructed: dict[str, Any] = Loader("").construct_document(root)
    return constructed


def scalar(value: str | bytes) -> tuple[str, str]:
    """Return the tag and the text of the node that says a value."""
    if isinstance(value, bytes):
        return "tag:yaml.org,2002:binary", base64.b64encode(value).decode()
    return "tag:yaml.org,2002:str", value


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector: nothing that is parsed is garbage, and looking for it takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parsed_yaml(text: str) -> Any:
    try:
        return quick_yaml.load(text)
    except (quick_yaml.UnknownError, *_STUMBLES, yaml.YAMLError):  # the error is that of PyYAML's own way
        return yaml.load(text, Loader=Loader)  # noqa: S506 (a safe loader)


def _parsed_json(text: str) -> Any:
    document = json.loads(text)
    if "\\u" in text:
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is in no text that can be written
    return document


def _problem(error: Exception) -> str:
    """Say what is wrong; the constructors of PyYAML stumble over a tag that does not fit its value."""
    if isinstance(error, UnicodeEncodeError):
        return "half of a surrogate pair stands in it"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    problem = getattr(error, "problem", None) or getattr(error, "msg", None)
    if problem or type(error) is yaml.YAMLError:
        return str(problem or error)
    return "a value is not what its tag says"
