"""ESPN: Li, "Source camera identification using enhanced sensor pattern noise", IEEE TIFS 5(2),
2010, pages 280-287, as Skrabec and Ghosh state and measure it (EURECOM, 2021, section 1.2.1).

The larger a residual n, the likelier it is the scene's and not the sensor's, so only its sign is
kept in full where it is small:

    n_e = +exp(-n^2 / (2 alpha^2)) for n >= 0,  -exp(-n^2 / (2 alpha^2)) for n < 0,  alpha = 7,

n in 8-bit levels. Only the photo that is asked about is enhanced; the reference is the plain
average of models/reference/rspn.py, and the score their normalised correlation:
`--extractor wavelet --matcher espn`.

Our choices

- Colour: what is enhanced is the residual of the luminance, as for the RSPN.
- RAW: 255 levels between black and white.
- A probe of several photos: their average is enhanced.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

ALPHA: Final = 7.0
_LEVELS: Final = 255.0


def enhanced(residual: Plane, alpha: float = ALPHA) -> Plane:
    """n_e in [-1, 1] of a float32 (H, W) residual on the scale of [0, 1], as a new array."""
    levels = residual * np.float32(_LEVELS)
    size = np.exp(-0.5 * np.square(levels) / np.float32(alpha**2))
    found: Plane = np.where(levels >= 0, size, -size)
    return found
