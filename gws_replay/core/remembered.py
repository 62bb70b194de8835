"""What has been redacted before, so that what comes again costs nothing: most of a userData does, with each push."""

import re

from gws_replay.core.known import Replacing

_MOST = 4096
_LONGEST = 512
# So much that is new at once is not looked for in what is remembered.
_MANY = 32
# Text with one of these may hold a value in another spelling.
_SPELLINGS = re.compile(r"[\\%&]")


class Remembered:
    """Redacted texts, and members of JSON objects, by what they were; forgotten where something new stands in them."""

    def __init__(self, known: Replacing) -> None:
        self.texts: dict[str, str] = {}
        self.members: dict[str, str] = {}
        self._known = known
        self._seen = 0

    def refresh(self) -> int:
        """Forget what is not right any more; return how much is known by now."""
        log = self._known.log
        if len(log) != self._seen:
            news = log[self._seen :]
            self._seen = len(log)
            for memory in (self.texts, self.members):
                if len(news) > _MANY or len(memory) > _MOST:
                    memory.clear()
                for new in news:
                    for stale in [each for each in memory if new in each]:
                        del memory[stale]
        return self._seen

    def keep(self, memory: dict[str, str], what: str, redacted: str) -> None:
        """Remember what something became."""
        if len(what) <= _LONGEST and not _SPELLINGS.search(what):
            if len(memory) > _MOST:
                memory.clear()
            memory[what] = redacted
