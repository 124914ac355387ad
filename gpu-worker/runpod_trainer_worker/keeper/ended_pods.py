"""Removes what pods that ended long ago have left of themselves on the volume."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Iterator

from ..base import fsutil
from ..base.succession import volume_time
from ..journal.directory import JobDir

#: A keeper writes its state anew at least so often, so that its folder is known for one of a pod that is there.
FRESH_SECONDS = 24 * 3600.0
#: What nobody has written to for so long is of a pod that has ended.
_KEPT_SECONDS = 7 * 24 * 3600.0
#: At most so many are removed at a time: a network disk is slow at it.
_MOST = 200


def prune(mount: str, pod_id: str) -> int:
    """Removes the folders in `pods` and `gateways` of pods that ended at least a week ago; how many. Raises OSError."""
    own = Path(mount) / ".runpod-trainer"
    before = volume_time(own) - _KEPT_SECONDS
    removed = 0
    for folder in _folders(own):
        if removed < _MOST and folder.name != pod_id and _newest(folder, before) < before:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _folders(own: Path) -> Iterator[Path]:
    for name in ("pods", "gateways"):
        try:
            entries = sorted(os.scandir(own / name), key=lambda entry: entry.name)
        except OSError:
            continue
        yield from (Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _newest(folder: Path, before: float) -> float:
    """When anything in it was last written, or the job that its pod runs gave a sign; now where that cannot be told."""
    newest = 0.0
    try:
        for place, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                newest = max(newest, os.lstat(os.path.join(place, name)).st_mtime)
                if newest >= before:
                    return newest
        state = (fsutil.read_json(folder / "keeper.json") or {}).get("state")
        job = state.get("job") if isinstance(state, dict) else None
        runs = job.get("folder") if isinstance(job, dict) else None
        if isinstance(runs, str):
            newest = max(newest, _sign_of(JobDir(Path(runs)), folder.name))
    except OSError:
        return time.time()
    return newest


def _sign_of(job: JobDir, pod_id: str) -> float:
    """When the job gave its last sign, if it is on that pod."""
    state = fsutil.read_json(job.state)
    return job.state.stat().st_mtime if state is not None and state.get("podId") == pod_id else 0.0
