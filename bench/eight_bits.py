"""Would `neural` with 8-bit weights and activations be faster, and what would it lose?

Static quantisation by onnxruntime, each output channel with its own scale, calibrated on simulated
shots, judged on others. The linear path that carries the pattern (details and mixes) and the sum
with the scene keep their precision in one variant: its values are a thousandth of the picture's.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.table import Row
from grainseal.models.extractor import Observation
from grainseal.models.fingerprint import estimate
from grainseal.models.manifest import WEIGHTS, read_weights
from grainseal.models.matching import ncc
from grainseal.models.neural import session
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.photo import Photo, PhotoKind
from grainseal.models.simulator.variety import Shot, take_shot
from grainseal.models.tiling import in_tiles

SECTION: Final = "neural with 8 bits"
STEM: Final = "neural-developed"
FLOAT: Final = "32-bit floats"
SIDE: Final = 512
CALIBRATING: Final = range(30_000_000, 30_000_012)
JUDGED: Final = range(31_000_000, 31_000_032)
EXACT: Final = ("/details", "/mixes", "/scene")  # layers that stay as they are in one variant

Planes = npt.NDArray[np.float32]
_Inputs = dict[str, npt.NDArray[np.float32]]


def rows(quick: bool = False) -> list[Row]:
    """Correlation with the truth and time on one thread, of each variant."""
    if find_spec("onnx") is None:
        return [Row(SECTION, STEM, "left out: it takes pip install 'grainseal[train]'")]
    manifest, weights = read_weights(WEIGHTS, STEM)
    networks = {FLOAT: weights}
    networks["8 bits, all layers"] = quantised(weights, ())
    networks["8 bits, all but the linear path"] = quantised(weights, EXACT)
    judged = [take_shot(seed, SIDE, "developed") for seed in JUDGED[:: 4 if quick else 1]]
    reached: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    runs = {name: _runner(network, manifest.file) for name, network in networks.items()}
    for name, run in runs.items():
        reached[name] = [_correlation(shot, run, manifest.margin) for shot in judged]
    for _ in range(3 if quick else 9):  # in turns: what else the machine does meets all alike
        for name, run in runs.items():
            seconds.setdefault(name, []).append(_seconds(run))
    return [_row(name, reached, seconds, len(networks[name])) for name in networks]


def quantised(weights: bytes, exact: Sequence[str]) -> bytes:
    """The network with 8-bit convolutions, but for layers whose names begin with one of `exact`."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Shots(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._inputs = _calibration()

        def get_next(self) -> _Inputs | None:
            return next(self._inputs, None)

    names = [node.name for node in onnx.load_from_string(weights).graph.node]
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        before.write_bytes(weights)
        quantize_static(
            before,
            after,
            Shots(),
            op_types_to_quantize=["Conv", "Relu"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[name for name in names if name.startswith(tuple(exact))],
        )
        return after.read_bytes()


def _calibration() -> Iterator[_Inputs]:
    for seed in CALIBRATING:
        shot = take_shot(seed, SIDE, "developed")
        level = np.array([photo_noise_level(_photo(shot))], np.float32)
        yield {"planes": shot.planes[None], "level": level}


def _photo(shot: Shot) -> Photo:
    pixels = np.rint(shot.planes * 255).astype(np.uint8).transpose(1, 2, 0)
    return Photo(pixels, "developed", "simulated", "")


def _runner(weights: bytes, name: str) -> Callable[[Planes, float], Planes]:
    network: Any = session(weights, name)

    def run(planes: Planes, level: float) -> Planes:
        fed = {"planes": planes[None], "level": np.array([level], np.float32)}
        residual: Planes = network.run(["residual"], fed)[0][0]
        return residual

    return run


class _Extractor:
    name = "8 bits"

    def __init__(self, run: Callable[[Planes, float], Planes], margin: int) -> None:
        self._run, self._margin = run, margin

    def source(self, _kind: PhotoKind, /) -> str:
        return self.name

    def observe(self, photo: Photo) -> Iterator[Observation]:
        level = photo_noise_level(photo)
        residual = in_tiles(photo, SIDE, self._margin, lambda planes: self._run(planes, level))
        for index in range(photo.plane_count):
            yield Observation(photo.plane(index), residual[index])


def _correlation(shot: Shot, run: Callable[[Planes, float], Planes], margin: int) -> float:
    return ncc(estimate([_photo(shot)], _Extractor(run, margin)).values, shot.pattern)


def _seconds(run: Callable[[Planes, float], Planes]) -> float:
    """Of this thread alone, which is the only one that works."""
    planes = np.random.default_rng(0).random((3, 1024, 1024), np.float32)
    began = time.thread_time()
    run(planes, 0.01)
    return time.thread_time() - began


def _row(
    name: str, reached: dict[str, list[float]], seconds: dict[str, list[float]], size: int
) -> Row:
    """Differences are paired by shot; the interval is 1.96 standard errors."""
    value = (
        f"mean correlation {np.mean(reached[name]):.4f}; 1 megapixel on one thread "
        f"{min(seconds[name]):.2f} s; {size / 1e6:.2f} MB"
    )
    if name != FLOAT:
        more = np.subtract(reached[name], reached[FLOAT])
        error = 1.96 * more.std(ddof=1) / np.sqrt(len(more))
        times = min(seconds[FLOAT]) / min(seconds[name])
        value += f"; difference {more.mean():+.4f} ± {error:.4f}; {times:.2f} times as fast"
    return Row(SECTION, name, value)
