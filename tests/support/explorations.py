"""A recording with two sessions, and the exploration of a client through a server in this process."""

from collections.abc import Callable
from functools import partial

from gws_replay.core.cassette import Cassette
from gws_replay.core.explore.deviation import Variant
from gws_replay.core.explore.exploration import Ended, Exploration
from gws_replay.core.explore.space import Level, Space
from gws_replay.core.model import Exchange
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.playback.explored_run import drawing, explored_run, observed_run
from gws_replay.server.server import ServedRun, serving
from tests.support.builders import SESSIONS, cassette, exchange, push, update

# Plays against a server at a URL; returns what went wrong, empty for nothing.
Play = Callable[[str], str]
Judge = Callable[[ServedRun], str]


def look(first: int, second: int, *, began: float) -> Exchange:
    """A GET that shows both sessions."""
    shown = [{"id": "S1", "userData": {"A": first}}, {"id": "S2", "userData": {"B": second}}]
    return exchange("GET", f"{SESSIONS}?fields=*", None, {"statusCode": 0, "facebooksessions": shown}, began=began)


def me(*, began: float) -> Exchange:
    """A GET that shows nothing of a session."""
    return exchange("GET", "/api/v2/me", None, {"statusCode": 0}, began=began)


def two_sessions() -> Cassette:
    """Two sessions are written to, one after the other."""
    return cassette(
        look(1, 0, began=0),
        update({"A": 2}, began=1),
        push({"A": 2}, seen=1.5),
        me(began=2),
        update({"B": 1}, began=3, session="S2"),
        push({"B": 1}, seen=3.5, session="S2"),
        me(began=4),
        look(2, 1, began=5),
    ).named("two.yaml")


def one_session() -> Cassette:
    """One session is written to twice; the first push comes before its response, the second late."""
    return cassette(
        look(1, 0, began=0),
        update({"A": 2}, began=1),
        push({"A": 2}, seen=1.05),
        me(began=2),
        update({"A": 3}, began=3),
        me(began=4),
        push({"A": 3}, seen=4.5),
    ).named("one.yaml")


def explored(
    recording: Cassette,
    play: Play,
    *,
    level: Level = "orders",
    count: int = 200,
    judge: Judge = lambda _: "",
    seed: int = 0,
) -> Exploration[str]:
    """Return an exploration that has not begun; the client has played as recorded without a problem."""
    index = CassetteIndex(recording)
    run, plan = observed_run(ServedRun, [index])
    problem = _played(run, play, judge)
    assert not problem, f"as recorded: {problem}"
    space = Space([index], level, plan.traffic)
    return Exploration(space, partial(_under, space, play, judge), draw=drawing(seed), count=count)


def _under(space: Space, play: Play, judge: Judge, variant: Variant) -> Ended[str]:
    run, plan = explored_run(ServedRun, space, variant)
    problem = _played(run, play, judge)
    return Ended(bool(problem), plan.seen, problem)


def _played(run: ServedRun, play: Play, judge: Judge) -> str:
    with serving(run) as server:
        problem = play(server.url)
    return problem or judge(run)


def writes_again(run: ServedRun) -> str:
    """Judge the requests of a client: it may not write a second time without having looked in between."""
    sent = [(each.method, each.path) for each in run.requests]
    again = [
        path
        for (method, path), before in zip(sent[1:], sent, strict=False)
        if (method, path) == before == ("POST", path)
    ]
    return f"{again[0]} was written to twice without a look" if again else ""
