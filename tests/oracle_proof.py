"""The proof of the oracle at full size: mutants of every correct recording, and random correct runs. Prints Markdown.

python -m tests.oracle_proof [--mutants 20000] [--runs 20000]
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from zlib import crc32

from gws_replay.core.cassette import Cassette
from tests.support.correct_recordings import captured, random_run, sandboxed
from tests.support.mutants import KINDS, Mutant, mutants

VIEWS = ("its notification", "next GET", "notification and next GET", "later GET", "another notification", "all")
KEYS = ("written", "other key", "another session")
# The number of mutants for each capture, each channel of the sandbox, and each random run.
PER_RECORDING = (60, 100, 4)
_DETAIL = re.compile(r'"[^"]*"|\d+')


@dataclass
class Killed:
    """The number of mutants and of killed ones, by the name of a row and of a column."""

    produced: Counter[tuple[str, str]] = field(default_factory=Counter)
    killed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, row: str, column: str, *, is_killed: bool) -> None:
        """Count a mutant."""
        self.produced[row, column] += 1
        self.killed[row, column] += is_killed

    def table(self, title: str, rows: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
        """Yield the lines of a table in Markdown: killed mutants of all mutants."""
        yield f"| {title} | {' | '.join(columns)} | all |"
        yield f"| --- |{' --- |' * (len(columns) + 1)}"
        for row in rows:
            cells = [self._cell([(row, column)]) for column in columns]
            yield f"| {row} | {' | '.join([*cells, self._cell((row, column) for column in columns)])} |"
        sums = [self._cell((row, column) for row in rows) for column in columns]
        yield f"| all | {' | '.join([*sums, self._cell(self.produced)])} |"

    def _cell(self, places: Iterable[tuple[str, str]]) -> str:
        found = list(places)
        killed, produced = (sum(counts[place] for place in found) for counts in (self.killed, self.produced))
        return f"{killed} of {produced}" if produced else "-"


@dataclass
class Proof:
    """The results for all mutants."""

    by_kind: Killed = field(default_factory=Killed)
    by_key: Killed = field(default_factory=Killed)
    by_chance: Killed = field(default_factory=Killed)
    failed: int = 0
    survivors: list[tuple[str, Mutant]] = field(default_factory=list)

    def judge(self, name: str, mutant: Mutant) -> None:
        """Count a mutant of a recording."""
        verdicts = {update.verdict for update in mutant.verdicts()}
        is_killed = verdicts != {"passed"}
        if mutant.by_chance:
            self.by_chance.count(mutant.kind, mutant.view, is_killed=is_killed)
            return
        key = "written" if mutant.written else "other key" if mutant.of == "same" else "another session"
        self.by_kind.count(mutant.kind, mutant.view, is_killed=is_killed)
        self.by_key.count(key, mutant.view, is_killed=is_killed)
        self.failed += "failed" in verdicts
        if not is_killed:
            self.survivors.append((name, mutant))

    def lines(self) -> Iterator[str]:
        """Yield the result in Markdown."""
        produced, killed = self.by_kind.produced.total(), self.by_kind.killed.total()
        yield f"{killed} of {produced} mutants killed ({100 * killed / produced:.2f} %), {self.failed} failed."
        yield ""
        yield from self.by_kind.table("what is wrong", list(KINDS), VIEWS)
        yield ""
        yield from self.by_key.table("which key", KEYS, VIEWS)
        yield ""
        by_chance = self.by_chance
        yield f"Beside them, {by_chance.killed.total()} of {by_chance.produced.total()} that may be right by chance."
        yield ""
        excuses = Counter(mutant.survives_because or "no excuse" for _, mutant in self.survivors)
        yield from (f"- {count} survive: {why}" for why, count in excuses.most_common())
        for name, mutant in self.survivors:
            if not mutant.survives_because:
                yield f"  - {name}: {mutant.kind}, {mutant.view}, {mutant.place}"


def recordings(per: tuple[int, int, int]) -> Iterator[tuple[str, Cassette, int]]:
    """Yield every correct recording by name, with its number of mutants; random recordings without end."""
    yield from ((f"capture {number}", each, per[0]) for number, each in enumerate(captured()))
    yield from ((f"sandbox {number}", each, per[1]) for number, each in enumerate(sandboxed()))
    number = 0
    while True:
        yield f"run {number}", random_run(number), per[2]
        number += 1


def proved(count: int, per: tuple[int, int, int] = PER_RECORDING) -> Proof:
    """Judge the given number of mutants."""
    proof = Proof()
    produced = ((name, mutants(cassette, crc32(name.encode()), some)) for name, cassette, some in recordings(per))
    found = ((name, each) for name, those in produced for each in those)
    for name, mutant in islice(found, count):
        proof.judge(name, mutant)
    return proof


def correct_runs(count: int) -> Iterator[str]:
    """Judge the given number of random correct runs, and yield the result in Markdown."""
    verdicts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for number in range(count):
        for update in random_run(number).updates():
            verdicts[update.verdict] += 1
            if update.verdict != "passed":
                reasons[_DETAIL.sub("N", update.reasons[0])] += 1
    total = verdicts.total()
    yield f"{count} correct runs, {total} operations: {verdicts['failed']} accused, {verdicts['unknown']} cannot tell"
    yield f"({100 * verdicts['unknown'] / total:.2f} %)."
    yield from (f"- {times} x {reason}" for reason, times in reasons.most_common())


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=20_000)
    wanted = parser.parse_args()
    if wanted.mutants:
        sys.stdout.write("\n".join(proved(wanted.mutants).lines()) + "\n\n")
    if wanted.runs:
        sys.stdout.write("\n".join(correct_runs(wanted.runs)) + "\n")


if __name__ == "__main__":
    main()
