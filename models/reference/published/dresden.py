"""Bennabhaktula, Alegre, Karastoyanova, Azzopardi, "Device-based image matching with similarity
learning by convolutional neural networks", ICPRAM 2020.

Pairs of photos and threshold of its Algorithm 1 are in models/reference/signature_similarity.py.
"""

from typing import Final

PAPER: Final = "Bennabhaktula et al., ICPRAM 2020"
MATRIX_AT: Final = "Figure 4, Algorithm 1, section 4.2"
PHOTOS: Final = "Dresden, subset JPEG: other photos of the cameras that were trained on"

CAMERAS: Final = 31
ACCURACY: Final = 0.85  # over all cells; the cells' own values stand in the figure only
