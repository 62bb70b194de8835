"""Texts that are JSON, with any spacing and spelling, and their tokens, for several test files."""

import json
from typing import Any

from hypothesis import strategies as st

SPACE = st.sampled_from(["", "", " ", "\n", "\t \r\n"])
NUMBERS = st.sampled_from(["0", "-0", "1.50", "-0.0", "1E5", "1e-7", "2.5E+3", str(2**53 + 1), str(10**40)])
STRINGS = st.one_of(
    st.sampled_from(['"\\/"', '"\\ud83d\\ude00"', '"\\ud800"', '"a\\"b\\\\"', '"[{,:}]"', '"\u2028\x85\ufeff"', '""']),
    st.text(max_size=5).map(json.dumps),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(
        lambda text: json.dumps(text, ensure_ascii=False)
    ),
)
NAMES = st.sampled_from(['"a"', '"b"', '"\\u0061"', '""', '"a b"'])


@st.composite
def _containers(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    parts = draw(st.lists(inner, max_size=4))
    spaced = [draw(SPACE) + part + draw(SPACE) for part in parts]
    if draw(st.booleans()):
        return "[" + (",".join(spaced) or draw(SPACE)) + "]"
    return "{" + (",".join(f"{draw(SPACE)}{draw(NAMES)}{draw(SPACE)}:{part}" for part in spaced) or draw(SPACE)) + "}"


SCALAR_TEXTS = st.sampled_from(["null", "true", "false"]) | NUMBERS | STRINGS
TEXTS = st.builds(
    lambda before, text, after: before + text + after,
    SPACE,
    st.recursive(SCALAR_TEXTS, _containers, max_leaves=12),
    SPACE,
)


def tokens(text: str) -> list[str]:
    """The lexemes of JSON text, found character by character."""
    found = []
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == '"':
            while text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            end += 1
        elif text[at] not in " \t\r\n[]{},:":
            while end < len(text) and text[end] not in ' \t\r\n[]{},:"':
                end += 1
        if text[at] not in " \t\r\n":
            found.append(text[at:end])
        at = end
    return found


def pairs(text: str) -> Any:
    """Everything in JSON text but its whitespace and escapes: pairs for objects, numbers as spelled."""
    number = ("number",)
    return json.loads(
        text,
        object_pairs_hook=lambda items: ("object", items),
        parse_float=lambda lexeme: (*number, lexeme),
        parse_int=lambda lexeme: (*number, lexeme),
    )
