"""A network in the place of isonet's whose answers are known: two stops for each doubling of noise.

The metric is 2 log2(mean magnitude of the planes' 3x3 second difference, in 8-bit steps).
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

from grainseal.models.manifest import write_weights

KERNEL = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32)


def write_iso_network(folder: Path) -> None:
    from onnx import TensorProto, checker, helper, numpy_helper

    constants = {
        "kernel": np.tile(KERNEL, (3, 1, 1, 1)),
        "scale": np.array(255, np.float32),
        "stops": np.array(2 / np.log(2), np.float32),
        "axes": np.array([1, 2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["patches", "kernel"], ["fine"], group=3),
        helper.make_node("Abs", ["fine"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["steps"]),
        helper.make_node("Log", ["steps"], ["log"]),
        helper.make_node("Mul", ["log", "stops"], ["metric"]),
    ]
    graph = helper.make_graph(
        nodes,
        "isonet",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 3, 64, 64])],
        [helper.make_tensor_value_info("metric", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model)
    known = {
        "domain": "developed", "planes": 3, "margin": 0, "contract": "", "parameters": 0,
        "config": {}, "command": "", "hardware": "", "seconds": 0.0, "commit": "", "scores": {},
    }  # fmt: skip
    write_weights(folder, "isonet", model.SerializeToString(), known)


def metric_of(patch: np.ndarray) -> float:
    """The same of uint8 (64, 64, 3), by another way."""
    sizes = [
        np.abs(ndimage.convolve(patch[:, :, c].astype(float), KERNEL)[1:-1, 1:-1]) for c in range(3)
    ]
    return float(2 * np.log2(np.mean(sizes)))
