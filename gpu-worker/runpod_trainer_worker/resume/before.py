"""What lay in a project before a step began: what the step did not write is evidence of nothing."""

from __future__ import annotations

import dataclasses
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Set, Tuple

from ..base.globs import SKIPPED, match
from .checkpoints import candidates

#: The volume's clock may stand still for so long: some file systems keep times of two seconds.
_TICK_SECONDS = 3.0
_LOOK_SECONDS = 0.005
#: So many files of the project are noted besides those that patterns mean, as long as that takes no longer.
_NOTED_FILES = 200_000
_NOTED_SECONDS = 20.0
#: Inode, size and time of change: a file that has the same under another name was renamed or linked.
Known = Tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Mark:
    """One file as it was: size, times of change (content, anything) in ns, inode, and owner, rights and links."""

    size: int
    changed: int
    touched: int
    inode: int
    rights: Tuple[int, ...]

    @classmethod
    def of(cls, info: os.stat_result) -> Mark:
        """What a look at a file said."""
        rights = (info.st_mode, info.st_uid, info.st_gid, info.st_nlink)
        return cls(info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, rights)


class Before:
    """The files that patterns meant when a step began, and what the clocks said then.

    Nothing is compared with the clock of this machine, which may be wrong, but what lies on its own disk. `kept` is one
    that an earlier attempt noted: inodes and times of touch may differ on another machine, so they do not count there.
    """

    def __init__(
        self,
        project: Path,
        marks: Dict[str, Mark],
        volume: int,
        here: int,
        kept: bool = False,
        besides: FrozenSet[Known] = frozenset(),
    ) -> None:
        self._project = project
        self._marks = marks
        self._volume = volume
        self._here = here
        self._kept = kept
        self._known = besides | {(one.inode, one.size, one.changed) for one in marks.values()}

    @classmethod
    def take(cls, project: Path, patterns: Iterable[str]) -> Before:
        """Looks now; waits until the volume's clock has moved on, so that what is written from here on has a later time."""
        marks: Dict[str, Mark] = {}
        wanted = list(patterns)
        for path in {path for pattern in wanted for path in _files(project, pattern)}:
            try:
                marks[path] = Mark.of(os.stat(project / path))
            except OSError:
                continue
        times = {moment for one in marks.values() for moment in (one.changed, one.touched)}
        volume = _later_than(project, times)
        return cls(project, marks, volume, time.time_ns(), besides=_all_files(project) if wanted else frozenset())

    def old(self, path: str) -> Optional[int]:
        """When the file was written (ns since 1970), if that was before the step began; None when the step wrote it.

        A link counts as what it leads to. A file that was renamed, linked or given other rights since is the same file.
        """
        place = self._project / path
        try:
            info = os.stat(place)
        except OSError:
            return None
        now, before = Mark.of(info), self._marks.get(path)
        if before is not None and (now.size, now.changed) == (before.size, before.changed):
            is_moved = now.inode == before.inode and os.path.islink(place)
            if self._kept or is_moved or now.touched == before.touched or now.rights != before.rights:
                return now.changed
            return None  # something was written, and its time was set back
        if not self._kept and (now.inode, now.size, now.changed) in self._known:
            return now.changed
        if before is None and os.path.realpath(place) != os.path.join(os.path.realpath(self._project), path):
            # Nobody looked at what the link leads to.
            same_volume = info.st_dev == os.stat(self._project).st_dev
            if max(now.changed, now.touched) < (self._volume if same_volume else self._here):
                return now.changed
        return None

    def all_old(self, paths: Iterable[str]) -> Dict[str, str]:
        """Those of the files that the step did not write, with when they were written."""
        found = ((path, self.old(path)) for path in paths)
        return {path: moment_text(moment) for path, moment in found if moment is not None}

    def to_json(self) -> Dict[str, Any]:
        """What the next attempt needs of it."""
        marks = {path: [one.size, one.changed] for path, one in self._marks.items()}
        return {"files": marks, "volume": self._volume, "here": self._here}

    @classmethod
    def from_json(cls, project: Path, raw: Dict[str, Any]) -> Before:
        """The same; raises ValueError, KeyError or TypeError for anything else."""
        marks = {str(path): Mark(int(size), int(changed), 0, 0, ()) for path, (size, changed) in raw["files"].items()}
        return cls(project, marks, int(raw["volume"]), int(raw["here"]), kept=True)


def _all_files(project: Path) -> FrozenSet[Known]:
    """The files of the project by what a rename leaves as it is."""
    found: Set[Known] = set()
    folders = [os.fspath(project)]
    end = time.monotonic() + _NOTED_SECONDS
    while folders and len(found) < _NOTED_FILES and time.monotonic() < end:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in SKIPPED:
                            folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        info = entry.stat(follow_symlinks=False)
                        found.add((info.st_ino, info.st_size, info.st_mtime_ns))
        except OSError:
            continue
    return frozenset(found)


def outputs_problem(project: Path, patterns: Iterable[str], before: Optional[Before]) -> Optional[str]:
    """A sentence about the first declared output that the step did not write; without `before` it has to be there only."""
    for pattern in patterns:
        found = _files(project, pattern)
        if not found:
            return f"It declares {pattern} among its outputs and wrote no such file. Correct the path there or in its code."
        old = before.all_old(found) if before is not None else {}
        if len(old) == len(found):
            return (
                f"It declares {pattern} among its outputs and wrote none of them: {written_before(old)}. Correct the path "
                "there or in its code; allowStale is for a step that leaves what is there as it is."
            )
    return None


def _files(project: Path, pattern: str) -> List[str]:
    """The files that a pattern means, or those in the folders that it means, as `out/checkpoint-*` may."""
    found = match(project, pattern, through_links=True)
    return found or [path for one in candidates(project, pattern) for path in one.files]


def written_before(old: Mapping[str, str], told: str = "") -> str:
    """`a.pt was written 2026-11-27 18:03:05 UTC, before the step began`; `it` where it was just told of."""
    path, moment = next(iter(sorted(old.items())))
    if path == told:
        return f"it was written {moment}, before the step began"
    more = f" (and {len(old) - 1} more)" if len(old) > 1 else ""
    return f"{path}{more} was written {moment}, before the step began"


def moment_text(moment: int) -> str:
    """A time of change for a sentence."""
    try:
        return datetime.fromtimestamp(moment // 10**9, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{moment // 10**9} s after 1970"


def _later_than(project: Path, times: Set[int]) -> int:
    """What the volume's clock says, once it says something else than any of these times."""
    folder = project / ".runpod-trainer"
    probe = folder / f"clock-{os.getpid()}"
    end = time.monotonic() + _TICK_SECONDS
    try:
        folder.mkdir(exist_ok=True)
        while True:
            probe.write_bytes(b"")
            moment = os.stat(probe).st_mtime_ns
            if moment not in times or time.monotonic() > end:
                return moment
            probe.unlink()
            time.sleep(_LOOK_SECONDS)
    except OSError:
        return time.time_ns()
    finally:
        _remove(probe)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass
