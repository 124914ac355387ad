"""The gate that loads a checkpoint without running anything that is in it."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from ..base.errors import MissingPackage
from .result import FAILED, PASSED, CannotTell, Finding
from .values import LISTED, short_list

_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
#: In a folder: files that trainers write beside the weights and that hold no weights.
_BESIDE = re.compile(r"^(training_args\.bin|rng_state.*\.pth)$")


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise MissingPackage(name.split(".")[0], sys.executable) from problem


def _files(target: Path, path: str) -> List[Path]:
    if target.is_file():
        if target.suffix not in _SUFFIXES:
            raise CannotTell("unknown kind", f"{path} is not one of {', '.join(_SUFFIXES)}.")
        return [target]
    if not target.is_dir():
        raise CannotTell("no file", f"{path} does not exist. Check the path and the step that writes it.")
    found = sorted(p for p in target.rglob("*") if p.is_file() and p.suffix in _SUFFIXES and not _BESIDE.match(p.name))
    if not found:
        raise CannotTell("no checkpoint", f"The folder {path} has no file that ends with {', '.join(_SUFFIXES)}.")
    return found


def _of_safetensors(file: Path) -> Iterator[Tuple[str, Any]]:
    module, torch = _import("safetensors"), _import("torch")
    del torch  # safetensors needs it for bfloat16
    with module.safe_open(os.fspath(file), framework="pt") as opened:
        for name in list(opened.keys()):
            yield name, opened.get_tensor(name)


def _of_torch(file: Path) -> Iterator[Tuple[str, Any]]:
    torch = _import("torch")
    try:
        content = torch.load(os.fspath(file), map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, ValueError, TypeError):
        content = torch.load(os.fspath(file), map_location="cpu", weights_only=True)
    stack: List[Tuple[str, Any]] = [("", content)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, dict):
            stack += [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            stack += [(f"{name}[{number}]", item) for number, item in enumerate(value)]


def _is_finite(torch: Any, tensor: Any) -> bool:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    if tensor.element_size() == 1:
        tensor = tensor.float()
    return bool(torch.isfinite(tensor).all())


def checkpoint(project: Path, gate: Dict[str, Any]) -> Finding:
    """Loads every file and looks at every tensor, one at a time."""
    path = str(gate["path"]).rstrip("/")
    files = _files(project / path, path)
    torch = _import("torch")
    tensors = numbers = 0
    bad: List[str] = []
    for file in files:
        relative = file.relative_to(project).as_posix()
        try:
            for name, tensor in _of_safetensors(file) if file.suffix == ".safetensors" else _of_torch(file):
                tensors += 1
                numbers += int(tensor.numel())
                if not _is_finite(torch, tensor):
                    bad.append(name if len(files) == 1 else f"{file.name}: {name}")
        except MissingPackage:
            raise
        except Exception as problem:
            size = file.stat().st_size
            cause = str(problem).strip().split("\n")[0][:400] or type(problem).__name__
            if "weights_only" in str(problem).lower() or "Unsupported" in cause or "WeightsUnpickler" in str(problem):
                advice = "It holds more than tensors: save a state_dict, or use safetensors."
            else:
                advice = "It is damaged or was not written to its end: write or copy it again."
            raise CannotTell(
                "does not load", f"{relative} does not load: {cause} {advice}", file=relative, bytes=size
            ) from problem
    evidence: Dict[str, Any] = {"files": len(files), "tensors": tensors, "numbers": numbers}
    seen = f"{tensors} tensors, {numbers} numbers"
    expected = "loads, all finite"
    if tensors == 0:
        return Finding(FAILED, expected, "no tensor", f"{path} loads and holds no tensor.", evidence)
    if bad:
        evidence["notFinite"] = bad[:LISTED]
        message = (
            f"In {path} {len(bad)} of {tensors} tensors have NaN or infinity: {short_list(bad, 5)}. Lower the learning rate."
        )
        return Finding(FAILED, expected, f"{len(bad)} tensors not finite", message, evidence)
    return Finding(PASSED, expected, seen, None, evidence)
