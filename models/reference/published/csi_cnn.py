"""Wang, Sun, Rong, Li, Xu, "Image source identification using convolutional neural networks in IoT
environment", Wireless Communications and Mobile Computing, 2021.
"""

from dataclasses import dataclass
from typing import Final

PAPER: Final = "Wang, Sun, Rong, Li, Xu, 2021"
TABLE_2_AT: Final = "Table 2, section 4.3.1"
TABLE_3_AT: Final = "Table 3, section 4.3.2"

# Table 2: mean correlation of 200 photos of each camera (rows) with each camera's fingerprint, by
# CSI-CNN; last, by the wavelet, with their own camera's.
CAMERAS: Final = ("Honor 10", "iPhone 6", "Nubia Z17", "Redmi note8", "Galaxy S5")
CORRELATIONS: Final = (
    (0.0767, -0.0068, -0.0040, 0.0058, -0.0005),
    (-0.0067, 0.0990, -0.0051, 0.0026, -0.0052),
    (-0.0047, -0.0056, 0.0670, 0.0002, 0.0013),
    (0.0035, -0.0027, 0.0051, 0.1033, 0.0024),
    (-0.0136, -0.0250, 0.0042, 0.0088, 0.2610),
)
WAVELET: Final = (0.0591, 0.0777, 0.0474, 0.0821, 0.2044)


@dataclass(frozen=True)
class Accuracy:
    """One row of Table 3: shares of photos whose highest correlation is with their own camera."""

    dataset: str
    platform: str
    csi_cnn: float
    wavelet: float
    dncnn: float


TABLE_3: Final = (
    Accuracy("Our", "Twitter", 0.950, 0.887, 0.453),
    Accuracy("Our", "Facebook", 0.864, 0.792, 0.580),
    Accuracy("Our", "Instagram", 0.836, 0.708, 0.552),
    Accuracy("Our", "WeChat", 0.803, 0.727, 0.423),
    Accuracy("Our", "WeiBo", 0.937, 0.843, 0.460),
    Accuracy("Kaggle", "Twitter", 0.936, 0.928, 0.508),
    Accuracy("Kaggle", "Facebook", 0.928, 0.880, 0.524),
    Accuracy("Kaggle", "Instagram", 0.840, 0.756, 0.492),
    Accuracy("Kaggle", "WeChat", 0.813, 0.808, 0.436),
    Accuracy("Kaggle", "WeiBo", 0.892, 0.864, 0.508),
    Accuracy("Vision", "Twitter", 0.744, 0.696, 0.384),
    Accuracy("Vision", "Facebook", 0.708, 0.676, 0.352),
    Accuracy("Vision", "Instagram", 0.660, 0.560, 0.372),
    Accuracy("Vision", "WeChat", 0.648, 0.548, 0.368),
    Accuracy("Vision", "WeiBo", 0.728, 0.604, 0.368),
    Accuracy("Daxing", "Twitter", 0.832, 0.780, 0.420),
    Accuracy("Daxing", "Facebook", 0.836, 0.880, 0.524),
    Accuracy("Daxing", "Instagram", 0.840, 0.768, 0.424),
    Accuracy("Daxing", "WeChat", 0.764, 0.652, 0.408),
    Accuracy("Daxing", "WeiBo", 0.808, 0.768, 0.428),
)
PLATFORMS: Final = tuple(dict.fromkeys(row.platform for row in TABLE_3))
