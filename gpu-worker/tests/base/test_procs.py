"""A process is known by its pid and its start: a later one with the same pid is another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Set, Tuple

import pytest
from conftest import is_running, wait_for

from runpod_trainer_worker.base import procs
from runpod_trainer_worker.base.procs import STEP_DIR, is_alive, kill_members, members_of, start_time


def test_a_later_process_with_the_same_pid_is_not_the_one_that_is_meant() -> None:
    started = start_time(os.getpid())
    assert started is not None and is_alive(os.getpid(), started)
    assert not is_alive(os.getpid(), started - 1) and not is_alive(os.getpid(), started + 1)


def test_the_start_of_a_process_is_its_start_whatever_it_does_since() -> None:
    """In ticks since the kernel started, as the kernel tells it; memory that a process takes changes nothing."""
    program = "import sys; held = bytearray(80_000_000); print(len(held), flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        at_first = start_time(child.pid)
        assert child.stdout is not None and child.stdout.readline() == b"80000000\n"
        assert at_first is not None and start_time(child.pid) == at_first
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        own = start_time(os.getpid())
        assert own is not None and own <= at_first <= (uptime + 1) * os.sysconf("SC_CLK_TCK")
    finally:
        child.kill()
        child.communicate()


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


def test_what_a_step_started_is_found_and_ended_and_nothing_else(tmp_path: Path) -> None:
    """By the environment, which a child keeps also when it leaves its group."""
    folders = [str(tmp_path / name) for name in ("steps/1", "steps/2", "other")]
    children = [
        subprocess.Popen(["sleep", "60"], env={**os.environ, STEP_DIR: folder}, start_new_session=True) for folder in folders
    ]
    try:
        one, two, other = (child.pid for child in children)
        # A child has the environment of its parent until it has become `sleep`.
        wait_for(lambda: members_of(folders[0]) and members_of(folders[1]) and members_of(folders[2]))
        assert members_of(folders[0]) == [one]
        assert members_of(str(tmp_path / "steps")) == []
        assert sorted(members_of(f"{tmp_path}/steps/")) == sorted([one, two])
        assert kill_members(f"{tmp_path}/steps/") == 2
        assert [children[0].wait(timeout=10), children[1].wait(timeout=10)] == [-9, -9]
        assert kill_members(folders[0]) == 0 and is_running(other)
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_the_own_process_is_no_member(tmp_path: Path) -> None:
    program = f"from runpod_trainer_worker.base.procs import members_of; print(members_of({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, STEP_DIR: str(tmp_path)},
        cwd=Path(__file__).resolve().parent.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_nothing_to_end_takes_no_time(tmp_path: Path) -> None:
    began = time.monotonic()
    assert kill_members(str(tmp_path)) == 0
    assert time.monotonic() - began < procs._KILLING / 2


def test_what_begins_between_two_looks_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may become visible right after a look that found nothing, so one such look is not the end of it."""
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    looks = [[children[0].pid], [], [children[1].pid], [], []]

    def look(_: str) -> Tuple[List[int], Set[Tuple[int, object]]]:
        return (looks.pop(0) if looks else []), set()

    try:
        monkeypatch.setattr(procs, "_look", look)
        assert kill_members(str(tmp_path)) == 2 and looks == []
    finally:
        for child in children:
            child.kill()
            child.wait()
