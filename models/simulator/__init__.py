"""Virtual cameras with a known fingerprint: scene -> RAW frame -> developed picture -> file."""

from grainseal.models.simulator.burst import take_burst
from grainseal.models.simulator.camera import RawFrame, SensorParameters, VirtualCamera
from grainseal.models.simulator.develop import Development, develop
from grainseal.models.simulator.scene import dead_leaves, flat_scene
from grainseal.models.simulator.writers import write_dng, write_jpeg

__all__ = [
    "Development",
    "RawFrame",
    "SensorParameters",
    "VirtualCamera",
    "dead_leaves",
    "develop",
    "flat_scene",
    "take_burst",
    "write_dng",
    "write_jpeg",
]
