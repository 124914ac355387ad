"""R4.1: what the code of a project says, read without running any of it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest

PRIVATE = r"\bhttps?://(?:localhost|10(?:\.\d{1,3}){3})[^\s\"']*"


def read(pyz: Path, root: Path, entries: List[Dict[str, Any]], **more: Any) -> Dict[str, Any]:
    fixed = {"requirements": [], "variables": {}, "privateUrl": PRIVATE, "home": "/home/me", "pythonPath": []}
    job = {"root": str(root), "entries": entries, **fixed, **more}
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
    assert one["missing"] == [["app.gone", "app/main.py", 4, True], [".nothing", "app/deep/er.py", 2, True]]
    assert one["outside"] == {"no_such_package": ["app/near.py", 3, True, False]}
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
    assert answer["entries"]["one"]["missing"] == [[".", "cell", 2, True]]


def test_nothing_of_the_project_runs(pyz: Path, tmp_path: Path) -> None:
    mark = 'open(__file__ + ".ran", "w").close()\n'
    names = ["json.py", "ast.py", "site.py", "sitecustomize.py", "runpod_trainer_worker.py", "main.py"]
    project(tmp_path, dict.fromkeys(names, mark))
    job = {
        "root": str(tmp_path),
        "entries": [entry("main.py", kind="script")],
        "requirements": [],
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
    read_there += [f"sources/{path.stem}" for path in (package / "sources").glob("*.py")]
    for name in [*read_there, "base/text"]:
        ast.parse((package / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_syntax_error_is_sure_only_when_no_later_python_reads_it(pyz: Path, tmp_path: Path) -> None:
    project(
        tmp_path,
        {
            "a.py": "import b, c, d\n",
            "b.py": "x = f'{d['k']}'\n",
            "c.py": "return 1\n",
            "d.py": "await f()\n",
        },
    )
    errors = read(pyz, tmp_path, [entry("a.py", kind="script")])["errors"]
    assert errors["c.py"]["sure"] and errors["d.py"]["sure"]
    assert not errors.get("b.py", {}).get("sure", False)


def test_what_only_may_be_reached_is_not_sure(pyz: Path, tmp_path: Path) -> None:
    main = "import sure\ndef f():\n    import lazy\nif x:\n    import perhaps\nif __name__ == '__main__':\n    import main\n"
    names = ["sure", "lazy", "perhaps", "main"]
    project(tmp_path, {"a.py": main, **{f"{n}.py": f"from . import {n}_gone\n" for n in names}})
    project(tmp_path, {"p/__init__.py": "", "a.py": main + "def g():\n    import p.gone\nimport p.gone\n"})
    one = read(pyz, tmp_path, [entry("a.py", kind="script")])["entries"]["one"]
    assert sorted(one["sure"]) == ["a.py", "main.py", "sure.py"]
    assert [m[3] for m in one["missing"] if m[0] == "p.gone"] == [False, True]


def test_compiled_modules_are_the_projects_own(pyz: Path, tmp_path: Path) -> None:
    project(tmp_path, {"p/__init__.py": "", "a.py": "import p._C\n", "p/_C.cpython-312-x86_64-linux-gnu.so": ""})
    assert read(pyz, tmp_path, [entry("a.py", kind="script")])["entries"]["one"]["missing"] == []


def test_what_code_starts_and_opens_is_followed(pyz: Path, tmp_path: Path) -> None:
    project(
        tmp_path,
        {
            "run.sh": "set -e\ntorchrun --nproc_per_node 2 src/train.py --config c.yaml\n",
            "src/train.py": "import helper\nimport subprocess, sys\nsubprocess.run([sys.executable, 'src/eval.py'])\n",
            "src/helper.py": "import json\njson.load(open('labels.json'))\nopen('out.txt', 'w')\n",
            "src/eval.py": "import runpy\nrunpy.run_path('more.py')\n",
        },
    )
    one = read(pyz, tmp_path, [entry(kind="shell", command="bash run.sh")])["entries"]["one"]
    assert one["reaches"] == [
        ["shell", "run.sh", "command", 1, True, ""],
        ["script", "src/train.py", "run.sh", 2, True, ""],
        ["file", "c.yaml", "run.sh", 2, True, "--config"],
        ["script", "src/eval.py", "src/train.py", 3, False, ""],
        ["read", "labels.json", "src/helper.py", 2, True, ""],
        ["script", "more.py", "src/eval.py", 2, False, ""],
    ]
    assert "src/helper.py" in one["files"] and "out.txt" in one["made"]


@pytest.mark.parametrize("command", ["ipython train.py -- --lr 1", "ipython3 --pdb train.py", "ipython -m train"])
def test_what_ipython_starts_is_followed(pyz: Path, tmp_path: Path, command: str) -> None:
    project(tmp_path, {"train.py": "import helper\n", "helper.py": ""})
    one = read(pyz, tmp_path, [entry(kind="shell", command=command)])["entries"]["one"]
    assert {"helper.py", "train.py"} <= set(one["files"]), one


def test_run_magics_and_cells_that_start_something_are_followed(pyz: Path, tmp_path: Path) -> None:
    project(
        tmp_path,
        {"helper.py": "import numpy_x\n", "other.ipynb": '{"cells": [{"cell_type": "code", "source": "import y_x"}]}'},
    )
    cells = "%run helper.py\n%run -i other.ipynb\n%run gone\n!python tool.py\n%pip install -q rich trl==1\n"
    one = read(pyz, tmp_path, [entry(kind="notebook", cell=cells)])["entries"]["one"]
    assert [[*r[:2], r[4]] for r in one["reaches"]] == [
        ["script", "helper.py", True],
        ["notebook", "other.ipynb", True],
        ["script", "gone.py", True],
        ["script", "tool.py", False],
    ]
    assert sorted(one["outside"]) == ["numpy_x", "y_x"] and one["installs"] == ["rich", "trl==1"]
    moved = read(pyz, tmp_path, [entry(kind="notebook", cell="%cd elsewhere\n%run helper.py\n")])["entries"]["one"]
    assert moved["reaches"] == []


def test_ipython_decides_what_a_cell_is(pyz: Path, tmp_path: Path) -> None:
    sound = [
        'print("%.3f"\n  % 1)',
        "ok = (1\n  != 2)",
        "!echo one \\\n    two",
        'd = {}\nd["k"] = !echo 1',
        "a, b = !echo 1",
        "/print 1",
        ";print a",
        ",print a b",
        '"""\n%not a magic\n"""',
        "x = 1\nglobal x",
        "1\nfrom __future__ import annotations",
        "await f()",
        "%%time\nawait f()",
        "%%bash\nif",
        "print?",
        "%%capture out\nreturn",
        "  indented = 1",
    ]
    broken = ["x = (", "%%time\nx = (", "return 1", "# first\n%%bash\nls -la", "print 1", "for i in range(3):", "class"]
    cells = {f"c{number}": text for number, text in enumerate([*sound, *broken])}
    answer = read(pyz, tmp_path, [entry(kind="notebook", **cells)])
    assert sorted(answer["errors"]) == sorted(f"c{len(sound) + number}" for number in range(len(broken)))
    assert all(problem["sure"] for problem in answer["errors"].values())
    assert answer["unjudged"] == ["c15"]
    assert answer["errors"][f"c{len(sound) + 1}"]["line"] == 2


def test_a_cell_of_one_line_may_call_a_magic_without_its_sign(pyz: Path, tmp_path: Path) -> None:
    lines = ["pip install -q x", "mkdir foo1", "cat m.py", "cd ..", "ls -la /tmp"]
    cells = {f"c{number}": text for number, text in enumerate([*lines, "pip install -q x\nx = 1"])}
    answer = read(pyz, tmp_path, [entry(kind="notebook", **cells)])
    assert list(answer["errors"]) == ["c5"], "only where it is the whole cell"


def test_without_ipython_nothing_is_judged(pyz: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    (tmp_path / "requirements.txt").write_text("this is none\n")
    entries = [entry(kind="notebook", a="x = 1\n", b="%run h.py\n", c="x = (\n")]
    job = {"root": str(tmp_path), "entries": entries, "requirements": [], "privateUrl": "x", "home": "", "pythonPath": []}
    argv = [str(bare / "bin" / "python"), "-I", "-X", "utf8", str(pyz), "sources"]
    done = subprocess.run(argv, input=json.dumps(job), capture_output=True, encoding="utf-8", check=True)
    answer = json.loads(done.stdout)
    assert answer["errors"] == {} and answer["unjudged"] == ["c"]
    assert answer["entries"]["one"]["reaches"][0][:2] == ["script", "h.py"]


def test_options_that_no_parser_has_are_told(pyz: Path, tmp_path: Path) -> None:
    parser = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\np.add_argument('-e', '--epochs')\n"
    project(tmp_path, {"a.py": parser + "p.parse_args()\n", "b.py": parser + "p.parse_known_args()\n"})

    def unknown(command: str) -> List[str]:
        one = read(pyz, tmp_path, [entry(kind="shell", command=command)])["entries"]["one"]
        return [option for option, _, _ in one["unknownOptions"]]

    assert unknown("python a.py --lr 1 --epoch=2 --wram 3") == ["--wram"]
    assert unknown("python a.py -- --x") == [] and unknown("python b.py --wram 3") == []


def test_folders_put_on_the_path_are_searched(pyz: Path, tmp_path: Path) -> None:
    text = "import sys, pathlib, os\nHERE = pathlib.Path(__file__).resolve().parent\n"
    text += "sys.path.insert(0, str(HERE.parent / 'lib'))\n"
    text += "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'more'))\nimport mypkg, other\n"
    project(tmp_path, {"scripts/a.py": text, "lib/mypkg/__init__.py": "", "more/other.py": ""})
    one = read(pyz, tmp_path, [entry("scripts/a.py", kind="script", dirs=("scripts", ""))])["entries"]["one"]
    assert one["files"] == ["scripts/a.py", "lib/mypkg/__init__.py", "more/other.py"]


def test_parameters_are_looked_for_in_all_cells(pyz: Path, tmp_path: Path) -> None:
    cells = entry(kind="notebook", first="lr, epochs = 1, 2\n", second="print(seed)\n")
    cells.update(parameters=["lr", "seed", "sede"], tagged="first")
    one = read(pyz, tmp_path, [cells])["entries"]["one"]
    assert one["parameters"] == {"lr": "set", "seed": "used", "sede": "unknown"}


def test_addresses_of_repositories_are_no_places_on_the_disk(pyz: Path, tmp_path: Path) -> None:
    lines = ["-e git://example.org/a.git#egg=a", "-e git+ssh://git@example.org/b.git#egg=b", "hg+http://example.org/c#egg=c"]
    lines += ["-e ./own", "https://example.org/x/y.whl", "file:///opt/z.whl"]
    (tmp_path / "r.txt").write_text("\n".join(lines))
    read_lines = read(pyz, tmp_path, [], requirements=["r.txt"])["requirements"]["r.txt"]["lines"]
    assert [line["path"] for line in read_lines] == [None, None, None, "./own", None, "/opt/z.whl"]


def test_a_requirements_file_that_is_not_there_does_not_stop_the_rest(pyz: Path, tmp_path: Path) -> None:
    project(tmp_path, {"a.py": "x = 1\n"})
    answer = read(pyz, tmp_path, [entry("a.py", kind="script")], requirements=["gone.txt"])
    assert answer["requirements"] == {"gone.txt": None} and answer["entries"]["one"]["files"] == ["a.py"]


def test_variables_that_the_pod_has_not_are_told_whatever_this_machine_has(
    pyz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_HERE", "2.0")
    lines = ["a==${GIVEN}", "b==${ONLY_HERE}", "c @ https://${USER_X}@x/c.whl ; python_version < '3'"]
    lines += ["--extra-index-url https://${WHO}@x/simple", "-r ${MORE}.txt", "${WHOLE}", "# ${COMMENT}"]
    (tmp_path / "r.txt").write_text("\n".join(lines))
    (tmp_path / "more.txt").write_text("d==${INNER}\n")
    variables = {"GIVEN": "1.0", "MORE": "more"}
    answer = read(pyz, tmp_path, [], requirements=["r.txt"], variables=variables)["requirements"]["r.txt"]
    assert [(one["file"], one["line"], one["name"], one["sure"]) for one in answer["unset"]] == [
        ("r.txt", 2, "ONLY_HERE", True),
        ("r.txt", 4, "WHO", False),
        ("more.txt", 1, "INNER", True),
        ("r.txt", 6, "WHOLE", True),
    ]
    assert [line["text"] for line in answer["lines"]][:2] == ["a==1.0", "b==${ONLY_HERE}"]
    assert [include["path"] for include in answer["includes"]] == ["more.txt"]


def test_plain_requirements_need_no_pip_and_anything_else_asks_it(pyz: Path, tmp_path: Path) -> None:
    def pip_of(text: str) -> Any:
        (tmp_path / "r.txt").write_text(text, encoding="utf-8")
        return read(pyz, tmp_path, [], requirements=["r.txt"])["requirements"]["r.txt"]["pip"]

    assert pip_of("# c\nnumpy==2.4.6\nPyYAML >= 6, < 7  # d\nrich\n") == ""
    for text in ("a==1\nA==2\n", "a=1\n", "a~=1\n", "x.whl\n", "a==1; x\n", "a b\n", "a==1 \\\n", "# \u00e9\n", "-r b\n"):
        assert pip_of(text), text
