"""Cassettes in every style in which YAML and JSON can be written, with secrets and persons in them.

The style of a file, and what stands in it, are chosen by a number: the same number makes the same file.
"""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

import yaml

SECRET, PERSON = "Wolkenbruch-4711", "Leopoldine Quast"
GONE = (SECRET, PERSON)
_KEYS = ("password", "FirstName", "note", "ort", "x y", "Prio")
_TEXTS = (
    *(
        SECRET,
        f"{SECRET}.",
        f"for {SECRET}",
        f"<{SECRET}>",
        "plain",
        "",
        " leading",
        "trailing ",
        "a: b",
        "# no comment",
    ),
    *(
        "it's",
        '"quoted"',
        "tab\there",
        "ä€\U0001f600",
        "line\nbreak",
        "two\n\nbreaks\n",
        "null",
        "1.50",
        "yes",
        "- dash",
    ),
    *("{brace", "[1, 2]", "%percent", "@at", "`tick", "back\\slash", "\u00a0nbsp", "\u2028sep", "\x85nel", "\x07bell"),
)


class _Any(yaml.SafeDumper):
    """Writes scalars in a style of its own for each."""


def generated(number: int) -> tuple[str, str]:
    """Return the text of a cassette, and the ending of its name."""
    chance = random.Random(number)
    document = _document(chance)
    writer = chance.choice([_json_text, _yaml_text, _yaml_text, _yaml_text, _by_hand])
    return writer(document, chance), ".json" if writer is _json_text else ".yaml"


def parsed(text: str, ending: str) -> Any:
    """Return the content of a file as the plain libraries read it."""
    text = text.removeprefix("\ufeff")
    return json.loads(text) if ending == ".json" else yaml.safe_load(text)


def _document(chance: random.Random) -> dict[str, Any]:
    parts: list[tuple[str, Any]] = [
        ("version", 1),
        ("interactions", [_item(chance) for _ in range(chance.randint(1, 3))]),
    ]
    if chance.random() < 0.3:
        parts.append(("recorded_with", chance.choice(["a tool", "VCR 6.0", {"name": "x"}])))
    if chance.random() < 0.2:
        parts.append(("gws_replay_redaction", {"redaction": "secrets", "policy": "default 1"}))
    chance.shuffle(parts)
    return dict(parts)


def _item(chance: random.Random) -> dict[str, Any]:
    headers = {
        "Authorization": [f"Bearer {SECRET}"],
        "X-Note": chance.choice([[chance.choice(_TEXTS[4:])], "one", ["a", "b"]]),
        "Accept": ["*/*"],
    }
    request = {
        "method": "POST",
        "uri": f"http://h/api/{chance.choice(['a', 'b?n=1'])}",
        "body": _body(chance),
        "headers": headers,
    }
    status = {"code": 200, "message": chance.choice(["OK", f"Hello {SECRET}", ""])}
    response = {"status": status, "headers": {"Content-Type": ["application/json"]}, "body": {"string": _body(chance)}}
    parts = [("request", request), ("response", response)]
    chance.shuffle(parts)
    return dict(parts)


def _body(chance: random.Random) -> str:
    fields = {chance.choice(_KEYS): chance.choice(_TEXTS) for _ in range(chance.randint(1, 4))}
    fields |= {"password": SECRET, "FirstName": PERSON, "Again": f"{PERSON} again"}
    kind = chance.randint(0, 5)
    if kind == 0:
        return f"a=1&password={SECRET}\r\nand {chance.choice(_TEXTS[4:])}"
    if kind == 1:
        return f"<a>\n  <FirstName>{PERSON}</FirstName>\n\n  <password>{SECRET}</password>\n</a>\n"
    text = json.dumps(fields, indent=chance.choice([None, 2, 4, 1]), ensure_ascii=chance.random() < 0.5)
    return text + chance.choice(["", "", "\n"])


def _json_text(document: Any, chance: random.Random) -> str:
    text = json.dumps(document, indent=chance.choice([None, 1, 2, 4]), ensure_ascii=chance.random() < 0.5)
    return chance.choice(["", "", "\ufeff"]) + text + chance.choice(["", "\n"])


def _yaml_text(document: Any, chance: random.Random) -> str:
    styles: list[str | None] = [None, None, "'", '"', "|", ">"]

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=chance.choice(styles))

    def mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.Node:
        return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=chance.random() < flow)

    def sequence(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=chance.random() < flow)

    flow = chance.choice([0.0, 0.1, 0.4, 1.0])
    dumper: Any = type("_Styled", (_Any,), {"yaml_representers": dict(_Any.yaml_representers)})
    dumper.add_representer(str, text)
    dumper.add_representer(dict, mapping)
    dumper.add_representer(list, sequence)
    written: str = yaml.dump(
        document,
        Dumper=dumper,
        width=chance.choice([20, 80, 10_000]),
        indent=chance.choice([2, 4, 8]),
        allow_unicode=chance.random() < 0.7,
        sort_keys=False,
        explicit_start=chance.random() < 0.2,
        explicit_end=chance.random() < 0.2,
    )
    return _around(written, chance)


def _around(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    if chance.random() < 0.3:
        lines.insert(0, "# a comment at the start") if not text.startswith("---") else None
    if chance.random() < 0.2 and not text.rstrip().endswith("..."):
        lines.append("# a comment at the end")
    text = "\n".join(lines)
    if chance.random() < 0.25:
        text = text.replace("\n", "\r\n")
    if chance.random() < 0.15:
        text = text.rstrip()
    return chance.choice(["", "", "", "\ufeff"]) + text


def _by_hand(document: Any, chance: random.Random) -> str:
    """Write YAML that no library writes: anchors, tags, binary, blocks with headers and comments."""
    item = document["interactions"][0]
    body = item["response"]["body"]["string"]
    lines = [
        "interactions:",
        "- request:",
        f"    body: {chance.choice(list(_spelled(item['request']['body'], 6, chance)))}",
        "    headers:",
        f"      Authorization: &auth [Bearer {SECRET}]  # the token",
        f"      X-Again: {chance.choice(['*auth', '[*text, b]', 'c'])}",
        f"      X-Text: &text {chance.choice([SECRET, 'plain text'])}",
        "    method: POST",
        f"    uri: {chance.choice(['http://h/a', chr(39) + 'http://h/a?x=1' + chr(39)])}",
        "  response:",
        "    body:",
        f"      string: {chance.choice(list(_spelled(body, 8, chance)))}",
        "    headers: {Content-Type: [application/json]}",
        f"    status: {{code: 200, message: Hi {SECRET}}}",
        "version: 1",
    ]
    # An alias may only follow its anchor.
    if "*text" in lines[5]:
        lines[5], lines[6] = lines[6], lines[5]
    return _around("\n".join(lines) + "\n", chance)


def _spelled(text: str, margin: int, chance: random.Random) -> Iterator[str]:
    pad = " " * margin
    yield yaml.dump(text, default_style='"', width=10_000, allow_unicode=True).strip()
    yield f"!!binary {base64.b64encode(text.encode()).decode()}"
    if text.isprintable() and text.strip() == text:
        yield "!!str '" + text.replace("'", "''") + "'"
    if text.replace("\n", "").isprintable() and text[:1].strip() and not text.endswith((" ", "\n\n")):
        ending = "" if text.endswith("\n") else "-"
        block = "\n".join(f"{pad}{line}" if line else "" for line in text.rstrip("\n").split("\n"))
        yield f"|{ending}{chance.choice(['', '  # a comment'])}\n{block}"
        yield f"|2{ending}\n{block}"
