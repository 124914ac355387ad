"""A process is known by its pid and its start: a later one with the same pid is another."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import wait_for

from runpod_trainer_worker.base.procs import is_alive, start_time


def test_a_later_process_with_the_same_pid_is_not_the_one_that_is_meant() -> None:
    started = start_time(os.getpid())
    assert started is not None and is_alive(os.getpid(), started)
    assert not is_alive(os.getpid(), started - 1) and not is_alive(os.getpid(), started + 1)


def test_a_process_that_has_ended_is_not_alive_even_before_its_parent_looks() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = start_time(child.pid)
        assert started is not None and is_alive(child.pid, started)
    finally:
        assert child.stdin is not None
        child.stdin.close()
        # Not collected yet: a zombie.
        wait_for(lambda: start_time(child.pid) is None)
        child.wait()
    assert start_time(child.pid) is None and not is_alive(child.pid, started)
