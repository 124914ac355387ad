"""The segment model: which color does a segment have, by its words and its sound?"""

import torch
from torch import Tensor, nn

from app.colors import COLORS
from training.models.data import Segments


class Tower(nn.Module):
    """Features [N, width] to logits [N, 8]; standardizes with statistics of the training data."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, hidden: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, len(COLORS))
        )

    def standardize_like(self, features: Tensor) -> None:
        """Takes mean and deviation from training features [N, width]."""
        self.mean.copy_(features.mean(dim=0))
        self.deviation.copy_(features.std(dim=0).clamp_min(1e-6))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.layers((features - self.mean) / self.deviation)
        return logits


class ColorClassifier(nn.Module):
    """Adds the towers' logits. Segments without words have only the audio tower's.

    `log_temperature` [2] (instrumental, vocal) is what phase 4 calibrates.
    """

    def __init__(self, text_width: int, audio_width: int) -> None:
        super().__init__()
        self.text_tower = Tower(text_width)
        self.audio_tower = Tower(audio_width)
        self.log_temperature = nn.Parameter(torch.zeros(2), requires_grad=False)

    def text_logits(self, segments: Segments) -> Tensor:
        """Logits [N, 8] by the words alone; zeros where there are none."""
        logits: Tensor = self.text_tower(segments.text) * segments.vocal.unsqueeze(1)
        return logits

    def forward(self, segments: Segments) -> Tensor:
        logits = self.text_logits(segments) + self.audio_tower(segments.audio)
        calibrated: Tensor = logits / self.log_temperature.exp()[segments.vocal.long()].unsqueeze(1)
        return calibrated
