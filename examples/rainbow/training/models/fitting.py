"""The training loop and the measures, shared by the phases."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from app.colors import COLORS
from training.models.data import Segments

Logits = Callable[[Segments], Tensor]


def training_device(seed: int) -> torch.device:
    """CUDA when there is a device, else the CPU; seeds every random source of torch.

    On the CPU one thread: these matrices are too small to share, and the result then does not depend on the cores.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train_epoch(logits_of: Logits, segments: Segments, optimizer: torch.optim.Optimizer, batch: int = 128) -> float:
    """One pass in random order; the mean loss. ArithmeticError when the loss is no longer finite."""
    total = 0.0
    for rows in torch.randperm(len(segments), device=segments.label.device).split(batch):
        part = segments.where(rows)
        loss = nn.functional.cross_entropy(logits_of(part), part.label)
        if not torch.isfinite(loss):
            raise ArithmeticError(f"the loss is {loss.item()}; lower the learning rate")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(part)
    return total / len(segments)


def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """The optimizer of all phases."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of rows whose largest logit is the label's. Chance is 1/8."""
    return (logits.argmax(dim=1) == labels).float().mean().item()


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 10) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over bins of confidence, 0 to 1."""
    confidence, guess = logits.softmax(dim=1).max(dim=1)
    right = (guess == labels).float()
    which = (confidence * bins).long().clamp_max(bins - 1)
    gaps = [
        (confidence[which == b].mean() - right[which == b].mean()).abs() * (which == b).float().mean()
        for b in range(bins)
        if (which == b).any()
    ]
    return torch.stack(gaps).sum().item()


def accuracy_by_color(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy of each color that occurs."""
    return {
        color: accuracy(logits[labels == number], labels[labels == number])
        for number, color in enumerate(COLORS)
        if (labels == number).any()
    }
