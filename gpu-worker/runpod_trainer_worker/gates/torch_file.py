"""A file of torch.save: its tensors, loaded without running anything that is in it."""

from __future__ import annotations

import importlib
import io
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Iterator, List, Set, Tuple, Union

from .inert_pickle import Content, Inert, StoredTensor, read_inert

Source = Union[Path, bytes]
_ZIP, _OLD = b"PK\x03\x04", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_DTYPES = {
    "float32": ("FloatStorage", "float32"),
    "float64": ("DoubleStorage", "float64"),
    "float16": ("HalfStorage", "float16"),
    "bfloat16": ("BFloat16Storage", "bfloat16"),
    "int64": ("LongStorage", "int64"),
    "int32": ("IntStorage", "int32"),
    "int16": ("ShortStorage", "int16"),
    "int8": ("CharStorage", "int8"),
    "uint8": ("ByteStorage", "uint8"),
    "bool": ("BoolStorage", "bool"),
    "complex64": ("ComplexFloatStorage", "complex64"),
    "complex128": ("ComplexDoubleStorage", "complex128"),
}


class NotTensors(Exception):
    """What the file holds at its top is an object of this class, which only code of somebody can make."""


class Dangerous(Exception):
    """Loading the file as it is would run this."""


def is_torch_file(file: Path) -> bool:
    """Whether it begins as torch.save writes it; other programs use the same endings."""
    try:
        with open(file, "rb") as stream:
            start = stream.read(len(_OLD))
        if start.startswith(_ZIP):
            with zipfile.ZipFile(file) as archive:
                return any(name.endswith("/data.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return True  # of torch or not, it is a damaged one
    except OSError:
        return False
    return start == _OLD


def may_be_cut(file: Path) -> bool:
    """Whether it is what a file of torch may be that was not written to its end, or not fetched, or nothing of torch."""
    with open(file, "rb") as stream:
        start = stream.read(4)
    return start in (b"", bytes(4), _ZIP) or start.startswith(b"\x80") or is_pointer(file)


def is_pointer(file: Path) -> bool:
    """What Git LFS leaves in the place of a file that nobody has fetched."""
    with open(file, "rb") as stream:
        return stream.read(60).startswith(b"version https://git-lfs.github.com/spec/")


def check_archive(file: Path) -> None:
    """Raises ValueError when the file was not written to its end."""
    with open(file, "rb") as stream:
        start = stream.read(4)
    if start == _ZIP:
        _open(file).close()
    elif not start:
        raise ValueError("it is empty")


def tensors_of(source: Source) -> Iterator[Tuple[str, Any]]:
    """Names and tensors. Raises NotTensors, Dangerous, or ValueError with the cause when it is damaged."""
    torch = importlib.import_module("torch")
    content: Any = None
    try:
        content = _load(torch, source)
    except Exception as problem:
        if not _begins(source, _ZIP):
            if not _begins(source, b"\x80"):
                raise ValueError("it does not begin as torch.save writes it") from None
            if "weights_only" in str(problem).lower() or "WeightsUnpickler" in str(problem):
                raise NotTensors(_unsafe_name(str(problem))) from None
            raise ValueError(_cause(problem)) from None
        yield from _inert_tensors(torch, source)
        return
    for name, value in walk(content):
        if isinstance(value, torch.Tensor):
            yield name, value


def facts_of(file: Path) -> Any:
    """The plain values of the file; raises ValueError when it is damaged or of the old format."""
    with _open(file) as archive:
        return _content(archive)[0].top


def walk(content: Any) -> Iterator[Tuple[str, Any]]:
    """All that is in dicts and lists, with a name."""
    stack: List[Tuple[str, Any]] = [("", content)]
    entered: Set[int] = set()
    while stack:
        name, value = stack.pop()
        if isinstance(value, (dict, list)):
            if id(value) in entered:
                continue
            entered.add(id(value))
        if isinstance(value, Inert):
            stack += [(name, value.state), (name, value.given)]
            stack += [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
        elif isinstance(value, dict):
            stack += [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
        elif isinstance(value, (list, tuple)) and not isinstance(value, StoredTensor):
            stack += [(f"{name}[{number}]", item) for number, item in enumerate(value)]
        else:
            yield name, value


def _load(torch: Any, source: Source) -> Any:
    if isinstance(source, bytes):
        return torch.load(io.BytesIO(source), map_location="cpu", weights_only=True)
    try:
        return torch.load(str(source), map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, ValueError, TypeError):
        return torch.load(str(source), map_location="cpu", weights_only=True)


def _begins(source: Source, start: bytes) -> bool:
    if isinstance(source, bytes):
        return source.startswith(start)
    with open(source, "rb") as stream:
        return stream.read(len(start)) == start


def _open(source: Source) -> zipfile.ZipFile:
    try:
        stream: Union[Path, BinaryIO] = io.BytesIO(source) if isinstance(source, bytes) else source
        return zipfile.ZipFile(stream)
    except zipfile.BadZipFile:
        raise ValueError("it was not written to its end") from None


def _content(archive: zipfile.ZipFile) -> Tuple[Content, str]:
    name = next((one for one in archive.namelist() if one.endswith("/data.pkl")), None)
    if name is None:
        raise ValueError("it is an archive, and none of torch")
    with archive.open(name) as stream:
        return read_inert(io.BytesIO(stream.read())), name[: -len("data.pkl")]


def _inert_tensors(torch: Any, source: Source) -> Iterator[Tuple[str, Any]]:
    """For what holds more than tensors: Lightning, DeepSpeed, TorchScript."""
    with _open(source) as archive:
        content, root = _content(archive)
        if content.dangerous:
            raise Dangerous(", ".join(sorted(content.dangerous)))
        is_script = f"{root}constants.pkl" in archive.namelist()
        if isinstance(content.top, Inert) and not is_script:
            raise NotTensors(f"{content.top.module}.{content.top.name}")
        for name, value in walk(content.top):
            if isinstance(value, StoredTensor):
                yield name, _tensor(torch, archive, root, value)


def _tensor(torch: Any, archive: zipfile.ZipFile, root: str, stored: StoredTensor) -> Any:
    kind = next(
        (dtype for name, (storage, dtype) in _DTYPES.items() if stored.dtype == name or stored.storage.type_name == storage),
        stored.dtype,
    )
    dtype = getattr(torch, kind or "", None)
    try:
        data = archive.read(f"{root}data/{stored.storage.key}")
    except (KeyError, zipfile.BadZipFile):
        raise ValueError(f"the numbers of a tensor (data/{stored.storage.key}) are missing or damaged") from None
    if dtype is None:
        return torch.zeros(stored.size, dtype=torch.uint8)  # of a type that this torch does not have
    itemsize = torch.empty(0, dtype=dtype).element_size()
    last = stored.offset + sum((side - 1) * step for side, step in zip(stored.size, stored.stride)) + 1
    if 0 in stored.size:
        return torch.empty(stored.size, dtype=dtype)
    if last * itemsize > len(data):
        raise ValueError(f"a tensor (data/{stored.storage.key}) has fewer bytes than it takes")
    flat = torch.frombuffer(bytearray(data), dtype=dtype, count=len(data) // itemsize)
    return flat.as_strided(stored.size, stored.stride, stored.offset)


def _unsafe_name(text: str) -> str:
    _, _, rest = text.partition("GLOBAL ")
    return rest.split(" ")[0] if rest else "an object"


def _cause(problem: Exception) -> str:
    return (str(problem).strip().split("\n")[0] or type(problem).__name__)[:300]
