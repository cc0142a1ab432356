"""Siamese set matcher: Skrabec, "Siamese networks for source digital camera identification"
(Skrabec and Ghosh, EURECOM, 2021, section 2).

Were two sets of photos taken by one camera? Wavelet residuals of patches of 256x256 from one place
of every photo are averaged on either side; one random crop of 128x128, the same on both, goes
through one extractor of features twice; a single neuron weighs the absolute difference of the two
vectors of 1024. Five blocks of convolution (3x3, rectified), maximum over 2x2 and normalisation,
the number of filters rising, then a dense layer (2.2.2). Binary cross-entropy; half the pairs are
one camera's, four photos a side.

In use scores of several places are averaged, "extended inference": 40 in the paper (2.3).

Our choices

- Label and score 1 mean one camera, as the training does in 2.2.2; the same section says elsewhere
  that values near 0 do.
- Filters of the five blocks: 32, 48, 64, 96, 128. Convolutions do not pad, the default of the
  library it was written with; so a crop ends as 2x2.
- Nothing behind the dense layer of 1024.
- Residuals, about .01, are multiplied by 100 before the first layer.
- Four photos a side in training, any number in use.
- Adam with a rate that falls along a cosine.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from grainseal.models.reference.siamese import CROP, FEATURES

FILTERS: Final = (32, 48, 64, 96, 128)
_SCALE: Final = 100.0


class Features(nn.Module):
    """A crop of averaged residuals in, its vector out."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        side = CROP
        for before, after in pairwise((3, *FILTERS)):
            blocks += [
                nn.Conv2d(before, after, 3),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(after),
            ]
            side = (side - 2) // 2
        self.blocks = nn.Sequential(*blocks)
        self.dense = nn.Linear(FILTERS[-1] * side**2, FEATURES)

    def forward(self, residual: Tensor) -> Tensor:
        """(N, 3, 128, 128) -> (N, 1024)."""
        features: Tensor = self.dense(self.blocks(residual * _SCALE).flatten(1))
        return features


class Similarity(nn.Module):
    """Two vectors in, the probability that one camera took both sides out."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(FEATURES, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 1024) twice -> (N,) in [0, 1]."""
        return torch.sigmoid(self.logit(one, other))

    def logit(self, one: Tensor, other: Tensor) -> Tensor:
        """(N,): what the sigmoid is taken of, for a loss that does not round."""
        difference: Tensor = self.dense((one - other).abs())
        return difference[:, 0]


class Siamese(nn.Module):
    """Both networks, as they are trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.features = Features()
        self.similarity = Similarity()

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 3, 128, 128) twice -> (N,), logits."""
        return self.similarity.logit(self.features(one), self.features(other))
