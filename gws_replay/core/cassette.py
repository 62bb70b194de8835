"""The cassette: what was recorded, with the verdict on each userData operation in it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gws_replay.core.counted import counted
from gws_replay.core.model import Exchange, Notification, User, WebSocketMessage

if TYPE_CHECKING:
    from gws_replay.core.oracle.judge import Update

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """A recorded session: REST exchanges by begin time, notifications in the order seen, and the file's header.

    `messages` are those of WebSockets that are not CometD, in the order seen: they are kept, and not replayed.
    """

    interactions: Sequence[Exchange]
    notifications: Sequence[Notification] = ()
    messages: Sequence[WebSocketMessage] = ()
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

    @property
    def not_replayed(self) -> tuple[str, ...]:
        """A sentence for each address with WebSocket messages that no replay sends."""
        counts = Counter(each.uri.partition("?")[0] for each in self.messages)
        return tuple(
            f"{counted(count, 'WebSocket message')} of {address} cannot be replayed: only CometD can"
            for address, count in counts.items()
        )

    def named(self, source: str) -> "Cassette":
        """Return the same cassette with another name for messages."""
        return replace(self, source=source)
