"""Fetches source packages through pip, as it is configured here, and unpacks of them the files that are asked for.

Arguments: a folder, an expression for the names of files, names of packages. Nothing of a package is built or run.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Iterator, Tuple

from pip._internal.commands.download import DownloadCommand

_LARGEST = 4 << 20


def members(name: str, data: bytes) -> Iterator[Tuple[str, bytes]]:
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.file_size <= _LARGEST and not info.is_dir():
                    yield info.filename, archive.read(info)
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and member.size <= _LARGEST else None
            if file is not None:
                yield member.name, file.read()


def main() -> None:
    folder, wanted, names = Path(sys.argv[1]), re.compile(sys.argv[2]), sys.argv[3:]
    command = DownloadCommand("download", "")
    options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", "x"])
    session = command._build_session(options)
    finder = command._build_package_finder(options=options, session=session)
    for name in names:
        done = folder / name / "complete"
        if done.exists():
            continue
        best = finder.find_best_candidate(name).best_candidate
        if best is None:
            print(f"{name}: no source package", file=sys.stderr)
            continue
        data = session.get(best.link.url_without_fragment).content
        if best.link.hash_name == "sha256" and hashlib.sha256(data).hexdigest() != best.link.hash:
            raise SystemExit(f"{name}: not what the index says it is")
        for path, content in members(best.link.filename, data):
            parts = path.split("/")
            if wanted.search(path) and not path.startswith("/") and ".." not in parts:
                target = folder / name / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text("")


main()
