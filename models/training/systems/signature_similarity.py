"""Signature and similarity networks: Bennabhaktula, Alegre, Karastoyanova, Azzopardi, "Device-based
image matching with similarity learning by convolutional neural networks", ICPRAM 2020 (section 3,
Table 1, Figure 3, equations 1-3), after Mayer and Stamm, ICASSP 2018.

Did one camera take two photos? In phase I a network learns to tell the training cameras apart; cut
off at its dense layer of 1024 it gives a photo's signature (Table 1). In phase II a second network
learns from pairs of signatures whether they are one camera's (Figure 3): a dense layer of 2048
looks at each, and one more at both results and the product of the signatures. Categorical, then
binary cross-entropy.

Our choices

- The input is the centre of the photo, side x side pixels at full size (192 in the configuration);
  the paper takes the whole photo and does not say at what size.
- Strides, which Table 1 leaves out: 2 in the first convolution and in every maximum over 3x3; no
  padding. So a side of 192 ends as 3x3 in 128 channels.
- The second dense layer of the similarity network, without a size in the paper, has 64 neurons.
- The similarity network sees its two signatures in an order; in use the score is the mean of both.
- A set of several photos has the mean of their signatures.
- Pairs of phase II are those within a batch, four photos of each camera in it; pairs of two cameras
  are weighted so that they count as much together as pairs of one.
- Adam with a rate that falls along a cosine, where the authors use gradient descent with momentum.
"""

from typing import Final

import torch
from torch import Tensor, nn

from grainseal.models.reference.signature_similarity import SIGNATURE

_WIDE: Final = 2048
_LAST: Final = 64
_DENSE: Final = 200
# Filters, side of a filter, stride (Table 1, layers 1 to 4).
_LAYERS: Final = ((96, 7, 2), (64, 5, 1), (64, 5, 1), (128, 1, 1))
_POOL, _POOL_STRIDE = 3, 2


class Signature(nn.Module):
    """A photo in, its signature out (Table 1, layers 1 to 5)."""

    def __init__(self, side: int) -> None:
        """`side` of the photos in pixels; ValueError if nothing of them would be left."""
        super().__init__()
        blocks: list[nn.Module] = []
        before = 3
        for filters, reach, stride in _LAYERS:
            blocks += [
                nn.Conv2d(before, filters, reach, stride=stride),
                nn.BatchNorm2d(filters),
                nn.Tanh(),
                nn.MaxPool2d(_POOL, _POOL_STRIDE),
            ]
            before = filters
        self.blocks = nn.Sequential(*blocks)
        self.dense = nn.Linear(before * side_at_the_end(side) ** 2, SIGNATURE)

    def forward(self, photos: Tensor) -> Tensor:
        """(N, 3, side, side) in [0, 1] -> (N, 1024) in [-1, 1]."""
        return torch.tanh(self.dense(self.blocks(photos - 0.5).flatten(1)))


class Similarity(nn.Module):
    """Two signatures in, the probability that one camera took both out (Figure 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(SIGNATURE, _WIDE)
        self.second = nn.Linear(2 * _WIDE + SIGNATURE, _LAST)
        self.last = nn.Linear(_LAST, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 1024) twice -> (N,) in [0, 1]."""
        return torch.sigmoid(self.logit(one, other))

    def logit(self, one: Tensor, other: Tensor) -> Tensor:
        """(N,): what the sigmoid is taken of, for a loss that does not round."""
        looked = [torch.relu(self.first(side)) for side in (one, other)]
        joined = torch.cat((*looked, one * other), dim=1)
        logit: Tensor = self.last(torch.relu(self.second(joined)))
        return logit[:, 0]


class SignatureSimilarity(nn.Module):
    """All that is trained: signature, its classes (phase I) and similarity (phase II)."""

    def __init__(self, side: int, cameras: int) -> None:
        super().__init__()
        self.signature = Signature(side)
        self.classes = nn.Sequential(
            nn.Linear(SIGNATURE, _DENSE), nn.Tanh(), nn.Linear(_DENSE, cameras)
        )
        self.similarity = Similarity()

    def forward(self, photos: Tensor) -> Tensor:
        """(N, 3, side, side) in [0, 1] -> (N, cameras), logits of phase I."""
        logits: Tensor = self.classes(self.signature(photos))
        return logits


def side_at_the_end(side: int) -> int:
    """Side of what the last maximum leaves of a photo; ValueError below one pixel."""
    for _, reach, stride in _LAYERS:
        side = ((side - reach) // stride + 1 - _POOL) // _POOL_STRIDE + 1
        if side < 1:
            raise ValueError("the photo is too small for the signature network: 115 pixels or more")
    return side
