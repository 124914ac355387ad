"""A safetensors file by its header: which tensors it has, and whether it is whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

_LONGEST_HEADER = 100_000_000
#: Bits of one value. Of those in `WHOLE` every pattern of bits is a finite number.
_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **{"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6},
}
WHOLE = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F4", "F6_E2M3", "F6_E3M2"}


class Entry(NamedTuple):
    """One tensor: its type and how many numbers it has."""

    kind: str
    numbers: int


def entries_of(file: Path) -> Dict[str, Entry]:
    """The tensors of the file; raises ValueError with the cause when it is not whole."""
    size = os.stat(file).st_size
    with open(file, "rb") as stream:
        start = stream.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= _LONGEST_HEADER:
            raise ValueError("it does not begin as a safetensors file")
        if 8 + length > size:
            raise ValueError(f"it has {size} bytes, and its header alone has {8 + length}")
        text = stream.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"its header is no JSON ({problem})") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    header.pop("__metadata__", None)
    found: Dict[str, Entry] = {}
    spans: List[Tuple[int, int, str]] = []
    for name, about in header.items():
        kind, shape, (begin, end) = _parts(name, about)
        numbers = 1
        for side in shape:
            numbers *= side
        if kind in _BITS and (numbers * _BITS[kind] + 7) // 8 != end - begin:
            raise ValueError(f"{name} has {end - begin} bytes, which is not what its type and shape take")
        found[name] = Entry(kind, numbers)
        spans.append((begin, end, name))
    place = 0
    for begin, end, name in sorted(spans):
        if begin != place or end < begin:
            raise ValueError(f"{name} does not begin where the tensor before it ends")
        place = end
    if 8 + length + place != size:
        raise ValueError(f"it has {size} bytes, and its header tells of {8 + length + place}")
    return found


def _parts(name: str, about: Any) -> Tuple[str, List[int], Tuple[int, int]]:
    try:
        kind, shape, (begin, end) = about["dtype"], about["shape"], about["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"its header does not describe {name}") from None
    numbers = [*shape, begin, end] if isinstance(shape, list) else [-1]
    if not isinstance(kind, str) or any(not isinstance(n, int) or isinstance(n, bool) or n < 0 for n in numbers):
        raise ValueError(f"its header does not describe {name}")
    return kind, shape, (begin, end)
