"""Whose request it is: which live user has used, or was given, which identity.

Any credentials are accepted; they only keep users apart. What an identity is stands in `core.compile.identity`, where
the users of a recording are found by the same evidence.
"""

from collections.abc import Iterable, Sequence

from gws_replay.core.compile.identity import APPLICATION_KEY, COOKIE, NAMES
from gws_replay.core.model import Identity


class People:
    """The identities of live users, who are known by their numbers."""

    def __init__(self) -> None:
        self._owners: dict[Identity, int] = {}
        self._names: dict[int, dict[str, str]] = {}
        self._identified: set[int] = set()

    def owner(self, sent: Sequence[Identity]) -> int | None:
        """Return whose request it is that uses some identities, those that tell most first; None for a stranger.

        A name is believed first: a cookie or a token that belongs to somebody of another name does not count. A new
        token beside a known cookie is a renewed one. A key of an application counts only where it stands alone.
        """
        names = {each.kind: each.value for each in sent if each.kind in NAMES}
        for each in sent:
            owner = self._owners.get(each)
            if owner is not None and each.kind != APPLICATION_KEY and self._may_be(owner, names):
                return owner
        if all(each.kind in (APPLICATION_KEY, COOKIE) for each in sent):
            return next((owner for each in sent if (owner := self._owners.get(each)) is not None), None)
        return None

    def contradicts(self, number: int, sent: Iterable[Identity]) -> bool:
        """Tell whether some identities name another user than one that has a name."""
        return not self._may_be(number, {each.kind: each.value for each in sent if each.kind in NAMES})

    def learn(self, number: int, identities: Sequence[Identity], *, used: bool = True) -> None:
        """Keep what a live user has used, or was given. Who had it before keeps it, but for an application's key."""
        if used and says_who(identities):
            self._identified.add(number)
        for each in identities:
            if each.kind == APPLICATION_KEY:
                self._owners[each] = number
            else:
                self._owners.setdefault(each, number)
            if each.kind in NAMES:
                self._names.setdefault(number, {}).setdefault(each.kind, each.value)

    def is_identified(self, number: int) -> bool:
        """Tell whether a live user has used any identity that tells who it is."""
        return number in self._identified

    def name(self, number: int, kind: str) -> str | None:
        """Return the name of a live user, if that is known."""
        return self._names.get(number, {}).get(kind)

    def _may_be(self, number: int, names: dict[str, str]) -> bool:
        own_names = self._names.get(number, {})
        return all(own_names.get(kind, value) == value for kind, value in names.items())


def says_who(sent: Iterable[Identity]) -> bool:
    """Tell whether identities tell a stranger from somebody who says nothing: a cookie of elsewhere does not."""
    return any(each.kind != COOKIE for each in sent)
