"""R3.8: what a step did not write is evidence of nothing."""

from __future__ import annotations

import importlib
import os
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import PYTHON, Bench, shell

from runpod_trainer_worker.resume.before import Before
from runpod_trainer_worker.run.metrics import MetricTail

GATE = {"type": "file", "path": "out/model.bin"}


def run(bench: Bench, command: str, **step: Any) -> Dict[str, Any]:
    """Runs a step that never passed before; its end, with the gates' results."""
    bench.spec(shell("s", command, **step), **{"from": "s"})
    before = len(bench.events())
    bench.run_here()
    events = bench.events()[before:]
    end = next(e for e in events if e["type"] == "step.finished")
    return {**end, "gates": [e["gate"] for e in events if e["type"] == "gate"]}


def make_old(path: Path, text: str = "yesterday") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_a_file_from_before_the_step_is_an_error_that_says_when_it_was_written(bench: Bench) -> None:
    make_old(bench.project / "out/model.bin")
    end = run(bench, "echo done", gates=[GATE])
    assert end["status"] == "failed" and end["gates"][0]["status"] == "error"
    assert "2023-11-14 22:13:20 UTC" in end["gates"][0]["message"] and "out/model.bin" in end["gates"][0]["message"]
    assert run(bench, "echo done", gates=[{**GATE, "allowStale": True}])["status"] == "passed"
    assert run(bench, "echo done", gates=[GATE], allowStale=True)["status"] == "passed"


@pytest.mark.parametrize(
    "command",
    [
        "printf yesterday > out/model.bin",
        "cp -p out/model.bin /tmp/$$; cp -p /tmp/$$ out/model.bin; rm /tmp/$$",
        "printf new > out/tmp; mv out/tmp out/model.bin",
        "printf new > out/tmp; ln -f out/tmp out/model.bin",
        "printf new > out/other; ln -sf other out/model.bin",
        "rm out/model.bin; printf yesterday > out/model.bin; touch -d @1700000000 out/model.bin",
        "tar cf out/a.tar out/model.bin; rm out/model.bin; tar xf out/a.tar",
        "printf x > out/model.bin; touch -d @1500000000 out/model.bin",
    ],
)
def test_what_the_step_wrote_counts_however_it_wrote_it(bench: Bench, command: str) -> None:
    make_old(bench.project / "out/model.bin")
    assert run(bench, command, gates=[GATE], outputs=["out/model.bin"])["status"] == "passed", bench.events("gate")


@pytest.mark.parametrize(
    "command",
    [
        "true",
        "chmod 600 out/model.bin",
        "ln out/model.bin out/second",
        "mv out/model.bin out/tmp; ln -s tmp out/model.bin",
        "cat out/model.bin; ls -l out",
    ],
)
def test_what_the_step_did_not_write_is_old_whatever_else_it_did_with_it(bench: Bench, command: str) -> None:
    make_old(bench.project / "out/model.bin")
    end = run(bench, command, gates=[GATE])
    assert end["status"] == "failed" and "before the step began" in end["gates"][0]["message"]


def test_another_name_for_an_old_file_is_old(bench: Bench) -> None:
    make_old(bench.project / "out/a.bin")
    make_old(bench.root / "elsewhere.bin", "from elsewhere")
    for command in ("mv out/a.bin out/b.bin", "ln -sf a.bin out/b.bin", f"ln -sf {bench.root}/elsewhere.bin out/b.bin"):
        make_old(bench.project / "out/a.bin")
        end = run(bench, command, gates=[{"type": "file", "path": "out/b.bin"}], outputs=["out/*.bin"])
        assert end["status"] == "failed" and end["gates"][0]["seen"] == "not written by this run", command
        (bench.project / "out/b.bin").unlink()


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("mv o/mv o/mv2", "o/mv2"),
        ("ln o/mv o/hl2", "o/hl2"),
        ("mv o/dir o/dir2", "o/dir2/model.bin"),
        ("mv o/dir/model.bin o/dir/second; ln o/dir/second o/third", "o/third"),
    ],
)
def test_a_new_name_for_an_old_file_that_nobody_declared_is_old(bench: Bench, command: str, path: str) -> None:
    for name in ("o/mv", "o/dir/model.bin"):
        make_old(bench.project / name)
    end = run(bench, command, gates=[{"type": "file", "path": path}], outputs=[path])
    assert end["status"] == "failed" and end["gates"][0]["seen"] == "not written by this run"


@pytest.mark.parametrize(
    "command",
    [
        "cp -p o/mv o/new",
        "tar cf o/a.tar -C o mv; mkdir o/x; tar xf o/a.tar -C o/x; rm o/mv; mv o/x/mv o/new",
        "printf newer > o/mv; mv o/mv o/new",
        "printf more >> o/mv; ln o/mv o/new",
    ],
)
def test_a_copy_of_an_old_file_and_what_was_written_before_it_got_its_name_count(bench: Bench, command: str) -> None:
    make_old(bench.project / "o/mv")
    assert run(bench, command, gates=[{"type": "file", "path": "o/new"}], outputs=["o/new"])["status"] == "passed"


def test_the_clock_of_the_machine_does_not_matter(bench: Bench) -> None:
    """A file of the future is old when the step did not touch it, and one of 1970 is new when it did."""
    make_old(bench.project / "out/model.bin")
    os.utime(bench.project / "out/model.bin", (4_000_000_000, 4_000_000_000))
    assert run(bench, "true", gates=[GATE])["status"] == "failed"
    assert run(bench, "printf x > out/model.bin; touch -d @1 out/model.bin", gates=[GATE])["status"] == "passed"


def test_a_file_written_just_before_the_step_is_told_from_one_written_by_it(tmp_path: Path) -> None:
    """Also where the clock of the volume stands still for a while: the kernel's does, for some milliseconds."""
    for number in range(40):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(b"a")
        before = Before.take(tmp_path, ["*.bin"])
        assert before.old(file.name) is not None
        file.write_bytes(b"b")
        assert before.old(file.name) is None, number
    assert list((tmp_path / ".runpod-trainer").iterdir()) == []


def test_of_many_files_those_that_the_step_wrote_are_the_evidence(bench: Bench) -> None:
    make_old(bench.project / "out/1.bin", "")
    gate = {"type": "file", "path": "out/*.bin", "minBytes": 2}
    end = run(bench, "printf abc > out/2.bin", gates=[gate], outputs=["out/*.bin"])
    assert end["status"] == "passed" and end["gates"][0]["evidence"] == {
        "files": 1,
        "bytes": 3,
        "smallest": 3,
        "notOfThisRun": 1,
    }
    for path in ("out/1.bin", "out/2.bin"):
        make_old(bench.project / path)
    assert run(bench, "true", gates=[gate])["gates"][0]["seen"] == "not written by this run"


def test_parquet_and_checkpoints_from_before_the_step(bench: Bench) -> None:
    pa: Any = importlib.import_module("pyarrow")
    pq: Any = importlib.import_module("pyarrow.parquet")
    torch: Any = importlib.import_module("torch")
    pq.write_table(pa.table({"n": [1]}), bench.project / "a.parquet")
    torch.save({"w": torch.ones(1)}, bench.project / "a.pt")
    gates = [
        {"type": "rows", "path": "a.parquet", "equals": 1},
        {"type": "distinct", "path": "a.parquet", "column": "n", "count": 1},
        {"type": "populated", "path": "a.parquet", "column": "n"},
        {"type": "checkpoint", "path": "a.pt"},
    ]
    seen = [gate["seen"] for gate in run(bench, "true", gates=gates)["gates"]]
    assert seen == ["not written by this run"] * 4
    copy = "for f in a.parquet a.pt; do cp $f t; mv t $f; done"
    assert run(bench, copy, gates=gates)["status"] == "passed"


def test_a_declared_output_that_the_step_did_not_write_fails_it(bench: Bench) -> None:
    end = run(bench, "echo done", outputs=["out/model.bin"])
    assert end["status"] == "failed" and "out/model.bin" in end["reason"] and "wrote no such file" in end["reason"]
    make_old(bench.project / "out/model.bin")
    end = run(bench, "echo done", outputs=["out/**"])
    assert end["status"] == "failed" and "2023-11-14 22:13:20 UTC" in end["reason"]
    assert run(bench, "echo done", outputs=["out/**"], allowStale=True)["status"] == "passed"
    assert run(bench, "printf x > out/more.bin", outputs=["out/**"])["status"] == "passed"
    folders = {"outputs": ["out/checkpoint-*"]}
    assert run(bench, "mkdir -p out/checkpoint-1; printf x > out/checkpoint-1/a", **folders)["status"] == "passed"
    assert run(bench, "mkdir -p out/checkpoint-2", **folders)["status"] == "failed"
    assert run(bench, "printf x > out/checkpoint-2/a", **folders)["status"] == "passed"


def test_the_step_after_one_without_its_output_is_not_started(bench: Bench) -> None:
    later = shell("later", "echo later", inputs=["out/model.bin"])
    bench.spec(shell("s", "echo done", outputs=["out/model.bin"]), later)
    assert bench.run_here().returncode == 1 and bench.output("later") == []
    bench.spec(shell("s", "echo done"), later)
    assert bench.run_here().returncode == 1 and bench.output("later") == []
    assert "was not started: no file matches out/model.bin" in bench.events("step.finished")[-1]["reason"]


def test_a_skipped_step_stays_skipped(bench: Bench) -> None:
    bench.write("in.txt", "1")
    steps = [shell("s", "mkdir -p out; printf x > out/model.bin", inputs=["in.txt"], outputs=["out/**"], gates=[GATE])]
    bench.spec(*steps)
    assert bench.run_here().returncode == 0
    assert bench.run_here().returncode == 0
    (skipped,) = bench.events("step.skipped")
    assert skipped["gates"][0]["status"] == "passed"


def test_a_gate_that_hangs_is_an_error_that_says_what_to_do(bench: Bench) -> None:
    bench.write("gate.py", "import time; time.sleep(60)")
    gate = {"type": "script", "script": "gate.py"}
    for step in ({"gates": [{**gate, "timeoutMinutes": 0.01}]}, {"gates": [gate], "timeoutSeconds": 0.6}):
        began = time.monotonic()
        (result,) = run(bench, "true", **step)["gates"]
        assert result["status"] == "error" and "0.6 seconds" in result["message"] and "timeoutMinutes" in result["message"]
        assert time.monotonic() - began < 15 and bench.processes("gate.py") == []
        assert result["expected"] == "exit code 0"


def test_what_a_hanging_gate_has_printed_is_told_and_nothing_of_the_worker(bench: Bench) -> None:
    bench.write("gate.py", "import time; print('asking the server', flush=True); time.sleep(60)")
    run(bench, "true", gates=[{"type": "script", "script": "gate.py", "timeoutMinutes": 0.03}])
    assert bench.output() == ["asking the server"]


METRIC = {"type": "metric", "name": "loss", "max": 1, "of": "worst"}


@pytest.mark.parametrize(
    ("writes", "told"),
    [
        # written anew with every report, shorter, of the same size, and longer than before
        (["w 9 8 7", "w 0.5"], [9, 8, 7, 0.5]),
        (["w 9", "w 1"], [9, 1]),
        (["w 9", "w 0.5 0.25"], [9, 0.5, 0.25]),
        # its history is written anew with each report
        (["w 0.3", "w 0.3 0.2", "w 0.3 0.2 0.1"], [0.3, 0.2, 0.1]),
        # moved away, and a new one begun
        (["w 9", "a 8", "rotate", "w 0.5"], [9, 8, 0.5]),
        # emptied while it is written to
        (["w 9 8", "truncate", "a 0.5"], [9, 8, 0.5]),
    ],
)
def test_a_metrics_file_counts_as_it_is_now(tmp_path: Path, writes: List[str], told: List[float]) -> None:
    file = tmp_path / "metrics.jsonl"
    tail = MetricTail(file)
    seen: List[Any] = []
    for write in writes:
        how, *values = write.split()
        text = "".join(f'{{"loss": {value}}}\n' for value in values)
        if how == "rotate":
            file.rename(tmp_path / "metrics.1")
        elif how == "truncate":
            os.truncate(file, 0)
        else:
            with open(file, how) as stream:
                stream.write(text)
        seen += [report["loss"] for report in tail.read()]
    seen += [report["loss"] for report in tail.read(final=True)]
    assert seen == told
    assert tail.summary["loss"]["max"] <= 1


def test_an_earlier_part_of_the_metrics_that_was_changed_counts_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"loss": 9}\n' + '{"step": 1}\n' * 1000)
    tail = MetricTail(file)
    tail.read()
    file.write_text('{"loss": 1}\n' + '{"step": 1}\n' * 1000)
    assert tail.read(final=True) == [{"loss": 1}] and tail.summary["loss"]["max"] == 1


def test_metrics_of_an_earlier_attempt_are_no_evidence(bench: Bench) -> None:
    report = "echo '{\"loss\": 0.5}' >> $RUNPOD_TRAINER_METRICS"
    assert run(bench, f"{report}; exit 1", gates=[METRIC])["status"] == "failed"
    end = run(bench, "true", gates=[METRIC])
    assert end["status"] == "failed" and "no metric at all" in end["gates"][0]["message"]


def test_metrics_written_anew_by_a_step_reach_its_gate(bench: Bench) -> None:
    bench.write(
        "s.py",
        "import os, json, time\n"
        "for loss in (9, 5, 0.5):\n"
        "    with open(os.environ['RUNPOD_TRAINER_METRICS'], 'w') as file:\n"
        "        file.write(json.dumps({'loss': loss}) + '\\n')\n"
        "    time.sleep(0.4)\n",
    )
    end = run(bench, f"{PYTHON} s.py", gates=[METRIC])
    assert end["status"] == "passed" and end["gates"][0]["evidence"]["count"] == 1
