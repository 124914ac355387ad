"""Processes: who is alive, who belongs to a step, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Set, Tuple

STEP_DIR = "RUNPOD_TRAINER_STEP_DIR"
_PROC = Path("/proc")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
#: The kernel's own threads are children of this process, and have no environment.
_KERNEL = 2
#: After so many looks in a row a process without an environment simply has none; it is no longer becoming a program.
_PATIENT_LOOKS = 20
_LOOK_PAUSE = 0.005
_KILLING = 5.0

#: Children of this process that somebody waits for; all others are orphans of steps, once it adopts those.
_waited_for: Set[int] = set()
_starting = threading.Lock()
_adopts = False


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
    fields = _stat(pid)
    return None if fields is None or fields[0] in ("Z", "X", "x") else int(fields[19])


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
    fields = _stat(pid)
    return None if fields is None else int(fields[1])


def adopt_orphans() -> None:
    """Makes this process the parent of what its descendants leave, so that a step's process without the step's variables
    (`env -i`) is found; it must `reap` from then on. Only Linux can.
    """
    global _adopts
    if sys.platform != "linux":
        return
    import ctypes

    _adopts = ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) == 0


@contextlib.contextmanager
def starting() -> Iterator[Callable[[int], None]]:
    """Around the start of a child that somebody waits for: gives what notes its pid, so that it is no orphan of a step."""
    with _starting:
        yield _waited_for.add


def forget(pid: int) -> None:
    """The child has been waited for."""
    _waited_for.discard(pid)


def reap() -> None:
    """Takes leave of adopted processes that have ended."""
    if not _adopts:
        return
    with _starting:
        table, own = _table(), set(_waited_for)
    for pid, (parent, state) in table.items():
        if parent == os.getpid() and state == "Z" and pid not in own:
            try:
                os.waitpid(pid, os.WNOHANG)
            except OSError:
                continue


def members_of(step_dir: str) -> List[int]:
    """Pids of all processes that were started, at any depth, by the step with this folder.

    They are recognised by their environment, so that one that left the process group or outlived its parents is found
    too, and as descendants of those. A `step_dir` that ends with `/` means every step below it.
    """
    return _look(step_dir)[0]


def _look(step_dir: str) -> Tuple[List[int], Set[Tuple[int, Optional[int]]]]:
    """Members, and processes of which nobody can say at this moment, since they are becoming another program."""
    wanted = f"{STEP_DIR}={step_dir}".encode("utf-8", "surrogateescape")
    with _starting:
        table, own = _table(), set(_waited_for)
    found: Set[int] = set()
    unclear: Set[Tuple[int, Optional[int]]] = set()
    for pid, (parent, state) in table.items():
        if pid == os.getpid() or state == "Z":
            continue
        try:
            data = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if data == b"" and parent != _KERNEL and pid != _KERNEL:
            unclear.add((pid, start_time(pid)))
        if any(entry == wanted or (step_dir.endswith("/") and entry.startswith(wanted)) for entry in data.split(b"\0")):
            found.add(pid)
    level = found | {pid for pid, (parent, _) in table.items() if _adopts and parent == os.getpid()} - own
    while level:
        found |= level
        level = {pid for pid, (parent, _) in table.items() if parent in level} - found - {os.getpid()}
    return [pid for pid in found if table[pid][1] != "Z"], unclear


def command_lines() -> Iterator[List[str]]:
    """The words of every process that runs here."""
    for pid in _pids():
        try:
            yield (_PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")
        except OSError:
            continue


def signal_group(group: int, number: int) -> None:
    """Sends a signal to a process group that may be gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_members(step_dir: str) -> int:
    """Kills what is left of a step until nothing is left twice; answers how many processes that were."""
    killed: Set[Tuple[int, Optional[int]]] = set()
    looks: Dict[Tuple[int, Optional[int]], int] = {}
    nothing = 0
    end = time.monotonic() + _KILLING
    while nothing < 2 and time.monotonic() < end:
        members, unclear = _look(step_dir)
        looks = {one: looks.get(one, 0) + 1 for one in unclear}
        for pid in members:
            started = start_time(pid)
            try:
                os.kill(pid, signal.SIGKILL)
                killed.add((pid, started))
            except (ProcessLookupError, PermissionError):
                pass
        if members:
            nothing = 0
        elif all(count > _PATIENT_LOOKS for count in looks.values()):
            nothing += 1
        if nothing < 2:
            time.sleep(_LOOK_PAUSE)
    reap()
    return len(killed)


def _pids() -> List[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except OSError:
        return []


def _stat(pid: int) -> Optional[List[str]]:
    """The fields after the name: state, parent, …"""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def _table() -> Dict[int, Tuple[int, str]]:
    """Parent and state of every process."""
    return {pid: (int(fields[1]), fields[0]) for pid in _pids() for fields in [_stat(pid)] if fields is not None}
