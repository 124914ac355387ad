"""8-bit µ-law, the telephone's companding: half the bytes of 16-bit samples, with quiet parts kept."""

import numpy as np
import numpy.typing as npt

Int16 = npt.NDArray[np.int16]

_BIAS = 132
_CLIP = 32635


def _decode_table() -> Int16:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent = (code >> 4) & 7
    magnitude = ((((code & 15) << 3) + _BIAS) << exponent) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> npt.NDArray[np.uint8]:
    """Code of every 16-bit sample, indexed by the sample seen as unsigned."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.zeros_like(magnitude)
    for bit in range(1, 8):
        exponent[magnitude >= (_BIAS - 4) << bit] = bit
    mantissa = (magnitude >> (exponent + 3)) & 15
    sign = np.where(sample < 0, 0x80, 0)
    code: npt.NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code


_DECODE = _decode_table()
_ENCODE = _encode_table()


def encode(samples: Int16) -> bytes:
    """16-bit samples [n] to n bytes."""
    return _ENCODE[samples.view(np.uint16)].tobytes()


def decode(data: bytes) -> Int16:
    """n bytes to 16-bit samples [n]."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)]
