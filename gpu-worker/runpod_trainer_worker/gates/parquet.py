"""Gates on parquet files; they read column by column in batches, so memory stays flat."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

from ..base.errors import MissingPackage
from .result import FAILED, PASSED, CannotTell, Finding, bounds, within
from .values import LISTED, canonical, ordered, plain, short_list

#: A batch holds about this many bytes of the columns that are read.
_BATCH_BYTES = 16 << 20
_BATCH_ROWS = 65536
#: More distinct values than this are not counted.
_MOST = 1_000_000


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise MissingPackage("pyarrow", sys.executable) from problem


def open_parquet(project: Path, path: str) -> Any:
    """A `pyarrow.parquet.ParquetFile`; raises CannotTell with the cause."""
    file = project / path
    if not file.exists():
        near = sorted(p.name for p in file.parent.glob("*.parquet"))[:10] if file.parent.is_dir() else []
        beside = f" Beside it: {short_list(near)}." if near else ""
        raise CannotTell("no file", f"{path} does not exist. Check the path and the step that writes it.{beside}")
    if not file.is_file():
        raise CannotTell("a folder", f"{path} is not a file. Name one parquet file.")
    size = file.stat().st_size
    if size == 0:
        raise CannotTell("empty file", f"{path} is empty (0 bytes). Run the step that writes it again.", bytes=0)
    with open(file, "rb") as stream:
        head = stream.read(4)
        stream.seek(max(0, size - 4))
        tail = stream.read(4)
    if head == b"PARE" or tail == b"PARE":
        raise CannotTell("encrypted", f"{path} is encrypted parquet. Write it without encryption.", bytes=size)
    if head != b"PAR1":
        raise CannotTell("not parquet", f"{path} is not a parquet file: it begins with {head!r}.", bytes=size)
    if tail != b"PAR1" or size < 12:
        raise CannotTell(
            "truncated",
            f"{path} is truncated: it begins as parquet and its end is missing ({size} bytes). Copy or write it again.",
            bytes=size,
        )
    module = _import("pyarrow.parquet")
    try:
        return module.ParquetFile(str(file), buffer_size=1 << 20, pre_buffer=False)
    except Exception as problem:
        raise CannotTell("damaged", f"{path} cannot be read as parquet: {problem}", bytes=size) from problem


def _need_columns(file: Any, path: str, *columns: str) -> None:
    there = list(file.schema_arrow.names)
    for column in columns:
        if column not in there:
            raise CannotTell(
                f"no column {column}",
                f"{path} has no column {column!r}. It has: {short_list(there, LISTED)}.",
                column=column,
                columns=there,
            )


def _batches(file: Any, path: str, columns: List[str]) -> Iterator[Any]:
    # One row group after the other: read together, they are all prepared in memory.
    try:
        for group in range(file.num_row_groups):
            rows_of = _batch_rows(file.metadata.row_group(group), columns)
            yield from file.iter_batches(batch_size=rows_of, row_groups=[group], columns=columns)
    except Exception as problem:
        raise CannotTell("damaged", f"{path} cannot be read to its end: {problem}") from problem


def _batch_rows(group: Any, columns: List[str]) -> int:
    size = 1
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema.split(".")[0] in columns or column.path_in_schema in columns:
            size += int(column.total_uncompressed_size)
    return max(16, min(_BATCH_ROWS, _BATCH_BYTES * int(group.num_rows) // size))


def rows(project: Path, gate: Dict[str, Any]) -> Finding:
    """The row count in the footer."""
    count = int(open_parquet(project, gate["path"]).metadata.num_rows)
    expected = bounds(gate)
    if within(gate, count):
        return Finding(PASSED, expected, str(count), None, {"rows": count})
    message = f"{gate['path']} has {count} rows, expected {expected}. Check the step that writes it and its inputs."
    return Finding(FAILED, expected, str(count), message, {"rows": count})


def distinct(project: Path, gate: Dict[str, Any]) -> Finding:
    """Which values a column has; null is no value."""
    path, column = gate["path"], gate["column"]
    wanted, count = gate.get("includes") or [], gate.get("count")
    file = open_parquet(project, path)
    _need_columns(file, path, column)
    compute = _import("pyarrow.compute")
    seen: Dict[str, Any] = {}
    missing: Set[str] = {canonical(value) for value in wanted}
    nulls = 0
    for batch in _batches(file, path, [column]):
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


def _filled(compute: Any, types: Any, values: Any) -> Any:
    """A boolean array: which rows have a value."""
    if hasattr(values, "dictionary"):
        values = values.dictionary_decode()
    valid = compute.is_valid(values)
    kind = values.type
    if types.is_floating(kind):
        return compute.and_(valid, compute.invert(compute.fill_null(compute.is_nan(values), False)))
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return compute.and_(valid, compute.fill_null(compute.greater(compute.binary_length(values), 0), False))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        flat, parents = compute.list_flatten(values), compute.list_parent_indices(values)
        good = compute.is_valid(flat)
        if types.is_floating(flat.type):
            good = compute.and_(good, compute.invert(compute.fill_null(compute.is_nan(flat), True)))
        rows_with = compute.unique(parents.filter(good))
        numbers = _import("pyarrow").array(range(len(values)), rows_with.type)
        return compute.and_(valid, compute.is_in(numbers, value_set=rows_with))
    return valid


def populated(project: Path, gate: Dict[str, Any]) -> Finding:
    """Which share of the selected rows has a value."""
    path, column = gate["path"], gate["column"]
    where = gate.get("where") or None
    share = float(gate.get("minShare", 1))
    file = open_parquet(project, path)
    names = [column] if where is None else [column, where["column"]]
    _need_columns(file, path, *names)
    compute, types, pa = _import("pyarrow.compute"), _import("pyarrow.types"), _import("pyarrow")
    selected = filled = total = 0
    for batch in _batches(file, path, list(dict.fromkeys(names))):
        total += batch.num_rows
        mask = _filled(compute, types, batch.column(batch.schema.names.index(column)))
        if where is None:
            selected += batch.num_rows
        else:
            values = batch.column(batch.schema.names.index(where["column"])).to_pylist()
            wanted = canonical(where["equals"])
            chosen = pa.array([value is not None and canonical(value) == wanted for value in values], pa.bool_())
            selected += chosen.true_count
            mask = compute.and_(mask, chosen)
        filled += mask.true_count
    evidence = {"selected": selected, "filled": filled, "rows": total}
    rows_text = "all rows" if where is None else f"rows where {where['column']} = {plain(where['equals'])}"
    expected = f"{share:.0%} of {rows_text}" if share < 1 else rows_text
    if selected == 0:
        message = f"{path} has no {rows_text} ({total} rows in all), so nothing says that {column} is filled."
        return Finding(FAILED, expected, "0 rows selected", message, evidence)
    seen = f"{filled} of {selected}"
    if filled >= share * selected - 1e-9:
        return Finding(PASSED, expected, seen, None, evidence)
    message = f"{column} in {path} has a value in {filled} of {selected} {rows_text}, expected {share:.2%}."
    return Finding(FAILED, expected, seen, f"{message} Check the step that fills it.", evidence)
