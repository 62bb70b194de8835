"""The parts of a multipart body, as text."""

import re

_FIRST = re.compile(r"\A(?:\r?\n)?--([^\r\n]{1,200})\r?\n")
_NAME = re.compile(r"""(?i)content-disposition:[^\r\n]*?;\s*name=(?:"([^"\r\n]*)"|'([^'\r\n]*)'|([^;\s]+))""")
_END_OF_HEAD = re.compile(r"\r?\n\r?\n")


def parts_of(text: str) -> list[tuple[str, str, str]]:
    """Return a multipart body in pieces that make the body when they are put together again; [] for any other.

    A piece is: what stands before the content (delimiter and headers), the name of the field, the content.
    """
    first = _FIRST.match(text)
    if first is None or "content-" not in text[first.end() : first.end() + 4000].lower():
        return []
    delimiter = re.compile(rf"(?:\A|\r?\n)--{re.escape(first[1])}(?:--)?(?=\r?\n|\Z)")
    ends = [*delimiter.finditer(text)]
    pieces = []
    for here, after in zip(ends, [*ends[1:], None], strict=True):
        stop = after.start() if after else len(text)
        head_end = _END_OF_HEAD.search(text, here.end(), stop)
        content_start = head_end.end() if head_end else stop
        head = text[here.start() : content_start]
        name = _NAME.search(head)
        pieces.append((head, next(filter(None, name.groups()), "") if name else "", text[content_start:stop]))
    return [(text[: ends[0].start()], "", ""), *pieces] if ends and ends[0].start() else pieces
