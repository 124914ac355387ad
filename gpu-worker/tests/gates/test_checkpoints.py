"""R3.2: a checkpoint that passes is whole, loads, and has numbers that a model can have.

Files of torch, safetensors, accelerate and transformers are written by those packages; of DeepSpeed, Lightning and GGUF as
their formats say, since those packages are not installed here.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from conftest import PYTHON

from runpod_trainer_worker.gates.child import evaluate

torch: Any = importlib.import_module("torch")
save_file: Any = importlib.import_module("safetensors.torch").save_file


def check(project: Path, path: str = "ckpt", old: Any = None) -> Dict[str, Any]:
    gate = {"type": "checkpoint", "path": path}
    result = evaluate({"index": 0, "gate": gate, "project": str(project), "old": old or {}})
    json.dumps(result, allow_nan=False)
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ckpt"
    made.mkdir()
    return made


def tensors(*names: str) -> Dict[str, Any]:
    return {name: torch.randn(4, 4) for name in names}


def sharded(
    folder: Path, end: str = ".safetensors", stem: str = "model", index: str = "model.safetensors.index.json"
) -> None:
    weights = {}
    for number in (1, 2, 3):
        name = f"{stem}-0000{number}-of-00003{end}"
        part = tensors(f"a{number}", f"b{number}")
        save_file(part, folder / name) if end == ".safetensors" else torch.save(part, folder / name)
        weights.update(dict.fromkeys(part, name))
    (folder / index).write_text(json.dumps({"metadata": {"total_size": 384}, "weight_map": weights}))


KINDS = [
    (".safetensors", "model", "model.safetensors.index.json"),
    (".bin", "pytorch_model", "pytorch_model.bin.index.json"),
    (".safetensors", "diffusion_pytorch_model", "diffusion_pytorch_model.safetensors.index.json"),
    (".safetensors", "model.fp16", "model.safetensors.index.fp16.json"),
]


@pytest.mark.parametrize(("end", "stem", "index"), KINDS)
def test_every_shard_of_the_index_has_to_be_there(folder: Path, end: str, stem: str, index: str) -> None:
    sharded(folder, end, stem, index)
    assert check(folder.parent)["evidence"] == {"files": 3, "tensors": 6, "numbers": 96}
    assert check(folder.parent, f"ckpt/{index}")["status"] == "passed"
    (folder / f"{stem}-00002-of-00003{end}").unlink()
    for path in ("ckpt", f"ckpt/{index}"):
        result = check(folder.parent, path)
        assert result["status"] == "error" and f"{stem}-00002-of-00003{end} is missing" in result["message"], result
    (folder / index).unlink()
    assert f"{stem}-00002-of-00003{end} is missing" in check(folder.parent)["message"]


def test_every_tensor_of_the_index_has_to_be_in_its_shard(folder: Path) -> None:
    sharded(folder)
    save_file(tensors("a2"), folder / "model-00002-of-00003.safetensors")
    result = check(folder.parent)
    assert result["status"] == "error" and "model-00002-of-00003.safetensors has no b2" in result["message"]
    # Of the same number of tensors, in another file than the index says.
    save_file(tensors("a2", "b1"), folder / "model-00002-of-00003.safetensors")
    assert "has no b2" in check(folder.parent)["message"]


def test_an_index_that_says_nothing_or_leads_out_of_its_folder(folder: Path) -> None:
    sharded(folder)
    index = folder / "model.safetensors.index.json"
    for text in ("", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": "../../etc/passwd"}}', '{"weight_map"'):
        index.write_text(text)
        assert check(folder.parent)["status"] == "error", text


def test_shards_that_the_index_does_not_name_are_of_an_earlier_model(folder: Path) -> None:
    sharded(folder)
    save_file(tensors("old"), folder / "model-00001-of-00007.safetensors")
    result = check(folder.parent)
    assert result["status"] == "passed" and result["evidence"]["passedOver"] == ["model-00001-of-00007.safetensors"]


def test_an_adapter_needs_its_config_and_a_pipeline_its_parts(folder: Path) -> None:
    save_file(tensors("lora_A.weight"), folder / "adapter_model.safetensors")
    assert "adapter_config.json is missing" in check(folder.parent)["message"]
    (folder / "adapter_config.json").write_text("{}")
    assert check(folder.parent)["status"] == "passed"
    parts = {"_class_name": "X", "unet": ["diffusers", "UNet2DConditionModel"], "safety_checker": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(parts))
    assert "the folder unet is missing" in check(folder.parent)["message"]


@pytest.fixture
def foreign() -> Iterator[Any]:
    """Classes of packages that are not here when the file is read: `made('deepspeed.x', 'Y')`."""
    modules: List[str] = []

    def made(module: str, name: str) -> Any:
        parts = module.split(".")
        for number in range(len(parts)):
            whole = ".".join(parts[: number + 1])
            if whole not in sys.modules:
                sys.modules[whole] = types.ModuleType(whole)
                modules.append(whole)
        kind = type(name, (), {"__module__": module})
        setattr(sys.modules[module], name, kind)
        return kind()

    yield made
    for module in modules:
        sys.modules.pop(module, None)


ACCELERATE = """
import sys
import torch
from accelerate import Accelerator
accelerator = Accelerator(cpu=True)
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
loader = torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2, shuffle=True)
model, optimizer, scheduler, loader = accelerator.prepare(model, optimizer, scheduler, loader)
for rows in loader:
    accelerator.backward(model(rows).sum())
    optimizer.step()
    scheduler.step()
accelerator.save_state(sys.argv[1])
"""


def test_a_folder_of_accelerate(folder: Path, foreign: Any) -> None:
    subprocess.run([sys.executable, "-c", ACCELERATE, str(folder)], check=True, capture_output=True)
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "optimizer.bin", "scheduler.bin", "random_states_0.pkl"} <= names
    # Several processes leave their sampler as an object of a class of the package.
    torch.save(foreign("accelerate.data_loader", "SeedableRandomSampler"), folder / "sampler.bin")
    result = check(folder.parent)
    assert result["status"] == "passed", result
    (folder / "sampler.bin").write_bytes((folder / "sampler.bin").read_bytes()[:-200])
    assert check(folder.parent)["status"] == "error"


def deepspeed(folder: Path, foreign: Any, ranks: int, world: int) -> None:
    step = folder / "global_step500"
    step.mkdir()
    (folder / "latest").write_text("global_step500")
    states = {
        "module": tensors("a.weight"),
        "ds_config": foreign("deepspeed.runtime.config", "Config"),
        "dp_world_size": world,
    }
    torch.save(states, step / "mp_rank_00_model_states.pt")
    for rank in range(ranks):
        kept = {"optimizer_state_dict": {"base": tensors("exp_avg"), "zero_stage": foreign("deepspeed.zero", "ZeroStage")}}
        torch.save(kept, step / f"bf16_zero_pp_rank_{rank}_mp_rank_00_optim_states.pt")


def test_a_folder_of_deepspeed(folder: Path, foreign: Any) -> None:
    deepspeed(folder, foreign, 2, 2)
    result = check(folder.parent)
    assert result["status"] == "passed" and result["evidence"]["tensors"] == 3, result["message"]
    (folder / "global_step500/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt").unlink()
    assert "rank 0 is missing" in check(folder.parent)["message"]


def test_the_last_rank_of_deepspeed_is_missed_too(folder: Path, foreign: Any) -> None:
    deepspeed(folder, foreign, 2, 3)
    assert "rank 2 is missing" in check(folder.parent)["message"]


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
        torch.save({name: value}, tmp_path / "a.pt")
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


def test_a_folder_of_distributed_checkpoints(folder: Path) -> None:
    dcp: Any = importlib.import_module("torch.distributed.checkpoint")
    state: Dict[str, Any] = {"model": tensors("a.weight", "b.weight"), "step": 3}
    dcp.save(state, checkpoint_id=str(folder), no_dist=True)
    result = check(folder.parent)
    assert result["status"] == "passed" and result["evidence"]["tensors"] >= 2, result
    (piece,) = folder.glob("*.distcp")
    whole = piece.read_bytes()
    piece.write_bytes(whole[:-100])
    assert check(folder.parent)["status"] == "error"
    piece.write_bytes(whole)
    state["model"]["a.weight"][0, 0] = float("nan")
    dcp.save(state, checkpoint_id=str(folder), no_dist=True)
    assert check(folder.parent)["status"] == "failed"
    piece.unlink()
    assert "is missing" in check(folder.parent)["message"]
    (folder / ".metadata").unlink()
    piece.write_bytes(whole)
    assert ".metadata is missing" in check(folder.parent)["message"]


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


def paths(folder: Path, *names: str) -> Dict[str, str]:
    return {f"{folder.name}/{name}": "2023-11-14 22:13:20 UTC" for name in names}


def of_two_runs(folder: Path) -> Tuple[Path, Path]:
    for name in ("checkpoint-1", "checkpoint-2"):
        (folder / name).mkdir()
        save_file(tensors("a"), folder / name / "model.safetensors")
        torch.save({"state": tensors("b")}, folder / name / "optimizer.pt")
    return folder / "checkpoint-1", folder / "checkpoint-2"


def test_in_a_folder_earlier_checkpoints_are_passed_over_and_half_new_ones_are_not(folder: Path) -> None:
    of_two_runs(folder)
    earlier = paths(folder, "checkpoint-1/model.safetensors", "checkpoint-1/optimizer.pt")
    result = check(folder.parent, old=earlier)
    assert result["status"] == "passed" and result["evidence"]["tensors"] == 2
    assert result["evidence"]["passedOver"] == ["checkpoint-1/model.safetensors", "checkpoint-1/optimizer.pt"]
    half = {**earlier, **paths(folder, "checkpoint-2/model.safetensors")}
    assert check(folder.parent, old=half)["seen"] == "not written by this run"
    every = {**half, **paths(folder, "checkpoint-2/optimizer.pt")}
    assert check(folder.parent, old=every)["seen"] == "not written by this run"
    # What the folder itself holds is what is loaded from it.
    save_file(tensors("a"), folder / "model.safetensors")
    assert check(folder.parent, old={**earlier, **paths(folder, "model.safetensors")})["status"] == "error"


def test_old_files_of_a_series_are_passed_over_and_an_old_shard_is_not(folder: Path) -> None:
    for number in (100, 200):
        torch.save(tensors("a"), folder / f"ckpt_{number}.pt")
    assert check(folder.parent, old=paths(folder, "ckpt_100.pt"))["evidence"]["passedOver"] == ["ckpt_100.pt"]
    for file in folder.iterdir():
        file.unlink()
    sharded(folder)
    old = paths(folder, "model-00003-of-00003.safetensors")
    assert check(folder.parent, old=old)["seen"] == "not written by this run"


def test_a_shard_that_the_index_forgets(folder: Path) -> None:
    for number in (1, 2):
        save_file(tensors(f"a{number}"), folder / f"model-0000{number}-of-00002.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a1": "model-00001-of-00002.safetensors"}}))
    for path in ("ckpt", f"ckpt/{index.name}"):
        result = check(folder.parent, path)
        assert result["status"] == "error" and "does not name" in result["message"], result
    (folder / "model-00002-of-00002.safetensors").unlink()
    for path in ("ckpt", f"ckpt/{index.name}"):
        result = check(folder.parent, path)
        assert result["status"] == "error" and "model-00002-of-00002.safetensors is missing" in result["message"], result


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        (["consolidated.00.pth", "consolidated.02.pth"], "consolidated.01.pth"),
        (["model-rank-0-of-2.pt"], "model-rank-1-of-2.pt"),
        (["part_2_of_3.pt", "part_3_of_3.pt"], "part_1_of_3.pt"),
        (["model_world_size_2_rank_0.pt"], "rank 1"),
        (["model_rank0.pt", "model_rank2.pt"], "rank 1"),
    ],
)
def test_files_of_one_model_under_other_names(folder: Path, there: List[str], missing: str) -> None:
    for name in there:
        torch.save(tensors("a"), folder / name)
    result = check(folder.parent)
    assert result["status"] == "error" and f"{missing} is missing" in result["message"], result


def test_one_of_several_epochs_is_a_whole_checkpoint(folder: Path) -> None:
    for name in ("epoch-3-of-10.pt", "consolidated.00.pth", "model-rank-0-of-1.pt", "model_world_size_1_rank_0.pt"):
        torch.save(tensors("a"), folder / name)
    assert check(folder.parent)["status"] == "passed", check(folder.parent)


@pytest.mark.parametrize("name", ["optimizer.pt", "optimizer.bin"])
def test_the_state_of_an_optimizer_is_no_model(folder: Path, name: str) -> None:
    optimizer = torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
    torch.save(
        {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": optimizer.state_dict()["param_groups"]}, folder / name
    )
    result = check(folder.parent)
    assert result["status"] == "failed" and "the state of an optimizer and no weights of a model" in result["message"], (
        result
    )
    last = folder / "checkpoint-10"
    last.mkdir()
    (folder / name).rename(last / name)
    torch.save({"a": 1}, last / "training_args.bin")
    (last / "trainer_state.json").write_text("{}")
    assert check(folder.parent, "ckpt/checkpoint-10")["status"] == "failed"
    # A checkpoint beside it that has a model is no excuse.
    (folder / "checkpoint-5").mkdir()
    save_file(tensors("a"), folder / "checkpoint-5/model.safetensors")
    assert "checkpoint-10 has the state of an optimizer" in check(folder.parent)["message"]
    save_file(tensors("a"), last / "model.safetensors")
    assert check(folder.parent)["status"] == "passed", check(folder.parent)


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


@pytest.mark.parametrize("name", ["trainer_state.json", "config.json", "adapter_config.json", "generation_config.json"])
def test_a_small_file_that_is_cut_off(folder: Path, name: str) -> None:
    save_file(tensors("a"), folder / "model.safetensors")
    for text in ("", '{"a": '):
        (folder / name).write_text(text)
        result = check(folder.parent)
        assert result["status"] == "error" and f"{name} is damaged" in result["message"], result
    (folder / name).write_text("{}")
    assert check(folder.parent)["status"] == "passed"


def test_a_folder_of_a_trainer_needs_its_state_whatever_its_name(folder: Path) -> None:
    save_file(tensors("a"), folder / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"state": tensors("b")}, folder / name)
    assert "trainer_state.json is missing" in check(folder.parent)["message"]
    (folder / "trainer_state.json").write_text("{}")
    assert check(folder.parent)["status"] == "passed"


def test_parts_of_a_pipeline_that_are_models_have_weights(folder: Path) -> None:
    parts = {"unet": ["diffusers", "UNet2DModel"], "text_encoder": ["transformers", "CLIPTextModel"]}
    parts["scheduler"] = ["diffusers", "DDIMScheduler"]
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "X", **parts}))
    for name in parts:
        (folder / name).mkdir()
    (folder / "scheduler/scheduler_config.json").write_text('{"_class_name": "DDIMScheduler"}')
    (folder / "unet/config.json").write_text('{"_class_name": "UNet2DModel"}')
    (folder / "text_encoder/config.json").write_text('{"architectures": ["CLIPTextModel"]}')
    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        assert f"{part} has a config.json and no weights" in check(folder.parent)["message"]
        save_file(tensors("a"), folder / part / f"{name}.safetensors")
    assert check(folder.parent)["status"] == "passed", check(folder.parent)


def test_the_folder_that_latest_of_deepspeed_names(folder: Path, foreign: Any) -> None:
    deepspeed(folder, foreign, 2, 2)
    (folder / "latest").write_text("global_step600\n")
    assert "the folder global_step600 is missing" in check(folder.parent)["message"]
