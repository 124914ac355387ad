"""The song model: weighs a song's segments by how much they can be trusted."""

import torch
from torch import Tensor, nn

from app.colors import COLORS
from training.models.data import Segments


class SongClassifier(nn.Module):
    """Weighted sums of calibrated segment log-probabilities.

    A segment's weight comes from its vocal flag and the entropy of its prediction, which means something only when
    the probabilities are calibrated.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(2, 8), nn.GELU(), nn.Linear(8, 1))

    def forward(self, log_probabilities: Tensor, segments: Segments, songs: Tensor) -> Tensor:
        """Logits [M, 8] of the songs [M] (sorted numbers) from their segments' log-probabilities [N, 8]."""
        entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=1)
        weight = nn.functional.softplus(self.weigh(torch.stack([segments.vocal.float(), entropy], dim=1)))
        row = torch.searchsorted(songs, segments.song)
        sums = torch.zeros(len(songs), len(COLORS), device=log_probabilities.device)
        return sums.index_add(0, row, weight * log_probabilities)


def song_labels(segments: Segments) -> tuple[Tensor, Tensor]:
    """Sorted song numbers [M] and their labels [M]."""
    songs, row = torch.unique(segments.song, return_inverse=True)
    labels = torch.zeros_like(songs)
    labels[row] = segments.label
    return songs, labels
