"""What the PhotoNecf network was trained by; its weights are imported, not trained here.

Qian et al., "Web Photo Source Identification based on Neural Enhanced Camera Fingerprint", WWW 2023
(arXiv 2302.09228), and the code at https://github.com/PhotoNecf/PhotoNecf (MIT licence):

    loss = MSE(residual, fingerprint) + .01 * (triplet + .001 * mean L2 norm of the residuals)

`fingerprint` is the camera's, made of many photos; `triplet` is the hardest-triplet loss of the
batch. Published training: centre crops of 256x256 of RAW photos, beginning with a denoiser of grey
pictures that was trained before, the noise-level plane driven by the photo's ISO, Adam with a rate
of 1e-5 and a weight decay of 1e-6, batches of 2,048 on several GPUs. The hardest of 2,048 is what
it learns from, and two cores cannot do such batches: hence no training here.

Our choices

- An anchor without another photo of its camera in the batch has no triplet and is left out of the
  mean; without any triplet, or in a batch of one camera, the loss is 0. (In the published code what
  is missing counts as a distance of 0, or as the largest one there is.)
- A residual that is all zero has no direction: it lies at the origin, 1 from every other.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

MARGIN: Final = 0.2
SEPARATION_WEIGHT: Final = 0.01
NORM_WEIGHT: Final = 0.001
# Distances of float32 differences: by products, close residuals would drown in rounding.
_EXACT: Final = "donot_use_mm_for_euclid_dist"


def loss(residual: Tensor, fingerprint: Tensor, camera: Tensor) -> Tensor:
    """The published sum: a scalar of (N, ...) residuals, their cameras' fingerprints of that shape.

    `camera`: integers (N,).
    """
    norms = torch.linalg.vector_norm(residual.flatten(1), dim=1)
    separation = hardest_triplet(residual, camera) + NORM_WEIGHT * norms.mean()
    return functional.mse_loss(residual, fingerprint) + SEPARATION_WEIGHT * separation


def hardest_triplet(residual: Tensor, camera: Tensor, margin: float = MARGIN) -> Tensor:
    """Mean over the anchors of max(0, farthest of the camera - nearest of another + margin).

    (N, ...) residuals and integers (N,); Euclidean distances of the residuals as unit vectors. The
    gradient is finite where residuals are equal or zero.
    """
    unit = _unit(residual.flatten(1))
    distances = torch.cdist(unit, unit, compute_mode=_EXACT)
    same = camera[:, None] == camera
    positive = same & ~torch.eye(len(camera), dtype=torch.bool, device=camera.device)
    anchors = positive.any(dim=1)
    if not bool(anchors.any()):
        return distances.sum() * 0
    farthest = distances.masked_fill(~positive, -torch.inf)[anchors].amax(dim=1)
    # Infinitely far where there is no other camera: the hinge is 0.
    nearest = distances.masked_fill(same, torch.inf)[anchors].amin(dim=1)
    return functional.relu(farthest - nearest + margin).mean()


def _unit(vectors: Tensor) -> Tensor:
    """(N, D) of length 1, but 0 where they are."""
    norms = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    return vectors / torch.where(norms > 0, norms, 1.0)
