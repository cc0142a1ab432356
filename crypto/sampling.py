"""Secret randomness from the operating system, as numpy arrays.

Everything that masks an answer comes from here; numpy's own generators are not made for secrets.
"""

import os

import numpy as np
from numpy.typing import NDArray

Uint64 = NDArray[np.uint64]
Int64 = NDArray[np.int64]

# SEAL's error distribution: a centred binomial of 2·21 coins, standard deviation √10.5 = 3.24.
NOISE_COINS = 21
_COINS = np.uint64((1 << NOISE_COINS) - 1)


def uniform_below(modulus: int, count: int) -> Uint64:
    """`count` independent integers, uniform in [0, modulus), 1 < modulus < 2³¹, as uint64.

    By rejection from the next power of two, so without bias.
    """
    mask = np.uint32((1 << (modulus - 1).bit_length()) - 1)
    kept = np.empty(0, np.uint64)
    while kept.size < count:
        words = np.frombuffer(os.urandom(4 * (count + count // 8 + 16)), np.uint32) & mask
        kept = np.concatenate([kept, words[words < modulus].astype(np.uint64)])
    return kept[:count]


def ternary(count: int) -> Int64:
    """`count` independent integers, uniform in {−1, 0, 1}, as int64."""
    return uniform_below(3, count).astype(np.int64) - 1


def centred_binomial(count: int) -> Int64:
    """`count` independent integers of mean 0 and standard deviation 3.24, as int64."""
    words = np.frombuffer(os.urandom(8 * count), np.uint64)
    heads, tails = words & _COINS, (words >> np.uint64(32)) & _COINS
    noise: Int64 = np.bitwise_count(heads).astype(np.int64) - np.bitwise_count(tails)
    return noise
