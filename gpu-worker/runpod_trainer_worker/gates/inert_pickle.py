"""Reads a pickle without running anything that is in it: what it names becomes an object that does nothing."""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO, Dict, List, NamedTuple, Set, Tuple

#: What loading would run with these is not what a checkpoint holds.
_DANGEROUS = {
    *("os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "runpy", "importlib", "ctypes", "pty", "code"),
    *("webbrowser", "pickle", "_pickle", "marshal", "commands", "asyncio", "multiprocessing", "signal", "tempfile"),
}
_DANGEROUS_BUILTINS = {"eval", "exec", "compile", "__import__", "open", "breakpoint", "input", "globals", "setattr"}
_PLAIN = {"set": set, "frozenset": frozenset, "complex": complex}


class Storage(NamedTuple):
    """Where the bytes of tensors lie: in the file `key`, `numbers` values of a torch type such as `FloatStorage`."""

    type_name: str
    key: str
    numbers: int


class StoredTensor(NamedTuple):
    """A tensor of a storage; `dtype` is None where the storage's type tells it."""

    storage: Storage
    offset: int
    size: Tuple[int, ...]
    stride: Tuple[int, ...]
    dtype: "str | None"


class Inert(Dict[Any, Any]):
    """Stands for an object of any class; keeps what it was given and does nothing with it."""

    module = name = ""
    given: List[Any]
    state: Any

    # A pickle makes objects with and without a call of `__init__`.
    def __new__(cls, *args: Any, **kwargs: Any) -> "Inert":
        made = super().__new__(cls)
        made.given = list(args)
        made.state = None
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __call__(self, *args: Any, **kwargs: Any) -> "Inert":
        return Inert(*args)

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def append(self, item: Any) -> None:
        self.given.append(item)

    def extend(self, items: Any) -> None:
        self.given += list(items)

    def add(self, item: Any) -> None:
        self.given.append(item)


class Content(NamedTuple):
    """What a pickle holds, the names of classes and functions in it, and those of them that no checkpoint needs."""

    top: Any
    names: Set[str]
    dangerous: Set[str]


def read_inert(stream: BinaryIO) -> Content:
    """Raises ValueError when it is damaged."""
    reader = _Reader(stream)
    try:
        top = reader.load()
    except Exception as problem:  # a damaged pickle fails in any way there is
        raise ValueError(f"its pickle cannot be read ({type(problem).__name__}: {str(problem)[:200]})") from None
    return Content(top, reader.names, reader.dangerous)


class _Reader(pickle.Unpickler):
    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, encoding="latin-1")
        self.names: Set[str] = set()
        self.dangerous: Set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        root = module.split(".")[0]
        if root in _DANGEROUS or (root in ("builtins", "__builtin__") and name in _DANGEROUS_BUILTINS):
            self.dangerous.add(f"{module}.{name}")
        if module == "collections" and name == "OrderedDict":
            return dict
        if root in ("builtins", "__builtin__") and name in _PLAIN:
            return _PLAIN[name]
        if module == "torch._utils" and name in _REBUILT:
            return _REBUILT[name]
        if root == "torch" and name == "Size":
            return tuple
        self.names.add(f"{module}.{name}")
        return type(name.rsplit(".", 1)[-1] or "x", (Inert,), {"module": module, "name": name})

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            return Inert(pid)
        return Storage(str(getattr(pid[1], "name", pid[1])), str(pid[2]), int(pid[4]))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Any:
    if not isinstance(storage, Storage):
        return Inert(storage)
    return StoredTensor(storage, int(offset), tuple(size), tuple(stride), None)


def _tensor_with_type(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *rest: Any
) -> Any:
    made = _tensor(storage, offset, size, stride)
    return made._replace(dtype=getattr(dtype, "name", str(dtype))) if isinstance(made, StoredTensor) else made


def _first(value: Any, *rest: Any) -> Any:
    return value


def _sparse(layout: Any, parts: Any) -> Any:
    return list(parts)


def _of_type(function: Any, kind: Any, args: Any, state: Any) -> Any:
    return function(*args) if function in _REBUILT.values() else Inert(args)


_REBUILT: Dict[str, Any] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_tensor_v3": _tensor_with_type,
    "_rebuild_parameter": _first,
    "_rebuild_parameter_with_state": _first,
    "_rebuild_sparse_tensor": _sparse,
}
