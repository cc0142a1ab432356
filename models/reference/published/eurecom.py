"""Skrabec and Ghosh, "Deep learning for source digital camera identification", EURECOM, 2021."""

from dataclasses import dataclass
from typing import Final

PAPER: Final = "Škrabec, Ghosh, EURECOM, 2021"
PHOTOS: Final = "SOCRatES, real photos of phones"
TABLE_1_AT: Final = "Table 1, section 1.2.1"
TABLE_2_AT: Final = "Table 2, section 2.3"
CLOSED_AT: Final = "section 3.5"


@dataclass(frozen=True)
class Method:
    """One row: shares of 1; `images`: how many one inference takes, reference and probe."""

    name: str
    eer: float
    auc: float
    recognition_rate: float | None
    images: str


LUKAS: Final = Method("Lukas et al.", 0.0894, 0.9106, 0.9191, "50+1")
LI: Final = Method("Li", 0.0921, 0.9079, 0.9164, "50+1")
SKRABEC: Final = Method("Škrabec", 0.136, 0.9447, None, "4+4")

# Section 2.3: pairs of sets, half of them one camera's, and photos on a side.
PAIRS: Final = 1000
SET: Final = 4
# Section 1.2.1 and Table 2: background pictures in a reference.
BACKGROUNDS: Final = 50

# Section 3.5: unseen photos of the cameras that were trained on.
CLOSED_ACCURACY: Final = 0.501
CLOSED_CAMERAS: Final = 15
