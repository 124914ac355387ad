"""Whether the numbers of a tensor are ones that a model can have."""

from __future__ import annotations

import re
from typing import Any

#: Infinity here is divergence, whatever it looks like.
_LEARNED = re.compile(
    r"(^|[._])(weight|exp_avg|exp_avg_sq|momentum_buffer|lora_[AB]\b.*|gamma|beta|kernel|scale|shift|embed(ding)?s?|tokens?|proj"
    r"|projection|head|decoder|encoder|linear|fc|conv|norm|downscaling|upscaling|prompt|latents?|codebook"
    r"|param(eter)?s?|w|b)\d*$",
    re.IGNORECASE,
)
#: Buffers that hold -infinity beside other numbers.
_MASK = re.compile(
    r"^((attn|attention|causal|src|tgt|memory|padding|key_padding|window|sliding_window|shifted_window|local|global|logits?|vocab"
    r"|suppress)_)?mask$|^(masked_bias|alibi)$",
    re.IGNORECASE,
)


class NoData(Exception):
    """The tensor has a shape and no numbers."""


def is_sound(torch: Any, name: str, tensor: Any) -> bool:
    """No NaN, and no infinity but in a mask or a constant, as models keep them in buffers."""
    values = _numbers(torch, tensor)
    if values is None or bool(torch.isfinite(values).all()):
        return True
    if bool(torch.isnan(values).any()) or values.is_complex() or _is_learned(name, values):
        return False
    return _is_constant_or_mask(torch, name, values)


def _is_learned(name: str, values: Any) -> bool:
    return _LEARNED.search(name) is not None or (name.rsplit(".", 1)[-1] == "bias" and values.dim() == 1)


def _is_constant_or_mask(torch: Any, name: str, values: Any) -> bool:
    finite = torch.isfinite(values)
    if bool((values[~finite] > 0).any()):
        # The smallest value seen so far, as metrics keep it before they have seen one.
        return int(values.numel()) == 1
    if bool((values[finite] == 0).all()):
        return True
    return _MASK.match(name.rsplit(".", 1)[-1]) is not None or _is_triangle(torch, ~finite)


def _is_triangle(torch: Any, infinite: Any) -> bool:
    """Infinite where one place of a sequence must not look at another: on one side of the diagonal."""
    if infinite.dim() < 2 or infinite.shape[-1] != infinite.shape[-2] or infinite.shape[-1] < 2:
        return False
    above = torch.ones(infinite.shape[-2:], dtype=torch.bool).triu(1)
    return bool((infinite == above).all() or (infinite == above.T).all())


def _numbers(torch: Any, tensor: Any) -> Any:
    """The numbers that may be wrong, in a type with which can be computed; None where every one is finite."""
    if tensor.device.type == "meta":
        raise NoData()
    if getattr(tensor, "is_nested", False):
        tensor = torch.cat([part.reshape(-1) for part in tensor.unbind()])
    if tensor.is_quantized:
        return None  # whole numbers with scales that torch refuses to read when they are none
    if tensor.layout == torch.sparse_coo:
        tensor = tensor.coalesce().values()
    elif tensor.layout != torch.strided:
        tensor = tensor.values()
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.numel() == 0:
        return None
    if "float4" in str(tensor.dtype):
        return None  # no pattern of four bits is NaN
    return tensor.float() if tensor.element_size() == 1 else tensor
