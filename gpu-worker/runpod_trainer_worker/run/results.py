"""What the job leaves as its results, noted at its end: another job may write over them before they come home."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any, Dict, List

from ..base import fsutil
from ..base.clock import iso
from ..files.listing import Found, find
from .context import Context

#: So long the end of a job waits for it, in seconds; a disk that takes longer leaves it untold.
_PATIENCE = 30.0
#: The same for a job that was stopped, whose pod ends soon whatever it does.
_HURRY = 5.0
#: Files of at most so many bytes are hashed too, as far as that takes no longer than so many seconds.
_HASHED_BYTES = 1024 * 1024
_HASHING_SECONDS = 3.0


def note_results(context: Context, hurry: bool) -> None:
    """Writes `results.jsonl`: a line `{"path", "size", "mtime", ("sha256", "target")}` or `{"path", "left"}` each.

    Names are ASCII with escapes, so that each survives as it is. Without it a client cannot tell, and nothing ends.
    """
    patterns = context.spec.fetch
    if not patterns:
        return
    failed: List[str] = []
    patience = _HURRY if hurry else _PATIENCE

    def run() -> None:
        try:
            end = time.monotonic() + _HASHING_SECONDS
            lines = [_line(context, found, end) for found in find(context.spec.project_path, patterns)]
            text = "".join(f"{json.dumps(line)}\n" for line in lines)
            fsutil.write_atomic(context.job.results, text.encode("ascii"), durable=True)
        except OSError as problem:
            failed.append(f"{problem}")

    thread = threading.Thread(target=run, name="results", daemon=True)
    thread.start()
    thread.join(patience)
    if failed or thread.is_alive():
        why = failed[0] if failed else f"the volume took longer than {patience:g} seconds"
        text = f"What the results are was not noted, so a later job that writes over them is not noticed: {why}."
        context.journal.emit("note", level="warning", text=text)


def _line(context: Context, found: Found, end: float) -> Dict[str, Any]:
    if found.info is None:
        return found.left_line()
    line: Dict[str, Any] = {"path": found.path, "size": found.info.st_size, "mtime": iso(found.info.st_mtime)}
    if found.target is not None:
        line["target"] = found.target
    if found.info.st_size <= _HASHED_BYTES and time.monotonic() < end:
        try:
            descriptor = os.open(context.spec.project_path / (found.target or found.path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return line
        try:
            line["sha256"] = fsutil.sha256_of(descriptor)
        finally:
            os.close(descriptor)
    return line
