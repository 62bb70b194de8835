"""How often a comparison misses a change, or reports a wrong one: noisy recordings, some with a planted change.

A recording is the scenario of the faults on the sandbox, with the ids, host and pace of its own run, and with noise:
values, types, lengths and optional fields that differ in each run, some of them in each message. Noise is learned from
a few runs; then pairs of other runs are compared. A pair without a planted change must have no finding of severity
warning or above. A planted change must be found at its place. Run: python -m tests.support.noise_rates
"""

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.comparison.finding import Finding
from gws_replay.core.comparison.noise import Noise, learn, suppressed
from tests.support.recordings import IDS, renamed, right, with_answer, with_data

Json = dict[str, Any]
Change = Callable[[Json], None]
Shows = Callable[[Finding], bool]
# Keys of the sandbox's userData that stay the same from run to run.
STEADY = ("FirstName", "_facebookActorId", "RTenant", "ServiceObjective", "RRequestedSkills", "MiddleName")
_BLOCK = 50  # pairs that are compared with one learned profile


@dataclass(frozen=True, slots=True)
class Rates:
    """How many planted changes were missed, of as many, and pairs without one accused, of as many."""

    pairs: int
    missed: int
    false: int


def measured(pairs: int, *, learned_from: int, often: float = 1.0, seed: int = 7) -> Rates:
    """Compare pairs of runs, and as many with a planted change; `often` is how often optional noise is in a run."""
    chance = random.Random(seed)
    missed = false = 0
    noise = Noise()
    for number in range(pairs):
        if number % _BLOCK == 0:
            noise = learn([run(chance, often) for _ in range(learned_from)])
        baseline, candidate = run(chance, often), run(chance, often)
        shows, changed = planted(candidate, chance)
        false += bool(counting(baseline, candidate, noise))
        missed += not any(map(shows, counting(baseline, changed, noise)))
    return Rates(pairs, missed, false)


def counting(baseline: Cassette, candidate: Cassette, noise: Noise) -> list[Finding]:
    """The findings for which a comparison would exit with 1."""
    found = suppressed(diff(baseline, candidate), (), noise)
    return [each for each in found if not each.suppressed and each.severity != "info"]


def run(chance: random.Random, often: float = 1.0) -> Cassette:
    """Another run of the scenario, with noise."""
    ids = {each: f"{chance.getrandbits(64):016X}" for each in IDS}
    cassette = renamed(right(), ids, slower=chance.uniform(0.8, 1.2), host=f"gws{chance.randrange(9)}.example")
    optional = {"Retries": chance.getrandbits(32), "Hint": {"text": _text(chance)}}
    user_data = {
        "RoutedTo": _text(chance),
        "Score": chance.choice([chance.random(), _text(chance)]),
        "Skills": [_text(chance) for _ in range(chance.randint(1, 3))],
        "Route": {"id": _text(chance), "via": {"queue": _text(chance), "agents": chance.getrandbits(32)}},
        **{key: value for key, value in optional.items() if chance.random() < often},
    }

    def noisy(message: Json) -> None:
        message["trace"] = {"id": _text(chance), "hops": [chance.random()] * chance.randint(1, 3)}
        for resource in _resources(message):
            resource["routedBy"] = user_data["RoutedTo"]
            resource["userData"].update(user_data)

    for index in range(len(cassette.interactions)):
        cassette = with_answer(cassette, index, noisy)
    for index in range(len(cassette.notifications)):
        cassette = with_data(cassette, index, noisy)
    return cassette


def planted(cassette: Cassette, chance: random.Random) -> tuple[Shows, Cassette]:
    """Plant a change in a run; return what a finding that shows it is like, too."""
    if chance.random() < 0.1:
        gone = chance.randrange(len(cassette.notifications))
        left = tuple(each for index, each in enumerate(cassette.notifications) if index != gone)
        return lambda each: each.kind == "removed" and len(each.path) == 1, replace(cassette, notifications=left)
    kind, key = chance.choice(["value", "type", "removed", "added", "state", "status"]), chance.choice(STEADY)
    key = {"added": "Planted", "state": "state", "status": "statusCode"}.get(kind, key)
    in_notification = kind != "status" and chance.random() < 0.5
    messages = (
        [each.value for each in cassette.notifications]
        if in_notification
        else [e.response_json for e in cassette.interactions]
    )
    index = chance.choice([n for n, each in enumerate(messages) if list(_where(each, kind, key))])

    def change(message: Json) -> None:
        inside = chance.choice(list(_where(message, kind, key)))
        if kind == "removed":
            del inside[key]
        else:
            inside[key] = {"type": [inside.get(key)], "status": 5}.get(kind, "planted")

    place = f"{'notification' if in_notification else 'interaction'} {index}"
    changed = (with_data if in_notification else with_answer)(cassette, index, change)
    return lambda each: key in each.path and each.place == (place, place), changed


def table(pairs: int) -> str:
    """The figures as they stand in the document."""
    rows = ["| noise | learned from | changes missed | false alarms |", "|---|--:|--:|--:|"]
    every, some = "in every run", "some of it in every other run"
    for what, often, runs in ((every, 1.0, 2), (every, 1.0, 3), (some, 0.5, 5), (some, 0.5, 10)):
        found = measured(pairs, learned_from=runs, often=often)
        rows.append(f"| {what} | {runs} recordings | {found.missed} of {pairs} | {found.false} of {pairs} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows)


def _where(message: Any, kind: str, key: str) -> Iterator[Json]:
    """Yield the objects of a message in which a change may be planted."""
    if kind == "status":
        yield message
    for resource in _resources(message) if kind != "status" else ():
        inside = resource if kind == "state" else resource["userData"]
        if kind in ("state", "added") or key in inside:
            yield inside


def _resources(message: Any) -> Iterator[Json]:
    """Yield the resources in a message that show userData."""
    rest = [message]
    while rest:
        each = rest.pop()
        if isinstance(each, dict) and isinstance(each.get("userData"), dict):
            yield each
        elif isinstance(each, dict | list):
            rest.extend(each.values() if isinstance(each, dict) else each)


def _text(chance: random.Random) -> str:
    return f"{chance.getrandbits(48):012x}"


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
