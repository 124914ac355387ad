"""Which files of a path make a checkpoint, and which of them are missing."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Set, Tuple

from .distributed_files import HEAD as DISTRIBUTED_HEAD
from .numbered_files import (
    SHARD,
    SUFFIXES,
    forgotten,
    is_left,
    is_named_alike,
    missing_index,
    missing_of_meta,
    missing_rank_folders,
    missing_ranks,
    missing_shards,
)
from .result import CannotTell
from .torch_file import is_torch_file, may_be_cut
from .values import short_list

NO_MODEL = "the state of an optimizer and no weights of a model"
#: Written beside the weights by trainers, without a weight in it.
_BESIDE = re.compile(
    r"^(training_args|rng_state|random_states|sampler|scheduler|scaler|dl_state_dict|lr_scheduler)(?:[-_]\d+)*\.\w+$"
)
#: Files of these names are weights whatever they hold, so one that nobody can read is a damaged one.
_WEIGHTS = re.compile(r"^(pytorch_model|adapter_model|diffusion_pytorch_model|model|optimizer)\b")
#: Folders that are being written, or that something else keeps its files in.
UNFINISHED = re.compile(r"^(tmp|temp)[-_.]|[-_.](tmp|temp|partial|incomplete)$|^\.")
_INDEX = re.compile(r"\.index(\.[\w-]+)?\.json$")
_OPTIMIZER = re.compile(r"^optim(izer)?(\b|_)|_optim_states\.pt$", re.IGNORECASE)
#: What a reader of the checkpoint needs of JSON; an index is looked into besides.
_JSON = re.compile(r"^(trainer_state|(\w+_)?config|tokenizer|special_tokens_map)\.json$")
_DISTRIBUTED = ".distcp"


@dataclasses.dataclass
class Files:
    """`weights`: what is loaded and judged; `beside`: what has to be whole only; `tensors`: names that an index says to
    be in a file; `missing`: sentences; `passed_over`: what the folder has besides that does not count.
    """

    weights: List[Path] = dataclasses.field(default_factory=list)
    beside: List[Path] = dataclasses.field(default_factory=list)
    tensors: Dict[Path, Set[str]] = dataclasses.field(default_factory=dict)
    missing: List[str] = dataclasses.field(default_factory=list)
    passed_over: List[str] = dataclasses.field(default_factory=list)
    #: What an index names, there or not.
    named: Set[Path] = dataclasses.field(default_factory=set)
    #: Folders that torch.distributed.checkpoint wrote.
    distributed: List[Path] = dataclasses.field(default_factory=list)


def files_of(target: Path, path: str) -> Files:
    """The files of a checkpoint; raises CannotTell where there is none."""
    found = Files()
    if target.is_file():
        if _INDEX.search(target.name):
            _index(target, found)
            found.weights = sorted(found.tensors)
            beside = [place.name for place in target.parent.iterdir() if is_named_alike(place, found.named)]
            found.missing += forgotten(beside, target.parent, found.named)
            found.missing += missing_shards([place.name for place in found.named])
        elif target.suffix in SUFFIXES:
            found.weights.append(target)
        else:
            raise CannotTell("unknown kind", f"{path} is not one of {', '.join(SUFFIXES)}, and no folder.")
        return found
    if not target.is_dir():
        raise CannotTell("no file", f"{path} does not exist. Check the path and the step that writes it.")
    for folder, names in _folders(target, found):
        _folder(folder, names, found)
    found.weights = sorted({*found.weights, *found.tensors})
    found.missing += _trainers_without_weights(target, found)
    if not found.weights and not found.distributed and not found.missing:
        raise CannotTell("no checkpoint", f"The folder {path} has no file that ends with {', '.join(SUFFIXES)}.")
    return found


def _folders(target: Path, found: Files) -> Iterator[Tuple[Path, List[str]]]:
    for folder, below, names in os.walk(target):
        for name in sorted(below):
            if UNFINISHED.search(name):
                found.passed_over.append(f"{(Path(folder) / name).relative_to(target).as_posix()}/")
        below[:] = sorted(name for name in below if not UNFINISHED.search(name))
        yield Path(folder), sorted(names)


def _folder(folder: Path, names: List[str], found: Files) -> None:
    there = set(names)
    if DISTRIBUTED_HEAD in there or any(name.endswith(_DISTRIBUTED) for name in names):
        found.distributed.append(folder)
    for name in names:
        place = folder / name
        if _INDEX.search(name):
            _index(place, found)
        elif name == "model_index.json":
            _pipeline(folder, place, found)
        elif place.suffix in SUFFIXES and place.is_file():
            if UNFINISHED.search(name):
                found.passed_over.append(name)
            elif _BESIDE.match(name):
                found.beside.append(place)
            elif _is_weights(place):
                found.weights.append(place)
            else:
                found.passed_over.append(name)
        elif place.suffix in SUFFIXES and place.is_symlink():
            found.missing.append(f"{name} is a link to a file that does not exist")
    left = [file for file in found.weights if file.parent == folder and is_left(file, found.named)]
    found.weights = [file for file in found.weights if file not in left]
    found.passed_over += [file.name for file in left]
    counting = {name for name in names if folder / name not in left}
    named = {place.name for place in found.named if place.parent == folder}
    found.missing += forgotten(names, folder, found.named)
    found.missing += missing_shards(sorted(counting | named))
    found.missing += missing_of_meta(names)
    found.missing += missing_ranks(folder, names)
    found.missing += missing_rank_folders(folder)
    if _names_class(folder, ("architectures", "_class_name")) and not any(_INDEX.search(name) for name in names):
        found.missing += missing_index(names)
    found.missing += [f"{name} is damaged" for name in names if _JSON.match(name) and not is_json(folder / name)]
    found.missing += _latest(folder, names)
    if any(name.startswith("adapter_model.") for name in names) and "adapter_config.json" not in there:
        found.missing.append("adapter_config.json is missing, without which nobody can load the adapter")
    is_trainer = re.match(r"^checkpoint-\d+$", folder.name) and "training_args.bin" in there
    if (is_trainer or _has_states_of_trainer(names)) and "trainer_state.json" not in there:
        found.missing.append("trainer_state.json is missing, which a trainer writes last")
    if "config.json" in there and _names_class(folder, ("_class_name",)) and not _has_weights(names):
        found.missing.append(f"{folder.name} has a config.json and no weights")


def json_of(place: Path) -> Any:
    """What the file holds; None when it is cut off or no JSON."""
    try:
        return json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def is_json(place: Path) -> bool:
    """Whether it was written to its end."""
    return json_of(place) is not None


def _is_weights(place: Path) -> bool:
    """Of the endings that others use too only what torch wrote, or what was to be weights by its name."""
    if place.suffix not in (".bin", ".ckpt"):
        return True
    if is_torch_file(place):
        return True
    # Several programs name a file so.
    return may_be_cut(place) if place.name == "model.bin" else _WEIGHTS.match(place.name) is not None


def _index(place: Path, found: Files) -> None:
    try:
        shards = json.loads(place.read_bytes())["weight_map"]
        wanted = {str(tensor): str(name) for tensor, name in shards.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found.missing.append(f"{place.name} is damaged: it does not say which file has which tensor")
        return
    if not wanted:
        found.missing.append(f"{place.name} names no tensor")
    absent = []
    for tensor, name in wanted.items():
        shard = place.parent / name
        if name.startswith("/") or ".." in name.split("/"):
            found.missing.append(f"{place.name} names a file outside of its folder")
            return
        found.named.add(shard)
        if shard.is_file():
            found.tensors.setdefault(shard, set()).add(tensor)
        elif name not in absent:
            absent.append(name)
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        found.missing.append(f"{short_list(sorted(absent), 5)} {verb} missing, which {place.name} names")


def _pipeline(folder: Path, place: Path, found: Files) -> None:
    """The parts of a diffusers pipeline."""
    try:
        parts = dict(json.loads(place.read_bytes()))
    except (OSError, ValueError, TypeError):
        found.missing.append(f"{place.name} is damaged")
        return
    for name, kind in parts.items():
        is_part = isinstance(kind, list) and len(kind) == 2 and all(isinstance(one, str) for one in kind)
        if not is_part or name.startswith("_"):
            continue
        try:
            names = os.listdir(folder / name)
        except OSError:
            found.missing.append(f"the folder {name} is missing, which {place.name} names")
            continue
        # Of diffusers' own models the folder itself tells, wherever it lies.
        if not names:
            found.missing.append(f"the folder {name} is empty, which {place.name} names")
        elif "config.json" in names and not _has_weights(names) and _names_class(folder / name, ("architectures",)):
            found.missing.append(f"{name} has a config.json and no weights")


def _names_class(folder: Path, keys: Tuple[str, ...]) -> bool:
    """Whether its config.json is that of a model, for which weights are due."""
    config = json_of(folder / "config.json")
    return isinstance(config, dict) and any(config.get(key) for key in keys)


def _has_weights(names: List[str]) -> bool:
    others = (".msgpack", ".h5", ".onnx", ".xml", _DISTRIBUTED)
    return any((name.endswith((*SUFFIXES, *others)) and not _BESIDE.match(name)) or _INDEX.search(name) for name in names)


def _has_states_of_trainer(names: List[str]) -> bool:
    """As the Trainer of transformers names them; other code names the states of its random numbers otherwise."""
    return {"scheduler.pt", "optimizer.pt"} <= set(names) and any(re.match(r"^rng_state(_\d+)?\.pth$", one) for one in names)


def _trainers_without_weights(target: Path, found: Files) -> List[str]:
    """Folders of a Trainer with the state of its optimizer and no model, below a folder of several checkpoints."""
    folders = {file.parent for file in [*found.weights, *found.beside]} - {target}
    with_model = [file.parent for file in found.weights if not is_of_optimizer(file)]
    with_model += [folder for folder in found.distributed if not is_of_optimizer(folder)]
    return [
        f"{folder.name} has {NO_MODEL}"
        for folder in sorted(folders)
        if re.match(r"^checkpoint-\d+$", folder.name)
        and not any(folder == one or folder in one.parents for one in with_model)
    ]


def is_of_optimizer(place: Path) -> bool:
    """Whether what lies there is the state of an optimizer, by its name."""
    return _OPTIMIZER.search(place.name) is not None


def _latest(folder: Path, names: List[str]) -> List[str]:
    """The file in which DeepSpeed says which of the folders beside it counts."""
    if "latest" not in names:
        return []
    try:
        tag = (folder / "latest").read_text(encoding="utf-8", errors="replace")[:300].strip()
    except OSError:
        return []
    if not tag.startswith("global_step") and "zero_to_fp32.py" not in names:
        return []
    if not tag:
        return ["the file latest is empty"]
    return [] if "/" in tag or (folder / tag).is_dir() else [f"the folder {tag} is missing, which the file latest names"]


def old_files(target: Path, found: Files, old: Mapping[str, str], relative: Mapping[Path, str]) -> Dict[str, str]:
    """Those of the weights that the step did not write and that count; the others are taken out of `found`.

    A folder below in which it wrote nothing is an earlier checkpoint, and so is an old file of a numbered series.
    """
    is_old = {file: relative[file] in old for file in found.weights}
    fresh = {file.parent for file in found.weights if not is_old[file]}
    series = {(file.parent, _series(file.name)) for file in found.weights if not is_old[file]}
    counting: Dict[str, str] = {}
    for file in [file for file in found.weights if is_old[file]]:
        in_series = not SHARD.match(file.name) and file not in found.tensors and (file.parent, _series(file.name)) in series
        earlier = file.parent != target and file.parent not in fresh and bool(fresh)
        if in_series or earlier:
            found.weights.remove(file)
            found.passed_over.append(file.relative_to(target).as_posix() if target.is_dir() else file.name)
        else:
            counting[relative[file]] = old[relative[file]]
    return counting


def _series(name: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", name)
