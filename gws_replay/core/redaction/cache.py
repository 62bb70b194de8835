"""What has been redacted before, so that what comes again costs nothing: most of a userData does, with each push."""

import re
from collections.abc import Callable

from gws_replay.core.redaction.known_values import Replacing

_MOST = 4096
_LONGEST = 512
# So much that is new at once is not looked for in what is remembered.
_MANY = 32
# Text with one of these may hold a value in another spelling.
_SPELLINGS = re.compile(r"[\\%&]")


class Memory:
    """Texts, and what each became when it was redacted."""

    def __init__(self) -> None:
        self.became: dict[str, str] = {}
        # All the texts in one, as searching one long text is far faster than many short ones; those since, apart.
        self._joined = ""
        self._since: list[str] = []

    def keep(self, text: str, redacted: str) -> None:
        """Remember what a text became; where there is too much, all else is forgotten."""
        if len(text) <= _LONGEST and not _SPELLINGS.search(text):
            if len(self.became) > _MOST:
                self.clear()
            self.became[text] = redacted
            self._since.append(text)

    def forget(self, news: list[str]) -> None:
        """Forget the texts in which something new stands."""
        if len(news) > _MANY:
            self.clear()
            return
        self._joined = "\n".join([self._joined, *self._since])
        self._since.clear()
        found = [new for new in news if new in self._joined]
        if found:
            for stale in [each for each in self.became if any(new in each for new in found)]:
                del self.became[stale]  # in place: a run that looks things up has hold of it
            self._joined = "\n".join(self.became)

    def clear(self) -> None:
        """Forget all."""
        self.became.clear()
        self._joined = ""
        self._since.clear()


class Remembered:
    """Redacted texts, and members of JSON objects, by what they were; forgotten where something new stands in them."""

    def __init__(self, known: Replacing) -> None:
        self.texts = Memory()
        self.members = Memory()
        self._known = known
        self._seen = 0

    def refresh(self) -> int:
        """Forget what is not right any more; return how much is known by now."""
        log = self._known.log
        if len(log) != self._seen:
            news = log[self._seen :]
            self._seen = len(log)
            self.texts.forget(news)
            self.members.forget(news)
        return self._seen


class Fields:
    """Redacted header fields, by what they were; all are forgotten when anything new is known."""

    def __init__(self) -> None:
        self._became: dict[tuple[str, str, bool], str] = {}
        self._known = (0, 0)

    def of(self, field: tuple[str, str, bool], known: tuple[int, int], redact: Callable[[], str]) -> str:
        """Return what a field became when so much was `known`, or becomes now."""
        if known != self._known or len(self._became) > _MOST:
            self._became.clear()
            self._known = known
        if field not in self._became:
            self._became[field] = redact()
        return self._became[field]
