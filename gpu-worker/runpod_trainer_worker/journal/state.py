"""`state.json`: the snapshot that a client reads first."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional

from ..base import fsutil
from ..base.clock import now_iso
from ..base.contract import LIMITS
from .directory import JobDir, is_followed
from .spec import Spec


class State:
    """Keeps the snapshot and replaces the file after each change; a failed write is tried again with the next."""

    def __init__(
        self,
        job: JobDir,
        spec: Spec,
        epoch: int,
        pod_id: Optional[str],
        seq: Callable[[], int],
        hide: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        self._job = job
        self._hide = hide
        self._seq = seq
        self._lock = threading.Lock()
        self._silent = False
        self.value: Dict[str, Any] = {
            "schema": LIMITS.state_schema_number,
            "job": spec.job,
            "project": spec.project,
            "epoch": epoch,
            "seq": 0,
            "status": "running",
            "step": None,
            "reason": None,
            "started": now_iso(),
            "updated": now_iso(),
            "finished": None,
            "podId": pod_id,
            "watchdog": {"armed": False, "detail": "There is no keeper on this side.", "deadline": None, "owners": []},
            "steps": [
                {"name": s.name, "where": s.where, "status": "waiting", "seconds": None, "why": None, "gates": []}
                for s in spec.steps
            ],
        }

    def update(self, **changes: Any) -> None:
        """Changes top-level fields."""
        with self._lock:
            self.value.update(self._hide(changes))
        self.save()

    def step(self, index: int, **changes: Any) -> None:
        """Changes the fields of a step; `index` counts from 1."""
        with self._lock:
            steps: List[Dict[str, Any]] = self.value["steps"]
            steps[index - 1].update(self._hide(changes))
        self.save()

    def save(self) -> None:
        """Writes the file; also the worker's sign of life."""
        with self._lock:
            self._silent = self._silent or is_followed(self._job, self.value["epoch"])
            if self._silent:
                return
            self.value["seq"] = self._seq()
            self.value["updated"] = now_iso()
            try:
                fsutil.write_json(self._job.state, self.value)
            except OSError:
                pass

    def silence(self) -> None:
        """Writes nothing from here on: a newer epoch owns the file."""
        with self._lock:
            self._silent = True
