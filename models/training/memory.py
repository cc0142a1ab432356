"""Freed memory stays with the process, for the next step of a training needs as much again.

glibc gives large blocks back to the system at once, and every page of the next ones is a fault:
of small networks on large patches, more than half of the time.
"""

import ctypes
import sys
from contextlib import suppress
from typing import Final

# Of mallopt(3): what to set, and to how many bytes.
_SETTINGS: Final = ((-1, 2**31 - 1), (-3, 2**30))  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD


def keep_freed_memory() -> None:
    """For the rest of this process; nothing happens where the C library is another one."""
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for setting, value in _SETTINGS:
            mallopt(setting, value)
