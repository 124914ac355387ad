"""Files that are either whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it to `path` when the block succeeds, removes it when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Writes a parquet file atomically."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary)


def read_parquet(path: Path, made_by: str, columns: list[str] | None = None) -> pa.Table:
    """Reads a parquet file; FileNotFoundError says which step makes it."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run the step that makes it first: {made_by}")
    return pq.read_table(path, columns=columns)
