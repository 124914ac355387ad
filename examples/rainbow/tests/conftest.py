"""A copy of the sample in a temporary folder, and how its steps are run there."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SAMPLE = Path(__file__).parent.parent


@dataclass
class NotebookRun:
    """How a notebook went: the metrics it reported, its printed text, and what stopped it, if anything did."""

    metrics: list[dict[str, float]]
    text: str
    error: str | None = None


@dataclass
class Workspace:
    """A copy of the sample."""

    path: Path
    runs: dict[str, NotebookRun] = field(default_factory=dict)

    def module(self, name: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m name` in the copy."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAINBOW_", "RUNPOD_"))}
        return subprocess.run(
            [sys.executable, "-m", name, *args],
            cwd=self.path,
            env={**kept, **env},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def raw(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Makes the raw material."""
        return self.module("app.raw_material.make_raw_material", *args, **env)

    def manifest(self) -> subprocess.CompletedProcess[str]:
        """Builds the manifest table."""
        return self.module("app.extractors.manifest_extractor.build_base_manifest_db")

    def segments(self) -> subprocess.CompletedProcess[str]:
        """Builds the segments."""
        return self.module("app.extractors.segment_extractor.build_training_segments_db")

    def notebook(self, phase: int) -> NotebookRun:
        """Executes a phase's notebook in a real kernel."""
        notebook = nbformat.read(self.path / f"training/notebooks/phase_{phase}.ipynb", as_version=4)
        metrics = self.path / "metrics.jsonl"
        metrics.unlink(missing_ok=True)
        client = NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(self.path)}}
        )
        error = None
        try:
            client.execute(
                env={**os.environ, "PYTHONPATH": str(self.path), "RUNPOD_TRAINER_METRICS": str(metrics)},
            )
        except CellExecutionError as failure:
            error = f"{failure.ename}: {failure.evalue}"
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        text = "".join(output.get("text", "") for output in outputs)
        return NotebookRun(metrics=[json.loads(line) for line in lines], text=text, error=error)


def copy_sample(to: Path) -> Workspace:
    """Copies the sample's code, nothing that was generated."""
    generated = shutil.ignore_patterns("data", "output", "__pycache__", ".ipynb_checkpoints")
    for folder in ("app", "training"):
        shutil.copytree(SAMPLE / folder, to / folder, ignore=generated)
    return Workspace(to)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh copy."""
    return copy_sample(tmp_path)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy with the local steps done at full size."""
    workspace = copy_sample(tmp_path_factory.mktemp("catalog"))
    for step in (workspace.raw(), workspace.manifest(), workspace.segments()):
        assert step.returncode == 0, step.stderr
    return workspace


@pytest.fixture(scope="session")
def embedded(catalog: Workspace) -> Workspace:
    """The full catalog, embedded."""
    metrics = catalog.path / "embed.jsonl"
    step = catalog.module("training.embed_segments", RUNPOD_TRAINER_METRICS=str(metrics), CUDA_VISIBLE_DEVICES="")
    assert step.returncode == 0, step.stderr
    return catalog


@pytest.fixture(scope="session")
def trained(embedded: Workspace) -> Workspace:
    """Phases 1, 2, 4, 3, with phases 4 and 3 also tried too early."""
    for name, phase in (("1", 1), ("4 too early", 4), ("2", 2), ("3 too early", 3), ("4", 4), ("3", 3)):
        embedded.runs[name] = embedded.notebook(phase)
    return embedded


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """The sample's project file."""
    loaded: dict[str, Any] = json.loads((SAMPLE / "training.runpod.json").read_text(encoding="utf-8"))
    return loaded
