"""Builds the worker as one file: `python3 build.py [dist/worker.pyz]`. The same sources give the same bytes.

`--compiled` adds the compiled form of its modules for the Python that builds it: tests start it thousands of times.

`install.py`, which puts it on a pod, and `container-start.py`, with which a pod's container starts, lie beside it.
"""

import importlib.util
import marshal
import os
import shutil
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: What the worker and its client agree on; the worker reads it from its own file.
CONTRACT = [HERE.parent / "contract" / name for name in ("credentials.json", "limits.json")]
_DATE = (1980, 1, 1, 0, 0, 0)


def build(target: Path, compiled: bool = False) -> None:
    """Writes the zipapp; it is replaced in one step."""
    sources = [HERE / "__main__.py", *sorted((HERE / "runpod_trainer_worker").rglob("*.py"))]
    files = [*((file, HERE) for file in sources), *((file, HERE.parent) for file in CONTRACT)]
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with open(temporary, "wb") as output:
        output.write(b"#!/usr/bin/env python3\n")
        # Stored, not compressed: the bytes must not depend on the machine's zlib.
        with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
            for file, base in files:
                info = zipfile.ZipInfo(file.relative_to(base).as_posix(), _DATE)
                info.create_system, info.external_attr = 3, 0o100644 << 16
                archive.writestr(info, file.read_bytes())
                if compiled and file.suffix == ".py" and file.parent != HERE:
                    archive.writestr(f"{info.filename}c", _compiled(file.read_bytes(), info.filename))
    os.chmod(temporary, 0o755)
    os.replace(temporary, target)
    for name in ("install.py", "container-start.py"):
        shutil.copyfile(HERE / "bootstrap" / name, target.with_name(name))


def _compiled(source: bytes, name: str) -> bytes:
    """The content of a `.pyc` that is taken as it is: times mean nothing in an archive."""
    code = marshal.dumps(compile(source, name, "exec", dont_inherit=True))
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source) + code


if __name__ == "__main__":
    places = [place for place in sys.argv[1:] if place != "--compiled"]
    build(Path(places[0]) if places else HERE.parent / "dist" / "worker.pyz", compiled="--compiled" in sys.argv)
