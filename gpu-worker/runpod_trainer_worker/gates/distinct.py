"""Gate `distinct`: which values a column has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..base.contract import LIMITS
from .columns import kind_of, plain_array, raw
from .equality import key_of, matcher, shown
from .parquet import batches, column_of, import_pyarrow, need_columns, open_parquet
from .result import FAILED, PASSED, Finding
from .values import ordered, plain, short_list


def distinct(project: Path, gate: Dict[str, Any], old: Mapping[str, str]) -> Finding:
    """Which values a column has; null is no value."""
    path, column = gate["path"], gate["column"]
    wanted, count = gate.get("includes") or [], gate.get("count")
    file = open_parquet(project, path, old)
    need_columns(file, path, column)
    compute = import_pyarrow("pyarrow.compute")
    kind = kind_of(file.schema_arrow.field(column).type)
    most = LIMITS.distinct_items
    seen: Dict[Any, Any] = {}
    missing: List[Tuple[Any, Callable[[Any], bool]]] = [(value, matcher(kind, value)) for value in wanted]
    nulls = 0
    for batch in batches(file, path, [column]):
        values = plain_array(column_of(batch, column))
        nulls += values.null_count
        try:
            values = compute.unique(values)
        except Exception:  # no kernel for nested types: they are compared as they are
            pass
        for value in raw(values):
            if value is None:
                continue
            key = key_of(kind, value)
            if key not in seen:
                missing = [(want, is_it) for want, is_it in missing if not is_it(value)]
                if len(seen) <= most:
                    seen[key] = value
    number = f"more than {most}" if len(seen) > most else str(len(seen))
    absent = [value for value, _ in missing]
    evidence: Dict[str, Any] = {
        "distinct": len(seen),
        "missing": [plain(v) for v in absent],
        "seen": ordered(shown(kind, value) for value in seen.values()),
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
