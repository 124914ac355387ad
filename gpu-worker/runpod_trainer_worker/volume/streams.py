"""`volume send|receive`: contents from one volume to another as one stream, in pieces that resume in mid-file.

The stream is frames (files/frames.py) that hold, for each piece, a line `{"sha256", "size", "start", "end"}` and the bytes,
or a line `{"sha256", "error"}`. `receive` answers one line for each.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterable, List, Optional, Tuple

from ..base import fsutil
from ..base.contract import LIMITS
from ..base.errors import WorkerError
from ..files.frames import LIMIT, FrameReader, FrameWriter
from ..files.incoming import Incoming, merged, open_incoming
from ..files.lines import AnswerWriter, is_sha256
from ..files.safe_root import Escape, SafeRoot, open_root
from ..files.streams import receive_content

#: The most of a file that travels twice after a cut.
_PIECE = LIMITS.piece_bytes


def send(root: Path, lines: Iterable[bytes], target: BinaryIO, compress: bool) -> None:
    """Writes the pieces that each line `{"path", "size", "sha256", ("have")}` says to be missing."""
    writer = FrameWriter(target, compress)
    safe = open_root(root, make=False)
    try:
        for line in lines:
            _send_one(safe, json.loads(line), writer)
    finally:
        safe.close()
    writer.end()


def _send_one(safe: SafeRoot, wanted: Dict[str, Any], writer: FrameWriter) -> None:
    def head(more: Dict[str, Any]) -> None:
        writer.write(json.dumps({"sha256": wanted["sha256"], **more}).encode() + b"\n")

    size = int(wanted["size"])
    descriptor: Optional[int] = None
    try:
        descriptor = safe.open_file(wanted["path"])
        if descriptor is None or os.fstat(descriptor).st_size != size:
            head({"error": "It changed while it was moved."})
            return
        # An empty file is one piece without bytes.
        for start, end in missing(size, wanted.get("have") or []) if size > 0 else [(0, 0)]:
            head({"size": size, "start": start, "end": end})
            _copy(descriptor, start, end, writer)
    except (Escape, OSError) as problem:
        if isinstance(problem, BrokenPipeError):
            raise
        head({"error": f"{getattr(problem, 'strerror', None) or problem}."})
    finally:
        if descriptor is not None:
            os.close(descriptor)


def missing(size: int, have: List[List[int]]) -> List[Tuple[int, int]]:
    """The pieces, of at most `_PIECE` bytes, that are not among the ranges."""
    result: List[Tuple[int, int]] = []
    position = 0
    for start, end in [*merged(have, size), [size, size]]:
        for at in range(position, start, _PIECE):
            result.append((at, min(at + _PIECE, start)))
        position = max(position, end)
    return result


def _copy(descriptor: int, start: int, end: int, writer: FrameWriter) -> None:
    position = start
    while position < end:
        length = min(end - position, LIMIT)
        try:
            data = os.pread(descriptor, length, position)
        except BrokenPipeError:
            raise
        except OSError:
            data = b""
        # Of a file that gets shorter the head is already under way; its sha256 will tell.
        writer.write(data or bytes(length))
        position += len(data) or length


def receive(root: Path, source: BinaryIO) -> None:
    """Puts the pieces of the stream into `incoming`; answers `{"ready"}`, then `{"sha256", "ok", "bytes", …}` for each.

    What arrived stays when the stream is cut. After `full` the rest is passed over.
    """
    safe = open_root(root)
    incoming = open_incoming(safe)
    frames, answers = FrameReader(source), AnswerWriter()
    answers.add({"ready": True})
    answers.flush()
    full = False
    try:
        for line in frames.lines():
            head = _head(line)
            if "error" in head:
                answers.add({"sha256": head["sha256"], "ok": False, "error": head["error"], "bytes": 0})
                continue
            length = head["end"] - head["start"]
            if full:
                frames.skip(length)
                continue
            answer = _receive_one(incoming, frames, head)
            full = "full" in answer
            answers.add({**answer, "bytes": length})
    finally:
        answers.flush()
        incoming.close()
        safe.close()


def _head(line: bytes) -> Dict[str, Any]:
    try:
        head: Dict[str, Any] = json.loads(line)
        if not is_sha256(head["sha256"]):
            raise ValueError
        if "error" not in head:
            size, start, end = head["size"], head["start"], head["end"]
            if not (0 <= start <= end <= size and end - start <= _PIECE):
                raise ValueError
        return head
    except (ValueError, KeyError, TypeError) as problem:
        raise WorkerError(
            "The stream of files was not understood.", f"{line[:200]!r} is not a head.", "Start again."
        ) from problem


def _receive_one(incoming: Incoming, frames: FrameReader, head: Dict[str, Any]) -> Dict[str, Any]:
    sha256, start, end = str(head["sha256"]), int(head["start"]), int(head["end"])
    if start == 0 and end == head["size"]:
        return receive_content(incoming, frames, sha256, end)
    failure: Optional[OSError] = None
    descriptor: Optional[int] = None
    try:
        descriptor = incoming.part(sha256)
        position = start
        for piece in frames.pieces(end - start):
            while failure is None and piece:
                try:
                    written = os.pwrite(descriptor, piece, position)
                    position, piece = position + written, piece[written:]
                except OSError as problem:
                    failure = problem
        if failure is None:
            incoming.note(sha256, start, end)
    except OSError as problem:
        # Only the folder itself can have failed here, before or after the piece was read.
        failure = problem
        if descriptor is None:
            frames.skip(end - start)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    if failure is None:
        return {"sha256": sha256, "ok": True}
    full = {"full": True} if failure.errno in fsutil.FULL else {}
    return {"sha256": sha256, "ok": False, "error": f"{failure.strerror}.", **full}
