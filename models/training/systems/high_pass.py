"""Filters that begin blind to shading.

What one camera's photos have in common is far fainter than what they show, and filters drawn at
random see what they show.
"""

from typing import Final

import torch
from torch import nn

_DEGREE: Final = 2


def blind_to_shading(convolution: nn.Conv2d) -> None:
    """Take from every square filter what it has of polynomials of second degree over its reach.

    Shading of that degree, which is most of a scene over a few pixels, then has no answer but the
    bias. Training is free to find others.
    """
    weights = convolution.weight
    reach = weights.shape[-1]
    place = torch.linspace(-1, 1, reach, dtype=torch.float64)
    powers = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    shading = torch.stack([torch.outer(place**i, place**j).flatten() for i, j in powers], dim=1)
    basis, _ = torch.linalg.qr(shading)
    with torch.no_grad():
        filters = weights.double().flatten(2)
        weights.copy_((filters - filters @ basis @ basis.T).reshape(weights.shape))
