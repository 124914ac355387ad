"""Checkpoints that tests make, and what the gate says of them."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any, Dict, Iterator, List

from runpod_trainer_worker.gates.child import evaluate

torch: Any = importlib.import_module("torch")


save_file: Any = importlib.import_module("safetensors.torch").save_file


def check(project: Path, path: str = "ckpt", old: Any = None) -> Dict[str, Any]:
    gate = {"type": "checkpoint", "path": path}
    result = evaluate({"index": 0, "gate": gate, "project": str(project), "old": old or {}})
    json.dumps(result, allow_nan=False)
    return result


def tensors(*names: str) -> Dict[str, Any]:
    return {name: torch.randn(4, 4) for name in names}


def sharded(
    folder: Path, end: str = ".safetensors", stem: str = "model", index: str = "model.safetensors.index.json"
) -> None:
    weights = {}
    for number in (1, 2, 3):
        name = f"{stem}-0000{number}-of-00003{end}"
        part = tensors(f"a{number}", f"b{number}")
        save_file(part, folder / name) if end == ".safetensors" else torch.save(part, folder / name)
        weights.update(dict.fromkeys(part, name))
    (folder / index).write_text(json.dumps({"metadata": {"total_size": 384}, "weight_map": weights}))


@contextlib.contextmanager
def foreign_classes() -> Iterator[Any]:
    """Classes of packages that are not here when the file is read: `made('deepspeed.x', 'Y')`."""
    modules: List[str] = []

    def made(module: str, name: str) -> Any:
        parts = module.split(".")
        for number in range(len(parts)):
            whole = ".".join(parts[: number + 1])
            if whole not in sys.modules:
                sys.modules[whole] = types.ModuleType(whole)
                modules.append(whole)
        kind = type(name, (), {"__module__": module})
        setattr(sys.modules[module], name, kind)
        return kind()

    yield made
    for module in modules:
        sys.modules.pop(module, None)
