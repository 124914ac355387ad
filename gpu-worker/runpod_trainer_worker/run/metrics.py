"""Numbers that a step reports: one JSON object a line in the file RUNPOD_TRAINER_METRICS."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional

from ..base.contract import LIMITS
from ..base.cut import cut_characters, json_bytes
from ..base.fsutil import encode
from ..base.masking import Masker
from ..journal.directory import JobDir
from ..journal.spool import spool_folder

_LONGEST = 1 << 16
#: So many bytes before the place that was read show whether the file is still the same.
_COMPARED = 4096


class MetricTail:
    """Follows a metrics file from its beginning, and keeps what a gate needs of each name.

    `summary` has for each name `last`, `max`, `min` (finite numbers or None), `finite` (whether every value was) and
    `count`, of what the file has at last: one that was written anew, or replaced by another one, counts as it is then.
    `keep` gets each line without secrets, which may stand in it as names too.
    """

    def __init__(
        self, path: Path, masker: Optional[Masker] = None, keep: Callable[[bytes], None] = lambda line: None
    ) -> None:
        self._path = path
        self._masker = masker or Masker()
        self._keep = keep
        self._file: Optional[BinaryIO] = None
        #: Hashes of the lines of the file, and how many of them were in the file before it was written anew.
        self._lines: List[int] = []
        self._told: List[int] = []
        self._begin()
        self.bad_lines = 0

    def _begin(self) -> None:
        self._told, self._lines = self._lines or self._told, []
        self._read = hashlib.sha256()
        self._offset = 0
        self._end = self._rest = b""
        self.summary: Dict[str, Dict[str, Any]] = {}

    def read(self, final: bool = False) -> List[Dict[str, Optional[float]]]:
        """New reports since the last call; a value that is not finite is None. `final` takes an unended line too."""
        reports: List[Dict[str, Optional[float]]] = []
        if self._file is not None and self._is_replaced(self._file):
            # What was still written to the one that was moved away is told, and counts no more.
            reports += self._take(self._file, final=True)
            self._close()
            self._begin()
        if self._file is None:
            try:
                self._file = open(self._path, "rb")
            except OSError:
                return reports
        if self._is_written_anew(self._file, final):
            self._begin()
        reports += self._take(self._file, final)
        if final:
            self._close()
        return reports

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_replaced(self, file: BinaryIO) -> bool:
        try:
            now, mine = os.stat(self._path), os.fstat(file.fileno())
        except OSError:
            return False  # removed: what it said stays said
        return (now.st_ino, now.st_dev) != (mine.st_ino, mine.st_dev)

    def _is_written_anew(self, file: BinaryIO, final: bool) -> bool:
        """Whether what was read is not what stands there; at last by all of it, before by its end."""
        if os.fstat(file.fileno()).st_size < self._offset:
            return True
        if not final:
            file.seek(self._offset - len(self._end))
            return file.read(len(self._end)) != self._end
        file.seek(0)
        digest, left = hashlib.sha256(), self._offset
        while left > 0:
            chunk = file.read(min(left, 1 << 20))
            if not chunk:
                return True
            digest.update(chunk)
            left -= len(chunk)
        return digest.digest() != self._read.digest()

    def _take(self, file: BinaryIO, final: bool) -> List[Dict[str, Optional[float]]]:
        file.seek(self._offset)
        data = file.read()
        self._offset += len(data)
        self._read.update(data)
        self._end = (self._end + data)[-_COMPARED:]
        *whole, self._rest = (self._rest + data).split(b"\n")
        if final and self._rest:
            whole.append(self._rest)
            self._rest = b""
        return [values for values in map(self._line, whole) if values]

    def _line(self, line: bytes) -> Dict[str, Optional[float]]:
        """What the line reports, if it was not told already of the file that this one was before."""
        number, mark = len(self._lines), hash(line)
        self._lines.append(mark)
        is_told = number < len(self._told) and self._told[number] == mark
        values = self._parse(line, is_told)
        return {} if is_told else values

    def _parse(self, line: bytes, is_told: bool) -> Dict[str, Optional[float]]:
        if not line.strip():
            return {}
        try:
            raw = json.loads(line) if len(line) <= _LONGEST else None
        except (ValueError, RecursionError):
            raw = None
        if not isinstance(raw, dict):
            if not is_told:
                self.bad_lines += 1
                self._keep(encode(self._masker.text(line.decode("utf-8", "replace"))) + b"\n")
            return {}
        safe = raw if self._masker.idle else self._masker.value(raw)
        if not is_told:
            self._keep((line if repr(safe) == repr(raw) else encode(json.dumps(safe, ensure_ascii=False))) + b"\n")
        raw = safe
        values: Dict[str, Optional[float]] = {}
        for name, value in raw.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                number = value if _finite(value) else None
                values[name] = number
                self._note(name, number)
        return values

    def _note(self, name: str, value: Optional[float]) -> None:
        entry = self.summary.setdefault(name, {"last": None, "max": None, "min": None, "finite": True, "count": 0})
        entry["last"] = value
        entry["count"] += 1
        if value is None:
            entry["finite"] = False
            return
        entry["max"] = value if entry["max"] is None else max(entry["max"], value)
        entry["min"] = value if entry["min"] is None else min(entry["min"], value)


def pieces(values: Dict[str, Optional[float]]) -> Iterator[Dict[str, Optional[float]]]:
    """A report as the `values` of as many events as it takes; names are cut."""
    part: Dict[str, Optional[float]] = {}
    size = 0
    for name, value in values.items():
        shown = cut_characters(name, LIMITS.name_characters)
        cost = json_bytes({shown: value})
        if part and (len(part) >= LIMITS.event_list_items or size + cost > LIMITS.event_line_bytes // 2):
            yield part
            part, size = {}, 0
        part[shown] = value
        size += cost
    if part:
        yield part


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def metrics_of(job: JobDir, side: str, folder: Path) -> Path:
    """Where a step reports its metrics: on the machine's own disk if it can be, since what it writes may be a secret."""
    scratch = spool_folder(job) if side == "pod" else None
    return folder / ".metrics.jsonl" if scratch is None else scratch / f"metrics-{folder.name}.jsonl"


def forget_metrics(path: Path, folder: Path) -> None:
    """Removes what a step reported, and the place that was made for it beside its folder."""
    path.unlink(missing_ok=True)
    if path.parent != folder:
        try:
            path.parent.rmdir()
        except OSError:
            pass
