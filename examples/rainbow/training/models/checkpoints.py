"""Checkpoints: written whole or not at all, and each knows which checkpoint it continues.

A phase folder has `model.safetensors` (to load anywhere), `model.pt` (the same state dict for torch.load) and
`checkpoint.json`, written last: without it the checkpoint does not count.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.files import replacing
from app.paths import phase_folder

ORDER = (1, 2, 4, 3)


class PhaseOrderError(RuntimeError):
    """A phase was started before the one it continues; the message says what to run."""


@dataclass(frozen=True)
class Checkpoint:
    """What `checkpoint.json` says. `sizes` are the model's constructor arguments, `parent` the sha256 it continues."""

    phase: int
    sha256: str
    parent: str | None
    sizes: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def previous_phase(phase: int) -> int | None:
    """The phase that must come right before, None for the first."""
    at = ORDER.index(phase)
    return ORDER[at - 1] if at > 0 else None


def save_checkpoint(phase: int, model: nn.Module, sizes: dict[str, int], metrics: dict[str, float]) -> Checkpoint:
    """Saves a model's state under the phase's folder."""
    folder = phase_folder(phase)
    mark = folder / "checkpoint.json"
    mark.unlink(missing_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with replacing(folder / "model.safetensors") as temporary:
        save_file(state, temporary)
    # Through a buffer: given a path, torch.save writes its name into the file, and the bytes would differ every time.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with replacing(folder / "model.pt") as temporary:
        temporary.write_bytes(buffer.getvalue())
    previous = previous_phase(phase)
    checkpoint = Checkpoint(
        phase=phase,
        sha256=_sha256(folder / "model.safetensors"),
        parent=read_checkpoint(previous).sha256 if previous is not None else None,
        sizes=sizes,
        metrics=metrics,
    )
    with replacing(mark) as temporary:
        temporary.write_text(json.dumps(asdict(checkpoint), indent=2) + "\n", encoding="utf-8")
    return checkpoint


def read_checkpoint(phase: int) -> Checkpoint:
    """What the phase's `checkpoint.json` says; OSError or ValueError when there is none that can be read."""
    return Checkpoint(**json.loads((phase_folder(phase) / "checkpoint.json").read_text(encoding="utf-8")))


def require_previous(phase: int) -> Checkpoint:
    """The checkpoint that `phase` continues.

    PhaseOrderError when it is missing, altered, or continues a checkpoint that has been trained anew since.
    """
    previous = previous_phase(phase)
    if previous is None:
        raise ValueError(f"phase {phase} is the first")
    order = f"The order is {', '.join(map(str, ORDER))}."
    try:
        checkpoint = read_checkpoint(previous)
    except OSError as error:
        raise PhaseOrderError(
            f"Phase {phase} continues phase {previous}, but {phase_folder(previous)} has no complete checkpoint. "
            f"Run phase_{previous}.ipynb first. {order}"
        ) from error
    except (ValueError, TypeError) as error:
        raise PhaseOrderError(
            f"{phase_folder(previous)}/checkpoint.json is damaged. Run phase_{previous}.ipynb again."
        ) from error

    model = phase_folder(previous) / "model.safetensors"
    if not model.is_file() or _sha256(model) != checkpoint.sha256:
        raise PhaseOrderError(
            f"{model} is not the file that phase {previous} wrote. Run phase_{previous}.ipynb again. {order}"
        )
    if previous_phase(previous) is not None and require_previous(previous).sha256 != checkpoint.parent:
        raise PhaseOrderError(
            f"Phase {previous} continued an older phase {previous_phase(previous)}, which has been trained anew since. "
            f"Run phase_{previous}.ipynb again before phase {phase}. {order}"
        )
    return checkpoint


def load_state(phase: int) -> dict[str, Tensor]:
    """The state dict that a phase saved."""
    return load_file(phase_folder(phase) / "model.safetensors")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
