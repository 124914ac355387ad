"""R3.2: gates with evidence, on real parquet files and real checkpoints."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest
from conftest import PYTHON, Bench, shell

from runpod_trainer_worker.gates.child import evaluate

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")
COLORS = ["Black", "Blue", "Green", "Orange", "Red", "Violet", "White", "Yellow"]


def check(project: Path, gate: Dict[str, Any], metrics: Any = None) -> Dict[str, Any]:
    request = {"index": 3, "gate": gate, "project": str(project), "metrics": metrics or {}, "environment": dict(os.environ)}
    result = evaluate(request)
    assert set(result) == {"index", "type", "title", "status", "expected", "seen", "message", "evidence"}
    assert result["index"] == 3 and (result["message"] is None) == (result["status"] == "passed")
    json.dumps(result, allow_nan=False)
    return result


def status(project: Path, gate: Dict[str, Any]) -> str:
    return str(check(project, gate)["status"])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A project with `base.parquet`: 40 rows in eight colors, with the columns that the gates look at."""
    nan = float("nan")
    table = pa.table(
        {
            "color": [COLORS[n % 8] for n in range(40)],
            "vocal": [n % 2 == 0 for n in range(40)],
            "year": [1990 + n % 3 for n in range(40)],
            "text": ["words" if n % 2 == 0 else None for n in range(40)],
            "empty": ["" for _ in range(40)],
            "vector": pa.array([[0.5, nan] if n % 2 == 0 else [nan, nan] for n in range(40)], pa.list_(pa.float32())),
            "fixed": pa.array([[nan, 1.0] if n < 30 else None for n in range(40)], pa.list_(pa.float32(), 2)),
            "tags": pa.array([["a"] if n else [] for n in range(40)], pa.list_(pa.string())),
            "score": [nan if n == 0 else float(n) for n in range(40)],
            "label": pa.array(["x", "y"] * 20).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "base.parquet", row_group_size=7)
    return tmp_path


def test_file(data: Path) -> None:
    gate = {"type": "file", "path": "base.parquet", "minBytes": 10}
    assert check(data, gate)["evidence"]["files"] == 1
    assert status(data, {**gate, "path": "*.parquet"}) == "passed"
    small = check(data, {**gate, "minBytes": 10**9})
    assert small["status"] == "failed" and "base.parquet" in small["message"]
    (data / "empty.txt").write_text("")
    assert status(data, {"type": "file", "path": "empty.txt"}) == "failed"
    missing = check(data, {"type": "file", "path": "nothing/*.pt"})
    assert missing["status"] == "error" and "nothing/*.pt" in missing["message"]


def test_rows(data: Path) -> None:
    gate = {"type": "rows", "path": "base.parquet"}
    good = check(data, {**gate, "equals": 40})
    assert (good["status"], good["expected"], good["seen"], good["evidence"]) == ("passed", "= 40", "40", {"rows": 40})
    assert good["title"] == "rows of base.parquet"
    bad = check(data, {**gate, "equals": 41})
    assert (bad["status"], bad["expected"], bad["seen"]) == ("failed", "= 41", "40")
    assert status(data, {**gate, "min": 40}) == "passed" and status(data, {**gate, "max": 39}) == "failed"


def test_distinct_names_the_missing_value(data: Path) -> None:
    gate = {"type": "distinct", "path": "base.parquet", "column": "color"}
    assert status(data, {**gate, "includes": COLORS, "count": 8}) == "passed"
    bad = check(data, {**gate, "includes": ["Green", "Pink"], "count": 9})
    assert bad["status"] == "failed" and bad["evidence"]["missing"] == ["Pink"] and bad["evidence"]["seen"] == COLORS
    assert "Pink" in bad["message"] and "8 distinct values, expected 9" in bad["message"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("year", 1991), ("year", "1991"), ("year", 1991.0), ("vocal", True), ("vocal", "true"), ("label", "y")],
)
def test_distinct_compares_as_a_person_does(data: Path, column: str, value: Any) -> None:
    assert status(data, {"type": "distinct", "path": "base.parquet", "column": column, "includes": [value]}) == "passed"


def test_distinct_true_is_not_one(data: Path) -> None:
    gate = {"type": "distinct", "path": "base.parquet", "column": "vocal"}
    assert status(data, {**gate, "includes": [1]}) == "failed"


def test_evidence_stays_small(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": list(range(5000))}), tmp_path / "n.parquet")
    result = check(tmp_path, {"type": "distinct", "path": "n.parquet", "column": "n", "count": 5000})
    assert result["status"] == "passed" and result["evidence"]["seen"] == list(range(50))
    assert len(result["seen"]) < 200


@pytest.mark.parametrize(
    ("column", "where", "filled", "selected"),
    [
        ("text", {"column": "vocal", "equals": True}, 20, 20),
        ("text", None, 20, 40),
        ("empty", None, 0, 40),
        ("vector", {"column": "vocal", "equals": "true"}, 20, 20),
        ("vector", {"column": "vocal", "equals": False}, 0, 20),
        ("fixed", None, 30, 40),
        ("tags", None, 39, 40),
        ("score", None, 39, 40),
        ("label", {"column": "label", "equals": "y"}, 20, 20),
        ("text", {"column": "color", "equals": "Pink"}, 0, 0),
    ],
)
def test_populated(data: Path, column: str, where: Any, filled: int, selected: int) -> None:
    result = check(data, {"type": "populated", "path": "base.parquet", "column": column, "where": where})
    assert result["evidence"] == {"selected": selected, "filled": filled, "rows": 40}
    assert result["status"] == ("passed" if filled == selected > 0 else "failed")


def test_populated_with_a_share(data: Path) -> None:
    gate = {"type": "populated", "path": "base.parquet", "column": "text"}
    assert status(data, {**gate, "minShare": 0.5}) == "passed"
    assert status(data, {**gate, "minShare": 0.51}) == "failed"


@pytest.mark.parametrize(
    "gate",
    [
        {"type": "rows", "equals": 1},
        {"type": "distinct", "column": "color", "count": 1},
        {"type": "populated", "column": "color"},
    ],
)
def test_broken_parquet_is_an_error_that_names_the_cause(data: Path, gate: Dict[str, Any]) -> None:
    whole = (data / "base.parquet").read_bytes()
    cases = {
        "truncated.parquet": (whole[: len(whole) // 2], "truncated"),
        "empty.parquet": (b"", "empty"),
        "text.parquet": (b"color,vocal\n" * 9, "not a parquet file"),
        "secret.parquet": (b"PARE" + whole[4:-4] + b"PARE", "encrypted"),
        "footer.parquet": (whole[:-40] + b"\0" * 32 + whole[-8:], "cannot be read"),
    }
    for name, (content, word) in cases.items():
        (data / name).write_bytes(content)
        result = check(data, {**gate, "path": name})
        assert result["status"] == "error" and word in result["message"] and name in result["message"], result
    missing = check(data, {**gate, "path": "nowhere.parquet"})
    assert missing["status"] == "error" and "base.parquet" in missing["message"]


def test_missing_column_lists_those_that_exist(data: Path) -> None:
    for gate in (
        {"type": "distinct", "column": "colour", "count": 8},
        {"type": "populated", "column": "text", "where": {"column": "colour", "equals": 1}},
    ):
        result = check(data, {**gate, "path": "base.parquet"})
        assert result["status"] == "error" and "colour" in result["message"] and "vocal" in result["message"]
        assert "color" in result["evidence"]["columns"]


@pytest.mark.parametrize("group_rows", [1000, 10_000])
def test_memory_stays_flat_on_a_large_file(tmp_path: Path, group_rows: int) -> None:
    """100 MB of strings in one column do not come into memory together, in small row groups or in one."""
    make = f"""
import pyarrow as pa, pyarrow.parquet as pq
blobs = [f"{{n}}-" + "x" * 10_000 for n in range(10_000)]
table = pa.table({{"key": [n % 1000 for n in range(10_000)], "blob": blobs}})
pq.write_table(table, "big.parquet", row_group_size={group_rows}, compression="none", use_dictionary=False)
"""
    read = """
import resource, sys, json
from pathlib import Path
from runpod_trainer_worker.gates.child import evaluate
import pyarrow.parquet, pyarrow.compute
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
gates = [{"type": "populated", "path": "big.parquet", "column": "blob", "where": {"column": "key", "equals": 5}},
    {"type": "distinct", "path": "big.parquet", "column": "key", "count": 1000}]
seen = [evaluate({"index": 0, "gate": gate, "project": "."})["status"] for gate in gates]
print(json.dumps([seen, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024]))
"""
    subprocess.run([PYTHON, "-c", make], cwd=tmp_path, check=True)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    answer = subprocess.run([PYTHON, "-c", read], cwd=tmp_path, env=environment, check=True, capture_output=True)
    seen, megabytes = json.loads(answer.stdout)
    assert seen == ["passed", "passed"] and megabytes < 90
    (tmp_path / "big.parquet").unlink()


METRICS = {"loss": {"last": 0.4, "max": 2.0, "min": 0.1, "finite": False, "count": 9}}


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ({"max": 0.5}, "passed"),
        ({"max": 0.3}, "failed"),
        ({"max": 0.15, "of": "best"}, "passed"),
        ({"min": 1.5, "of": "best"}, "passed"),
        ({"min": 0.3, "max": 0.5}, "passed"),
        ({"max": 3, "of": "worst"}, "failed"),
    ],
)
def test_metric(tmp_path: Path, gate: Dict[str, Any], expected: str) -> None:
    assert check(tmp_path, {"type": "metric", "name": "loss", **gate}, METRICS)["status"] == expected


def test_metric_that_was_not_reported_names_those_that_were(tmp_path: Path) -> None:
    result = check(tmp_path, {"type": "metric", "name": "los", "max": 1}, METRICS)
    assert result["status"] == "error" and "loss" in result["message"]


class Evil:
    """Unpickling this would make a file."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("/tmp/evil-checkpoint-was-executed",))


def test_checkpoints(tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    safetensors: Any = importlib.import_module("safetensors.torch")
    good = {"a": torch.ones(3, 4), "half": torch.ones(2, dtype=torch.bfloat16), "n": torch.tensor([1, 2])}
    bad = {"layer": {"w": torch.tensor([1.0, float("nan")])}, "ok": [torch.ones(1)]}
    torch.save({"model": good, "epoch": 3}, tmp_path / "good.pt")
    torch.save(good, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    torch.save(bad, tmp_path / "nan.pt")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    safetensors.save_file(good, tmp_path / "good.safetensors")
    with open(tmp_path / "evil.pt", "wb") as file:
        pickle.dump(Evil(), file)
    torch.save(Evil(), tmp_path / "evil2.pt")
    whole = (tmp_path / "good.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "good.safetensors").read_bytes()[:-8])
    (tmp_path / "empty.pt").write_bytes(b"")

    def of(path: str) -> Dict[str, Any]:
        return check(tmp_path, {"type": "checkpoint", "path": path})

    for path in ("good.pt", "old.pth", "good.safetensors"):
        assert of(path)["status"] == "passed" and of(path)["evidence"]["tensors"] == 3, of(path)
    assert of("nan.pt")["status"] == "failed" and of("nan.pt")["evidence"]["notFinite"] == ["layer.w"]
    assert of("none.pt")["status"] == "failed" and "no tensor" in of("none.pt")["message"]
    for path in ("evil.pt", "evil2.pt", "cut.pt", "cut.safetensors", "empty.pt", "nowhere.pt"):
        assert of(path)["status"] == "error" and path in of(path)["message"], of(path)
    assert not Path("/tmp/evil-checkpoint-was-executed").exists()

    folder = tmp_path / "final"
    folder.mkdir()
    assert of("final")["status"] == "error"
    os.rename(tmp_path / "good.safetensors", folder / "model.safetensors")
    torch.save(Evil(), folder / "training_args.bin")
    assert of("final/")["status"] == "passed"
    os.rename(tmp_path / "nan.pt", folder / "optimizer.pt")
    assert of("final")["status"] == "failed" and "optimizer.pt" in of("final")["evidence"]["notFinite"][0]


def test_own_script(bench: Bench) -> None:
    bench.write("helper.py", "VALUE = 7")
    bench.write(
        "gate.py",
        "import sys, json, helper; print('looking'); print(json.dumps({'v': helper.VALUE})); sys.exit(int(sys.argv[1]))",
    )
    gates = [{"type": "script", "script": "gate.py", "args": [code]} for code in ("0", "4")]
    bench.spec(shell("s", "true", gates=[*gates, {"type": "script", "script": "nope.py"}]), shell("never", "true"))
    assert bench.run_here().returncode == 1
    good, bad, missing = (e["gate"] for e in bench.events("gate"))
    assert good["status"] == "passed" and good["evidence"] == {"exitCode": 0, "v": 7}
    assert bad["status"] == "failed" and bad["evidence"]["exitCode"] == 4 and "looking" in bad["evidence"]["output"]
    assert missing["status"] == "error" and "nope.py" in missing["message"]
    assert bench.state()["steps"][1]["status"] == "waiting"
    end = bench.events("step.finished")[0]
    assert end["status"] == "failed" and end["exitCode"] == 0 and "gate.py" in end["reason"]
    assert json.loads((bench.job / "steps" / "01-s" / "gate.json").read_text())["gates"] == [good, bad, missing]


def test_missing_package_is_an_error_that_names_it(bench: Bench) -> None:
    """A Python without pyarrow and torch."""
    bench.write("x.parquet", "PAR1" + "x" * 20 + "PAR1")
    bench.write("x.pt", "x")
    gates = [{"type": "rows", "path": "x.parquet", "equals": 1}, {"type": "checkpoint", "path": "x.pt"}]
    python = bench.root / "bare" / "bin" / "python"
    bench.write("make.py", f"import venv; venv.create({str(bench.root / 'bare')!r}, with_pip=False)")
    subprocess.run([PYTHON, str(bench.project / "make.py")], check=True)
    bench.spec(shell("s", "touch x.parquet x.pt", gates=gates), python=str(python))
    assert bench.run_here().returncode == 1
    rows, checkpoint = (e["gate"] for e in bench.events("gate"))
    assert rows["status"] == "error" and "pyarrow" in rows["message"]
    assert checkpoint["status"] == "error" and "torch" in checkpoint["message"]


def test_secret_is_not_in_the_evidence(bench: Bench) -> None:
    bench.write("gate.py", "import os, json; print(json.dumps({'token': os.environ['HF_TOKEN']}))")
    bench.spec(shell("s", "true", secrets=["HF_TOKEN"], gates=[{"type": "script", "script": "gate.py"}]))
    assert bench.run_here(HF_TOKEN="hf_abcdefgh1234").returncode == 0
    assert bench.events("gate")[0]["gate"]["evidence"]["token"] == "[secret]"
    assert "hf_abcdefgh1234" not in (bench.job / "events.jsonl").read_text()


def test_a_check_that_dies_is_an_error_not_a_hang(bench: Bench) -> None:
    bench.write("gate.py", "import os; os.kill(os.getppid(), 9)")
    bench.spec(shell("s", "true", gates=[{"type": "script", "script": "gate.py"}]))
    assert bench.run_here().returncode == 1
    assert "killed" in bench.events("gate")[0]["gate"]["message"]
