"""Answers one question about files below a mount, or deletes or renames there.

Standard input is one JSON object: `op`, `mount`, `path` and what the operation needs; standard output is a line of JSON,
then the content where that was asked for. Names that are not UTF-8 travel as surrogate escapes and come back as they
went. A path that leaves the mount, or leads through a link, is refused; links are told, never followed.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import Any, BinaryIO, Callable, Dict, List

_CHUNK = 1 << 20

Request = Dict[str, Any]
Answer = Dict[str, Any]


class Refused(Exception):
    """What was asked is not done; the reason in words."""


def run() -> None:
    """Answers the question on standard input. A refusal is an answer, too."""
    request: Request = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    try:
        answer(request, sys.stdout.buffer)
    except Refused as refused:
        _tell({"error": str(refused)}, sys.stdout.buffer)
    except OSError as error:
        _tell({"error": error.strerror or str(error)}, sys.stdout.buffer)


def answer(request: Request, out: BinaryIO) -> None:
    """Does one operation and writes its answer; raises Refused or OSError."""
    place = _place(request["mount"], request["path"])
    op = request["op"]
    if op == "read":
        _read(place, request["cap"], out)
    elif op in _WHOLE:
        _tell(_WHOLE[op](place, request), out)
    elif op in _BELOW and request["path"]:
        _tell(_BELOW[op](place, request), out)
    else:
        raise Refused("The whole volume cannot be meant.")


def _tell(value: Answer, out: BinaryIO) -> None:
    out.write(json.dumps(value).encode("ascii") + b"\n")
    out.flush()


def _place(mount: str, path: str) -> str:
    root = os.path.realpath(mount)
    place = os.path.join(root, path) if path else root
    plain = os.path.normpath(place)
    if os.path.realpath(place) != plain or os.path.commonpath([root, plain]) != root:
        raise Refused("It is a link, or it lies outside of the volume.")
    return place


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "link"
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"


def _list(place: str, request: Request) -> Answer:
    found: List[Dict[str, Any]] = []
    with os.scandir(place) as entries:
        for entry in entries:
            try:
                info = entry.stat(follow_symlinks=False)
                target = os.readlink(entry.path) if stat.S_ISLNK(info.st_mode) else None
            except OSError:
                continue
            found.append(
                {
                    "name": entry.name,
                    "kind": _kind(info.st_mode),
                    "size": info.st_size,
                    "modified": info.st_mtime,
                    "target": target,
                }
            )
    found.sort(key=lambda e: (e["kind"] != "folder", e["name"]))
    shown = found[: request["limit"]]
    return {"entries": shown, "more": len(found) - len(shown)}


def _stat(place: str, _: Request) -> Answer:
    info = os.lstat(place)
    kind = _kind(info.st_mode)
    if kind not in ("file", "folder"):
        raise Refused("It is neither a file nor a folder.")
    return {"size": info.st_size, "modified": info.st_mtime, "kind": kind}


def _measure(place: str, _: Request) -> Answer:
    info = os.lstat(place)
    if not stat.S_ISDIR(info.st_mode):
        return {"files": 1, "bytes": info.st_size}
    files, size = 0, 0
    for folder, _folders, names in os.walk(place):
        for name in names:
            found = os.lstat(os.path.join(folder, name))
            files, size = files + 1, size + (found.st_size if stat.S_ISREG(found.st_mode) else 0)
    return {"files": files, "bytes": size}


def _remove(place: str, request: Request) -> Answer:
    amount = _measure(place, request)
    if stat.S_ISDIR(os.lstat(place).st_mode):
        import shutil  # slow to load, and most questions are others

        shutil.rmtree(place)
    else:
        os.unlink(place)
    return amount


def _put_in_place(place: str, request: Request) -> Answer:
    import hashlib

    digest = hashlib.sha256()
    with open(place, "rb") as content:
        while True:
            part = content.read(_CHUNK)
            if not part:
                break
            digest.update(part)
    if digest.hexdigest() != request["sha256"]:
        os.unlink(place)
        raise Refused("What arrived is not what was sent.")
    name = request["name"]
    if name in ("", ".", "..") or os.path.basename(name) != name:
        raise Refused("That is not the name of a file.")
    target = os.path.join(os.path.dirname(place), name)
    os.replace(place, target)
    return {"files": 1, "bytes": os.path.getsize(target)}


def _read(place: str, cap: int, out: BinaryIO) -> None:
    """The file's size, and its content when that is not more than `cap`."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        info = os.fstat(handle)
        if _kind(info.st_mode) != "file":
            raise Refused("It is not a file.")
        _tell({"size": info.st_size, "modified": info.st_mtime, "kind": "file"}, out)
        left = info.st_size if info.st_size <= cap else 0
        while left > 0:
            part = os.read(handle, min(left, _CHUNK))
            if not part:
                break
            out.write(part)
            left -= len(part)
        out.flush()
    finally:
        os.close(handle)


Operation = Callable[[str, Request], Answer]
#: Those that may mean the whole volume, and those that may not.
_WHOLE: Dict[str, Operation] = {"list": _list, "stat": _stat, "place": _put_in_place}
_BELOW: Dict[str, Operation] = {"measure": _measure, "remove": _remove}
