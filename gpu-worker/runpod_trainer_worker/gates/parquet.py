"""Reads parquet for the gates on its rows and columns: column by column in batches, so memory stays flat."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Iterator, List, Mapping

from ..base.errors import MissingPackage
from .result import CannotTell, not_of_this_run
from .values import LISTED, short_list

#: A batch holds about this many bytes of the columns that are read.
_BATCH_BYTES = 16 << 20
_BATCH_ROWS = 65536


def import_pyarrow(name: str) -> Any:
    """The module of this name; raises MissingPackage."""
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise MissingPackage("pyarrow", sys.executable) from problem


def open_parquet(project: Path, path: str, old: Mapping[str, str]) -> Any:
    """A `pyarrow.parquet.ParquetFile`; raises CannotTell with the cause, which may be that the step did not write it."""
    file = project / path
    if not file.exists():
        near = sorted(p.name for p in file.parent.glob("*.parquet"))[:10] if file.parent.is_dir() else []
        beside = f" Beside it: {short_list(near)}." if near else ""
        raise CannotTell("no file", f"{path} does not exist. Check the path and the step that writes it.{beside}")
    if not file.is_file():
        raise CannotTell("a folder", f"{path} is not a file. Name one parquet file.")
    if path in old:
        raise not_of_this_run(path, {path: old[path]})
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
    module = import_pyarrow("pyarrow.parquet")
    try:
        return module.ParquetFile(str(file), buffer_size=1 << 20, pre_buffer=False)
    except Exception as problem:
        raise CannotTell("damaged", f"{path} cannot be read as parquet: {problem}", bytes=size) from problem


def need_columns(file: Any, path: str, *columns: str) -> None:
    """Raises CannotTell with the columns that there are when one is missing."""
    there = list(file.schema_arrow.names)
    for column in columns:
        if column not in there:
            raise CannotTell(
                f"no column {column}",
                f"{path} has no column {column!r}. It has: {short_list(there, LISTED)}.",
                column=column,
                columns=there,
            )


def batches(file: Any, path: str, columns: List[str]) -> Iterator[Any]:
    """Record batches of some columns, in order; raises CannotTell when the file is damaged."""
    # One row group after the other: read together, they are all prepared in memory.
    try:
        for group in range(file.num_row_groups):
            about = file.metadata.row_group(group)
            rows = 0
            for batch in file.iter_batches(batch_size=_batch_rows(about, columns), row_groups=[group], columns=columns):
                rows += batch.num_rows
                yield batch
            if rows != about.num_rows:
                raise ValueError(f"a group of {about.num_rows} rows gave {rows}")
    except Exception as problem:
        raise CannotTell("damaged", f"{path} cannot be read to its end: {problem}") from problem


def column_of(batch: Any, name: str) -> Any:
    """The column of this name: a path through a structure is spelled alike, and comes with it."""
    return batch.column(batch.schema.names.index(name))


def _batch_rows(group: Any, columns: List[str]) -> int:
    size = 1
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema.split(".")[0] in columns or column.path_in_schema in columns:
            size += int(column.total_uncompressed_size)
    return max(16, min(_BATCH_ROWS, _BATCH_BYTES * int(group.num_rows) // size))
