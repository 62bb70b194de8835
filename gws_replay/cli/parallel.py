"""Who does the work on many cassettes: --jobs and --dask; and how far it has come, on a terminal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from gws_replay.batch.processes import spread
from gws_replay.cli.options import Progress
from gws_replay.core.json_compare import printable
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import Location

LOST = "the process that read it was ended, for want of memory perhaps: fewer --jobs take less"
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Spreading:
    """So many processes, or a cluster."""

    jobs: int
    cluster: str | None

    def location(self, path: Location) -> Location:
        """Return a path as workers find it, which are in other folders than we are."""
        return path.absolute() if self.cluster and isinstance(path, Path) else path

    def results(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        lost: Callable[[Item], Result],
        *,
        name: Callable[[Item], object],
        quiet: bool,
    ) -> Iterator[Result]:
        """Yield what becomes of each item in their order, and show how far it is."""
        progress = Progress(quiet=quiet)
        results = spread(work, items, lost, jobs=self.jobs, cluster=self.cluster)
        for number, item in enumerate(items):
            progress.show(printable(f"{number} of {len(items)} cassettes: {name(item)}"))
            result = next(results)
            progress.clear()
            yield result


def spreading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --jobs and --dask; the function gets one `spreading`."""

    @click.option(
        "--jobs", type=click.IntRange(min=1), help="Processes to work in; results are the same.  [default: 1]"
    )
    @click.option(
        "--dask",
        "cluster",
        metavar="ADDRESS",
        help="The scheduler of a Dask cluster to work on (tcp://HOST:8786); its workers must see the files.",
    )
    @wraps(command)
    def with_spreading(*, jobs: int | None, cluster: str | None, **arguments: Any) -> Any:
        if jobs and cluster:
            raise GwsReplayError("--jobs and --dask are two ways to spread the work: give one")
        return command(spreading=Spreading(jobs or 1, cluster), **arguments)

    return with_spreading
