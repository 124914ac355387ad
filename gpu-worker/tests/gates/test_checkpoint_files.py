"""R3.2: a checkpoint that passes has all of its files, whatever wrote it.

Files of torch, safetensors and accelerate are written by those packages; of DeepSpeed as its format says.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from checkpoints import check, foreign_classes, save_file, sharded, tensors, torch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ckpt"
    made.mkdir()
    return made


@pytest.fixture
def foreign() -> Iterator[Any]:
    with foreign_classes() as made:
        yield made


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


@pytest.mark.parametrize(
    "names", [["lora_rank_16"], ["lora_rank8", "lora_rank16"], ["unet-rank4", "unet-rank32"], ["lora_rank1", "lora_rank64"]]
)
def test_the_rank_of_an_adapter_is_no_process(folder: Path, names: List[str]) -> None:
    for name in names:
        save_file(tensors("a"), folder / f"{name}.safetensors")
    assert check(folder.parent)["status"] == "passed"


def test_the_folders_of_ranks_have_no_gap(folder: Path) -> None:
    for name in ("mp_rank_00_000", "mp_rank_00_001", "mp_rank_01_000", "mp_rank_01_001"):
        (folder / "iter_0000100" / name).mkdir(parents=True)
        torch.save({"model": tensors("a")}, folder / "iter_0000100" / name / "model_optim_rng.pt")
    assert check(folder.parent)["status"] == "passed"
    for place in (folder / "iter_0000100" / "mp_rank_00_001").iterdir():
        place.unlink()
    assert "mp_rank_00_001 is empty" in check(folder.parent)["message"]
    (folder / "iter_0000100" / "mp_rank_00_001").rmdir()
    result = check(folder.parent)
    assert result["status"] == "error" and "rank 0 is missing beside mp_rank_01_001" in result["message"]


@pytest.mark.parametrize(("end", "stem", "index"), KINDS)
def test_shards_of_a_model_of_transformers_need_their_index(folder: Path, end: str, stem: str, index: str) -> None:
    sharded(folder, end, stem, index)
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "_class_name": "UNet2DConditionModel"}')
    assert check(folder.parent)["status"] == "passed"
    (folder / index).unlink()
    result = check(folder.parent)
    assert result["status"] == "error" and f"{index} is missing, which is written last" in result["message"], result
    # Other programs load such files by their names.
    (folder / "config.json").unlink()
    assert check(folder.parent)["status"] == "passed"
