"""Files that are one of several by their names: shards, ranks and numbered parts, and which of them are missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

from .torch_file import facts_of
from .values import short_list

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".gguf")
SHARD = re.compile(r"^(.*[-_.])(\d{4,6})([-_]of[-_])(\d{4,6})(\..+)$")
#: With few digits such a name may also be the third of ten epochs.
_SHORT_SHARD = re.compile(
    r"^((?:.*[-_.])?(?:rank|shard|part|model|weights|consolidated|chunk|split|worker|process|gpu|[tpmd]p)[-_.])"
    r"(\d{1,3})([-_]of[-_])(\d{1,3})(\..+)$",
    re.IGNORECASE,
)
_RANK = re.compile(r"^(.*rank[-_]?)(\d+)(.*)$")
#: How large the matrices of an adapter are.
_OF_ADAPTER = re.compile(r"(lora|dora|loha|lokr|adapter)[-_.]?rank[-_]?$", re.IGNORECASE)
_RANK_FOLDER = re.compile(r"^mp_rank_\d+(_\d+)*$")
_OF_TRANSFORMERS = re.compile(r"^(model|pytorch_model|diffusion_pytorch_model)(\.\w+)?-$")
_WORLD = re.compile(r"world_size[-_]?(\d+)")
_OF_META = re.compile(r"^consolidated\.(\d+)(\.\w+)$")


def _family(name: str) -> "Tuple[str, str, str] | None":
    parts = SHARD.match(name)
    return (parts[1], parts[4], parts[5]) if parts else None


def is_named_alike(place: Path, named: Set[Path]) -> bool:
    """A shard of the same model as those that an index names."""
    family = _family(place.name)
    return family is not None and any(one.parent == place.parent and _family(one.name) == family for one in named)


def forgotten(names: List[str], folder: Path, named: Set[Path]) -> List[str]:
    """Sentences about shards of a model that its own index does not name."""
    left = [name for name in names if folder / name not in named and is_named_alike(folder / name, named)]
    return [f"{name} is there, and the index of its model does not name it" for name in sorted(left)]


def is_left(file: Path, named: Set[Path]) -> bool:
    """A shard that the index beside it does not name: of a model that was there before."""
    alike = any(one.suffix == file.suffix and one.parent == file.parent for one in named)
    return alike and file not in named and not is_named_alike(file, named) and SHARD.match(file.name) is not None


def missing_shards(names: List[str]) -> List[str]:
    """Names such as model-00001-of-00003.bin say how many there are."""
    families: Dict[Tuple[str, str, str, str], Set[int]] = {}
    for name in names:
        parts = SHARD.match(name) or _SHORT_SHARD.match(name)
        if parts and name.endswith(SUFFIXES):
            families.setdefault((parts[1], parts[3], parts[4], parts[5]), set()).add(int(parts[2]))
    told = []
    for (stem, between, of, end), numbers in sorted(families.items()):
        # Most count from 1, some from 0.
        first = 0 if 0 in numbers else 1
        absent = [number for number in range(first, first + int(of)) if number not in numbers]
        listed = [f"{stem}{number:0{len(of)}d}{between}{of}{end}" for number in absent]
        if listed and int(of) < 100_000:
            told.append(f"{short_list(listed, 5)} {'is' if len(listed) == 1 else 'are'} missing of {int(of)}")
    return told


def missing_of_meta(names: List[str]) -> List[str]:
    """consolidated.00.pth and so on: without a gap; how many there are nothing tells."""
    families: Dict[Tuple[int, str], Set[int]] = {}
    for name in names:
        parts = _OF_META.match(name)
        if parts and name.endswith(SUFFIXES):
            families.setdefault((len(parts[1]), parts[2]), set()).add(int(parts[1]))
    return [
        f"consolidated.{number:0{width}d}{end} is missing"
        for (width, end), numbers in sorted(families.items())
        for number in range(min(max(numbers), 9999))
        if number not in numbers
    ]


def missing_ranks(folder: Path, names: List[str]) -> List[str]:
    """What each process of a training wrote, as DeepSpeed does: ranks without a gap, as many as the files say."""
    families: Dict[Tuple[str, str], Dict[int, str]] = {}
    for name in names:
        parts = _RANK.match(name) if name.endswith(SUFFIXES) else None
        if parts:
            families.setdefault((parts[1], parts[3]), {})[int(parts[2])] = name
            # Of zero_pp_rank_0_mp_rank_00 the first number counts too.
            inner = _RANK.match(re.sub(r"rank[-_]?$", "", parts[1]))
            if inner:
                families.setdefault((inner[1], f"{inner[3]}rank_{parts[2]}{parts[3]}"), {})[int(inner[2])] = name
    processes = _processes(folder, names)
    told = []
    for (before, after), files in sorted(families.items()):
        most = max(files) + 1
        world = _WORLD.search(f"{before}{after}")
        if world and int(world[1]) < 100_000:
            most = max(most, int(world[1]))
        if before.endswith("zero_pp_rank_") and after.endswith("optim_states.pt") and processes is not None:
            most = max(most, processes)
        if _OF_ADAPTER.search(before) or (not world and not _are_processes(before, files)):
            continue
        absent = [str(number) for number in range(most) if number not in files]
        if absent:
            told.append(f"the file of rank {short_list(absent, 5)} is missing beside {next(iter(files.values()))}")
    return told


def _are_processes(before: str, files: Dict[int, str]) -> bool:
    """Whether these numbers count something, and tell no size."""
    is_of_deepspeed = before.endswith(("mp_rank_", "pp_rank_"))
    return is_of_deepspeed or 0 in files or 1 in files or 2 * len(files) > max(files)


def missing_rank_folders(folder: Path) -> List[str]:
    """The same of folders, as Megatron has one for each process."""
    ranks = [one for one in sorted(folder.iterdir()) if _RANK_FOLDER.match(one.name) and one.is_dir()]
    told = [f"{one.name} is empty" for one in ranks if not any(one.iterdir())]
    families: Dict[str, Dict[int, str]] = {}
    for one in ranks:
        first, _, rest = one.name[len("mp_rank_") :].partition("_")
        families.setdefault(rest, {})[int(first)] = one.name
    of_all = {number for files in families.values() for number in files}
    for files in families.values():
        absent = [str(number) for number in range(min(max(of_all), 9999) + 1) if number not in files]
        if absent:
            told.append(f"the folder of rank {short_list(absent, 5)} is missing beside {next(iter(files.values()))}")
    return told


def missing_index(names: List[str]) -> List[str]:
    """The index without which transformers and diffusers load no model of several files; they write it last."""
    told: Set[str] = set()
    for name in names:
        parts = SHARD.match(name)
        kind = _OF_TRANSFORMERS.match(parts[1]) if parts and name.endswith((".safetensors", ".bin")) else None
        if parts and kind:
            told.add(f"{kind[1]}{parts[5]}.index{kind[2] or ''}.json is missing, which is written last")
    return sorted(told)


def _processes(folder: Path, names: List[str]) -> "int | None":
    """How many processes DeepSpeed says that there were."""
    for name in names:
        if name.endswith("_model_states.pt"):
            try:
                facts: Any = facts_of(folder / name)
                count = facts.get("dp_world_size")
            except (ValueError, OSError, AttributeError):
                continue
            if isinstance(count, int) and 0 < count < 100_000:
                return count
    return None
