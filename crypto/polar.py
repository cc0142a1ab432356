"""Polar codes: message bits to a codeword, and likely codewords back from soft decisions.

Arıkan, "Channel polarization", IEEE Trans. Inf. Theory 55(7), 2009: codeword x = u·G, with G the
m-th Kronecker power of [[1, 0], [1, 1]] and no bit reversal; u carries the message at the positions
that polarise best and zeros elsewhere. Which positions: those of largest polarisation weight
Σ b_j·2^(j/4), b_j the binary digits of the position (He et al., "β-expansion", GLOBECOM 2017), the
order behind 5G's; it depends on nothing but the length, so both sides compute it.

Decoding is successive cancellation with a list (Tal and Vardy, IEEE Trans. Inf. Theory 61(5), 2015)
on log-likelihood ratios with the path metric of Balatsoukas-Stimming et al. (IEEE Trans. Signal
Process. 63(19), 2015, eq. 10). Subtrees without message bits are passed over in one step: the sum
of their metrics does not depend on where in the tree it is taken. At low rates that is most of it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .errors import MisuseError

Bits = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
OfPaths = TypeVar("OfPaths", Bits, Floats)


@dataclass(frozen=True)
class PolarCode:
    """`length` n, a power of two; `message_bits` k of at least 1 and at most n."""

    length: int
    message_bits: int

    def __post_init__(self) -> None:
        power_of_two = self.length > 0 and self.length & (self.length - 1) == 0
        if not (power_of_two and 1 <= self.message_bits <= self.length):
            raise MisuseError(f"no polar code of {self.message_bits} bits in {self.length}")

    @cached_property
    def message_positions(self) -> Indices:
        """Where in u the message is: k indices, ascending."""
        best = np.argsort(polarisation_weights(self.length))[-self.message_bits :]
        return np.sort(best)

    def encode(self, message: Bits) -> Bits:
        """Codewords of 0 and 1, uint8 (..., n), for messages of 0 and 1, (..., k)."""
        u = np.zeros((*message.shape[:-1], self.length), np.uint8)
        u[..., self.message_positions] = message
        return transformed(u)

    def message_of(self, codeword: Bits) -> Bits:
        """What `encode` made into these codewords: uint8 (..., k)."""
        return transformed(codeword)[..., self.message_positions]

    def decode(self, ratios: npt.ArrayLike, list_size: int) -> tuple[Bits, Floats]:
        """Likely codewords for log-likelihood ratios (B, n), positive where a bit is likely 0.

        Returns codewords (B, L, n) with L = min(`list_size`, 2^k), most likely first, and their
        metrics (B, L): minus their log-likelihood but for a term that all of one row share.
        """
        values = np.asarray(ratios, np.float64)
        if values.ndim != 2 or values.shape[1] != self.length or list_size < 1:
            raise MisuseError(f"decoding takes rows of {self.length} ratios and a list")
        found = _Decoder(self, list_size).decode(values)
        order = np.argsort(found.metrics, axis=1, kind="stable")
        return (
            np.take_along_axis(found.bits, order[..., None], axis=1),
            np.take_along_axis(found.metrics, order, axis=1),
        )


def polarisation_weights(length: int) -> Floats:
    """Weight of each position, float64 (n,); no two are equal for lengths up to 2^14."""
    digits = np.arange(length)[:, None] >> np.arange(max(1, length.bit_length() - 1)) & 1
    weights: Floats = digits @ 2.0 ** (np.arange(digits.shape[1]) / 4)
    return weights


def transformed(bits: Bits) -> Bits:
    """bits·G over the last axis; its own inverse."""
    result, half = bits.copy(), 1
    while half < bits.shape[-1]:
        pairs = result.reshape(*bits.shape[:-1], -1, 2, half)
        pairs[..., 0, :] ^= pairs[..., 1, :]
        half *= 2
    return result


@dataclass(frozen=True)
class _Paths:
    """What a subtree leaves: bits (B, L, n), metrics (B, L), and from which path each came."""

    bits: Bits
    metrics: Floats
    origins: Indices | None  # (B, L); None: every path went on


class _Decoder:
    """One decoding; rows and paths are worked on together, the tree one node after the other."""

    def __init__(self, code: PolarCode, list_size: int) -> None:
        self._list_size = list_size
        carries = np.zeros(code.length, np.intp)
        carries[code.message_positions] = 1
        self._message_bits_before = np.concatenate([[0], np.cumsum(carries)])

    def decode(self, ratios: Floats) -> _Paths:
        return self._node(ratios[:, None, :], np.zeros((len(ratios), 1)), 0)

    def _node(self, ratios: Floats, metrics: Floats, start: int) -> _Paths:
        size = ratios.shape[2]
        before = self._message_bits_before
        if before[start] == before[start + size]:  # all zeros
            metrics = metrics + np.logaddexp(0, -ratios).sum(axis=2)
            return _Paths(np.zeros(ratios.shape, np.uint8), metrics, None)
        if size == 1:
            return self._message_bit(ratios[..., 0], metrics)
        a, b = ratios[..., : size // 2], ratios[..., size // 2 :]
        left = self._node(_either(a, b), metrics, start)
        a, b = _follow(a, left.origins), _follow(b, left.origins)
        right = self._node(b + np.where(left.bits, -a, a), left.metrics, start + size // 2)
        bits = _follow(left.bits, right.origins)
        joined = np.concatenate([bits ^ right.bits, right.bits], axis=2)
        return _Paths(joined, right.metrics, _composed(left.origins, right.origins))

    def _message_bit(self, ratios: Floats, metrics: Floats) -> _Paths:
        """Both values of one bit for every path; of those the list's size of the best."""
        rows, paths = ratios.shape
        zero, one = (metrics + np.logaddexp(0, sign * ratios) for sign in (-1, 1))
        both = np.concatenate([zero, one], axis=1)
        if 2 * paths <= self._list_size:
            kept = np.broadcast_to(np.arange(2 * paths), (rows, 2 * paths))
        else:
            kept = np.argsort(both, axis=1, kind="stable")[:, : self._list_size]
        bits = (kept >= paths).astype(np.uint8)[..., None]
        return _Paths(bits, np.take_along_axis(both, kept, axis=1), kept % paths)


def _either(a: Floats, b: Floats) -> Floats:
    """Ratio of the sum of two bits: 2·atanh(tanh(a/2)·tanh(b/2)), without overflow."""
    least = np.sign(a) * np.sign(b) * np.minimum(np.abs(a), np.abs(b))
    result: Floats = least + np.log1p(np.exp(-np.abs(a + b))) - np.log1p(np.exp(-np.abs(a - b)))
    return result


def _follow(values: OfPaths, origins: Indices | None) -> OfPaths:
    """Of every path what belongs to the one that it came from."""
    return values if origins is None else np.take_along_axis(values, origins[..., None], axis=1)


def _composed(first: Indices | None, second: Indices | None) -> Indices | None:
    if first is None or second is None:
        return second if first is None else first
    return np.take_along_axis(first, second, axis=1)
