"""The cassette: what was recorded, with the verdict on each userData operation in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gws_replay.core.model import Exchange, Notification, User

if TYPE_CHECKING:
    from gws_replay.core.oracle.judge import Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """A recorded session: REST exchanges by begin time, notifications in the order seen, and the file's header."""

    interactions: Sequence[Exchange]
    notifications: Sequence[Notification] = ()
    header: Mapping[str, Any] = field(default_factory=dict)
    source: str = "<memory>"

    def updates(
        self,
        *,
        ignore: Iterable[str] = (),
        volatile: Iterable[str] | None = None,
        coerce: str | Mapping[str, str] | Iterable[str] = (),
    ) -> tuple["Update", ...]:
        """Return each userData operation with the snapshots around it and the verdict.

        `ignore` are patterns (`LCA_*`) of keys and attributes that the server may move as it likes: what they match is
        reported and does not count. `volatile` are those of attributes that differ between two messages about the same
        state; None for the usual ones. `coerce` are those of keys that the server may keep as strings (5 as
        "5"), `"string"` all.
        """
        from gws_replay.core.oracle.judge import judge  # noqa: PLC0415  (replaying a cassette needs no judge)

        return judge(self, ignore=ignore, volatile=volatile, coerce=coerce)

    @property
    def users(self) -> tuple[User, ...]:
        """The users that exchanges and notifications refer to by index; one without a name if the header lists none."""
        listed: Sequence[Mapping[str, str]] = self.header.get("users") or ({},)
        return tuple(User(name=each.get("name")) for each in listed)

    @property
    def user_names(self) -> tuple[str, ...]:
        """What messages call the users: by name, or `user 2`. Empty if all is of one user."""
        users = self.users
        names = (each.name or f"user {number}" for number, each in enumerate(users, 1))
        return tuple(names) if len(users) > 1 else ()

    def named(self, source: str) -> "Cassette":
        """Return the same cassette with another name for messages."""
        return replace(self, source=source)
