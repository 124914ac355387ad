"""What a pod looks like from inside, and what the pod's own key may do. Only statuses of the API's answers are told."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ..base.procs import parent_of
from .end_keys import OWN_VARIABLE
from .pod_api import PodApi
from .pod_environment import parse_environ

_MARK = "RUNPOD_POD_ID"
_EXPORTS = "/etc/rp_environment"
_TIMEOUT = 15.0


class _Questions(PodApi):
    """Calls that end nothing."""

    def get(self) -> Optional[int]:
        """Whether the pod is told."""
        return self._call("GET", self._pod, None).status

    def rename(self, name: str) -> Optional[int]:
        """Whether the pod may be changed."""
        return self._call("PATCH", self._pod, {"name": name}).status


def probe(options: argparse.Namespace) -> Dict[str, Any]:
    """`look` changes nothing; `end` lets the pod terminate itself."""
    where, environment = _environment()
    key = environment.get(OWN_VARIABLE, "")
    api = _Questions(options.rest_url, options.pod, key, _TIMEOUT) if key else None
    answer: Dict[str, Any] = {"where": where, "session": _MARK in os.environ, "key": bool(key)}
    if options.mode == "end":
        answer["delete"] = None if api is None else api.delete().status
        return answer
    answer["file"] = os.path.exists(_EXPORTS)
    if api is not None:
        answer["get"] = api.get()
        answer["start"] = api.action("start").status
        answer["patch"] = api.rename(options.name)
    if options.mount:
        space = os.statvfs(options.mount)
        answer["dfGb"] = round(space.f_blocks * space.f_frsize / 1e9, 1)
    return answer


def _environment() -> Tuple[Optional[str], Dict[str, str]]:
    """The pod's environment in a process, and in which."""
    found = _of_process(1)
    if found:
        return "pid 1", found
    pid = os.getppid()
    while pid > 1:
        found = _of_process(pid)
        if found:
            return "an ancestor", found
        pid = parent_of(pid) or 0
    return None, {}


def _of_process(pid: int) -> Dict[str, str]:
    try:
        found = parse_environ(Path(f"/proc/{pid}/environ").read_bytes())
    except OSError:
        return {}
    return found if found.get(_MARK) else {}
