"""Cassettes as commands show them: what nobody has redacted yet is redacted first."""

from collections.abc import Sequence

from gws_replay.core.model import Cassette
from gws_replay.files import Location, load_cassette
from gws_replay.redaction import policy_of, redactor, shown

NOTE = "not redacted, shown with stand-ins: `gws-replay scrub` redacts the file"


def load_shown(*paths: Location) -> tuple[Sequence[Cassette], str]:
    """Load cassettes to print something of them; one value has one stand-in in all.

    Return a note, too, if anything had to be redacted. A cassette whose header names a level of redaction, be it
    `none`, is shown as it stands. Raises CassetteError as `load_cassette` does, and GwsReplayError for a wrong rule in
    pyproject.toml.
    """
    cassettes = [load_cassette(path) for path in paths]
    if all("redaction" in each.header for each in cassettes):
        return cassettes, ""
    using = redactor(policy_of(), [made for each in cassettes for made in each.header.get("stand_ins", ())])
    redacted = [shown(each, using) for each in cassettes]
    return redacted, "" if redacted == cassettes else f" ({NOTE})"
