"""Processes: who is alive, who belongs to a step, and ending them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Iterator, List, Optional

STEP_DIR = "RUNPOD_TRAINER_STEP_DIR"
_PROC = Path("/proc")


def start_time(pid: int) -> Optional[int]:
    """Field 22 of `/proc/<pid>/stat`; None when no such process runs (a zombie does not run).

    Without `/proc` every living process has start time 0.
    """
    if not (_PROC / "self").exists():
        try:
            os.kill(pid, 0)
        except PermissionError:
            return 0
        except OSError:
            return None
        return 0
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in ("Z", "X", "x"):
        return None
    return int(fields[19])


def boot_id() -> Optional[str]:
    """What tells this start of the kernel from every other one; None where the kernel does not say."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def is_alive(pid: int, started: int) -> bool:
    """Whether this very process runs, not a later one with the same pid."""
    return start_time(pid) == started


def parent_of(pid: int) -> Optional[int]:
    """The parent's pid, or None."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(text[text.rindex(")") + 2 :].split()[1])


def members_of(step_dir: str) -> List[int]:
    """Pids of all processes that were started, at any depth, by the step with this folder.

    They are recognised by their environment, so that one that left the process group or outlived its parents is
    found too. A `step_dir` that ends with `/` means every step below it.
    """
    wanted = f"{STEP_DIR}={step_dir}".encode("utf-8", "surrogateescape")
    found = []
    try:
        names = os.listdir(_PROC)
    except OSError:
        return []
    for name in names:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            environment = (_PROC / name / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for entry in environment:
            if entry == wanted or (step_dir.endswith("/") and entry.startswith(wanted)):
                found.append(int(name))
                break
    return found


def command_lines() -> Iterator[List[str]]:
    """The words of every process that runs here."""
    try:
        names = os.listdir(_PROC)
    except OSError:
        return
    for name in filter(str.isdigit, names):
        try:
            yield (_PROC / name / "cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")
        except OSError:
            continue


def signal_group(group: int, number: int) -> None:
    """Sends a signal to a process group that may be gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_members(step_dir: str) -> int:
    """Kills what is left of a step; answers how many processes that were."""
    killed = 0
    for pid in members_of(step_dir):
        try:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except (ProcessLookupError, PermissionError):
            pass
    return killed
