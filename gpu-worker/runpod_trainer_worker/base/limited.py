"""Runs a program for a limited time, also one that cannot be killed: a driver that hangs must hold nobody up."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import Any, List, Mapping, Optional, Sequence

from . import procs


def run_limited(
    argv: Sequence[str], seconds: float, env: Optional[Mapping[str, str]] = None
) -> "subprocess.CompletedProcess[str]":
    """Runs it in `/` and answers how it ended; raises OSError when it cannot start, TimeoutError when it takes longer.

    One that takes longer is killed, and nobody waits for that: a process inside a driver dies when the driver lets it.
    """
    done: List[Any] = []
    started: List["subprocess.Popen[str]"] = []

    def run() -> None:
        try:
            with procs.starting() as note:
                process = subprocess.Popen(
                    list(argv),
                    cwd="/",
                    env=None if env is None else dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
                note(process.pid)
            started.append(process)
            out, err = process.communicate()
            procs.forget(process.pid)
            done.append(subprocess.CompletedProcess(list(argv), process.returncode, out, err))
        except OSError as problem:
            done.append(problem)

    thread = threading.Thread(target=run, name=os.path.basename(argv[0]), daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        for process in started:
            procs.signal_group(process.pid, signal.SIGKILL)
        raise TimeoutError(f"{argv[0]} did not end within {seconds:g} seconds")
    if isinstance(done[0], OSError):
        raise done[0]
    answer: "subprocess.CompletedProcess[str]" = done[0]
    return answer
