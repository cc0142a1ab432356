"""Secure sketch: a code of signs, hidden behind a random codeword, and back from a noisy one.

Code-offset construction (Juels and Wattenberg, CCS 1999; Dodis et al., SIAM J. Comput. 38(1), 2008,
section 5): sketch = code ⊕ C(message) for a random message. Who has a noisy version of the code
gets a noisy codeword from the sketch. C repeats each bit of a polar codeword r times, and the r
soft decisions on it are added up before the polar code is decoded.

The sketch tells N − k bits about the code; what that leaves secret is README.md's, "Keys".
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .errors import MalformedMessage, MisuseError
from .polar import Bits
from .profiles import FuzzyProfile

Code = npt.NDArray[np.int8]
Soft = npt.NDArray[np.floating]

# Features have heavier tails than the normal distribution that the decoder's ratios assume: a
# dust grain is one large number. Three deviations keep all that a normal one says.
_CLIP = 3.0
# Median of |x| of a standard normal variable.
_MEDIAN = 0.6745


def sketch_of(profile: FuzzyProfile, code: Code, message: Bits) -> bytes:
    """N/8 bytes, most significant bit first, for a code of ±1 and k message bits."""
    if code.shape != (profile.length,) or not (np.abs(code) == 1).all():
        raise MisuseError(f"{profile.name} takes a code of {profile.length} signs")
    if message.shape != (profile.message_bits,):
        raise MisuseError(f"{profile.name} takes a message of {profile.message_bits} bits")
    return packed(bits_of(code) ^ _repeated(profile, profile.outer.encode(message)))


def recovered(profile: FuzzyProfile, sketch: bytes, soft: Soft) -> Iterator[Bits]:
    """The codes that were most likely sketched, most likely first, as bits (N,).

    `soft`: (N,), in the order of the code: the sign is that of the noisy code, the size how sure
    it is, in any unit. `MalformedMessage` for a sketch of another length.
    """
    offset = unpacked(sketch, profile.length)
    ratios = codeword_ratios(profile, offset, soft)[None]
    for size in profile.list_sizes:
        for codeword in profile.outer.decode(ratios, size)[0][0]:
            yield offset ^ _repeated(profile, codeword)


def codeword_ratios(profile: FuzzyProfile, offset: Bits, soft: Soft) -> npt.NDArray[np.float64]:
    """Log-likelihood ratios (..., N/r) of the polar codeword's bits, positive for 0.

    `offset`: the sketch's bits, `soft`: soft decisions, both (..., N). As for signs seen at the
    profile's amplitude in normal noise.
    """
    values = np.asarray(soft, np.float64)
    if values.shape[-1] != profile.length or not np.isfinite(values).all():
        raise MisuseError(f"{profile.name} takes {profile.length} soft decisions")
    scale = np.median(np.abs(values), axis=-1, keepdims=True) / _MEDIAN
    normal = np.divide(values, scale, out=np.zeros_like(values), where=scale > 0)
    ratios = 2 * profile.amplitude * np.clip(normal, -_CLIP, _CLIP) * (1.0 - 2.0 * offset)
    summed: npt.NDArray[np.float64] = ratios.reshape(
        *values.shape[:-1], -1, profile.repetition
    ).sum(axis=-1)
    return summed


def bits_of(code: Code) -> Bits:
    """1 for −1, 0 for +1."""
    bits: Bits = (code < 0).astype(np.uint8)
    return bits


def packed(bits: Bits) -> bytes:
    """Bytes of bits, most significant first."""
    return np.packbits(bits).tobytes()


def unpacked(data: bytes, count: int) -> Bits:
    """`count` bits; `MalformedMessage` unless they fill the bytes, up to zeros at the end."""
    bits: Bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if len(data) != (count + 7) // 8 or bits[count:].any():
        raise MalformedMessage(f"{count} bits do not have {len(data)} bytes")
    return bits[:count]


def _repeated(profile: FuzzyProfile, codeword: Bits) -> Bits:
    return np.repeat(codeword, profile.repetition, axis=-1)
