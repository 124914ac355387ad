"""Gate `distinct`: which values a column has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Set

from .parquet import batches, import_pyarrow, need_columns, open_parquet
from .result import FAILED, PASSED, Finding
from .values import canonical, ordered, plain, short_list

#: More distinct values than this are not counted.
_MOST = 1_000_000


def distinct(project: Path, gate: Dict[str, Any]) -> Finding:
    """Which values a column has; null is no value."""
    path, column = gate["path"], gate["column"]
    wanted, count = gate.get("includes") or [], gate.get("count")
    file = open_parquet(project, path)
    need_columns(file, path, column)
    compute = import_pyarrow("pyarrow.compute")
    seen: Dict[str, Any] = {}
    missing: Set[str] = {canonical(value) for value in wanted}
    nulls = 0
    for batch in batches(file, path, [column]):
        values = batch.column(0)
        nulls += values.null_count
        if hasattr(values, "dictionary"):
            values = values.dictionary_decode()
        try:
            values = compute.unique(values)
        except Exception:  # no kernel for nested types: they are compared as they are
            pass
        for value in values.to_pylist():
            if value is not None:
                name = canonical(value)
                missing.discard(name)
                if len(seen) <= _MOST:
                    seen.setdefault(name, value)
    number = f"more than {_MOST}" if len(seen) > _MOST else str(len(seen))
    absent = [value for value in wanted if canonical(value) in missing]
    evidence: Dict[str, Any] = {
        "distinct": len(seen),
        "missing": [plain(v) for v in absent],
        "seen": ordered(seen.values()),
        "nulls": nulls,
    }
    expected = " and ".join(
        part
        for part in (f"= {count} values" if count is not None else "", f"has {short_list(wanted)}" if wanted else "")
        if part
    )
    problems = []
    if absent:
        problems.append(
            f"the values {short_list(absent)} are missing" if len(absent) > 1 else f"the value {absent[0]} is missing"
        )
    if count is not None and len(seen) != count:
        problems.append(f"there are {number} distinct values, expected {count}")
    listed = short_list(evidence["seen"])
    summary = f"{number} values: {listed}" if seen else "no values"
    if not problems:
        return Finding(PASSED, expected, summary, None, evidence)
    message = f"In column {column} of {path} {' and '.join(problems)}. Seen: {listed or 'nothing'}. Check its inputs."
    return Finding(FAILED, expected, summary, message, evidence)
