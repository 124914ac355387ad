"""R4.1: what the code of a project says, read without running any of it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

PRIVATE = r"\bhttps?://(?:localhost|10(?:\.\d{1,3}){3})[^\s\"']*"


def read(pyz: Path, root: Path, entries: List[Dict[str, Any]], **more: Any) -> Dict[str, Any]:
    job = {"root": str(root), "entries": entries, "privateUrl": PRIVATE, "home": "/home/me", "pythonPath": [], **more}
    argv = [sys.executable, "-I", "-X", "utf8", str(pyz), "sources"]
    done = subprocess.run(argv, input=json.dumps(job), capture_output=True, encoding="utf-8", check=True)
    answer: Dict[str, Any] = json.loads(done.stdout)
    return answer


def entry(*names: str, kind: str = "module", dirs: Sequence[str] = ("",), **sources: str) -> Dict[str, Any]:
    units = [{"name": n} for n in names] + [{"name": n, "source": s} for n, s in sources.items()]
    return {"id": "one", "kind": kind, "dirs": list(dirs), "units": units}


def project(root: Path, files: Dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_imports_are_followed_through_the_projects_own_modules(pyz: Path, tmp_path: Path) -> None:
    project(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/main.py": "import os\nfrom . import near\nfrom .deep.er import x\nimport app.gone\nimport loose.one\n",
            "app/near.py": "import sys\nsys.path.append('x')\nimport no_such_package.sub\ninput()\n",
            "app/deep/er.py": "from ..near import a\nfrom .nothing import b\n",
            "loose/one.py": "try:\n    import fast_json\nexcept ImportError:\n    pass\n",
        },
    )
    answer = read(pyz, tmp_path, [entry("app/__init__.py", "app/main.py")])
    one = answer["entries"]["one"]
    assert sorted(one["files"]) == ["app/__init__.py", "app/deep/er.py", "app/main.py", "app/near.py", "loose/one.py"]
    assert one["missing"] == [["app.gone", "app/main.py", 4], [".nothing", "app/deep/er.py", 2]]
    assert one["outside"] == {"no_such_package": ["app/near.py", 3, True]}
    assert one["waits"] == [["app/near.py", 4]]
    assert answer["importable"] == {"no_such_package": False}
    assert answer["version"] == list(sys.version_info[:2])


def test_texts_that_only_mean_something_here_are_told(pyz: Path, tmp_path: Path) -> None:
    text = '"""http://localhost/ in a docstring"""\na = "http://10.0.0.1/x"\nb = "/home/me/data"\nc = "/home/mead"\n'
    project(tmp_path, {"s.py": text})
    answer = read(pyz, tmp_path, [entry("s.py", kind="script")])
    assert answer["strings"] == [["s.py", "address", "http://10.0.0.1/x", 2], ["s.py", "home", "/home/me/data", 3]]


def test_what_cannot_be_read_is_an_error_of_that_file(pyz: Path, tmp_path: Path) -> None:
    project(tmp_path, {"a.py": "import b\nimport nul\n", "b.py": "x = (\n", "nul.py": "\0"})
    answer = read(pyz, tmp_path, [entry("a.py", "gone.py", kind="script")])
    assert answer["errors"]["b.py"]["line"] == 1
    assert sorted(answer["errors"]) == ["b.py", "gone.py", "nul.py"]


def test_cells_may_wait_at_their_top_level_and_have_no_package(pyz: Path, tmp_path: Path) -> None:
    answer = read(pyz, tmp_path, [entry(kind="notebook", cell="await x\nfrom . import y\n")])
    assert answer["errors"] == {}
    assert answer["entries"]["one"]["missing"] == [[".", "cell", 2]]


def test_nothing_of_the_project_runs(pyz: Path, tmp_path: Path) -> None:
    mark = 'open(__file__ + ".ran", "w").close()\n'
    names = ["json.py", "ast.py", "site.py", "sitecustomize.py", "runpod_trainer_worker.py", "main.py"]
    project(tmp_path, dict.fromkeys(names, mark))
    job = {
        "root": str(tmp_path),
        "entries": [entry("main.py", kind="script")],
        "privateUrl": "x",
        "home": "",
        "pythonPath": [],
    }
    argv = [sys.executable, "-I", "-X", "utf8", str(pyz), "sources"]
    subprocess.run(argv, input=json.dumps(job), capture_output=True, text=True, check=True, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".ran")] == []


def test_the_users_own_folders_count_for_what_could_be_imported(pyz: Path, tmp_path: Path) -> None:
    project(tmp_path, {"p/a.py": "import there, runpod_trainer_worker_x\n", "more/there.py": ""})
    answer = read(pyz, tmp_path / "p", [entry("a.py", kind="script")], pythonPath=[str(tmp_path / "more")])
    assert answer["importable"] == {"there": True, "runpod_trainer_worker_x": False}


def test_modules_that_are_missing_are_named(pyz: Path) -> None:
    argv = [sys.executable, str(pyz), "modules", "json", "no_such_module", "pytest"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["no_such_module"]


def test_an_older_python_can_say_its_version() -> None:
    """The client refuses a Python before 3.9 for steps; to say so, `sources` must start there."""
    root = Path(__file__).resolve().parents[2]
    package = root / "runpod_trainer_worker"
    read_there = ["__init__", "cli", "base/__init__", "base/errors", "base/selfpath", "sources/__init__"]
    for name in [*read_there, "sources/commands", "sources/follow", "sources/reader"]:
        ast.parse((package / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 8))
