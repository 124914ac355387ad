"""R3.2: a checkpoint that passes loads, and has numbers that a model can have.

Files of torch, safetensors and transformers are written by those packages; of Lightning and GGUF as their formats say,
since those packages are not installed here.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from checkpoints import check, foreign_classes, save_file, tensors, torch
from conftest import PYTHON


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ckpt"
    made.mkdir()
    return made


@pytest.fixture
def foreign() -> Iterator[Any]:
    with foreign_classes() as made:
        yield made


def test_a_checkpoint_of_lightning(tmp_path: Path, foreign: Any) -> None:
    state: Dict[str, Any] = {
        "epoch": 1,
        "global_step": 300,
        "state_dict": tensors("net.weight"),
        "pytorch-lightning_version": "2.5.0",
    }
    torch.save({**state, "callbacks": {"ModelCheckpoint": {"best_model_path": "x", "best_model_score": torch.tensor(0.5)}}},
               tmp_path / "plain.ckpt")  # fmt: skip
    torch.save({**state, "hyper_parameters": foreign("lightning.fabric", "AttributeDict"), "dir": Path("/x")},
               tmp_path / "epoch=1-step=300.ckpt")  # fmt: skip
    for name in ("plain.ckpt", "epoch=1-step=300.ckpt"):
        assert check(tmp_path, name)["status"] == "passed", check(tmp_path, name)["message"]
    state["state_dict"]["net.weight"][0, 0] = float("nan")
    torch.save({**state, "hyper_parameters": foreign("lightning.fabric", "AttributeDict")}, tmp_path / "nan.ckpt")
    assert check(tmp_path, "nan.ckpt")["evidence"]["notFinite"] == ["state_dict.net.weight"]
    whole = (tmp_path / "plain.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
    assert check(tmp_path, "cut.ckpt")["status"] == "error"


class Evil:
    """Unpickling this would make a folder."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("/tmp/evil-checkpoint-was-executed",))


def test_nothing_is_executed_and_what_would_be_is_named(folder: Path) -> None:
    for name in ("evil.ckpt", "evil.pt", "evil.bin"):
        torch.save({"w": torch.ones(1), "x": Evil()}, folder.parent / name)
        result = check(folder.parent, name)
        assert result["status"] == "error" and "mkdir" in result["message"], result
    torch.save({"w": torch.ones(1), "x": Evil()}, folder / "model.pt")
    assert check(folder.parent)["status"] == "error"
    assert not Path("/tmp/evil-checkpoint-was-executed").exists()


def test_a_whole_module_is_told_to_be_saved_as_its_numbers(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    result = check(tmp_path, "module.pt")
    assert result["status"] == "error" and "save a state_dict" in result["message"] and "Linear" in result["message"]


def test_torchscript_is_looked_into(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "script.pt"))
    assert check(tmp_path, "script.pt")["evidence"]["tensors"] == 2
    broken = torch.nn.Linear(2, 2)
    broken.weight.data[0, 0] = float("nan")
    torch.jit.script(broken).save(str(tmp_path / "nan.pt"))
    assert check(tmp_path, "nan.pt")["status"] == "failed"


INF = float("inf")


def mask(size: int = 3) -> Any:
    return torch.full((size, size), -INF).triu(1)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("attn.mask", mask(), "passed"),
        ("attn.IGNORE", torch.tensor(-INF), "passed"),
        ("attn.bias", mask().reshape(1, 1, 3, 3), "passed"),
        ("alibi", mask() + torch.arange(9).reshape(3, 3) / 8, "passed"),
        ("pos", mask() + torch.arange(9).reshape(3, 3) / 8, "passed"),
        ("metric.min_value", torch.tensor(INF), "passed"),
        ("final_logits_bias", torch.tensor([[0.0, 0.0, -INF]]), "passed"),
        ("buffer", torch.full((4,), -INF), "passed"),
        ("attn.causal_mask", torch.tensor([0.5, -INF]), "passed"),
        ("attn.masked_bias", torch.tensor([-INF]), "passed"),
        ("mask_token", torch.tensor([[0.5, -INF]]), "failed"),
        ("mask_token", torch.full((1, 4), -INF), "failed"),
        ("no_mask_embed", torch.tensor([0.5, -INF]), "failed"),
        ("mask_downscaling", torch.tensor([[0.5, -INF]]), "failed"),
        ("mask_downscaling.0.weight", torch.tensor([[0.5, -INF]]), "failed"),
        ("causal_proj", mask(), "failed"),
        ("masked_lm.decoder", torch.tensor([[0.0, 1.0, -INF]]), "failed"),
        ("masked_lm.scores", torch.tensor([[0.0, 1.0, -INF]]), "failed"),
        ("pos_embed", torch.full((1, 4), -INF), "failed"),
        ("norm.gamma", torch.full((4,), -INF), "failed"),
        ("layer.w", torch.tensor([1.0, -INF]), "failed"),
        ("x", torch.tensor([1.0, -INF]), "failed"),
        ("layer.weight", mask(), "failed"),
        ("layer.bias", torch.tensor([0.0, -INF]), "failed"),
        ("lora_A.default.weight", torch.tensor([0.0, -INF]), "failed"),
        ("state.0.exp_avg", torch.tensor([-INF, -INF]), "failed"),
        ("x", torch.tensor([1.0, 2.0, INF]), "failed"),
        ("x", torch.tensor([1.0, 2.0, -INF]), "failed"),
        ("x", torch.tensor([INF, INF]), "failed"),
        ("attn.mask", torch.tensor([0.0, float("nan")]), "failed"),
    ],
)
def test_infinity_is_sound_in_masks_and_constants_only(tmp_path: Path, name: str, value: Any, status: str) -> None:
    torch.save({name: value, "w": torch.ones(2)}, tmp_path / "a.pt")
    save_file({name: value.contiguous(), "w": torch.ones(2)}, tmp_path / "a.safetensors")
    assert [check(tmp_path, path)["status"] for path in ("a.pt", "a.safetensors")] == [status, status]


def test_types_that_cannot_be_computed_with_are_no_damage(tmp_path: Path) -> None:
    values = {
        "csr": torch.eye(3).to_sparse_csr(),
        "coo": torch.eye(3).to_sparse(),
        "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "e8m0": torch.ones(4).to(torch.float8_e8m0fnu),
        "e4m3": torch.ones(4).to(torch.float8_e4m3fn),
        "half": torch.ones(4, dtype=torch.bfloat16),
        "empty": torch.ones(0),
    }
    for name, value in values.items():
        torch.save({name: value, "one": torch.ones(1)}, tmp_path / "a.pt")
        assert check(tmp_path, "a.pt")["status"] == "passed", (name, check(tmp_path, "a.pt"))
    torch.save({"csr": (torch.eye(3) * float("nan")).to_sparse_csr()}, tmp_path / "a.pt")
    assert check(tmp_path, "a.pt")["status"] == "failed"
    torch.save({"w": torch.empty(3, device="meta")}, tmp_path / "a.pt")
    assert check(tmp_path, "a.pt")["status"] == "error" and "no numbers" in check(tmp_path, "a.pt")["message"]
    for kind, length in (("F4", 8), ("F6_E2M3", 12), ("Q9_UNKNOWN", 5)):
        header = json.dumps({"w": {"dtype": kind, "shape": [2, 8], "data_offsets": [0, length]}}).encode()
        whole = struct.pack("<Q", len(header)) + header + bytes(length)
        (tmp_path / "a.safetensors").write_bytes(whole)
        assert check(tmp_path, "a.safetensors")["status"] == "passed", kind
        (tmp_path / "a.safetensors").write_bytes(whole[:-1])
        assert check(tmp_path, "a.safetensors")["status"] == "error", kind


def test_a_number_of_numpy_beside_the_tensors_is_no_reason_to_stop(tmp_path: Path) -> None:
    numpy: Any = importlib.import_module("numpy")
    torch.save({"model": tensors("a.weight"), "best_acc": numpy.float64(0.91)}, tmp_path / "np.pt")
    assert check(tmp_path, "np.pt")["status"] == "passed"


@pytest.mark.parametrize(
    "header",
    [
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {
            "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            "v": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        },
        {"w": {"dtype": "F32"}},
        {"w": 7},
        [],
    ],
)
def test_a_header_of_safetensors_that_is_not_sound(tmp_path: Path, header: Any) -> None:
    text = json.dumps(header).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    assert check(tmp_path, "a.safetensors")["status"] == "error"


def test_files_of_other_programs_with_the_same_endings_are_passed_over(folder: Path) -> None:
    save_file(tensors("a"), folder / "model.safetensors")
    (folder / "train.bin").write_bytes(os.urandom(999))
    (folder / "model.tmp-1").mkdir()
    half = folder / "tmp-checkpoint-9"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    result = check(folder.parent)
    assert result["status"] == "passed" and result["evidence"]["passedOver"] == ["tmp-checkpoint-9/", "train.bin"]
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert check(folder.parent)["status"] == "error"


def gguf(count: int = 1, split: int = 0, size: int = 64) -> bytes:
    """As its specification says: little endian, version 3, an array of texts among the pairs."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    pairs = [text("general.architecture") + struct.pack("<I", 8) + text("llama")]
    words = b"".join(text(word) for word in ("a", "bc"))
    pairs += [text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + words]
    infos = b"".join(
        text(f"blk.{n}.weight") + struct.pack("<I", 2) + struct.pack("<QQ", 4, 4) + struct.pack("<IQ", 0, n * size)
        for n in range(count)
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, count, len(pairs)) + b"".join(pairs) + infos
    return head + bytes(-len(head) % 32) + bytes(count * size)


def test_gguf_by_its_header_and_the_place_of_each_tensor(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(gguf(3))
    assert check(tmp_path, "model.gguf")["evidence"] == {"files": 1, "tensors": 3, "numbers": 48}
    for cut in (1, 65, 200, 300):
        (tmp_path / "model.gguf").write_bytes(gguf(3)[:-cut])
        assert check(tmp_path, "model.gguf")["status"] == "error", cut
    (tmp_path / "model.gguf").write_bytes(b"GGML" + gguf()[4:])
    assert check(tmp_path, "model.gguf")["status"] == "error"


def test_a_split_gguf_needs_all_its_files(folder: Path) -> None:
    for number in (1, 2):
        (folder / f"m-0000{number}-of-00002.gguf").write_bytes(gguf())
    assert check(folder.parent)["status"] == "passed"
    (folder / "m-00001-of-00002.gguf").unlink()
    assert "m-00001-of-00002.gguf is missing" in check(folder.parent)["message"]


def test_a_model_that_transformers_saved(tmp_path: Path) -> None:
    make = """
from transformers import BertConfig, BertForSequenceClassification
config = BertConfig(vocab_size=99, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
model = BertForSequenceClassification(config)
model.save_pretrained("whole")
model.save_pretrained("shards", max_shard_size="8KB")
"""
    subprocess.run([PYTHON, "-c", make], cwd=tmp_path, check=True)
    whole, shards = check(tmp_path, "whole"), check(tmp_path, "shards")
    assert whole["status"] == shards["status"] == "passed"
    assert whole["evidence"]["tensors"] == shards["evidence"]["tensors"] and shards["evidence"]["files"] > 1
    sorted((tmp_path / "shards").glob("*.safetensors"))[1].unlink()
    assert check(tmp_path, "shards")["status"] == "error"


def test_a_checkpoint_with_an_empty_state_of_the_model(tmp_path: Path) -> None:
    states = [{"state": {0: {"exp_avg": torch.ones(2), "step": torch.tensor(1.0)}}}]
    contents: List[Dict[str, Any]] = [
        {"state_dict": {}, "optimizer_states": states},
        {"model": {}, "optimizer": states[0]},
        {"state_dict": {}},
    ]
    for content in contents:
        torch.save(content, tmp_path / "a.ckpt")
        assert check(tmp_path, "a.ckpt")["status"] == "failed", content
    torch.save({"state_dict": tensors("w"), "optimizer_states": states}, tmp_path / "a.ckpt")
    assert check(tmp_path, "a.ckpt")["status"] == "passed"


def test_tensors_without_a_number_are_no_model(folder: Path) -> None:
    # As a state_dict is whose parts nobody gathered from the other processes.
    torch.save({"a.weight": torch.empty(0), "b.weight": torch.empty(0)}, folder / "pytorch_model.bin")
    result = check(folder.parent)
    assert result["status"] == "failed" and "2 tensors and not one number" in result["message"]


#: fastText, CTranslate2, ggml
OTHERS = [b"\xba\x16\x4f\x2f" + bytes(40), b"\x06\x00\x00\x00\x10\x00TransformerSpec" + bytes(40), b"lmgg" + bytes(40)]


@pytest.mark.parametrize("start", OTHERS)
def test_a_model_bin_of_another_program_is_passed_over(folder: Path, start: bytes) -> None:
    (folder / "model.bin").write_bytes(start)
    result = check(folder.parent, "ckpt/model.bin")
    assert result["status"] == "error" and "it does not begin as torch.save writes it" in result["message"]
    assert "state_dict" not in result["message"]
    torch.save({"a": torch.ones(2)}, folder / "head.pt")
    result = check(folder.parent)
    assert result["status"] == "passed" and result["evidence"]["passedOver"] == ["model.bin"]
    (folder / "model.bin").write_bytes(b"")
    assert check(folder.parent)["status"] == "error"


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.pt", "model.gguf", "model.bin"])
def test_a_pointer_of_git_lfs_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    for path in ("ckpt", f"ckpt/{name}"):
        result = check(folder.parent, path)
        assert result["status"] == "error" and "pointer of Git LFS" in result["message"], result
