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
    """One table: what it shows, what --data must have, where it is computed."""

    shows: str
    needs: str
    place: str

    def compute(self, settings: "Settings") -> "Reproduction":
        """`ClientError` for photos that do not do, or a system without weights."""
        function: Callable[[Settings], Reproduction] = pkgutil.resolve_name(
            f"grainseal.client.reproduction.{self.place}"
        )
        return function(settings)


TABLES: Final = {
    "eurecom-1": Table(
        "RSPN and ESPN: EER, AUC, recognition rate", "flat, natural", "eurecom:table_1"
    ),
    "eurecom-2": Table("these and siamese: EER, AUC", "flat, natural", "eurecom:table_2"),
    "eurecom-closed": Table(
        "patch-classifier's accuracy", "natural, of the cameras it was trained on", "eurecom:closed"
    ),
    "csi-cnn-2": Table("CSI-CNN's correlations", "flat, natural", "csi_cnn:table_2"),
    "csi-cnn-3": Table(
        "CSI-CNN, wavelet and DnCNN after five platforms",
        "flat, natural; perhaps copies in twitter, weibo, natFBH, instagram, wechat",
        "csi_cnn:table_3",
    ),
    "dresden-matrix": Table(
        "signature-similarity's matrix of all cameras", "natural", "dresden:matrix"
    ),
    "photonecf-single": Table("PhotoNecf's AUC and EER", "natural, best RAW", "photonecf:single"),
}
