"""A GGUF file by its header: which tensors it has, and whether it is whole."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, List, NamedTuple

#: Numbers and bytes of one block of each type.
_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
    **{16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82)},
    **{23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2)},
    **{34: (256, 54), 35: (256, 66), 39: (32, 17)},
}
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_LONGEST_TEXT = 1 << 26
_MOST_ITEMS = 1 << 26


class GgufTensor(NamedTuple):
    """One tensor."""

    name: str
    numbers: int


def tensors_of(file: Path) -> List[GgufTensor]:
    """The tensors of the file; raises ValueError with the cause when it is not whole."""
    size = os.stat(file).st_size
    with open(file, "rb") as stream:
        if stream.read(4) != b"GGUF":
            raise ValueError("it does not begin as a GGUF file")
        raw = stream.read(4)
        order = "<" if raw[:2] != b"\0\0" else ">"
        (version,) = struct.unpack(f"{order}I", raw) if len(raw) == 4 else (0,)
        if not 2 <= version <= 3:
            raise ValueError(f"it is of version {version}, and versions 2 and 3 can be read")
        reader = _Reader(stream, order)
        tensors, pairs = reader.number("Q"), reader.number("Q")
        alignment = 32
        for _ in range(_few(pairs)):
            key = reader.text()
            value = reader.value(reader.number("I"))
            if key == "general.alignment" and isinstance(value, int) and value > 0:
                alignment = value
        found, ends = [], [0]
        for _ in range(_few(tensors)):
            name = reader.text()
            numbers = 1
            for _ in range(min(reader.number("I"), 16)):
                numbers *= reader.number("Q")
            kind, offset = reader.number("I"), reader.number("Q")
            per, bytes_per = _BLOCKS.get(kind, (1, 0))
            ends.append(offset + -(-numbers // per) * bytes_per)
            found.append(GgufTensor(name, numbers))
        start = -(-stream.tell() // alignment) * alignment
    if found and start + max(ends) > size:
        raise ValueError(f"it has {size} bytes, and its header tells of {start + max(ends)}")
    return found


def _few(number: int) -> int:
    if number > _MOST_ITEMS:
        raise ValueError("its header is damaged")
    return number


class _Reader:
    def __init__(self, stream: BinaryIO, order: str) -> None:
        self._stream = stream
        self._order = order

    def number(self, kind: str) -> Any:
        size = struct.calcsize(kind)
        data = self._stream.read(size)
        if len(data) < size:
            raise ValueError("it ends within its header")
        return struct.unpack(self._order + kind, data)[0]

    def text(self) -> str:
        length = self.number("Q")
        data = self._stream.read(length) if length <= _LONGEST_TEXT else b""
        if len(data) < length:
            raise ValueError("it ends within its header")
        return data.decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self.text()
        if kind == _ARRAY:
            inner, count = self.number("I"), _few(self.number("Q"))
            if inner in _SCALARS:
                self._stream.seek(struct.calcsize(_SCALARS[inner]) * count, os.SEEK_CUR)
                return None
            for _ in range(count):
                self.value(inner)
            return None
        if kind not in _SCALARS:
            raise ValueError("its header is damaged")
        return self.number(_SCALARS[kind])
