"""A small DebertaV2 made from a config: the embedding pass then needs no download.

Its weights are random but seeded. Mean pooling over random features keeps which words a line has, and that is what
the colors differ in, so that a classifier on top can be trained and measured honestly.
"""

import json
import shutil
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import DebertaV2Config, DebertaV2Model, PreTrainedTokenizerFast

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def build_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A word-level tokenizer with the words of `texts`, the most frequent first."""
    counts = Counter(word for text in texts for word in text.lower().split())
    words = sorted(counts, key=lambda word: (-counts[word], word))
    vocabulary = {token: number for number, token in enumerate((*SPECIAL_TOKENS, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=32,
    )


def build_model(vocabulary_size: int, seed: int) -> DebertaV2Model:
    """Two layers, 64 wide, with DeBERTa's disentangled attention; the same seed gives the same weights."""
    torch.manual_seed(seed)
    config = DebertaV2Config(
        vocab_size=vocabulary_size,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=32,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
        pad_token_id=0,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return DebertaV2Model(config)


def save_tiny_deberta(texts: list[str], folder: Path, seed: int) -> None:
    """Saves tokenizer and model to `folder`, loadable as any downloaded model; replaces what was there as a whole."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    tokenizer = build_tokenizer(texts)
    tokenizer.save_pretrained(temporary)
    build_model(len(tokenizer), seed).save_pretrained(temporary)
    (temporary / "recipe.json").write_text(json.dumps({"seed": seed, "words": len(tokenizer)}) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
