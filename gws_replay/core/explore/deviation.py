"""A deviation from the recorded run, and a variant: a set of them with a text that names it exactly.

The text of a variant is `@v1:DIGEST:DEVIATION+DEVIATION`. DIGEST is that of the cassettes. A deviation is
`[OF.]SUBJECT:WHAT`. The subject is `n2` (notification 2), `q5` (the request of interaction 5), `c3` (the third
connect of a user), `m4` (the fourth batch of Bayeux messages of a user) or `replies` (all replies to connects). OF is
the number of the cassette or of the user, if it is not the first. What is done with a notification is where it is
delivered: right after `q5`, `r5` (the response to it) or `n4`.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Literal, NamedTuple, cast

from gws_replay.core.cassette import Cassette
from gws_replay.errors import GwsReplayError

VERSION = "v1"
Subject = Literal["n", "q", "c", "m", "replies"]
_DEVIATION = re.compile(r"(?:(\d{1,4})\.)?(?:([nqcm])(\d{1,9})|(replies)):([a-z0-9][a-z0-9-]*)")
_PLACE = re.compile(r"([qrn])(\d{1,9})")


class Place(NamedTuple):
    """An event of a cassette: the request `q` or the response `r` of an interaction, or a notification `n`."""

    kind: Literal["q", "r", "n"]
    number: int

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


class Deviation(NamedTuple):
    """What is done (`what`) to a subject; `of` is the cassette (of `n` and `q`) or the user (of `c` and `m`)."""

    subject: Subject
    number: int
    what: str
    of: int = 0

    @property
    def place(self) -> Place | None:
        """Where a notification is delivered: right after that event. None for any other deviation."""
        found = _PLACE.fullmatch(self.what) if self.subject == "n" else None
        return Place(cast("Literal['q', 'r', 'n']", found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        number = "" if self.subject == "replies" else self.number
        return f"{f'{self.of}.' if self.of else ''}{self.subject}{number}:{self.what}"

    @classmethod
    def parse(cls, text: str) -> "Deviation":
        """Read a deviation. Raises ValueError."""
        found = _DEVIATION.fullmatch(text)
        if not found:
            raise ValueError(text)
        of, letter, number, replies, what = found.groups()
        return cls(cast("Subject", letter or replies), int(number or 0), what, int(of or 0))


class Variant(NamedTuple):
    """A set of deviations, in order, of the cassettes with a digest. Without any, it is the recorded run."""

    digest: str
    deviations: tuple[Deviation, ...] = ()

    def __str__(self) -> str:
        return f"@{VERSION}:{self.digest}:{'+'.join(map(str, self.deviations))}"

    def having(self, deviations: Iterable[Deviation]) -> "Variant":
        """Return the variant of the same cassettes with other deviations."""
        return Variant(self.digest, tuple(sorted(set(deviations))))

    @classmethod
    def parse(cls, text: str, cassettes: Iterable[Cassette]) -> "Variant":
        """Read the text of a variant. Raises GwsReplayError if it is wrong, or of another recording or version."""
        version, _, rest = text.removeprefix("@").partition(":")
        if not text.startswith("@v"):
            raise GwsReplayError(
                f"{text!r} does not name a variant: copy it whole from a failure, it begins with @{VERSION}:"
            )
        if version != VERSION:
            raise GwsReplayError(f"variant {text} is of version {version}, this one reads {VERSION}: explore again")
        digest, _, named = rest.partition(":")
        cassettes = tuple(cassettes)
        if digest != digest_of(cassettes):
            names = ", ".join(each.source for each in cassettes)
            raise GwsReplayError(f"variant {text} is of another recording than {names}: explore again")
        try:
            deviations = [Deviation.parse(each) for each in named.split("+")] if named else []
        except ValueError as error:
            raise GwsReplayError(f"variant {text}: {str(error)!r} does not name a deviation") from None
        return cls(digest).having(deviations)


def digest_of(cassettes: Iterable[Cassette]) -> str:
    """Return the digest of what decides on the variants of cassettes: requests, notifications and their order."""
    found = sha256()
    for cassette in cassettes:
        for each in cassette.interactions:
            found.update(repr((each.request.method, each.request.uri, each.user, each.began, each.ended)).encode())
            found.update(each.request.body)
        for push in cassette.notifications:
            cause = push.cause and (push.cause.interactions, push.cause.after)
            found.update(repr((push.channel, push.data, push.user, push.seen, cause)).encode())
    return found.hexdigest()[:10]
