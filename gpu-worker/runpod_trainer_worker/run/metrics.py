"""Numbers that a step reports: one JSON object a line in the file RUNPOD_TRAINER_METRICS."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

from ..base.contract import LIMITS
from ..base.cut import cut_characters, json_bytes
from ..base.fsutil import encode
from ..base.masking import Masker
from ..journal.directory import JobDir
from ..journal.spool import spool_folder

_LONGEST = 1 << 16


class MetricTail:
    """Follows a metrics file from its present end, and keeps what a gate needs of each name.

    `summary` has for each name `last`, `max`, `min` (finite numbers or None), `finite` (whether every value was) and
    `count`. `keep` gets each line without secrets, which may stand in it as names too.
    """

    def __init__(
        self, path: Path, masker: Optional[Masker] = None, keep: Callable[[bytes], None] = lambda line: None
    ) -> None:
        self._path = path
        self._masker = masker or Masker()
        self._keep = keep
        self._rest = b""
        try:
            self._offset = path.stat().st_size
        except OSError:
            self._offset = 0
        self.summary: Dict[str, Dict[str, Any]] = {}
        self.bad_lines = 0

    def read(self, final: bool = False) -> List[Dict[str, Optional[float]]]:
        """New reports since the last call; a value that is not finite is None. `final` takes an unended line too."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return []
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if final and self._rest:
            whole.append(self._rest)
            self._rest = b""
        return [values for values in map(self._parse, whole) if values]

    def _parse(self, line: bytes) -> Dict[str, Optional[float]]:
        if not line.strip():
            return {}
        try:
            raw = json.loads(line) if len(line) <= _LONGEST else None
        except (ValueError, RecursionError):
            raw = None
        if not isinstance(raw, dict):
            self.bad_lines += 1
            self._keep(encode(self._masker.text(line.decode("utf-8", "replace"))) + b"\n")
            return {}
        safe = raw if self._masker.idle else self._masker.value(raw)
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
