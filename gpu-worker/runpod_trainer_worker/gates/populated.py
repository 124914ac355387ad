"""Gate `populated`: in how many rows a column has a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Mapping

from .columns import kind_of, plain_array, raw
from .equality import Kind, has_value, matcher
from .parquet import batches, column_of, import_pyarrow, need_columns, open_parquet
from .result import FAILED, PASSED, Finding
from .values import plain


def _filled(kind: Kind, values: Any) -> Any:
    """A boolean array: which rows have a value, by kernels of Arrow, or one by one where it has none for the type."""
    compute, types, pa = import_pyarrow("pyarrow.compute"), import_pyarrow("pyarrow.types"), import_pyarrow("pyarrow")
    values = plain_array(values)
    valid = compute.is_valid(values)
    try:
        if kind.name == "float":
            return compute.and_(valid, compute.invert(compute.fill_null(compute.is_nan(values), False)))
        if kind.name == "text" and kind.size is None:
            return compute.and_(valid, compute.fill_null(compute.greater(compute.binary_length(values), 0), False))
        if kind.name == "list":
            flat, parents = plain_array(compute.list_flatten(values)), compute.list_parent_indices(values)
            good = compute.is_valid(flat)
            if types.is_floating(flat.type):
                good = compute.and_(good, compute.invert(compute.fill_null(compute.is_nan(flat), True)))
            rows_with = compute.unique(parents.filter(good))
            numbers = pa.array(range(len(values)), rows_with.type)
            return compute.and_(valid, compute.is_in(numbers, value_set=rows_with))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([has_value(kind, value) for value in raw(values)], pa.bool_())
    return valid


def populated(project: Path, gate: Dict[str, Any], old: Mapping[str, str]) -> Finding:
    """Which share of the selected rows has a value."""
    path, column = gate["path"], gate["column"]
    where = gate.get("where") or None
    share = float(gate.get("minShare", 1))
    file = open_parquet(project, path, old)
    names = [column] if where is None else [column, where["column"]]
    need_columns(file, path, *names)
    compute, pa = import_pyarrow("pyarrow.compute"), import_pyarrow("pyarrow")
    kind = kind_of(file.schema_arrow.field(column).type)
    is_it = None if where is None else matcher(kind_of(file.schema_arrow.field(where["column"]).type), where["equals"])
    selected = filled = total = 0
    for batch in batches(file, path, list(dict.fromkeys(names))):
        total += batch.num_rows
        mask = _filled(kind, column_of(batch, column))
        if where is None or is_it is None:
            selected += batch.num_rows
        else:
            values = raw(column_of(batch, where["column"]))
            chosen = pa.array([value is not None and is_it(value) for value in values], pa.bool_())
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
