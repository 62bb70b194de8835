"""One run of some cassettes, shared by the live users that play its recorded users.

Which live user plays which recorded one: by name; then by the first request that only one of them made; until then, by
order of appearance. If a request shows that the order was wrong, what was sent so far is played again in the right
parts: the client has its responses, and gets the notifications that are its own.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from gws_replay.core.model import Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import CassetteRun, UserProgress
from gws_replay.core.replay.push_schedule import INSTANT
from gws_replay.core.replay.request_key import Key

# What is sent while it is not certain who plays whom is kept, so that it can be played again.
_MOST_KEPT = 10_000


@dataclass(eq=False, slots=True)
class Role:
    """The part that a live user plays in one cassette, and the notifications that are due for that user."""

    progress: UserProgress
    outlet: deque[tuple[float, int]]
    is_certain: bool
    name: str | None = None
    delivered: set[int] = field(default_factory=set)

    @property
    def user(self) -> int:
        """Which recorded user it is."""
        return self.progress.part.user


class _Sent(NamedTuple):
    role: Role
    key: Key
    request: Request
    now: float


class SharedRun:
    """A run from its beginning at `start`; `factor` is the pace of the notifications (see `push_schedule`).

    `keeps_history` says whether snapshots are kept of what was shown.
    """

    def __init__(
        self,
        indexes: Sequence[CassetteIndex],
        *,
        factor: float = INSTANT,
        start: float = 0.0,
        keeps_history: bool = True,
    ) -> None:
        self._factor = factor
        self._keeps_history = keeps_history
        self._start = start
        self.cassettes = [self._new(index, number) for number, index in enumerate(indexes)]
        self._roles: list[list[Role]] = [[] for _ in indexes]
        self._sent: list[list[_Sent]] = [[] for _ in indexes]

    @property
    def capacity(self) -> int:
        """How many live users it is for: as many as the cassette with the most recorded ones has."""
        return max((len(each.users) for each in self.cassettes), default=1)

    @cached_property
    def longest_body(self) -> int | None:
        """How long a request's body may be to match any recorded one, in bytes; None for no limit."""
        limits = [each.index.longest_body for each in self.cassettes]
        return None if None in limits else max((each or 0 for each in limits), default=None)

    @property
    def joined(self) -> int:
        """How many live users play in it."""
        return max(map(len, self._roles), default=0)

    def join(self, name: str | None = None) -> tuple[Role, ...]:
        """Let a live user play, by name where the recording knows it; return the role in each cassette."""
        return tuple(self._cast(number, name) for number in range(len(self.cassettes)))

    def is_free(self, name: str) -> bool:
        """Tell whether nobody certainly plays the recorded user of a name."""
        return all(
            (named := self._named(number, name)) is None
            or not any(role.user == named and role.is_certain for role in self._roles[number])
            for number in range(len(self.cassettes))
        )

    def name(self, number: int, role: Role, name: str) -> None:
        """Let a live user that plays already have a name: it is shown where the recorded one stands."""
        if name == role.name:  # by now it stands for the recorded user that the order gave: that proves nothing
            return
        named = self._named(number, name)
        role.name = name
        if named is not None:
            self._assign(number, role, named, is_certain=True)
        self._bind_names(number)

    def sends(self, number: int, role: Role, key: Key, request: Request, now: float) -> None:
        """Take note of a request before it is played: it may show which recorded user the live one is."""
        run = self.cassettes[number]
        if len(run.users) == 1:
            return
        if not role.is_certain:
            senders = [user for user, progress in enumerate(run.users) if progress.would_send(key, request)]
            if len(senders) == 1:
                self._assign(number, role, senders[0], is_certain=True)
            elif senders and role.user not in senders:
                self._assign(number, role, self._first_free(number, senders), is_certain=False)
        if len(self._sent[number]) < _MOST_KEPT:
            self._sent[number].append(_Sent(role, key, request, now))

    def _new(self, index: CassetteIndex, number: int) -> CassetteRun:
        return CassetteRun(
            index, number=number, factor=self._factor, start=self._start, keeps_history=self._keeps_history
        )

    def _cast(self, number: int, name: str | None) -> Role:
        run = self.cassettes[number]
        named = self._named(number, name) if name else None
        user = self._first_free(number, range(len(run.users)))
        progress = run.users[user]
        role = Role(progress, progress.schedule.connect(), is_certain=len(run.users) == 1, name=name)
        self._roles[number].append(role)
        if named is not None:
            self._assign(number, role, named, is_certain=True)
        self._bind_names(number)
        return role

    def _bind_names(self, number: int) -> None:
        """Let the names of live users stand for the recorded ones that they play."""
        run = self.cassettes[number]
        for role in self._roles[number] if run.bindings else ():
            recorded = run.index.cassette.users[role.user].name
            if run.bindings and role.name is not None and recorded is not None:
                run.bindings.bind_value(recorded, role.name)

    def _first_free(self, number: int, users: Sequence[int]) -> int:
        """Return the first of some recorded users that nobody plays, or of whom that is not certain."""
        taken = {role.user for role in self._roles[number]}
        certain = {role.user for role in self._roles[number] if role.is_certain}
        return next((each for others in (taken, certain) for each in users if each not in others), users[0])

    def _named(self, number: int, name: str | None) -> int | None:
        """Return the recorded user of a live name, which may stand for the recorded one."""
        run = self.cassettes[number]
        recorded = run.bindings.stand_in_of(name) if run.bindings and name else None
        users = enumerate(run.index.cassette.users)
        return next((user for user, each in users if each.name is not None and each.name in (name, recorded)), None)

    def _assign(self, number: int, role: Role, user: int, *, is_certain: bool) -> None:
        """Let a live user play a recorded one; who played it without being certain takes the other part."""
        if user != role.user:
            holder = next((each for each in self._roles[number] if each.user == user), None)
            if holder and holder.is_certain:
                return
            parts = {id(each): each.user for each in self._roles[number]}
            if holder:
                parts[id(holder)] = role.user
            parts[id(role)] = user
            self._play_again(number, parts)
        role.is_certain = is_certain

    def _play_again(self, number: int, parts: dict[int, int]) -> None:
        """Play what was sent so far with other parts, without what was delivered."""
        run = self.cassettes[number] = self._new(self.cassettes[number].index, number)
        for role in self._roles[number]:
            role.progress = run.users[parts[id(role)]]
        self._bind_names(number)
        for role, key, request, now in self._sent[number]:
            if send := role.progress.play(key, now, request):
                run.respond(send.interaction, now)
        for role in self._roles[number]:
            due = role.progress.schedule.connect()
            kept = [each for each in due if each[1] not in role.delivered]
            due.clear()
            due.extend(kept)
            role.outlet = due
