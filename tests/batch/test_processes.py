"""Work on many items: the order of the results, and the result for an item that ends its process."""

import os

import pytest

from gws_replay.batch.processes import spread
from tests.support.ended_work import WRONG, doubled


def no(number: int) -> int:
    """The result for a lost item."""
    return -number


def test_item_that_kills_its_process_does_not_stop_the_others() -> None:
    """Results keep the order of the items, and the items after it are done."""
    results = list(spread(doubled, range(5), no, jobs=2))
    assert [-number if number == WRONG else 2 * number for number in range(5)] == results


def test_one_job_runs_in_this_process() -> None:
    """No process is started for one item, or with one job."""
    here = os.getpid()
    assert [(here, 0)] == list(spread(lambda number: (os.getpid(), number), [0], lambda _: (0, 0), jobs=4))
    assert [here] * 3 == list(spread(lambda _: os.getpid(), range(3), no, jobs=1))


def test_exception_of_the_work_is_raised() -> None:
    """An error of ours is raised, and hides nothing."""
    with pytest.raises(ZeroDivisionError):
        list(spread((1).__truediv__, [1, 0], float, jobs=2))
