"""R3.5: a step that did not come to its end goes on from its last complete checkpoint."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from conftest import PYTHON, Bench, wait_for

from runpod_trainer_worker.resume.checkpoints import candidates, number_in

#: Counts instead of training, and keeps what no library has to be loaded for; dies as it is told to.
TRAIN = """
import json, os, struct, time

def save(path, number):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    head = json.dumps({"step": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + struct.pack("<q", number))

start = os.environ.get("RUNPOD_TRAINER_RESUME_FROM")
step = 0
if start:
    with open(os.path.join(start, "model.safetensors"), "rb") as file:
        step = struct.unpack("<q", file.read()[-8:])[0]
print(f"begins at {step}", flush=True)
while step < 6:
    step += 1
    with open(os.environ["RUNPOD_TRAINER_METRICS"], "a") as file:
        file.write(json.dumps({"step": step}) + "\\n")
    save(f"out/checkpoint-{step}/model.safetensors", step)
    print(f"step {step}", flush=True)
    if os.path.exists("die") and open("die").read() == str(step):
        os.remove("die")
        os.kill(os.getpid(), 9)
save("out/model.safetensors", step)
"""
#: Dies in its fourth step of six.
TORCH = """
import os
import torch

torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
step = 0
start = os.environ.get("RUNPOD_TRAINER_RESUME_FROM")
if start:
    state = torch.load(start, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    step = state["step"]
print(f"begins at {step}", flush=True)
data = torch.arange(12.0).reshape(3, 4) / 12
os.makedirs("out", exist_ok=True)
while step < 6:
    step += 1
    loss = (model(data) - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state, f"out/step-{step}.pt")
    if os.path.exists("die") and step == 4:
        os.remove("die")
        os.kill(os.getpid(), 9)
torch.save(model.state_dict(), "out/model.pt")
"""


def train(**more: Any) -> Dict[str, Any]:
    return {
        "name": "train",
        "where": "local",
        "run": {"kind": "script", "path": "train.py", "args": []},
        "outputs": ["out/model.safetensors"],
        "gates": [{"type": "checkpoint", "path": "out/model.safetensors"}],
        "checkpoints": {"pattern": "out/checkpoint-*"},
        **more,
    }


@pytest.fixture
def project(bench: Bench) -> Bench:
    bench.write("train.py", TRAIN)
    bench.write("die", "4")
    bench.spec(train())
    return bench


def started(bench: Bench) -> Dict[str, Any]:
    return dict(bench.events("step.started")[-1])


def begins(bench: Bench) -> List[str]:
    return [line for line in bench.output() if line.startswith("begins at")]


@pytest.mark.timeout(240)
def test_a_training_of_torch_that_is_killed_ends_with_the_numbers_of_an_undisturbed_one(bench: Bench) -> None:
    torch: Any = importlib.import_module("torch")
    bench.write("train.py", TORCH)
    gates = [{"type": "checkpoint", "path": "out/model.pt"}]
    step = train(outputs=["out/model.pt"], gates=gates, checkpoints={"pattern": "out/step-*.pt"})
    bench.spec(step)
    bench.write("die", "")
    assert bench.run_here().returncode == 1
    assert bench.run_here().returncode == 0, bench.output()
    assert begins(bench) == ["begins at 0", "begins at 4"] and started(bench)["resumeFrom"] == "out/step-4.pt"
    disturbed = torch.load(bench.project / "out/model.pt", weights_only=True)
    bench.spec(step, **{"from": "train"})
    assert bench.run_here().returncode == 0
    assert begins(bench)[-1] == "begins at 0" and started(bench)["resumeFrom"] is None
    for name, value in torch.load(bench.project / "out/model.pt", weights_only=True).items():
        assert torch.equal(value, disturbed[name])


def test_a_step_that_was_killed_goes_on_and_one_that_passed_has_nothing_to_go_on_from(project: Bench) -> None:
    assert project.run_here().returncode == 1
    assert project.run_here().returncode == 0, project.output()
    assert begins(project) == ["begins at 0", "begins at 4"]
    event = started(project)
    assert event["resumeFrom"] == "out/checkpoint-4"
    assert event["why"] == ["its last attempt did not finish, and it goes on from out/checkpoint-4"]
    assert project.run_here().returncode == 0 and len(project.events("step.skipped")) == 1
    project.spec(train(), **{"from": "train"})
    assert project.run_here().returncode == 0
    assert begins(project)[-1] == "begins at 0" and started(project)["resumeFrom"] is None


def test_a_training_that_is_cut_from_outside_goes_on(project: Bench) -> None:
    project.write("die", "0")
    project.write(
        "train.py", TRAIN.replace('print(f"step {step}", flush=True)', 'print(f"step {step}", flush=True); time.sleep(0.3)')
    )
    argv = [PYTHON, str(project.pyz), "run", "--job-dir", str(project.job)]
    with subprocess.Popen(argv, env=project.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as worker:
        wait_for(lambda: "step 2" in project.output(), 40)
        # As when the host is lost: worker and step are gone at once.
        for pid in [*project.processes("train.py"), worker.pid]:
            os.kill(pid, signal.SIGKILL)
    project.job = project.job.with_name("job-2")
    project.job.mkdir()
    project.spec(train(), job="job-2")
    assert project.run_here().returncode == 0, project.output()
    number = str(started(project)["resumeFrom"]).replace("out/checkpoint-", "")
    assert int(number) >= 2 and begins(project)[-1] == f"begins at {number}"


def test_incomplete_checkpoints_are_passed_over_and_told(project: Bench) -> None:
    project.run_here()
    last = project.project / "out/checkpoint-4/model.safetensors"
    last.write_bytes(last.read_bytes()[:-1])
    half = project.project / "out/checkpoint-9"
    half.mkdir()
    (half / "model-00001-of-00002.safetensors").write_bytes(b"")
    assert project.run_here().returncode == 0
    assert begins(project)[-1] == "begins at 3" and started(project)["resumeFrom"] == "out/checkpoint-3"
    text = project.events("note")[-1]["text"]
    assert "out/checkpoint-4: " in text and "out/checkpoint-9: " in text
    assert "model-00002-of-00002.safetensors is missing" in text and text.index("checkpoint-9") < text.index("checkpoint-4")


def test_a_mark_of_completeness_has_to_be_there(project: Bench) -> None:
    step = train(checkpoints={"pattern": "out/checkpoint-*", "complete": "done.txt"})
    project.spec(step)
    project.run_here()
    project.write("out/checkpoint-2/done.txt", "")
    project.run_here()
    assert started(project)["resumeFrom"] == "out/checkpoint-2"
    assert "has no done.txt" in project.events("note")[-1]["text"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trainer_state.json", ""),
        ("trainer_state.json", '{"global_step": 4, "log_his'),
        ("state.json", "{"),
        ("state.yaml", ""),
    ],
)
def test_a_mark_of_completeness_that_was_not_written_to_its_end_is_none(project: Bench, name: str, text: str) -> None:
    step = train(checkpoints={"pattern": "out/checkpoint-*", "complete": name})
    project.spec(step)
    project.run_here()
    project.write(f"out/checkpoint-3/{name}", '{"global_step": 3}')
    project.write(f"out/checkpoint-4/{name}", text)
    project.run_here()
    assert started(project)["resumeFrom"] == "out/checkpoint-3"
    assert f"its {name} is" in project.events("note")[-1]["text"]


@pytest.mark.parametrize("name", ["trainer_state.json", "config.json", "adapter_config.json"])
def test_a_small_file_that_was_cut_off_makes_a_checkpoint_incomplete(project: Bench, name: str) -> None:
    project.run_here()
    project.write(f"out/checkpoint-4/{name}", '{"a": ')
    project.run_here()
    assert started(project)["resumeFrom"] == "out/checkpoint-3"
    assert f"{name} is damaged" in project.events("note")[-1]["text"]


def resumed(bench: Bench) -> List[Optional[str]]:
    return [event["resumeFrom"] for event in bench.events("step.started")]


def test_a_checkpoint_from_which_an_attempt_failed_without_a_newer_one_is_passed_over(project: Bench) -> None:
    """What is whole to look at may still be one that the step cannot load; it never blocks for ever."""
    bad = "if start and start.endswith('-4'): raise SystemExit('cannot load it')"
    project.write("train.py", TRAIN.replace("step = 0\n", f"step = 0\n{bad}\n", 1))
    for code in (1, 1, 0):
        assert project.run_here().returncode == code, project.output()
    assert resumed(project) == [None, "out/checkpoint-4", "out/checkpoint-3"]
    text = project.events("note")[-1]["text"]
    assert "out/checkpoint-4: an attempt went on from it, failed and wrote no newer complete one." in text


def test_a_step_that_fails_from_every_checkpoint_comes_to_start_anew(project: Bench) -> None:
    project.write("die", "2")
    project.write("train.py", TRAIN.replace("step = 0\n", "step = 0\nif start: raise SystemExit('no')\n", 1))
    for code in (1, 1, 1, 0):
        assert project.run_here().returncode == code, project.output()
    assert resumed(project) == [None, "out/checkpoint-2", "out/checkpoint-1", None]
    assert "left only checkpoints from which it failed" in started(project)["why"][0]


def test_a_checkpoint_from_which_an_attempt_was_cut_stays_good(project: Bench) -> None:
    project.write("die", "2")
    project.write("train.py", TRAIN.replace("while step < 6:", "if os.path.exists('hang'): time.sleep(60)\nwhile step < 6:"))
    project.run_here()
    project.write("hang", "")
    argv = [PYTHON, str(project.pyz), "run", "--job-dir", str(project.job)]
    with subprocess.Popen(argv, env=project.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as worker:
        wait_for(lambda: "begins at 2" in project.output(), 40)
        for pid in [*project.processes("train.py"), worker.pid]:
            os.kill(pid, signal.SIGKILL)
    os.remove(project.project / "hang")
    project.job = project.job.with_name("job-2")
    project.job.mkdir()
    project.spec(train(), job="job-2")
    assert project.run_here().returncode == 0, project.output()
    assert started(project)["resumeFrom"] == "out/checkpoint-2"


@pytest.mark.parametrize("changed", ["code", "inputs", "arguments"])
def test_a_changed_step_starts_anew_and_says_so_unless_it_is_told_to_go_on(project: Bench, changed: str) -> None:
    project.write("data.txt", "1")
    step = train(inputs=["data.txt"])
    project.spec(step)
    project.run_here()
    project.write("die", "5")
    if changed == "code":
        project.write("train.py", TRAIN + "# changed")
    elif changed == "inputs":
        project.write("data.txt", "2")
    else:
        step["run"] = {**step["run"], "args": ["x"]}
    project.spec(step)
    assert project.run_here().returncode == 1
    why = started(project)["why"][0]
    expected = {"code": "code train.py changed", "inputs": "input data.txt changed", "arguments": "arguments"}[changed]
    assert why.startswith("it starts anew") and expected in why and begins(project)[-1] == "begins at 0"
    # What lay there before that is of other code: only what was written since counts.
    os.remove(project.project / "out/checkpoint-5/model.safetensors")
    project.write("die", "5")
    project.write("data.txt", "3")
    project.spec({**step, "checkpoints": {"pattern": "out/checkpoint-*", "afterChanges": True}})
    assert project.run_here().returncode == 1
    event = started(project)
    assert event["resumeFrom"] == "out/checkpoint-4" and "although input data.txt changed" in event["why"][0]


def test_checkpoints_of_another_run_are_not_taken(project: Bench) -> None:
    """Those that lay there before the step began, with numbers that are larger."""
    project.write("die", "1")
    project.run_here()
    os.rename(project.project / "out/checkpoint-1", project.project / "out/checkpoint-900")
    for attempt in (project.project / ".runpod-trainer/attempts").iterdir():
        attempt.unlink()
    project.write("die", "4")
    project.run_here()
    project.run_here()
    assert begins(project) == ["begins at 0", "begins at 0", "begins at 4"]
    assert "it was there before the step began" in project.events("note")[-1]["text"]


def test_what_earlier_attempts_of_one_run_wrote_is_evidence_of_it(project: Bench) -> None:
    gates = [{"type": "checkpoint", "path": "out/checkpoint-2"}, {"type": "metric", "name": "step", "min": 6}]
    project.spec(train(gates=gates))
    project.run_here()
    assert project.run_here().returncode == 0, project.events("gate")
    # The metrics are those of this attempt alone.
    assert project.events("gate")[-1]["gate"]["evidence"]["count"] == 2


def test_attempts_that_fail_again_go_on_each_from_the_last_one(project: Bench) -> None:
    project.write("die", "2")
    project.run_here()
    project.write("die", "4")
    project.run_here()
    assert project.run_here().returncode == 0
    assert begins(project) == ["begins at 0", "begins at 2", "begins at 4"]


def test_a_step_that_was_asked_for_goes_on_too(project: Bench) -> None:
    project.run_here()
    project.spec(train(), **{"from": "train"})
    assert project.run_here().returncode == 0
    assert started(project)["why"][0].endswith("goes on from out/checkpoint-4") and begins(project)[-1] == "begins at 4"


def test_without_a_pattern_a_step_starts_anew(project: Bench) -> None:
    project.spec(train(checkpoints=None))
    project.run_here()
    project.run_here()
    assert begins(project) == ["begins at 0", "begins at 0"]


def test_a_notebook_goes_on(bench: Bench) -> None:
    bench.notebook("train.ipynb", [TRAIN])
    bench.write("die", "3")
    step = train(run={"kind": "notebook", "path": "train.ipynb", "parameters": {}})
    bench.spec(step)
    assert bench.run_here().returncode == 1
    assert bench.run_here().returncode == 0, bench.output()
    assert begins(bench) == ["begins at 0", "begins at 3"] and started(bench)["resumeFrom"] == "out/checkpoint-3"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("checkpoint-200", 200),
        ("epoch=1-step=300.ckpt", 300),
        ("epoch=3-val_loss=0.25.ckpt", 3),
        ("global_step500", 500),
        ("model_ep07.pt", 7),
        ("ckpt_100_loss0.35.pt", 100),
        ("run2-checkpoint-40", 40),
        ("last.ckpt", None),
        ("model.safetensors", None),
    ],
)
def test_the_number_of_a_checkpoint(name: str, number: Optional[int]) -> None:
    assert number_in(name) == number


def test_the_newest_is_by_number_and_without_numbers_by_time(tmp_path: Path) -> None:
    for name in (
        "checkpoint-90/m.pt",
        "checkpoint-200/m.pt",
        "checkpoint-1000/m.pt",
        "deep/checkpoint-5/m.pt",
        "best.pt",
        "last.pt",
    ):
        (tmp_path / "run7" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run7" / name).write_text("x")
    os.utime(tmp_path / "run7/checkpoint-1000/m.pt", (1, 1))
    os.utime(tmp_path / "run7/last.pt", (1, 1))

    def paths(pattern: str) -> List[str]:
        return [one.path for one in candidates(tmp_path, pattern)]

    expected = ["run7/checkpoint-1000", "run7/checkpoint-200", "run7/checkpoint-90"]
    assert paths("run7/checkpoint-*") == paths("run7/checkpoint-*/") == paths("run7/checkpoint-*/**") == expected
    assert paths("run7/checkpoint-*/m.pt") == [f"{path}/m.pt" for path in expected]
    assert paths("run7/**/checkpoint-*") == [*expected, "run7/deep/checkpoint-5"]
    assert paths("run7/*.pt") == ["run7/best.pt", "run7/last.pt"]
    assert paths("nothing/*") == []


HUGGING_FACE = """
import os, sys, torch
from transformers import Trainer, TrainingArguments

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def forward(self, x, labels):
        loss = (self.layer(x).squeeze(-1) - labels).square().mean()
        return {"loss": loss}

class Die(__import__("transformers").TrainerCallback):
    def on_step_end(self, args, state, control, **kw):
        if os.path.exists("die") and state.global_step == int(open("die").read()):
            os.remove("die"); os.kill(os.getpid(), 9)

data = [{"x": torch.ones(4) * n / 8, "labels": torch.tensor(1.0)} for n in range(8)]
arguments = TrainingArguments("out", max_steps=8, save_steps=2, per_device_train_batch_size=2, report_to=[], use_cpu=True,
                              logging_steps=1, disable_tqdm=True)
trainer = Trainer(Net(), arguments, train_dataset=data, callbacks=[Die()])
start = os.environ.get("RUNPOD_TRAINER_RESUME_FROM")
trainer.train(resume_from_checkpoint=start)
print(f"ended at {trainer.state.global_step} from {start and os.path.basename(start)}")
trainer.save_model("out/final")
"""


@pytest.mark.timeout(240)
def test_a_training_of_hugging_face_goes_on(bench: Bench) -> None:
    bench.write("train.py", HUGGING_FACE)
    bench.write("die", "5")
    step = train(
        outputs=["out/final/**"],
        gates=[{"type": "checkpoint", "path": "out/final"}],
        checkpoints={"pattern": "out/checkpoint-*", "complete": "trainer_state.json"},
    )
    bench.spec(step)
    assert bench.run_here().returncode == 1
    assert bench.run_here().returncode == 0, bench.output()
    assert bench.output()[-1] == "ended at 8 from checkpoint-4" and started(bench)["resumeFrom"] == "out/checkpoint-4"


def test_a_folder_that_a_trainer_did_not_finish_is_passed_over(project: Bench) -> None:
    """As transformers' Trainer leaves it when it is killed between the model and its state."""
    project.run_here()
    torch: Any = importlib.import_module("torch")
    torch.save({"a": 1}, project.project / "out/checkpoint-4/training_args.bin")
    project.run_here()
    assert started(project)["resumeFrom"] == "out/checkpoint-3"
    assert "trainer_state.json is missing" in project.events("note")[-1]["text"]
