"""The tables there are, by name; a table's code is loaded when it is asked for."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .layout import Reproduction
    from .work import Settings


@dataclass(frozen=True)
class Table:
    """One table: what it shows, what --data must have, where it is computed.

    `any_side`: False where photos are of the size that the network was trained on.
    """

    shows: str
    needs: str
    place: str
    any_side: bool = True

    def compute(self, settings: "Settings") -> "Reproduction":
        """`ClientError` for photos that do not do, or a system without weights."""
        function: Callable[[Settings], Reproduction] = pkgutil.resolve_name(
            f"grainseal.client.reproduction.{self.place}"
        )
        return function(settings)


# As client/reproduction/photos.py looks for them; kinds of VISION and SOCRatES do too.
_SCENES: Final = "natural (or nat, foreground)"
_BOTH: Final = f"flat (or background) and {_SCENES}"

TABLES: Final = {
    "eurecom-1": Table(
        "RSPN and ESPN: EER, AUC, recognition rate",
        _BOTH,
        "eurecom:table_1",
    ),
    "eurecom-2": Table("these and siamese: EER, AUC", _BOTH, "eurecom:table_2"),
    "eurecom-closed": Table(
        "patch-classifier's accuracy",
        f"{_SCENES}, of the cameras it was trained on",
        "eurecom:closed",
        any_side=False,
    ),
    "csi-cnn-2": Table("CSI-CNN's correlations", _BOTH, "csi_cnn:table_2"),
    "csi-cnn-3": Table(
        "CSI-CNN, wavelet and DnCNN after five platforms",
        f"{_BOTH}; platforms' own copies in twitter, weibo, natFBH, instagram, wechat",
        "csi_cnn:table_3",
    ),
    "dresden-matrix": Table(
        "signature-similarity's matrix of all cameras", _SCENES, "dresden:matrix", any_side=False
    ),
    "photonecf-single": Table(
        "PhotoNecf's AUC and EER", f"{_SCENES}, best RAW", "photonecf:single"
    ),
}
