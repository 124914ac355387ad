"""The pod's environment: non-interactive SSH sessions do not have it, PID 1 does."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Dict, Optional

from ..base.procs import parent_of

_MARK = "RUNPOD_POD_ID"


def parse_environ(data: bytes) -> Dict[str, str]:
    """The content of `/proc/<pid>/environ`."""
    result = {}
    for entry in data.split(b"\0"):
        name, separator, value = entry.partition(b"=")
        if separator and name:
            result[name.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
    return result


def parse_exports(text: str) -> Dict[str, str]:
    """Lines such as `export NAME="value"`."""
    result = {}
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        if len(words) == 2 and words[0] == "export" and "=" in words[1]:
            name, _, value = words[1].partition("=")
            result[name] = value
    return result


def _of_process(pid: int) -> Optional[Dict[str, str]]:
    try:
        found = parse_environ(Path(f"/proc/{pid}/environ").read_bytes())
    except OSError:
        return None
    return found if found.get(_MARK) else None


def pod_environment(exports: Path = Path("/etc/rp_environment")) -> Dict[str, str]:
    """PID 1's environment, else the nearest ancestor's, else the file's; empty outside a pod."""
    found = _of_process(1)
    if found is not None:
        return found
    if os.environ.get(_MARK):
        return dict(os.environ)
    pid = os.getppid()
    while pid > 1:
        found = _of_process(pid)
        if found is not None:
            return found
        pid = parent_of(pid) or 0
    try:
        written = parse_exports(exports.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}
    return written if written.get(_MARK) else {}
