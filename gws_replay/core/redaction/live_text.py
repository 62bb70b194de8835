"""What is shown instead of stand-ins and recorded ids: the live values that they stand for in one run."""

from gws_replay.core.redaction.found import Found
from gws_replay.core.redaction.known_values import ENCODINGS, spellings
from gws_replay.core.word_index import Lexicon


class Shown:
    """Live values for stand-ins, for a `TextRedactor` that puts them there."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._whole: dict[str, str] = {}
        self._anywhere = Lexicon()

    def take(self, recorded: str, live: str, *, anywhere: bool) -> None:
        """Show a live value instead of a stand-in: as the whole value of a personal key, or wherever it occurs."""
        self._whole[recorded] = live
        self.log.append(recorded)
        if anywhere:
            for encode, _ in ENCODINGS[: spellings(recorded)] if live == recorded else ENCODINGS:
                self._anywhere.add(encode(recorded), encode(live))

    def person(self, value: str, *, is_text: bool = False) -> str:  # noqa: ARG002 (whatever it is)
        """Return what is shown for the whole value of a personal key."""
        return self._whole.get(value) or self._anywhere.replaced(value)

    def secret(self, value: str, name: str, *, unique: bool) -> str:  # noqa: ARG002 (a placeholder stays one)
        """Return a secret's placeholder as it is."""
        return value

    def found_in(self, text: str) -> list[Found]:
        """Return where live values are to be shown in a text."""
        return [Found(*span, "live value") for span in self._anywhere.spans(text)]
