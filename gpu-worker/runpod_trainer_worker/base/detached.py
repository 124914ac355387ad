"""Processes of this same worker that go on when the one that started them has ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict, Sequence

from . import procs
from .credentials import without_credentials
from .selfpath import SELF


def start_detached(arguments: Sequence[str], output: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Starts a command in a session of its own, which then waits for what `send_input` gives it; raises OSError.

    Credentials are in neither its arguments nor its environment. `output` takes what it writes.
    """
    with procs.starting() as note:
        process = subprocess.Popen(
            [sys.executable, "-I", SELF, *arguments],
            cwd="/",
            env=without_credentials(os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        note(process.pid)
    return process


def send_input(process: "subprocess.Popen[bytes]", value: Dict[str, Any]) -> None:
    """Gives the process all of its input; raises OSError when it has ended."""
    assert process.stdin is not None
    with process.stdin as stream:
        stream.write(json.dumps(value).encode())
