"""The notebooks in a real kernel: the order 1, 2, 4, 3, honest accuracies, checkpoints that load (R3.1, R3.2)."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from conftest import SAMPLE, Workspace
from safetensors.torch import load_file

from training.models.checkpoints import PhaseOrderError, require_previous, save_checkpoint
from training.models.data import Split, split_of
from training.models.fitting import calibration_error
from training.models.metrics import report


def bounds(project: dict[str, Any], step: str) -> list[dict[str, Any]]:
    """A step's metric gates."""
    (found,) = (s for s in project["steps"] if s["name"] == step)
    return [gate for gate in found["gates"] if gate["type"] == "metric"]


@pytest.mark.parametrize("phase", [1, 2, 4, 3])
def test_r3_2_metric_gates_hold(trained: Workspace, project: dict[str, Any], phase: int) -> None:
    run = trained.runs[str(phase)]
    assert run.error is None
    for gate in bounds(project, f"phase_{phase}"):
        values = [line[gate["name"]] for line in run.metrics if gate["name"] in line]
        # The sample asks for the best only of a loss and for the worst only of an accuracy: the smallest of either.
        value = values[-1] if gate.get("of", "last") == "last" else min(values)
        assert gate.get("min", float("-inf")) <= value <= gate.get("max", float("inf")), gate


@pytest.mark.parametrize("phase", [1, 2, 4, 3])
def test_r3_2_checkpoints_load_and_are_finite(trained: Workspace, phase: int) -> None:
    folder = trained.path / f"training/output/phase_{phase}"
    safe = load_file(folder / "model.safetensors")
    pickled = torch.load(folder / "model.pt", weights_only=True)
    assert safe.keys() == pickled.keys()
    for name, tensor in safe.items():
        assert torch.isfinite(tensor).all()
        assert torch.equal(tensor, pickled[name])
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "model.pt", "checkpoint.json"}


@pytest.mark.parametrize(("name", "needs"), [("4 too early", 2), ("3 too early", 4)])
def test_r3_1_a_phase_out_of_order_fails_and_names_what_to_run(trained: Workspace, name: str, needs: int) -> None:
    error = trained.runs[name].error
    assert error is not None
    assert error.startswith("PhaseOrderError")
    assert f"Run phase_{needs}.ipynb first. The order is 1, 2, 4, 3." in error


def test_the_accuracy_is_learned(trained: Workspace) -> None:
    first = trained.runs["1"].metrics
    assert first[-1]["accuracy"] > first[0]["accuracy"] > 1 / 8
    assert first[-1]["loss"] < first[0]["loss"]
    assert trained.runs["2"].metrics[-1]["accuracy"] > first[-1]["accuracy"]


def test_a_phase_does_not_continue_a_checkpoint_that_has_been_trained_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for phase in (1, 2, 4):
        save_checkpoint(phase, torch.nn.Linear(2, 2), {}, {})
    assert require_previous(3).phase == 4
    save_checkpoint(2, torch.nn.Linear(2, 2), {}, {})
    with pytest.raises(PhaseOrderError, match=r"Run phase_4\.ipynb again before phase 3"):
        require_previous(3)


@pytest.mark.parametrize("damage", ["missing", "cut", "mark"])
def test_a_damaged_checkpoint_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(1, torch.nn.Linear(2, 2), {}, {})
    model = tmp_path / "training/output/phase_1/model.safetensors"
    if damage == "missing":
        model.unlink()
    elif damage == "cut":
        model.write_bytes(model.read_bytes()[:-4])
    else:
        model.with_name("checkpoint.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PhaseOrderError, match=r"phase_1\.ipynb again"):
        require_previous(2)


def test_the_same_weights_give_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = torch.nn.Linear(2, 2)
    contents = []
    for _ in range(2):
        save_checkpoint(1, model, {}, {})
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "training/output/phase_1").iterdir()})
    assert contents[0] == contents[1]


def test_metrics_are_appended_as_json_lines_and_must_be_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("RUNPOD_TRAINER_METRICS", str(target))
    report(step=1, loss=0.5)
    report(step=2, loss=0.25)
    with pytest.raises(ValueError, match="loss is nan"):
        report(step=3, loss=float("nan"))
    assert [json.loads(line)["loss"] for line in target.read_text(encoding="utf-8").splitlines()] == [0.5, 0.25]


def test_splits_have_their_shares() -> None:
    splits = [split_of(f"green-{number:04d}") for number in range(4000)]
    for split, share in ((Split.TRAIN, 0.6), (Split.CALIBRATION, 0.1), (Split.VALIDATION, 0.15), (Split.TEST, 0.15)):
        assert abs(splits.count(split) / 4000 - share) < 0.03


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    sure = torch.full((10, 8), -20.0)
    sure[:, 0] = 20.0
    labels = torch.tensor([0] * 7 + [1] * 3)
    assert calibration_error(sure, labels) == pytest.approx(0.3, abs=1e-4)
    assert calibration_error(sure, torch.zeros(10, dtype=torch.long)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("phase", [1, 2, 3, 4])
def test_notebooks_are_clean_and_have_parameters(phase: int) -> None:
    notebook = nbformat.read(SAMPLE / f"training/notebooks/phase_{phase}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    (parameters,) = (cell for cell in code if "parameters" in cell.metadata.get("tags", []))
    for name in ("epochs", "learning_rate", "seed"):
        assert f"{name} = " in parameters.source
    assert notebook.cells[0].cell_type == "markdown"
