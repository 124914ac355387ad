"""The gate that loads a checkpoint without running anything that is in it."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from ..base.errors import MissingPackage
from . import gguf_file, safetensors_file, torch_file
from .checkpoint_files import NO_MODEL, Files, files_of, is_of_optimizer, old_files
from .distributed_files import pieces_of, pieces_tensors
from .finite import NoData, is_sound
from .result import FAILED, PASSED, CannotTell, Finding, not_of_this_run
from .values import LISTED, short_list

EXPECTED = "whole, loads, all finite"
_DAMAGED = "It is damaged or was not written to its end: write or copy it again."


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise MissingPackage(name.split(".")[0], sys.executable) from problem


#: Names of what trainers keep beside the weights, in one file with them.
_BESIDE_MODEL = re.compile(
    r"^(optim|lr_sched|sched|callbacks|loops|scaler|rng|random)|(^|\.)(state|optimizer\w*)(\.|\[)\d+(\.|\])"
    r"|(^|\.)(exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer)$"
)


class _Seen:
    """What was counted so far."""

    def __init__(self) -> None:
        self.tensors = 0
        self.numbers = 0
        #: Tensors that may be weights of a model.
        self.weights = 0
        #: Those without a look at their numbers, since no library of this Python knows their type.
        self.unread = 0
        self.bad: List[str] = []
        self.names: Set[str] = set()

    def add(self, name: str, numbers: int, place: Path) -> None:
        self.tensors += 1
        if not is_of_optimizer(place) and not _BESIDE_MODEL.search(name):
            self.weights += 1
        self.numbers += numbers
        self.names.add(name)


def checkpoint(project: Path, gate: Dict[str, Any], old: Mapping[str, str]) -> Finding:
    """Looks whether every file is there, loads each and looks at every tensor, one at a time."""
    path = str(gate["path"]).rstrip("/")
    target = project / path
    found = files_of(target, path)
    if found.missing:
        listed = "; ".join(found.missing[:LISTED])
        message = f"{path} is not whole: {listed}. The step did not write all of it, or something removed a part."
        raise CannotTell("not whole", message, missing=found.missing)
    relative = {file: file.relative_to(project).as_posix() for file in found.weights}
    counting = old_files(target, found, old, relative)
    pieces = {folder: _pieces(project, folder, old) for folder in found.distributed}
    if counting:
        raise not_of_this_run(path, counting)
    seen = _Seen()
    for file in found.beside:
        _whole(project, file)
    for file in found.weights:
        _judge(project, found, file, seen, alone=len(found.weights) == 1)
    for folder, listed_pieces in pieces.items():
        _judge_pieces(project, folder, listed_pieces, seen)
    # A file of an optimizer that somebody names is to be just that.
    return _finding(path, found, seen, needs_model=target.is_dir() or not is_of_optimizer(target))


def _finding(path: str, found: Files, seen: _Seen, needs_model: bool) -> Finding:
    evidence: Dict[str, Any] = {
        "files": len(found.weights) + len(found.distributed),
        "tensors": seen.tensors,
        "numbers": seen.numbers,
    }
    if found.passed_over:
        evidence["passedOver"] = found.passed_over[:LISTED]
    if seen.unread:
        evidence["notLookedInto"] = seen.unread
    if seen.tensors == 0:
        return Finding(FAILED, EXPECTED, "no tensor", f"{path} loads and holds no tensor.", evidence)
    if seen.numbers == 0:
        message = (
            f"{path} has {seen.tensors} tensors and not one number. Save the model where its parts have been gathered from "
            "all processes."
        )
        return Finding(FAILED, EXPECTED, "no number", message, evidence)
    if needs_model and seen.weights == 0:
        message = f"{path} has {NO_MODEL}. Save the model too, or name the path where it lies."
        return Finding(FAILED, EXPECTED, "no model", message, evidence)
    if seen.bad:
        evidence["notFinite"] = seen.bad[:LISTED]
        message = (
            f"In {path} {len(seen.bad)} of {seen.tensors} tensors have NaN or infinity: {short_list(seen.bad, 5)}. The "
            "training diverged: lower the learning rate, or look at the data."
        )
        return Finding(FAILED, EXPECTED, f"{len(seen.bad)} tensors not finite", message, evidence)
    return Finding(PASSED, EXPECTED, f"{seen.tensors} tensors, {seen.numbers} numbers", None, evidence)


def _judge(project: Path, found: Files, file: Path, seen: _Seen, alone: bool) -> None:
    before = set(seen.names)
    seen.names.clear()
    shown = file.relative_to(project).as_posix()
    if torch_file.is_pointer(file):
        message = f"{shown} is a pointer of Git LFS and not the file itself. Fetch it where it was cloned (git lfs pull)."
        raise CannotTell("not whole", message, missing=[shown])
    try:
        if file.suffix == ".safetensors":
            _safetensors(file, seen, alone)
        elif file.suffix == ".gguf":
            for tensor in gguf_file.tensors_of(file):
                seen.add(tensor.name, tensor.numbers, file)
        else:
            _torch(shown, file, seen, alone)
    except ValueError as problem:
        raise _does_not_load(shown, str(problem), _DAMAGED, file) from problem
    except (MissingPackage, CannotTell):
        raise
    except Exception as problem:
        cause = str(problem).strip().split("\n")[0][:300] or type(problem).__name__
        raise _does_not_load(shown, f"{type(problem).__name__}: {cause}", "", file) from problem
    absent = sorted(found.tensors.get(file, set()) - seen.names)
    seen.names |= before
    if absent:
        message = f"{shown} has no {short_list(absent, 5)}, which the index says to be in it. Write the checkpoint again."
        raise CannotTell("not whole", message, missing=absent[:LISTED])


def _does_not_load(shown: str, cause: str, advice: str, file: Path) -> CannotTell:
    message = f"{shown} does not load: {cause}. {advice}".strip()
    return CannotTell("does not load", message, file=shown, bytes=os.stat(file).st_size)


def _safetensors(file: Path, seen: _Seen, alone: bool) -> None:
    entries = safetensors_file.entries_of(file)
    looked = {name: entry for name, entry in entries.items() if entry.kind not in safetensors_file.WHOLE and entry.numbers}
    for name, entry in entries.items():
        seen.add(name, entry.numbers, file)
    if not looked:
        return
    torch, module = _import("torch"), _import("safetensors")
    try:
        opened = module.safe_open(os.fspath(file), framework="pt")
    except Exception:  # a type that this safetensors does not have; the file is whole
        seen.unread += len(looked)
        return
    with opened:
        for name in looked:
            try:
                tensor = opened.get_tensor(name)
            except Exception:  # of a type that this torch does not have
                seen.unread += 1
                continue
            _look(torch, file, name, tensor, seen, alone)


def _torch(shown: str, file: Path, seen: _Seen, alone: bool) -> None:
    torch = _import("torch")
    if os.stat(file).st_size == 0:
        raise ValueError("it is empty")
    try:
        for name, tensor in torch_file.tensors_of(file):
            seen.add(name, int(tensor.numel()), file)
            _look(torch, file, name, tensor, seen, alone)
    except torch_file.NotTensors as problem:
        advice = "It holds more than tensors: save a state_dict, or use safetensors."
        raise _does_not_load(shown, f"it holds an object ({problem})", advice, file) from problem
    except torch_file.Dangerous as problem:
        advice = "It holds more than tensors: save a state_dict, and find out who wrote that."
        raise _does_not_load(shown, f"loading it as it is would run {problem}", advice, file) from problem


def _look(torch: Any, file: Path, name: str, tensor: Any, seen: _Seen, alone: bool) -> None:
    shown = name if alone else f"{file.name}: {name}"
    try:
        if not is_sound(torch, name, tensor):
            seen.bad.append(shown)
    except NoData:
        raise ValueError(f"{name} has a shape and no numbers (it was saved from the device meta)") from None
    except (NotImplementedError, RuntimeError, TypeError):
        seen.unread += 1  # a type with which this torch cannot compute


def _whole(project: Path, file: Path) -> None:
    try:
        torch_file.check_archive(file)
    except (OSError, ValueError) as problem:
        shown = file.relative_to(project).as_posix()
        raise _does_not_load(shown, str(problem), _DAMAGED, file) from problem


def _pieces(project: Path, folder: Path, old: Mapping[str, str]) -> List[Tuple[str, Path, int, int]]:
    shown = folder.relative_to(project).as_posix()
    try:
        pieces = pieces_of(folder)
    except ValueError as problem:
        raise CannotTell("not whole", f"{shown} is not whole: {problem}. {_DAMAGED}") from problem
    files = {file.relative_to(project).as_posix() for _, file, _, _ in pieces}
    not_written = {name: old[name] for name in files if name in old}
    if not_written:
        raise not_of_this_run(shown, not_written)
    return pieces


def _judge_pieces(project: Path, folder: Path, pieces: List[Tuple[str, Path, int, int]], seen: _Seen) -> None:
    torch = _import("torch")
    shown = folder.relative_to(project).as_posix()
    at: Optional[str] = None
    tensors: Iterator[Tuple[str, Any]] = pieces_tensors(pieces)
    try:
        for name, tensor in tensors:
            at = name
            seen.add(name, int(tensor.numel()), folder)
            _look(torch, folder, name, tensor, seen, alone=True)
    except (ValueError, torch_file.Dangerous, torch_file.NotTensors) as problem:
        after = "" if at is None else f" (after {at})"
        raise CannotTell("does not load", f"{shown} does not load{after}: {problem}. {_DAMAGED}") from problem
