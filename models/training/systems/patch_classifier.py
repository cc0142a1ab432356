"""Patch classifier: Ghosh, "Source camera identification using convolutional neural network"
(Skrabec and Ghosh, EURECOM, 2021, section 3), after Freire-Obregon et al., Pattern Recognition
Letters 126, 2019.

Which of the cameras it was trained on took a patch of 32x32? Convolutions of 8x8 and 3x3, a maximum
over 2x2, dense layers of 256 and 512 and one neuron per camera (3.4); 10 % of the inputs and 20 %
of what is between the convolutions are dropped in training (3.5). Categorical cross-entropy.

Our choices

- 32 filters in each convolution, rectified; convolutions do not pad. The paper has neither number.
- Patches are taken from the photo at full size; the authors first bring photos to 640x640, which
  moves the sensor's pattern off its grid.
- A photo's probabilities are the mean of its patches'; the paper has patches alone.
- Adam with a rate that falls along a cosine.
"""

from typing import Final

from torch import Tensor, nn

from grainseal.models.reference.patch_classifier import PATCH

_FILTERS: Final = 32
_FIRST, _SECOND, _POOL = 8, 3, 2
_DENSE: Final = (256, 512)
_INPUT_DROPPED, _HIDDEN_DROPPED = 0.1, 0.2


class PatchClassifier(nn.Module):
    """Patches in, a logit for each camera out."""

    def __init__(self, cameras: int) -> None:
        super().__init__()
        side = (PATCH - (_FIRST - 1) - (_SECOND - 1)) // _POOL
        self.layers = nn.Sequential(
            nn.Dropout(_INPUT_DROPPED),
            nn.Conv2d(3, _FILTERS, _FIRST),
            nn.ReLU(),
            nn.Dropout(_HIDDEN_DROPPED),
            nn.Conv2d(_FILTERS, _FILTERS, _SECOND),
            nn.ReLU(),
            nn.MaxPool2d(_POOL),
            nn.Flatten(),
            nn.Linear(_FILTERS * side**2, _DENSE[0]),
            nn.ReLU(),
            nn.Linear(_DENSE[0], _DENSE[1]),
            nn.ReLU(),
            nn.Linear(_DENSE[1], cameras),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 3, 32, 32) in [0, 1] -> (N, cameras)."""
        logits: Tensor = self.layers(patches)
        return logits


class Probabilities(nn.Module):
    """The same with a softmax behind it, as it is used."""

    def __init__(self, classifier: PatchClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 3, 32, 32) in [0, 1] -> (N, cameras), rows of sum 1."""
        return self.classifier(patches).softmax(dim=1)
