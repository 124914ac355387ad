"""The frames in which many files travel as one stream.

A frame is one byte of kind, four bytes of length (big endian) and that many bytes: `r` as they are, `z` deflated by
zlib, `e` the end, which has no bytes. A stream without its end was cut. The contents of the frames in a row are the
stream; a frame holds at most 1 MiB of it.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO, Iterator

from ..base.contract import LIMITS
from ..base.errors import WorkerError

LIMIT = LIMITS.frame_bytes
_HEAD = struct.Struct(">cI")
#: After a frame that did not get smaller, so many go as they are.
_REST = 8


class FrameReader:
    """Reads lines and pieces out of frames; raises WorkerError when the stream is cut or makes no sense."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._data = b""
        self._position = 0
        self._ended = False

    def line(self) -> bytes:
        """The next line without its end; empty when the stream has ended."""
        if not self._more():
            return b""
        line = b""
        while True:
            end = self._data.find(b"\n", self._position)
            line += self._data[self._position : end if end >= 0 else len(self._data)]
            self._position = end + 1 if end >= 0 else len(self._data)
            if len(line) > LIMITS.head_line_bytes:
                raise _broken("a line of it has no end")
            if end >= 0:
                return line
            if not self._more():
                raise _broken("it ends within a line")

    def lines(self) -> Iterator[bytes]:
        """The lines up to the end of the stream; what follows each is read before the next is asked for."""
        return iter(self.line, b"")

    def pieces(self, length: int) -> Iterator[memoryview]:
        """The next `length` bytes, piece by piece."""
        while length > 0:
            if not self._more():
                raise _broken("it ends within a file")
            piece = memoryview(self._data)[self._position : self._position + length]
            self._position += len(piece)
            length -= len(piece)
            yield piece

    def skip(self, length: int) -> None:
        """Passes over the next `length` bytes."""
        for _ in self.pieces(length):
            pass

    def _more(self) -> bool:
        while self._position >= len(self._data) and not self._ended:
            self._data, self._position = self._frame(), 0
        return self._position < len(self._data)

    def _frame(self) -> bytes:
        kind, length = _HEAD.unpack(self._exactly(_HEAD.size))
        if kind == b"e" and length == 0:
            self._ended = True
            return b""
        if kind not in (b"r", b"z") or length > LIMIT:
            raise _broken(f"{kind!r} with {length} bytes is not a frame")
        data = self._exactly(length)
        if kind == b"r":
            return data
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(data, LIMIT)
        except zlib.error as problem:
            raise _broken(str(problem)) from problem
        if not unpacker.eof or unpacker.unused_data:
            raise _broken("a frame holds more than it may")
        return plain

    def _exactly(self, length: int) -> bytes:
        data = self._source.read(length)
        if len(data) < length:
            raise _broken("it was cut")
        return data


class FrameWriter:
    """Gathers bytes into frames."""

    def __init__(self, target: BinaryIO, compress: bool) -> None:
        self._target = target
        self._compress = compress
        self._parts = bytearray()
        self._rest = 0

    def write(self, data: bytes) -> None:
        """Adds at most LIMIT bytes."""
        if len(self._parts) + len(data) > LIMIT:
            self.flush()
        self._parts += data

    def flush(self) -> None:
        """Sends what was gathered."""
        if self._parts:
            data, self._parts = bytes(self._parts), bytearray()
            packed = self._packed(data)
            kind, payload = (b"r", data) if packed is None else (b"z", packed)
            self._target.write(_HEAD.pack(kind, len(payload)) + payload)
            self._target.flush()

    def end(self) -> None:
        """Sends the rest and the end."""
        self.flush()
        self._target.write(_HEAD.pack(b"e", 0))
        self._target.flush()

    def _packed(self, data: bytes) -> "bytes | None":
        if not self._compress or self._rest > 0:
            self._rest -= 1
            return None
        packed = zlib.compress(data, 1)
        if len(packed) < len(data) * 0.9:
            return packed
        self._rest = _REST
        return None


def _broken(why: str) -> WorkerError:
    return WorkerError("The stream of files did not arrive whole.", f"{why[0].upper()}{why[1:]}.", "Start again.")
