"""How much is unknown in a camera's code: estimators of the entropy per bit.

Three of NIST SP 800-90B's (2018), reimplemented from its text for binary sources: most common value
(6.3.1), Markov (6.3.3), t-tuple (6.3.5). They read a code as a sequence, in its row-major order.
What is next to a bit in a picture is mostly not next to it in that order, so two more look at the
plane: the information that pairs of neighbours share, and a predictor of a bit from others.
"""

import math

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float64]

_Z = 2.5758293035489008  # of SP 800-90B's upper bounds, 99.5 %
_MARKOV_BITS = 128
_TUPLE_COUNT = 35


def most_common_value(bits: Bits) -> float:
    """Min-entropy per bit by section 6.3.1."""
    share = max(float(bits.mean()), 1 - float(bits.mean()))
    return -math.log2(_upper(share, bits.size))


def markov(bits: Bits) -> float:
    """Min-entropy per bit by section 6.3.3, of the likeliest sequence of 128 bits."""
    first = np.array([1 - bits.mean(), bits.mean()])
    pairs = np.array([[np.sum((bits[:-1] == a) & (bits[1:] == b)) for b in (0, 1)] for a in (0, 1)])
    with np.errstate(divide="ignore"):
        steps = np.log2(pairs / pairs.sum(axis=1, keepdims=True))
        best = np.log2(first)
    for _ in range(_MARKOV_BITS - 1):
        best = (best[:, None] + steps).max(axis=0)
    return min(1.0, -float(best.max()) / _MARKOV_BITS)


def t_tuple(bits: Bits) -> float:
    """Min-entropy per bit by section 6.3.5: from the commonest tuples that occur 35 times."""
    highest, length = 0.0, 1
    words = bits.astype(np.int64)
    while True:
        _, counts = np.unique(words, return_counts=True)
        if counts.max() < _TUPLE_COUNT:
            break
        highest = max(highest, float(counts.max() / words.size) ** (1 / length))
        words = words[:-1] * 2 + bits[length:]
        length += 1
    return -math.log2(_upper(highest, bits.size))


def pair_deficit(signs: Plane, reach: int) -> float:
    """Bits that a sign shares with its neighbours, from all pairs within `reach` rows and columns.

    `signs` (H, W): ±1, and 0 where the code takes none. A pair of correlation c shares c²/(2 ln 2)
    bits, to second order; the sampling error of c² is subtracted. What three or more share beyond
    their pairs is not in it.
    """
    height, width = signs.shape
    total = 0.0
    for row in range(reach + 1):
        for column in range(-reach, reach + 1):
            if row == 0 and column <= 0:
                continue
            here = signs[: height - row, max(0, -column) : width - max(0, column)]
            there = signs[row:, max(0, column) : width - max(0, -column)]
            products = here * there
            pairs = int(np.count_nonzero(products))
            if pairs:
                total += (float(products.sum()) ** 2 / pairs - 1) / (2 * math.log(2))
    return total / int(np.count_nonzero(signs))


def predictor_deficit(signs: Plane, reach: int) -> float:
    """1 − cross-entropy in bits of a logistic prediction of each sign from those read before it.

    Fitted on one half of the plane and judged on the other, both ways; a lower bound of what a
    reader of the code gains, and negative if that is nothing.
    """
    inner = np.pad(signs, reach)
    offsets = [
        (row, column)
        for row in range(-reach, 1)
        for column in range(-reach, reach + 1)
        if row < 0 or column < 0
    ]
    around = np.stack([np.roll(inner, (-r, -c), axis=(0, 1)) for r, c in offsets], axis=-1)
    kept = inner != 0
    x, y = around[kept], inner[kept]
    half = len(y) // 2
    losses = [
        _loss(_fitted(x[fit], y[fit]), x[judge], y[judge])
        for fit, judge in ((np.s_[:half], np.s_[half:]), (np.s_[half:], np.s_[:half]))
    ]
    return 1 - float(np.mean(losses))


def _fitted(x: Plane, y: Plane) -> Plane:
    """Weights of a logistic regression by Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(8):
        chance = 1 / (1 + np.exp(-y * (x @ weights)))
        gradient = x.T @ (y * (1 - chance))
        curvature = (x * (chance * (1 - chance))[:, None]).T @ x + np.eye(x.shape[1])
        weights += np.linalg.solve(curvature, gradient)
    return weights


def _loss(weights: Plane, x: Plane, y: Plane) -> float:
    return float(np.mean(np.logaddexp(0, -y * (x @ weights)))) / math.log(2)


def _upper(share: float, count: int) -> float:
    return min(1.0, share + _Z * math.sqrt(share * (1 - share) / (count - 1)))
