"""The systems there are: ours, the classical ones, and those that others published.

`use` is the grainseal command that uses it, without its files. Looking one up loads no network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from grainseal.models.manifest import WEIGHTS, WeightsError, read_weights
from grainseal.models.reference.interfaces import Kind
from grainseal.models.reference.weights import missing


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class System:
    """One system. `missing`: why it cannot be used and what to do about it, None when it can."""

    id: str
    kind: Kind
    paper: str
    use: str
    needs_weights: bool = False
    missing: Callable[[], str | None] = _nothing


def _shipped(name: str) -> Callable[[], str | None]:
    def look() -> str | None:
        try:
            read_weights(WEIGHTS, f"{name}-developed")
        except WeightsError as error:
            return str(error)
        return None

    return look


def _photonecf() -> str | None:
    from grainseal.models.reference import photonecf  # loads onnxruntime

    return photonecf.missing()


def _trained(system: str, kind: Kind, paper: str, use: str, parts: tuple[str, ...] = ()) -> System:
    """A system whose networks `grainseal train` makes: one, or one for each of the parts."""
    stems = tuple(f"{system}-{part}" for part in parts) or (system,)
    return System(
        system, kind, paper, use, needs_weights=True, missing=partial(missing, system, stems)
    )


SYSTEMS: Final = (
    System(
        "wavelet",
        "extractor",
        "Lukas, Fridrich, Goljan, IEEE TIFS 1(2), 2006; "
        "Chen, Fridrich, Goljan, Lukas, IEEE TIFS 3(1), 2008",
        "evaluate --extractor wavelet",
    ),
    System(
        "rspn",
        "pair matcher",
        "Lukas, Fridrich, Goljan, IEEE TIFS 1(2), 2006",
        "evaluate --extractor wavelet --matcher rspn",
    ),
    System(
        "espn",
        "pair matcher",
        "Li, IEEE TIFS 5(2), 2010; Skrabec, Ghosh, EURECOM 2021, section 1.2.1",
        "evaluate --extractor wavelet --matcher espn",
    ),
    System(
        "neural",
        "extractor",
        "grainseal's own (docs/EVALUATION.md, Extractors)",
        "evaluate --extractor neural",
        needs_weights=True,
        missing=_shipped("neural"),
    ),
    System(
        "neural-best",
        "extractor",
        "grainseal's own (docs/EVALUATION.md, Extractors)",
        "evaluate --extractor neural-best",
        needs_weights=True,
        missing=_shipped("neural-best"),
    ),
    System(
        "photonecf",
        "extractor",
        "Qian et al., WWW 2023, arXiv 2302.09228",
        "evaluate --extractor photonecf",
        needs_weights=True,
        missing=_photonecf,
    ),
    _trained(
        "csi-cnn",
        "extractor",
        "Wang, Sun, Rong, Li, Xu, Wireless Communications and Mobile Computing, 2021",
        "evaluate --extractor csi-cnn",
    ),
    _trained(
        "dncnn",
        "extractor",
        "Zhang, Zuo, Chen, Meng, Zhang, IEEE TIP 26(7), 2017; Wang et al., 2021, section 4.2.1",
        "evaluate --extractor dncnn",
    ),
    _trained(
        "siamese",
        "pair matcher",
        "Skrabec, Ghosh, EURECOM, 2021, section 2",
        "evaluate --matcher siamese",
        ("features", "similarity"),
    ),
    _trained(
        "signature-similarity",
        "pair matcher",
        "Bennabhaktula, Alegre, Karastoyanova, Azzopardi, ICPRAM 2020",
        "evaluate --matcher signature-similarity",
        ("signature", "similarity"),
    ),
    _trained(
        "patch-classifier",
        "classifier",
        "Skrabec, Ghosh, EURECOM, 2021, section 3",
        "evaluate --matcher patch-classifier",
    ),
    _trained(
        "isonet",
        "estimator",
        "ISONet, IWDW 2020, https://github.com/zengh5/ISONet",
        "systems iso",
    ),
)
