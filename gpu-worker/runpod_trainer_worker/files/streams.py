"""`files receive|send`: many small files as one stream."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterable, Optional, Tuple

from ..base import fsutil
from ..base.errors import WorkerError
from .frames import LIMIT, FrameReader, FrameWriter
from .incoming import Incoming, open_incoming
from .lines import AnswerWriter, Wanted, check, is_sha256, wanted_of
from .safe_root import Escape, SafeRoot, open_root


def receive(root: Path, source: BinaryIO) -> None:
    """Puts each content of the stream into `incoming/<sha256>`; one answer `{"sha256", "ok", ("error", "full")}` each.

    The stream holds, for each content, a line `{"sha256", "size"}` and the bytes. What arrived whole stays when the
    stream is cut. Nothing is forced to the disk here: `commit` does that once for all, before names are given.
    """
    safe = open_root(root)
    incoming = open_incoming(safe)
    frames, answers = FrameReader(source), AnswerWriter()
    full = False
    try:
        for line in frames.lines():
            sha256, size = _head(line)
            if full:
                frames.skip(size)
                continue
            answer = receive_content(incoming, frames, sha256, size)
            full = "full" in answer
            answers.add(answer)
    finally:
        answers.flush()
        incoming.close()
        safe.close()


def _head(line: bytes) -> Tuple[str, int]:
    try:
        head = json.loads(line)
        sha256, size = head["sha256"], head["size"]
    except (ValueError, KeyError, TypeError):
        sha256, size = None, None
    if not is_sha256(sha256) or not isinstance(size, int) or size < 0:
        raise WorkerError("The stream of files was not understood.", f"{line[:200]!r} is not a head.", "Start again.")
    return str(sha256), size


def receive_content(incoming: Incoming, frames: FrameReader, sha256: str, size: int) -> Dict[str, Any]:
    """Reads one content into `incoming/<sha256>`, to its end also when it cannot be kept; what to answer."""
    name = f"{sha256}.{os.getpid()}.new"
    digest, failure = hashlib.sha256(), None
    descriptor: Optional[int] = None
    try:
        try:
            descriptor = incoming.create(name)
        except OSError as problem:
            failure = problem
        for piece in frames.pieces(size):
            digest.update(piece)
            if descriptor is not None and failure is None:
                failure = _write(descriptor, piece)
        if failure is not None:
            full = {"full": errno.errorcode[failure.errno]} if failure.errno in fsutil.FULL else {}
            return {"sha256": sha256, "ok": False, "error": f"{failure.strerror}.", **full}
        found = digest.hexdigest()
        if found != sha256:
            return {"sha256": sha256, "ok": False, "error": f"What arrived has sha256 {found}."}
        os.rename(name, sha256, src_dir_fd=incoming.descriptor, dst_dir_fd=incoming.descriptor)
        name = ""
        return {"sha256": sha256, "ok": True}
    except OSError as problem:
        return {"sha256": sha256, "ok": False, "error": f"{problem.strerror}."}
    finally:
        if descriptor is not None:
            os.close(descriptor)
            if name:
                incoming.remove(name)


def _write(descriptor: int, piece: memoryview) -> Optional[OSError]:
    try:
        while piece:
            piece = piece[os.write(descriptor, piece) :]
    except OSError as problem:
        return problem
    return None


def send(root: Path, lines: Iterable[bytes], target: BinaryIO, compress: bool) -> None:
    """Answers frames: for each line `{"path", "size", "sha256"}` a line `{"n", "size"}` and the bytes, or `{"n", "error"}`.

    `n` counts the lines from 0. A file that gets shorter while it is read is filled up with zeros, and its sha256 tells.
    """
    writer = FrameWriter(target, compress)
    safe = open_root(root, make=False)
    try:
        for number, line in enumerate(lines):
            _send_one(safe, number, wanted_of(line), writer)
    finally:
        safe.close()
    writer.end()


def _send_one(safe: SafeRoot, number: int, wanted: Wanted, writer: FrameWriter) -> None:
    def head(more: Dict[str, Any]) -> None:
        writer.write(json.dumps({"n": number, **more}).encode() + b"\n")

    descriptor: Optional[int] = None
    try:
        check(wanted)
        descriptor = safe.open_file(safe.real(wanted.path))
        if descriptor is None:
            head({"error": "It is not there any more."})
        elif os.fstat(descriptor).st_size != wanted.size:
            head({"error": "It changed on the pod while it was fetched."})
        else:
            head({"size": wanted.size})
            _copy(descriptor, wanted.size, writer)
    except Escape as problem:
        head({"error": f"Refused: {problem}."})
    except PermissionError as problem:
        head({"error": f"{problem.strerror}."})
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _copy(descriptor: int, size: int, writer: FrameWriter) -> None:
    left = size
    while left > 0:
        data = os.read(descriptor, min(left, LIMIT))
        if not data:
            break
        left -= len(data)
        writer.write(data)
    while left > 0:
        filler = bytes(min(left, LIMIT))
        left -= len(filler)
        writer.write(filler)
