"""Load cassettes to show them: those that are not redacted yet are redacted in memory first."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gws_replay.core.cassette import Cassette
from gws_replay.core.redaction.policy import Policy
from gws_replay.settings.redaction import new_key, policy_of, redactor, shown
from gws_replay.storage.files import Location, load_cassette

NOTE = "not redacted, shown with stand-ins: `gws-replay scrub` redacts the file"


@dataclass(frozen=True, slots=True)
class Showing:
    """The rules and the key by which one run of a command redacts, in whichever process it loads a cassette.

    Raises GwsReplayError for a wrong rule in pyproject.toml.
    """

    policy: Policy = field(default_factory=policy_of)
    key: str = field(default_factory=new_key, repr=False)


def load_shown(showing: Showing, *paths: Location) -> tuple[Sequence[Cassette], str]:
    """Load cassettes to show them; return them with a note if anything had to be redacted.

    A value has the same stand-in in all of them. A cassette whose header names a level of redaction, even `none`, is
    shown as it is. Raises CassetteError as `load_cassette` does.
    """
    cassettes = [load_cassette(path) for path in paths]
    if all("redaction" in each.header for each in cassettes):
        return cassettes, ""
    settled = [stand_in for each in cassettes for stand_in in each.header.get("stand_ins", ())]
    using = redactor(showing.policy, settled, key=showing.key)
    redacted = [shown(each, using) for each in cassettes]
    return redacted, "" if redacted == cassettes else f" ({NOTE})"
