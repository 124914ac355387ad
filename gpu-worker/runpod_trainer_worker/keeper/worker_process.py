"""The worker as the keeper's child: it is started, its end is noticed, its last output is kept."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from typing import Any, Callable, Dict, Optional

from ..base import procs
from ..base.detached import send_input, start_detached
from .lanes import quietly
from .states import Worker

_OUTPUT_BYTES = 4096


class WorkerProcess:
    """One worker after the other; `on_end` is called, from another thread, when one may have ended."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._output: Optional[int] = None

    def start(self, folder: str, given: Dict[str, Any], started: Callable[[Worker], None]) -> Worker:
        """Starts a worker; `started` is told of it before it gets its input. Raises OSError."""
        # In memory: a full disk must not keep a job from telling why it cannot run.
        output = os.memfd_create("worker", os.MFD_CLOEXEC)
        before, self._output = self._output, output
        if before is not None:
            os.close(before)
        process = start_detached(["_work", "--job-dir", folder], output)
        worker = Worker(process.pid, procs.start_time(process.pid) or 0)
        started(worker)
        self._await(worker, process)
        try:
            send_input(process, given)
        except OSError:
            pass  # it died already, which is told in its own way
        return worker

    def adopt(self, worker: Worker) -> None:
        """Notices the end of one that another keeper has started."""
        self._await(worker, None)

    def output(self) -> str:
        """The end of what the last one printed, which is how it tells that it cannot begin."""
        try:
            if self._output is None:
                return ""
            size = os.fstat(self._output).st_size
            return os.pread(self._output, _OUTPUT_BYTES, max(0, size - _OUTPUT_BYTES)).decode("utf-8", "replace")
        except OSError:
            return ""

    def _await(self, worker: Worker, process: "Optional[subprocess.Popen[bytes]]") -> None:
        """Tells at once; where no thread can be had, the keeper's rounds find out."""

        def wait() -> None:
            if process is not None:
                process.wait()
                procs.forget(process.pid)
            else:
                descriptor = os.pidfd_open(worker.pid)
                select.select([descriptor], [], [])
                os.close(descriptor)
            self._on_end()

        try:
            threading.Thread(target=quietly, args=(wait,), name="worker", daemon=True).start()
        except RuntimeError:
            pass
