"""Child processes: a child costs its own task, and never another's."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from support.children import start_server
from tabellion.processes import ChildEndedError, Children


class Fussy:
    """Comes back from no pickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return (int, ("no number",))


@pytest.fixture
def children() -> Iterator[Children]:
    start_server()
    made = Children(1, int, 3)
    yield made
    made.close()


def test_a_task_gives_what_it_gives_or_raises_as_the_function_did(children: Children) -> None:
    futures = [children.start(30, int, text) for text in ("7", "sept", "8")]
    assert (futures[0].result(), futures[2].result()) == (7, 8)
    with pytest.raises(ValueError, match="sept"):
        futures[1].result()


def test_what_cannot_be_sent_costs_itself_alone(children: Children) -> None:
    with pytest.raises((TypeError, AttributeError)):
        children.start(30, len, [lambda: 1]).result()
    with pytest.raises(ValueError, match="no number"):
        children.start(30, len, [Fussy()]).result()
    with pytest.raises(TypeError, match="lock"):
        children.start(30, threading.Lock).result()
    assert children.start(30, int, "7").result() == 7


def test_a_child_that_ends_or_is_late_ends_its_own_task_alone(children: Children) -> None:
    ends, late, good = children.start(30, os._exit, 9), children.start(0.2, time.sleep, 60), children.start(30, int)
    with pytest.raises(ChildEndedError) as ended:
        ends.result()
    assert ended.value.exit_code == 9
    with pytest.raises(TimeoutError):
        late.result()
    assert good.result() == 0


def test_a_child_that_died_between_two_tasks_is_not_held_against_the_next_one(children: Children) -> None:
    first = children.start(30, os.getpid).result()
    os.kill(first, signal.SIGKILL)
    [running] = children._running
    running.wait()
    assert children.start(30, os.getpid).result() != first


def test_a_child_is_renewed_after_its_share_of_tasks(children: Children) -> None:
    pids = [children.start(30, os.getpid).result() for _ in range(4)]
    assert [pid == pids[0] for pid in pids] == [True, True, True, False]


def test_an_end_waits_for_nothing_and_cancels_the_rest(children: Children) -> None:
    begun, waiting = children.start(60, time.sleep, 60), children.start(60, int)
    while not begun.running():
        time.sleep(0.01)
    children.close()
    with pytest.raises(ChildEndedError):
        begun.result()
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="after the end"):
        children.start(30, int)
