"""A probe as half a byte for each symbol, for files: another machine may round it differently."""

import numpy as np

from ..errors import MalformedMessage, MisuseError
from .score_proof import Probe

LARGEST = 7


def pack_probe(probe: Probe) -> bytes:
    """int8 (N,) within ±7, N even, as N/2 bytes: two's complement, the first in the upper half."""
    if probe.dtype != np.int8 or probe.size % 2 or (np.abs(probe.astype(np.int16)) > LARGEST).any():
        raise MisuseError(f"a packed probe has an even number of int8 within ±{LARGEST}")
    nibbles = probe.view(np.uint8) & 0xF
    return (nibbles[0::2] << 4 | nibbles[1::2]).tobytes()


def unpack_probe(data: bytes) -> Probe:
    """The probe of its bytes; `MalformedMessage` if it is none, for -8 is no symbol."""
    packed = np.frombuffer(data, np.uint8)
    probe: Probe = np.stack([packed >> 4, packed & 0xF], axis=1).astype(np.int8).ravel()
    probe[probe > LARGEST] -= 16
    if (probe < -LARGEST).any():
        raise MalformedMessage(f"a symbol of the packed probe is not within ±{LARGEST}")
    return probe
