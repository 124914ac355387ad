"""A folder that torch.distributed.checkpoint wrote: `.metadata` says in which file each piece of a tensor lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from .inert_pickle import Inert, read_inert
from .torch_file import tensors_of

HEAD = ".metadata"


def pieces_of(folder: Path) -> List[Tuple[str, Path, int, int]]:
    """Name, file, place and length of every piece; raises ValueError with what is missing."""
    head = folder / HEAD
    if not head.is_file():
        raise ValueError(f"{HEAD} is missing, which is written last")
    with open(head, "rb") as stream:
        top = read_inert(stream).top
    stored = _field(top, "storage_data")
    if not isinstance(stored, dict) or not stored:
        raise ValueError(f"{HEAD} is damaged: it names no piece")
    pieces = []
    for key, about in stored.items():
        name, offset, length = _field(about, "relative_path"), _field(about, "offset"), _field(about, "length")
        if not isinstance(name, str) or not isinstance(offset, int) or not isinstance(length, int) or "/" in name:
            raise ValueError(f"{HEAD} is damaged")
        file = folder / name
        if not file.is_file():
            raise ValueError(f"{name} is missing, which {HEAD} names")
        size = file.stat().st_size
        if offset + length > size:
            raise ValueError(f"{name} has {size} bytes, and {HEAD} tells of {offset + length}")
        pieces.append((str(_field(key, "fqn")), file, offset, length))
    return pieces


def pieces_tensors(pieces: List[Tuple[str, Path, int, int]]) -> Iterator[Tuple[str, Any]]:
    """Names and tensors of the pieces; those that are no tensors are only read."""
    for name, file, offset, length in pieces:
        with open(file, "rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
        if data.startswith(b"PK"):
            for inner, tensor in tensors_of(data):
                yield f"{name}{inner}", tensor


def _field(value: Any, name: str) -> Any:
    if not isinstance(value, Inert):
        return None
    state: Any = value.state
    if isinstance(state, tuple) and len(state) == 2:
        state = {**(state[0] or {}), **(state[1] or {})}
    found: Dict[Any, Any] = state if isinstance(state, dict) else {}
    return found.get(name)
