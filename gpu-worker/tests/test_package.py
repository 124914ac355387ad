"""The worker is one file that any Python from 3.9 on runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from runpod_trainer_worker.base.timings import Timings

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "runpod_trainer_worker").rglob("*.py"))


def test_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    targets = [tmp_path / "sub" / name for name in ("one.pyz", "two.pyz")]
    for target in targets:
        subprocess.run([sys.executable, str(ROOT / "build.py"), str(target)], check=True)
    assert targets[0].read_bytes() == targets[1].read_bytes()
    assert sorted(p.name for p in (tmp_path / "sub").iterdir()) == ["container-start.py", "install.py", "one.pyz", "two.pyz"]


def test_runs_as_file_and_from_the_checkout(pyz: Path) -> None:
    for start in ([str(pyz)], [str(ROOT)], ["-I", str(pyz)]):
        done = subprocess.run([sys.executable, *start, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.strip().count(".") == 2


@pytest.mark.parametrize("spelling", ["./{name}", ".//{name}", "../{folder}/{name}", "{parent}//{name}"])
def test_runs_by_any_spelling_of_its_path(pyz: Path, spelling: str) -> None:
    path = spelling.format(name=pyz.name, folder=pyz.parent.name, parent=pyz.parent)
    argv = [sys.executable, path, "files", "state", "--root", str(pyz.parent)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=pyz.parent, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_finds_itself_as_file_and_in_the_checkout(pyz: Path) -> None:
    for where in (str(pyz), str(ROOT)):
        code = f"import sys; sys.path[:0] = [{where!r}]; from runpod_trainer_worker.base.selfpath import SELF; print(SELF)"
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == where


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_file_is_python_39_and_not_long(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 9))
    assert "from __future__ import annotations" in text or path.name == "__init__.py"
    assert len(text.splitlines()) <= 300


def test_core_imports_only_the_standard_library(pyz: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(pyz)!r}); before = set(sys.modules);"
        "from runpod_trainer_worker.run import start, follow, control;"
        "from runpod_trainer_worker.keeper import process, access, probe;"
        "from runpod_trainer_worker.files import plan, commit, streams, manifest, unpack;"
        "from runpod_trainer_worker.volume import entries, plan, commit, direct, browse;"
        "from runpod_trainer_worker.sources import commands, follow;"
        "from runpod_trainer_worker.gates import child;"
        "names = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(names - set(sys.stdlib_module_names) - {'runpod_trainer_worker'}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_timings_are_checked() -> None:
    with pytest.raises(ValueError, match="sync must be a positive number"):
        Timings(sync=0)
