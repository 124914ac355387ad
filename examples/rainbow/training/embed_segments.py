"""The DeBERTa embedding pass: metadata plus `text_embedding` for every vocal segment.

EMBEDDING_MODEL is a Hugging Face id or a folder; `tiny` (the default) makes a small DebertaV2 on the spot.
EMBEDDING_BATCH is the number of lyrics per forward pass.
"""

import os
import sys
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from app.files import read_parquet, write_parquet
from app.paths import SEGMENTS_EMBEDDED, SEGMENTS_METADATA, TINY_MODEL
from training.models.metrics import report
from training.models.tiny_deberta import save_tiny_deberta

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """Settings of the pass, from the environment."""

    model: str = "tiny"
    batch: int = 256
    seed: int = 7

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("EMBEDDING_MODEL is empty; give a model id, a folder, or tiny")
        if self.batch < 1:
            raise ValueError(f"EMBEDDING_BATCH is {self.batch}; it must be at least 1")

    @staticmethod
    def from_environment() -> "Settings":
        """Reads EMBEDDING_MODEL and EMBEDDING_BATCH."""
        batch = os.environ.get("EMBEDDING_BATCH", "256")
        if not batch.isdecimal():
            raise ValueError(f"EMBEDDING_BATCH is {batch!r}; it must be a whole number")
        return Settings(model=os.environ.get("EMBEDDING_MODEL", "tiny"), batch=int(batch))


def embed(texts: list[str], model_name: str, batch: int) -> Float32:
    """Mean-pooled last hidden states of `texts`: [texts, hidden]. On CUDA when there is a device."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(model_name)
    model = AutoModel.from_pretrained(model_name, dtype=torch.float32).to(device).eval()
    print(f"model {model_name}: {sum(p.numel() for p in model.parameters()):,} parameters on {device}", flush=True)
    # Lines of similar length share a batch, so that little is spent on padding.
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    result = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    batches = range(0, len(order), batch)
    for number, start in enumerate(batches, start=1):
        rows = order[start : start + batch]
        encoded = tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=32, return_tensors="pt")
        encoded = encoded.to(device)
        with torch.inference_mode():
            hidden = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).last_hidden_state
        mask = encoded["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        result[rows] = pooled.float().cpu().numpy()
        if number % 5 == 0 or number == len(batches):
            print(f"batch {number}/{len(batches)}", flush=True)
    return result


def main() -> int:
    """Runs the pass and reports what it did."""
    started = time.monotonic()
    transformers_logging.disable_progress_bar()
    try:
        settings = Settings.from_environment()
        metadata = read_parquet(SEGMENTS_METADATA, made_by="segments")
    except (ValueError, FileNotFoundError) as error:
        print(f"The segments were not embedded. {error}.", file=sys.stderr)
        return 1

    lyrics: list[str | None] = metadata["lyric"].to_pylist()
    vocal: list[bool] = metadata["vocal"].to_pylist()
    sung = [lyric if sings else None for lyric, sings in zip(lyrics, vocal, strict=True)]
    # A chorus comes back with the same words: each text is embedded once.
    texts = sorted({text for text in sung if text})
    if not texts:
        print(f"The segments were not embedded. {SEGMENTS_METADATA} has no vocal segment.", file=sys.stderr)
        return 1
    model_name = settings.model
    if model_name == "tiny":
        save_tiny_deberta(texts, TINY_MODEL, settings.seed)
        model_name = str(TINY_MODEL)
    vectors = embed(texts, model_name, settings.batch)
    row_of = {text: row for row, text in enumerate(texts)}
    column = pa.array([vectors[row_of[text]] if text else None for text in sung], type=pa.list_(pa.float32()))
    write_parquet(metadata.append_column("text_embedding", column), SEGMENTS_EMBEDDED)

    embedded = len(column) - column.null_count
    report(
        vocal_segments=pc.sum(metadata["vocal"]).as_py(),
        embedded_segments=embedded,
        distinct_texts=len(texts),
        dimension=vectors.shape[1],
        seconds=time.monotonic() - started,
    )
    print(f"{embedded} of {len(metadata)} segments embedded in {SEGMENTS_EMBEDDED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
